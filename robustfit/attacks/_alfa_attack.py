"""Adversarial label flips: the flips that a learner, once it has learned them, finds more likely than the truth."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows
from robustfit.attacks._labels import Labels, rows_to_flip
from robustfit.attacks._margins import other_scores
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._reference_model import class_scores, reference_model
from robustfit.certify._feasible._checks import check_count


class ALFAAttack(BaseAttack):
    """Flip the labels that raise a support vector machine's error most, found by alternating two steps.

    One step fits the learner to the tainted labels. The other chooses anew which labels to flip: those that the
    tainted learner finds easy and the clean one finds hard. Of all flips that were tried, the ones that leave the
    learner with the most errors on the clean labels are kept. One unit of the budget is one label.

    Parameters
    ----------
    estimator : classifier, default=None
        The learner under attack, with ``decision_function`` (one column per class if there are more than two) or
        ``predict_proba``. It reads any container that the attack is given. By default ``LinearSVC(loss="hinge")``
        behind a ``StandardScaler``, which needs numeric columns without NaN. A ``random_state`` that it leaves open
        is derived from that of `generate`.
    source : label, default=None
        Flip rows that bear this label only: one-sided flips. By default any row may be flipped.
    max_rounds : int, default=20
        Fits of the learner from each start, unless flips repeat earlier.

    See Also
    --------
    FarFlipAttack : Its first step, without the rest.
    MinMaxAttack : Adds rows of its own making instead of flipping labels.

    Notes
    -----
    With scores s_k(x) for each class, the loss of row x under label k is the sum over the classes of hinge losses,
    V(x, k) = (1 − s_k)₊ + Σ_{j≠k} (1 + s_j)₊; for two classes this is twice the hinge loss of the margin. With ξ the
    losses under the learner fitted to clean labels and ε those under the one fitted to tainted labels, the second step
    solves the linear programme of the paper, ::

        minimise    Σ_i Σ_k q_ik (ε_ik − ξ_ik)
        subject to  Σ_k q_ik = 1,   Σ_i Σ_{k≠y_i} q_ik = budget,   0 ≤ q_ik ≤ 1.

    Each row takes its best other label or none, so an optimum is integral: the flips of largest gain,
    (ε − ξ) under the own label minus (ε − ξ) under the new one. They are taken as they are, by sorting; the tests
    compare the result with a solver's. The paper bounds the number of flips; here it is exact.

    The alternation ends in a local optimum that depends on where it starts. It starts from the flips that the first
    step finds with ε = 0, those far from the boundary; from the same with the budget divided otherwise between the
    classes, down to one class alone; and from flips next to the boundary.

    A larger budget starts anew: its flips need not include those of a smaller one.

    ``details`` of the result has

    - ``"clean_error"``: share of the rows that the learner gets wrong when fitted to the clean labels;
    - ``"poisoned_error"``: the same, against the clean labels, when fitted to the flipped ones;
    - ``"n_fits"``: fits of the learner.

    References
    ----------
    .. [1] H. Xiao, H. Xiao and C. Eckert, "Adversarial Label Flips Attack on Support Vector Machines",
       ECAI 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import ALFAAttack
    >>> X = np.array([[-4.0], [-3.0], [-2.0], [-1.0], [1.0], [2.0], [3.0], [4.0]])
    >>> poisoned = ALFAAttack().generate(X, list("aaaabbbb"), budget=2)
    >>> poisoned.y
    ['a', 'a', 'a', 'a', 'b', 'b', 'a', 'a']
    >>> poisoned.details["clean_error"], poisoned.details["poisoned_error"]
    (0.0, 0.5)
    """

    def __init__(self, estimator: Any = None, *, source: Any = None, max_rounds: int = 20) -> None:
        self.estimator = estimator
        self.source = source
        self.max_rounds = max_rounds

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        max_rounds = check_count(self.max_rounds, "max_rounds")
        classes, own = clean.codes("ALFAAttack")
        open_rows, whose = rows_to_flip(clean.labels, self.source, regression=False)
        check_enough(budget, len(open_rows), whose)
        model = reference_model(self.estimator, LinearSVC(loss="hinge"), clean.X, chance.choices, "ALFAAttack")
        search = _Search(model, clean.X, classes, own, open_rows, budget)
        for flips in search.starts():
            search.alternate(flips, max_rounds)
        if search.best is None:
            raise ValueError(
                f"budget={budget} leaves a class without a row whichever labels are flipped, and then there is "
                f"nothing to fit {type(model).__name__} to. Lower the budget."
            )
        details = {
            "clean_error": float(np.mean(search.clean_scores.argmax(axis=1) != own)),
            "poisoned_error": search.harm[0],
            "n_fits": len(search.seen),
        }
        return clean.relabel(search.best.rows, classes[search.best.codes], details)


class Flips(NamedTuple):
    """Rows, in ascending order, and the position among the classes of the label that each is given."""

    rows: Rows
    codes: Rows


def loss_gap(scores: Floats) -> Floats:
    """Return the hinge loss of a score that ought to be low minus that of one that ought to be high."""
    return np.maximum(0.0, 1.0 + scores) - np.maximum(0.0, 1.0 - scores)


def flip_gains(clean_scores: Floats, tainted_scores: Floats | None, own: Rows) -> Floats:
    """Return what the objective gains from giving each row each label, of shape (n_rows, n_classes).

    Without tainted scores their losses are 0, as in the first round. A row's own label gains −inf.
    """
    change = loss_gap(clean_scores)
    if tainted_scores is not None:
        change = change - loss_gap(tainted_scores)
    # All other classes cancel out.
    return other_scores(change[np.arange(len(own)), own][:, None] - change, own, -np.inf)


def best_flips(gains: Floats, budget: int, open_rows: Rows) -> Flips:
    """Return the flips that solve the linear programme: the largest gains, of ties the first rows."""
    codes = gains.argmax(axis=1)
    order = np.argsort(-gains[open_rows, codes[open_rows]], kind="stable")
    rows = np.sort(open_rows[order[:budget]])
    return Flips(rows, codes[rows])


def divided_flips(gains: Floats, budget: int, open_rows: Rows, favoured: NDArray[np.bool_], share: float) -> Flips:
    """Return the largest gains with a share of the budget for some rows, as far as there are enough of either kind."""
    inside, outside = open_rows[favoured[open_rows]], open_rows[~favoured[open_rows]]
    wanted = min(round(share * budget), len(inside))
    wanted = max(wanted, budget - len(outside))
    parts = [best_flips(gains, wanted, inside), best_flips(gains, budget - wanted, outside)]
    rows, codes = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(rows)
    return Flips(rows[order], codes[order])


@dataclass(eq=False)
class _Search:
    """Flips that were tried, and the most harmful of them."""

    model: BaseEstimator
    X: Any
    classes: Labels
    own: Rows
    open_rows: Rows
    budget: int
    best: Flips | None = None
    harm: tuple[float, float] = (-1.0, 0.0)
    seen: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.clean_scores = self._scores(self.own)

    def starts(self) -> Iterator[Flips]:
        """Flips to start from."""
        gains = flip_gains(self.clean_scores, None, self.own)
        yield best_flips(gains, self.budget, self.open_rows)
        bearing = np.unique(self.own[self.open_rows])
        if len(bearing) > 1:
            for share in (1.0, 0.75, 0.5) if len(self.classes) == 2 else (1.0,):
                for code in bearing:
                    yield divided_flips(gains, self.budget, self.open_rows, self.own == code, share)
        # Gains of rows on the right side are positive, and the smallest next to the boundary; other rows come last.
        nearness = np.where(gains > 0, -gains, gains - gains.max())
        yield best_flips(nearness, self.budget, self.open_rows)

    def alternate(self, flips: Flips, max_rounds: int) -> None:
        """Fit and flip in turn, until flips come back that were there before."""
        for _ in range(max_rounds):
            key = flips.rows.tobytes() + flips.codes.tobytes()
            tainted = self.own.copy()
            tainted[flips.rows] = flips.codes
            if key in self.seen or len(np.unique(tainted)) < len(self.classes):
                return
            self.seen.add(key)
            scores = self._scores(tainted)
            loss = np.maximum(0.0, 1.0 - scores[np.arange(len(self.own)), self.own]).mean()
            harm = (float(np.mean(scores.argmax(axis=1) != self.own)), float(loss))
            if harm > self.harm:
                self.best, self.harm = flips, harm
            flips = best_flips(flip_gains(self.clean_scores, scores, self.own), self.budget, self.open_rows)

    def _scores(self, codes: Rows) -> Floats:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = clone(self.model).fit(self.X, self.classes[codes])
        return class_scores(fitted, self.X, self.classes)
