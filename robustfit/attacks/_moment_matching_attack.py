"""Rows with the mean and covariance of their class: what filters that look at moments cannot see."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows
from robustfit.attacks._labels import Labels
from robustfit.attacks._moments import Moments, skewed_rows
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._reference_model import class_scores, reference_model

SHARES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7)
"""Shares of rows on the far side that are tried first."""

MOST_ROWS = 2000
"""Clean rows that a trial is fitted on."""

N_SOFT = 8
"""Directions, besides that of the model itself, in which the search looks."""


class MomentMatchingAttack(BaseAttack):
    """Insert rows of a class whose mean and covariance are those of the class, and that mislead a linear learner.

    Along one direction the rows take two values: a share of them lies far on the side of the other classes, the rest a
    little on the other side. In all other directions they lie where rows of the class lie. So no filter that measures
    distances by the first two moments of a class (its centroid, its covariance, its principal directions) sees
    anything: the moments that it measures are those of the clean class, and by them the poison is as near as the class.
    Direction and share are those that harm a reference model most, which is refitted for each trial. One unit of the
    budget is one row.

    Parameters
    ----------
    label : label, default=None
        Label of the inserted rows, which y must know. By default the one with which most harm is done.
    estimator : classifier, default=None
        Reference model, with ``decision_function`` or ``predict_proba``. By default ``LogisticRegression`` behind a
        ``StandardScaler``. A ``random_state`` that it leaves open is derived from that of `generate`.
    n_trials : int, default=60
        How many times the reference model is refitted to improve on the best of the first directions and shares, on up
        to 2000 clean rows each time. The first ones take another six per class that may be the label.

    See Also
    --------
    InsertionAttack : Rows that such filters see.

    Notes
    -----
    With Σ = RᵀR the covariance of class k, inserted rows are x = μ_k + (t u + v) R, with a unit vector u, a skewed t of
    mean 0 and variance 1 (−√((1−p)/p) for a share p of the rows, √(p/(1−p)) for the rest), and v ⟂ u from rows of the
    class, corrected to be uncorrelated. With more rows than the rank of Σ, mean and covariance (with divisor n) are
    those of the class to rounding. With m rows fewer, the mean is, and the covariance is in u and in the m − 2
    directions of most variance; ``Poisoned.details["residual"]`` is the rest, ‖Σ − Σ'‖ / ‖Σ‖ in Frobenius norm on
    columns divided by their standard deviations.

    This is as far as moments let an attacker go. Where the slope of the loss is at most 1 and a share a of m rows lies
    where it is not 0, their pull along a direction u of the uncorrelated coordinates, less that of their mean, is at
    most m √(a(1−a)) ≤ m/2 by the inequality of Cauchy and Schwarz, and two values of t reach this. Against squared
    loss such rows do nothing but weigh the class more. On real data the harm is seldom more than that of as many
    random label flips, and often less; what the attack gains is that filters of moments leave it in. Where the classes
    are many standard deviations apart in the direction that separates them best, as in images, such rows do not reach
    the boundary and do next to nothing. Filters that look at single columns, such as isolation forests, can see the
    rows where a class has long tails.

    Rows do not keep to ranges or whole numbers; columns that cannot hold them exactly are widened. The details also
    hold ``"label"``, ``"share"`` (p), ``"direction"`` (u R, of shape (n_features,)), ``"clean_error"`` and ``"error"``
    (of the reference model on the clean rows of the trials, without poison and with it). A larger budget starts anew.

    References
    ----------
    .. [1] P. W. Koh, J. Steinhardt and P. Liang, "Stronger Data Poisoning Attacks Break Data Sanitization Defenses",
       Machine Learning 111, 2022. Poison that stays close to what filters measure.
    .. [2] I. Diakonikolas, G. Kamath, D. M. Kane, J. Li, A. Moitra and A. Stewart, "Robust Estimators in High
       Dimensions without the Computational Intractability", FOCS 2016. What first and second moments give away.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_breast_cancer
    >>> from robustfit.attacks import MomentMatchingAttack
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> poisoned = MomentMatchingAttack(label=1, n_trials=5).generate(X[:, :5], y, budget=30)
    >>> rows, clean = poisoned.X[poisoned.is_poison], X[y == 1, :5]
    >>> np.allclose(rows.mean(axis=0), clean.mean(axis=0))
    True
    >>> np.allclose(np.cov(rows.T, ddof=0), np.cov(clean.T, ddof=0))
    True
    """

    def __init__(self, label: Any = None, *, estimator: Any = None, n_trials: int = 60) -> None:
        self.label = label
        self.estimator = estimator
        self.n_trials = n_trials

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        classes, codes = clean.codes("MomentMatchingAttack")
        targets = self._targets(classes)
        trials = self.n_trials
        if isinstance(trials, bool) or not isinstance(trials, Integral) or trials < 0:
            raise ValueError(f"n_trials must be a whole number of at least 0, got {trials!r}.")
        if self.estimator is not None and not is_classifier(self.estimator):
            raise ValueError(f"estimator must be a classifier, which {type(self.estimator).__name__} is not.")
        X = clean.numbers()
        default = LogisticRegression(max_iter=1000)
        model = reference_model(self.estimator, default, X, chance.choices, "MomentMatchingAttack")
        search = _Search(model, X, codes, classes, budget, chance)
        moments, best = search.run(targets, int(trials))
        own = np.flatnonzero(codes == best.target)
        sources = np.resize(chance.rows.permutation(len(own)), budget)
        rows = skewed_rows(moments, best.direction, best.share, sources, chance.noise)
        details = {
            "label": classes[best.target : best.target + 1].tolist()[0],
            "share": best.share,
            "direction": best.direction @ moments.root,
            "residual": moments.residual(rows),
            "clean_error": search.clean_error,
            "error": best.error,
        }
        return clean.add(rows, np.repeat(classes[best.target : best.target + 1], budget), own[sources], details)

    def _targets(self, classes: Labels) -> list[int]:
        known = classes.tolist()
        if self.label is None:
            return list(range(len(known)))
        if self.label not in known:
            raise ValueError(f"label={self.label!r} is not in y, which has {known[:10]}: it has no moments to match.")
        return [known.index(self.label)]


@dataclass(frozen=True)
class _Trial:
    """What the rows of one trial look like, and what they do to the reference model."""

    target: int
    direction: Floats
    share: float
    harm: float
    error: float


class _Search:
    """Finds the direction and share that do most harm to a reference model fitted on some of the clean rows."""

    def __init__(self, model: Any, X: Floats, codes: Rows, classes: Labels, budget: int, chance: Chance) -> None:
        self.model = model
        self.X, self.codes, self.classes = X, codes, classes
        self.chance = chance
        self.some = _stratified(codes, MOST_ROWS, chance.rows)
        self.size = max(1, round(budget * len(self.some) / len(codes)))
        self.seed = int(chance.choices.integers(2**31))
        self.clean_error = self._harm(X[self.some], codes[self.some])[1]

    def run(self, targets: list[int], n_trials: int) -> tuple[Moments, _Trial]:
        """Return the moments of the best target's class, and the best trial."""
        found = [self._first(target) for target in targets]
        moments, start = max(found, key=lambda pair: pair[1].harm)
        return moments, self._climb(moments, start, n_trials)

    def _first(self, target: int) -> tuple[Moments, _Trial]:
        moments = Moments.of(self.X[self.codes == target])
        toward = _unit(moments.root @ self._linear(target)[0])
        trials = [self._try(moments, target, toward, share) for share in SHARES]
        return moments, max(trials, key=lambda trial: trial.harm)

    def _climb(self, moments: Moments, best: _Trial, n_trials: int) -> _Trial:
        """Improve on a trial by steps of chance, in the directions where a model gives way most."""
        if moments.rank < 2 or n_trials == 0:
            return best
        weights, curvature = self._linear(best.target)
        rows = (self.X[self.some] - moments.mean) / moments.scale
        soft = _soft_directions(rows, curvature, moments.root / moments.scale)
        basis = np.column_stack([_unit(moments.root @ weights), soft])
        step = 1.0
        for _ in range(n_trials):
            turn = basis @ self.chance.choices.standard_normal(basis.shape[1]) / np.sqrt(basis.shape[1])
            odds = np.log(best.share / (1 - best.share)) + 0.5 * self.chance.choices.standard_normal()
            share = float(np.clip(1 / (1 + np.exp(-odds)), 0.01, 0.99))
            trial = self._try(moments, best.target, _unit(best.direction + step * turn), share)
            better = trial.harm > best.harm
            best = trial if better else best
            step = step if better else 0.97 * step
        return best

    def _try(self, moments: Moments, target: int, direction: Floats, share: float) -> _Trial:
        # The same chance for each trial: they differ in direction and share alone.
        rng = np.random.default_rng(self.seed)
        sources = np.resize(rng.permutation(len(moments.white)), self.size)
        rows = skewed_rows(moments, direction, share, sources, rng)
        X = np.vstack([self.X[self.some], rows])
        codes = np.append(self.codes[self.some], np.full(self.size, target))
        return _Trial(target, direction, share, *self._harm(X, codes))

    def _harm(self, X: Floats, codes: Rows) -> tuple[float, float]:
        """Fit the reference model, and return its error on the clean rows with and without a share of its loss."""
        model = clone(self.model).fit(X, self.classes[codes])
        own = self.codes[self.some]
        scores = class_scores(model, self.X[self.some], self.classes)
        right = scores[np.arange(len(own)), own]
        scores[np.arange(len(own)), own] = -np.inf
        margin = right - scores.max(axis=1)
        error = float(np.mean(margin <= 0))
        # Errors come in steps; between two of the same the larger loss is on its way to the next.
        return error + 1e-3 * float(np.maximum(0.0, 1.0 - margin).mean()), error

    def _linear(self, target: int) -> tuple[Floats, Floats]:
        """Fit a logistic model of the target against the rest; return its weights and each row's curvature."""
        scaler = StandardScaler().fit(self.X[self.some])
        rows = scaler.transform(self.X[self.some])
        model = LogisticRegression(max_iter=1000).fit(rows, self.codes[self.some] == target)
        probability = model.predict_proba(rows)[:, 1]
        return model.coef_[0] / scaler.scale_, probability * (1 - probability)


def _soft_directions(rows: Floats, curvature: Floats, root: Floats) -> Floats:
    """Return the directions u, as columns, in which a pull u R moves a logistic model most: large u R H⁻¹ Rᵀ u."""
    half = np.sqrt(curvature)[:, None] * rows
    if rows.shape[1] <= len(rows):
        give = root @ np.linalg.solve(half.T @ half + np.eye(rows.shape[1]), root.T)
    else:
        cross = root @ half.T
        give = root @ root.T - cross @ np.linalg.solve(half @ half.T + np.eye(len(rows)), cross.T)
    return np.linalg.eigh(give)[1][:, ::-1][:, :N_SOFT]


def _unit(vector: Floats) -> Floats:
    norm = float(np.linalg.norm(vector))
    if norm == 0:
        # A model without weights, or a class without variance along them: any direction is as good.
        vector, norm = np.eye(len(vector))[:1].sum(axis=0), 1.0
    return vector / norm


def _stratified(codes: Rows, most: int, rng: np.random.Generator) -> Rows:
    """Return some rows, in order, with at least one of each class and about the same shares of classes."""
    keep = min(1.0, most / len(codes))
    parts = []
    for code in range(int(codes.max()) + 1):
        own = rng.permutation(np.flatnonzero(codes == code))
        parts.append(own[: max(1, round(keep * len(own)))])
    return np.sort(np.concatenate(parts))
