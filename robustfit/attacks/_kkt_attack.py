"""Two rows, repeated, that make a hinge learner choose a model that errs."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._labels import Labels
from robustfit.attacks._linear import LinearVictim, draw_inside, read_victim, resolve_sets
from robustfit.attacks._linear._decoys import check_quantile, decoy_sets, error_rate, innocent_margins, train_decoys
from robustfit.attacks._linear._default_learner import seeded_learner
from robustfit.attacks._linear._points_needed import read_model
from robustfit.attacks._linear._stationarity import Match, clean_pull, even_split, match
from robustfit.attacks._linear._victim import Floats
from robustfit.attacks._poisoned import Poisoned
from robustfit.certify import FeasibleSet
from robustfit.losses import HINGE

_PATIENCE = 5
"""Decoys in a row that may fail to do better before the rest, which cost more, are left out."""

_BEST = 2
"""Decoys for which all splits are tried."""

_SPLITS = (0.0, 0.25, 0.5, 0.75, 1.0)


class KKTAttack(BaseAttack):
    """Insert copies of two feasible rows at which a model that errs is optimal for a linear SVM.

    Decoys are models that get many clean rows wrong at little training loss. For each, the attack looks for one row of
    each class, and how often to repeat it, so that the decoy satisfies the optimality conditions of the poisoned
    training set as nearly as can be. The learner is trained on every finished attack, and the one whose model errs most
    on the clean rows is kept. One unit of the budget is one row, appended after the clean ones; the budget may exceed
    their number.

    Parameters
    ----------
    estimator : estimator, default=None
        The learner: ``LinearSVC(loss="hinge")`` or ``SVC(kernel="linear")`` for two classes, without class weights and
        not inside a pipeline. By default ``LinearSVC(loss="hinge")`` with C = 1 / (0.01 n_rows). A ``random_state``
        that it leaves open is derived from that of `generate`.
    feasible_set : FeasibleSet or dict of label to FeasibleSet, default=None
        Where the rows of each class may lie. By default `sphere_slab_sets` of the clean rows, which hold nine tenths
        of each class.
    decoy : array-like of shape (n_features + 1,) or fitted linear estimator, default=None
        The model (w, b) to aim at. By default models are trained on the clean rows and flipped, repeated copies of
        those with the smallest margins, or the rows of a short `MinMaxAttack`; those are tried that no other beats in
        both clean training loss and error. That error is measured on a third of the clean rows, none of which is
        flipped.
    loss_quantile : float, default=None
        If given, no poison row's loss under the decoy is larger than this quantile of the clean rows' of its class:
        for defences that drop rows of a large loss.

    See Also
    --------
    MinMaxAttack : Makes the training loss large, for other losses too.
    GradientCancelingAttack : The same aim for smooth losses, without a feasible set.
    robustfit.attacks.sphere_slab_sets : The default feasible set.

    Notes
    -----
    For a decoy θ with subgradient g of the clean losses and the penalty R, rows x₊ ∈ F₊ and x₋ ∈ F₋ with margins of at
    most 1 under θ and whole numbers m₊ + m₋ = m, the attack minimises

        ‖g + ∇R(θ) − m₊(x₊, 1) + m₋(x₋, 1)‖₂ ,

    over the rows by accelerated projected gradient steps, and over the split: first the one that leaves the intercept
    in balance, then, for the best decoys, a grid. Clean rows on the margin may pull with any share of their weight, and
    those shares are minimised over too. A hinge loss pulls alike wherever the margin is below 1, so two rows are
    enough.

    The rows are optimised together: a larger budget starts anew.

    ``Poisoned.details``: ``"decoy"`` and ``"theta"``, the models (w, b) aimed at and learned; ``"residual"``, the
    length above over the number of poisoned rows, 0 if the decoy is optimal; ``"split"``, the number of rows for each
    label; ``"error"``, the share of clean rows that ``"theta"`` gets wrong.

    References
    ----------
    .. [1] P. W. Koh, J. Steinhardt and P. Liang, "Stronger Data Poisoning Attacks Break Data Sanitization Defenses",
       Machine Learning 111, 2022. Section 4.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from robustfit.attacks import KKTAttack
    >>> X, y = make_blobs(200, centers=[[-1, 0], [1, 0]], random_state=0)
    >>> poisoned = KKTAttack(decoy=[0.8, 0.0, -0.3]).generate(X, y, budget=20)
    >>> len(np.unique(poisoned.X[poisoned.is_poison], axis=0)) <= 2, sum(poisoned.details["split"].values())
    (True, 20)
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        feasible_set: Any = None,
        decoy: Any = None,
        loss_quantile: float | None = None,
    ) -> None:
        self.estimator = estimator
        self.feasible_set = feasible_set
        self.decoy = decoy
        self.loss_quantile = loss_quantile

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        name = type(self).__name__
        if self.loss_quantile is not None:
            check_quantile(self.loss_quantile)
        victim = read_victim(seeded_learner(self.estimator, len(clean), chance.choices), name)
        if victim.loss is not HINGE:
            raise ValueError(
                f"{name} needs the hinge loss, of LinearSVC(loss='hinge') or SVC(kernel='linear'), got "
                f"{self.estimator!r}. GradientCancelingAttack knows smooth losses."
            )
        classes, y = clean.signs(name)
        X = clean.numbers()
        sets = resolve_sets(self.feasible_set, X, clean.labels, classes)
        search = _Search(victim, X, y, sets, budget, self.loss_quantile)
        best = search.run(self._decoys(victim, X, y, sets, budget, classes, chance.rows))
        if best is None:
            raise ValueError(
                f"{name} found no row of the feasible sets that pulls at a decoy (a margin of at most 1 under it"
                f"{'' if self.loss_quantile is None else ', and a small loss'}). Give larger sets"
                f"{'' if self.decoy is None else ', or another decoy'}."
            )
        counts = best.match.counts
        details = {
            "decoy": best.decoy,
            "theta": best.theta,
            "residual": best.match.residual / (len(y) + budget),
            "split": dict(zip(classes.tolist(), counts, strict=True)),
            "error": best.error,
        }
        middles = [X[y == sign].mean(axis=0) for sign in (-1.0, 1.0)]
        # A class without rows may have had none to offer.
        pairs = [
            draw_inside(feasible, row[None], middle)[0] if count else row
            for feasible, row, middle, count in zip(sets, best.match.rows, middles, counts, strict=True)
        ]
        rows, labels = np.repeat(pairs, counts, axis=0), np.repeat(classes, counts)
        return clean.add(rows, labels, chance.rows.integers(len(clean), size=budget), details)

    def _decoys(
        self,
        victim: LinearVictim,
        X: Floats,
        y: Floats,
        sets: Sequence[FeasibleSet],
        budget: int,
        classes: Labels,
        rng: np.random.Generator,
    ) -> list[Floats]:
        if self.decoy is not None:
            return [read_model(self.decoy, victim, X.shape[1], classes, "decoy")]
        return [decoy.theta for decoy in train_decoys(victim, X, y, sets, budget, rng)]


class _Attempt(NamedTuple):
    """A finished attack."""

    error: float
    decoy: Floats
    match: Match
    theta: Floats


@dataclass(frozen=True)
class _Search:
    """Attacks on decoy after decoy, each judged by the model that the learner makes of it."""

    victim: LinearVictim
    X: Floats
    y: Floats
    sets: Sequence[FeasibleSet]
    budget: int
    loss_quantile: float | None

    def run(self, decoys: Sequence[Floats]) -> _Attempt | None:
        """Try decoys in the order of what they cost, then all splits for the best."""
        attempts: list[_Attempt] = []
        failed = 0
        for decoy in decoys:
            new = list(self._attempts(decoy, only_even=True))
            highest = max((attempt.error for attempt in attempts), default=-1.0)
            failed = 0 if max((attempt.error for attempt in new), default=-1.0) > highest else failed + 1
            attempts += new
            if failed >= _PATIENCE:
                break
        attempts.sort(key=lambda attempt: -attempt.error)
        for attempt in attempts[:_BEST]:
            attempts += self._attempts(attempt.decoy, only_even=False)
        return max(attempts, key=lambda attempt: attempt.error, default=None)

    def _attempts(self, decoy: Floats, *, only_even: bool) -> Iterator[_Attempt]:
        lowest = innocent_margins(decoy, self.X, self.y, self.loss_quantile)
        allowed = decoy_sets(self.sets, decoy, highest_margin=1.0, lowest_margins=lowest)
        pull = clean_pull(self.victim, decoy, self.X, self.y, self.budget)
        even = even_split(pull, self.budget)
        start = np.array([self.X[self.y == sign].mean(axis=0) for sign in (-1.0, 1.0)])
        for positive in self._splits(allowed, even, only_even=only_even):
            counts = self.budget - positive, positive
            found = match(pull, allowed, counts, start, self.victim.intercept_ridge is not None)
            start = found.rows
            yield self._judge(decoy, found)

    def _splits(self, allowed: Sequence[FeasibleSet | None], even: int, *, only_even: bool) -> list[int]:
        """Return numbers of rows of class +1 to try; a class without a feasible row has none."""
        fewest = self.budget if allowed[0] is None else 0
        most = 0 if allowed[1] is None else self.budget
        if fewest > most:
            return []
        even = min(max(even, fewest), most)
        if only_even:
            return [even]
        wanted = {round(fewest + share * (most - fewest)) for share in _SPLITS}
        return sorted(wanted - {even})

    def _judge(self, decoy: Floats, found: Match) -> _Attempt:
        """Train the learner on the attack, as weights of its two rows."""
        used = np.flatnonzero(np.array(found.counts) > 0)
        rows = np.concatenate([self.X, found.rows[used]])
        signs = np.append(self.y, np.array([-1.0, 1.0])[used])
        theta = self.victim.fit(rows, signs, np.append(np.ones(len(self.y)), np.array(found.counts)[used]))
        return _Attempt(error_rate(theta, self.X, self.y), decoy, found, theta)
