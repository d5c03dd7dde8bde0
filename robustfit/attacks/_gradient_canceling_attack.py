"""Gradient canceling: rows whose gradients add up to minus those of the clean rows, at a model chosen beforehand."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._inner import check_count
from robustfit.attacks._linear import scores
from robustfit.attacks._linear._ascent import Freedom, descend, units
from robustfit.attacks._linear._decoys import train_decoys
from robustfit.attacks._linear._implicit import Bilevel, RowGradients, TrainingRows, pull_gradients
from robustfit.attacks._linear._points_needed import read_classifier, read_model
from robustfit.attacks._linear._poisonability import rows_to_justify
from robustfit.attacks._linear._smooth_learner import SmoothLearner
from robustfit.attacks._linear._spectral import spectral_descent
from robustfit.attacks._linear._task import Task, read_task, sets_or_range
from robustfit.attacks._poisoned import Poisoned
from robustfit.certify import FeasibleSet

Floats = NDArray[np.float64]

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_TARGETS = 3
_PARAMETER_STEPS = 50
_HALVINGS = 20


class GradientCancelingAttack(BaseAttack):
    """Insert rows at which the gradient of a model cancels that of the clean rows, so that training ends at the model.

    The rows start as copies of clean ones, moved to a margin at which they pull. Their labels stay, and the features
    move until the gradients of all rows and of the penalty add up to as little as can be. One unit of the budget is one
    row; it may exceed the number of clean rows.

    Parameters
    ----------
    estimator : LogisticRegression, LinearSVC or linear SVC, default=None
        The learner, with two classes. By default ``LogisticRegression()``.
    target_model : fitted linear estimator, or array-like of shape (n_features + 1,), default=None
        The model (w, b) that training shall end at. By default harmful ones are made, see Notes.
    feasible_set : FeasibleSet or dict of label to FeasibleSet, default=None
        Where the inserted rows of all, or of each, class may lie. By default the box between the smallest and the
        largest value of each column.
    n_iter : int, default=200
        Most steps for each start; a step does not train the learner.

    Notes
    -----
    For the model θ and labels y_k the features x_k minimise ``‖∇L(θ; D) + Σ_k ∇ℓ(θ; x_k, y_k)‖²``, with the sum L that
    the learner minimises over the clean rows D, penalty included. There are five starts, which differ in how the labels
    divide. A hinge is smoothed by a temperature of 0.1. Of the results the one with the smallest sum is kept.

    Without ``target_model``, two kinds of models are made: by ascent of the loss of the clean rows over models no
    longer than the clean one, and by training on clean rows and others that contradict them. Each is drawn towards the
    clean model until `poisonability` does not exclude that the budget is enough. The three that harm the clean rows
    most are tried; the learner is trained on each result, and that after which it harms them most is kept.

    A larger budget starts anew.

    ``Poisoned.details``: ``"target"``, the model (w, b); ``"theta"``, what the learner becomes, with a smoothed hinge
    if it has one; ``"residual"``, the length of the sum of gradients at the target, over that of the clean rows alone:
    0 if training ends at the target; ``"loss_before"`` and ``"loss_after"``, as for `GradientAttack`.

    See Also
    --------
    poisonability : How many rows it takes at least to reach a model.
    ModelTargetedAttack : Reaches a model row by row.
    KKTAttack : The same aim with two distinct rows, for a hinge.

    References
    ----------
    .. [1] Y. Lu, G. Kamath and Y. Yu, "Exploring the Limits of Model-Targeted Indiscriminate Data Poisoning Attacks",
       ICML 2023.
    .. [2] Y. Sun, Y. Lu, et al., "Indiscriminate Data Poisoning Attacks on Neural Networks", TMLR 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from robustfit.attacks import GradientCancelingAttack
    >>> from robustfit.certify import Box
    >>> X, y = np.linspace(-1, 1, 40).reshape(-1, 1), np.repeat([0, 1], 20)
    >>> attack = GradientCancelingAttack(target_model=[-0.5, 0.2], feasible_set=Box([-4.0], [4.0]))
    >>> poisoned = attack.generate(X, y, budget=40)
    >>> victim = LogisticRegression(tol=1e-8).fit(poisoned.X, poisoned.y)
    >>> victim.coef_.round(2), victim.intercept_.round(2)
    (array([[-0.5]]), array([0.2]))
    """

    def __init__(
        self, estimator: Any = None, *, target_model: Any = None, feasible_set: Any = None, n_iter: int = 200
    ) -> None:
        self.estimator = estimator
        self.target_model = target_model
        self.feasible_set = feasible_set
        self.n_iter = n_iter

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        name = type(self).__name__
        n_iter = check_count(self.n_iter, "n_iter", name)
        classes, _ = clean.signs(name)
        task = read_task(clean, self.estimator, name, chance.choices)
        read_classifier(task.learner.victim.estimator, name)
        sets = sets_or_range(self.feasible_set, task, clean.labels)
        problem = task.bilevel()
        theta = task.learner.fit(*task.rows)
        if self.target_model is None:
            targets = _harmful_targets(task, problem, sets, theta, budget, chance.choices)
        else:
            given = read_model(self.target_model, task.learner.victim, task.rows.X.shape[1], classes, "target_model")
            targets = [given[:, None]]
        sources = chance.rows.integers(len(clean), size=budget)
        search = _Search(task, problem, sets, sources, n_iter)
        attempts = [attempt for target in targets for attempt in search.attempts(target)]
        wanted = self.target_model is None
        best = max(attempts, key=lambda attempt: attempt.harm if wanted else -attempt.residual)
        details = {
            "target": best.target[:, 0],
            "theta": best.theta[:, 0],
            "residual": best.residual,
            "loss_before": problem.harm(theta),
            "loss_after": best.harm,
        }
        return clean.add(best.rows.X, classes[(best.rows.Y[:, 0] > 0).astype(np.int64)], sources, details)


class _Attempt(NamedTuple):
    """Rows for one target from one start, and what they do."""

    rows: TrainingRows
    target: Floats
    residual: float
    theta: Floats
    harm: float


@dataclass(frozen=True, eq=False)
class _Search:
    """Rows that cancel the gradient at a target, from several starts."""

    task: Task
    problem: Bilevel
    sets: tuple[FeasibleSet, ...]
    sources: NDArray[np.int64]
    n_iter: int

    def attempts(self, target: Floats) -> Iterator[_Attempt]:
        """Try every way to divide the labels."""
        learner, clean = self.task.learner, self.task.rows
        wanted = learner.gradient(target, *clean)
        size = max(float(np.linalg.norm(wanted)), np.finfo(np.float64).tiny)

        def evaluate(rows: TrainingRows) -> tuple[float, RowGradients]:
            left = (wanted + learner.pull(target, *rows)) / size
            gradients = pull_gradients(learner, target, rows, left / size)
            return 0.5 * float((left**2).sum()), gradients

        for start, freedom in self._starts(target[:, 0]):
            rows, _ = descend(evaluate, start, freedom, self.n_iter)
            residual = float(np.sqrt(2 * evaluate(rows)[0]))
            theta = self.problem.train(rows)
            yield _Attempt(rows, target, residual, theta, self.problem.harm(theta))

    def _starts(self, target: Floats) -> Iterator[tuple[TrainingRows, Freedom]]:
        X, count = self.task.rows.X[self.sources], len(self.sources)
        scale = units(self.task.rows.X, self.sets)
        weights = target[:-1]
        steep = weights / max(float(weights @ weights), np.finfo(np.float64).tiny)
        best = _strongest_margin(self.task.learner)
        for positive in sorted({round(share * count) for share in _SHARES}):
            member = (np.arange(count) < positive).astype(np.int64)
            signs = np.where(member == 1, 1.0, -1.0)
            # A row far on its side of a hinge has no gradient, and would never move.
            shifted = X + ((signs * best) - scores(X, target))[:, None] * steep
            freedom = Freedom(self.sets, member, scale)
            yield self.task.encode(member, np.ones(count), freedom.project(shifted)), freedom


def _strongest_margin(learner: SmoothLearner) -> float:
    """Return the margin m at which a row pulls most at the length of the model: −ℓ'(m) m is largest."""
    margins = np.linspace(0.0, 2.0, 401)[:, None]
    return float(margins[np.argmax(-learner.loss.slope(np.ones_like(margins), margins) * margins), 0])


def _harmful_targets(
    task: Task,
    problem: Bilevel,
    sets: tuple[FeasibleSet, ...],
    theta: Floats,
    budget: int,
    rng: np.random.Generator,
) -> list[Floats]:
    """Return models that do harm, as far away from the clean one as the budget may reach."""
    X, signs, victim = task.rows.X, task.rows.Y[:, 0], task.learner.victim
    flipped = train_decoys(victim, X, signs, sets, budget, rng)
    distant = [_worst_model(problem, theta), *(decoy.theta[:, None] for decoy in flipped)]

    def excluded(target: Floats, share: float) -> bool:
        return rows_to_justify(victim, X, signs, (theta + share * (target - theta))[:, 0]) > budget

    def within_reach(target: Floats) -> Floats:
        if not excluded(target, 1.0):
            return target
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if excluded(target, middle) else (middle, high)
        return theta + low * (target - theta)

    reachable = [within_reach(target) for target in distant]
    reachable.sort(key=problem.harm, reverse=True)
    return reachable[:_TARGETS]


def _worst_model(problem: Bilevel, theta: Floats) -> Floats:
    """Climb the loss of the clean rows, over models no longer than the clean one."""
    longest = float(np.linalg.norm(theta))

    def project(point: Floats) -> Floats:
        length = float(np.linalg.norm(point))
        return point * (longest / length) if length > longest else point

    def evaluate(point: Floats) -> tuple[float, Floats]:
        value, slope = problem.harm_gradient(point)
        return -value, -slope

    return spectral_descent(evaluate, project, theta, first_step=longest / 2, n_iter=_PARAMETER_STEPS)[0]
