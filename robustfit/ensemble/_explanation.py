"""Why a plurality vote came out as it did."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._base_certificate import freeze
from robustfit.ensemble._base_explanation import BaseExplanation, Table, ordered, told
from robustfit.ensemble._removal import NOBODY, can_flip, removal_effect


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Explanation(BaseExplanation):
    """Which members, groups and training rows carry each prediction of a classifier.

    Made by ``PartitionClassifier.explain``. Whole columns have one entry per row of the test set; the methods take the
    number ``i`` of one of them.

    Parameters
    ----------
    places : Places
        Where training rows and groups went.
    certified : Certificate
        For the threat of one row inserted or deleted, which is one shard per unit.
    refusal : str or None
        Why the ensemble cannot be certified.
    votes : ndarray of shape (n_samples, n_members)
        Index into ``classes``; −1 where a member abstains.
    margins : ndarray of float of shape (n_samples, n_members)
        How close each vote is, see the notes.
    doubtful : ndarray of bool of shape (n_samples, n_members)
        Votes that rounding could change. Only members of the lean engine know of it.

    Attributes
    ----------
    prediction : ndarray of shape (n_samples,)
        Predicted labels.
    runner_up : ndarray of shape (n_samples,)
        Label that needs the fewest votes to overtake; None if there is but one class.
    vote_counts : ndarray of shape (n_samples, n_classes), int64
        Votes for each class.
    lead : ndarray of shape (n_samples,), int64
        Votes by which the difference to the runner-up may shrink before the prediction changes: ``n_a − n_b``, one
        less if the runner-up wins ties. Doubtful votes count as cast.
    radius : ndarray of shape (n_samples,), int64
        Shards that an attacker may control before the prediction can change, as ``certify`` counts them.

    See Also
    --------
    IntervalExplanation : The same for a regressor.

    Notes
    -----
    **Margins** are distances between the best and the next score, on the scale of the member: of its
    ``decision_function``, else its joint log likelihood, else its ``predict_proba``; for nearest neighbours of the lean
    engine, of the neighbours that are counted. Within one table they can be compared, except for shards that the lean
    engine left to an estimator with another scale. They are infinite for members that saw one class only, and NaN
    where a member abstains, has no scores, or votes for another label than the one with the best score.

    **Effects of groups** are about votes; nothing is fitted. Let ``a`` be the prediction, ``b`` the runner-up and ``v``
    the vote of the shard that holds the group. If the group is alone in its shard, that shard becomes empty and
    abstains: the difference ``n_a − n_b`` shrinks by exactly ``1[v=a] − 1[v=b]``. If not, its member is fitted on the
    rows that are left, and may vote for any class: by at most ``1[v=a] + 1[v≠b]``. To know what it would do, fit again
    without the group. Either holds for one group at a time, and apart from doubtful votes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from robustfit import PartitionClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> garden = np.arange(150) % 12
    >>> model = PartitionClassifier(n_partitions=5, partition_by="groups", random_state=1).fit(X, y, groups=garden)
    >>> explanation = model.explain(X[[83, 0]])
    >>> explanation.prediction, explanation.runner_up, explanation.lead
    (array([2, 0]), array([1, 1]), array([2, 5]))
    >>> print(explanation.summary(0))
    row 0: 2 has 4 of 5 votes, 1 has 1
    lead 2, radius 1 in shards
    closest for it: shard 1 (margin 0.166), shard 3 (margin 0.213), shard 0 (margin 0.217) and 1 more
    carried by 138 of 150 training rows
    group that matters most: 1, 50% of shard 3; without it the lead can shrink by up to 2
    0 of 12 groups could change the prediction by being removed
    given training sets in which fewer than one row in twenty holds NaN or infinity that members refuse
    >>> table = explanation.members(0)
    >>> table["shard"], table["vote"], table["margin"].round(2)
    (array([2, 1, 3, 0, 4]), array([1, 2, 2, 2, 2], dtype=object), array([0.08, 0.17, 0.21, 0.22, 0.3 ]))
    >>> explanation.rows(0).size
    138
    """

    votes: NDArray[Any]
    margins: NDArray[np.float64]
    doubtful: NDArray[np.bool_]

    _sides = ("for", "against", "abstains")

    @property
    def vote_counts(self) -> NDArray[np.int64]:
        """Votes for each class."""
        return self.certified.counts.cast

    @property
    def radius(self) -> NDArray[np.int64]:
        """Shards that an attacker may control before the prediction can change.

        Raises
        ------
        CertificateError
            If ``certify`` refuses the ensemble.
        """
        return self.certificate.radius

    @cached_property
    def _standing(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Code of the runner-up, and the lead."""
        cast, winner = self.vote_counts, self.certified.counts.prediction
        rows = np.arange(len(cast))
        own = cast[rows, winner]
        if cast.shape[1] == 1:
            return np.full(len(cast), NOBODY), own
        # A smaller class wins ties.
        reach = cast + (np.arange(cast.shape[1]) < winner[:, None])
        reach[rows, winner] = -1
        runner_up = reach.argmax(axis=1)
        return runner_up, own - reach[rows, runner_up]

    @cached_property
    def runner_up(self) -> NDArray[Any]:
        """Label that needs the fewest votes to overtake."""
        codes = self._standing[0]
        alone = np.full(len(codes), None, dtype=object)
        return freeze(alone if self.vote_counts.shape[1] == 1 else self.certified.classes[codes])

    @cached_property
    def lead(self) -> NDArray[np.int64]:
        """Votes by which the difference to the runner-up may shrink before the prediction changes."""
        return freeze(self._standing[1])

    def _spelled(self, votes: NDArray[Any]) -> NDArray[Any]:
        """Labels of votes, None of abstentions."""
        # The code of an abstention looks up the last entry.
        labels = np.full(len(self.certified.classes) + 1, None, dtype=object)
        labels[:-1] = self.certified.classes
        return labels[votes]

    def _side(self, i: int) -> NDArray[Any]:
        votes = self.votes[i]
        against = np.where(votes < 0, "abstains", "against")
        return np.where(votes == self.certified.counts.prediction[i], "for", against)

    def members(self, i: int) -> Table:
        """Return one entry per member, closest vote first.

        Parameters
        ----------
        i : int
            Row of the test set.

        Returns
        -------
        columns : dict of ndarray
            ``shard``; ``vote``, a label or None; ``side``: "for", "against" or "abstains"; ``margin``; ``doubtful``;
            ``n_rows`` of the shard. Members whose margin is not known come last.
        """
        i = self._row(i)
        table = {
            "shard": np.arange(self.votes.shape[1]),
            "vote": self._spelled(self.votes[i]),
            "side": self._side(i),
            "margin": self.margins[i],
            "doubtful": self.doubtful[i],
            "n_rows": self.places.shard_sizes,
        }
        return ordered(table, np.argsort(self.margins[i], kind="stable"))

    def groups(self, i: int) -> Table:
        """Return one entry per group, the one that would matter most if it were removed first.

        Parameters
        ----------
        i : int
            Row of the test set.

        Returns
        -------
        columns : dict of ndarray
            ``group``; its ``shard``; ``n_rows``; ``share`` of the rows of its shard; ``vote`` and ``margin`` of the
            shard; ``effect``: votes by which the lead can shrink if the group is removed; ``exact``: whether it
            shrinks by that much, or at most; ``can_flip``: whether the prediction can change, to any known label.
            Sorted by effect, then by share, then by margin.

        Raises
        ------
        ValueError
            If rows were not partitioned by groups.
        """
        i = self._row(i)
        table = self.places.group_columns()
        shards = table["shard"]
        alone, votes, margins = self.places.alone(shards), self.votes[i, shards], self.margins[i, shards]
        counts, winner = self.vote_counts[i], int(self.certified.counts.prediction[i])
        table |= {
            "vote": self._spelled(votes),
            "margin": margins,
            "effect": removal_effect(votes, alone, winner, int(self._standing[0][i])),
            "exact": alone,
            "can_flip": can_flip(votes, alone, counts, winner),
        }
        return ordered(table, np.lexsort([margins, -table["share"], -table["effect"]]))

    def summary(self, i: int) -> str:
        """Return a few lines of plain text about one row.

        Parameters
        ----------
        i : int
            Row of the test set.
        """
        i = self._row(i)
        members = self.members(i)
        lines = [self._outcome(i, members), self._closeness(i, members)]
        lines.append(f"carried by {len(self.rows(i))} of {int(self.places.shard_sizes.sum())} training rows")
        if self.places.groups is not None:
            lines.append(self._influence(i))
        return "\n".join([*lines, *self._conditions()])

    def _outcome(self, i: int, members: Table) -> str:
        counts, rival = self.vote_counts[i], self._standing[0][i]
        parts = [f"row {i}: {_label(self.prediction, i)} has {counts.max()} of {self.votes.shape[1]} votes"]
        if rival != NOBODY:
            parts.append(f"{_label(self.runner_up, i)} has {counts[rival]}")
        for number, what in (
            (int(np.sum(members["side"] == "abstains")), "abstain"),
            (int(members["doubtful"].sum()), "within rounding"),
        ):
            if number:
                parts.append(f"{number} {what}")
        return ", ".join(parts)

    def _closeness(self, i: int, members: Table) -> str:
        certified = "not certified" if self.refusal is not None else f"radius {self.radius[i]} in shards"
        close = (members["side"] == "for") & np.isfinite(members["margin"])
        pairs = zip(members["shard"][close].tolist(), members["margin"][close].tolist(), strict=True)
        line = f"lead {self.lead[i]}, {certified}"
        if close.any():
            line += "\nclosest for it: " + told([f"shard {shard} (margin {margin:.3g})" for shard, margin in pairs])
        return line

    def _influence(self, i: int) -> str:
        table = self.groups(i)
        group, shard, share, effect, exact = (
            table[name].tolist()[0] for name in ("group", "shard", "share", "effect", "exact")
        )
        change = "shrinks by" if exact else "can shrink by up to"
        flips = f"{int(table['can_flip'].sum())} of {len(table['can_flip'])} groups"
        return (
            f"group that matters most: {group!r}, {share:.0%} of shard {shard}; without it the lead {change} {effect}\n"
            f"{flips} could change the prediction by being removed"
        )


def _label(labels: NDArray[Any], i: int) -> str:
    return repr(labels.tolist()[i])
