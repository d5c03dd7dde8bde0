"""Why a median of members came out as it did."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.ensemble._base_explanation import BaseExplanation, Table, ordered, told
from robustfit.ensemble._removal import turned

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class IntervalExplanation(BaseExplanation):
    """Which members, groups and training rows carry each prediction of a regressor.

    Made by ``PartitionRegressor.explain``. Whole columns have one entry per row of the test set; the methods take the
    number ``i`` of one of them.

    Parameters
    ----------
    places : Places
        Where training rows and groups went.
    certified : IntervalCertificate
        For the threat of one row inserted or deleted, which is one shard per unit.
    refusal : str or None
        Why the ensemble cannot be certified.
    predictions : ndarray of float of shape (n_samples, n_members)
        NaN where a member abstains.

    Attributes
    ----------
    prediction : ndarray of shape (n_samples,)
        Median of the members' predictions.
    distance : ndarray of float of shape (n_samples, n_members)
        Of each member's prediction to the median; NaN where a member abstains.

    See Also
    --------
    Explanation : The same for a classifier.

    Notes
    -----
    **Effects of groups** are order statistics of the other members' predictions; nothing is fitted. If a group is
    alone in its shard, that shard becomes empty and abstains: the new median is exact, up to rounding. If not, its
    member is fitted on the rows that are left, and may predict anything: the median stays in the interval that is
    given. To know where, fit again without the group. Either holds for one group at a time.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from robustfit import PartitionRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> explanation = PartitionRegressor(n_partitions=7).fit(X[:400], y[:400]).explain(X[400:403])
    >>> print(explanation.summary(0))
    row 0: 149.451 is the median of 7 members, 1 middle, 3 below, 3 above
    in the middle: shard 4; whoever turns one shard moves it within [148.615, 154.525]
    carried by 51 of 400 training rows
    >>> explanation.members(0)["shard"]
    array([4, 0, 5, 3, 2, 1, 6])
    >>> low, high = explanation.interval()
    >>> low.round(1), high.round(1)
    (array([148.6, 132.2, 157.6]), array([154.5, 134. , 163.8]))
    """

    predictions: Floats

    _sides = ("middle", "below", "above", "abstains")

    @property
    def distance(self) -> Floats:
        """Distance of each member's prediction to the median."""
        return np.abs(self.predictions - self.prediction[:, None])

    def interval(self) -> tuple[Floats, Floats]:
        """Lowest and highest prediction that an attacker can force who controls any one shard.

        Returns
        -------
        low, high : ndarray of shape (n_samples,)
            As ``certify(X).interval(1)`` has them.

        Raises
        ------
        CertificateError
            If ``certify`` refuses the ensemble.
        """
        low, high = self.certificate.interval(1)
        return low, high

    def _middle(self, i: int) -> tuple[float, float]:
        """The two middle order statistics."""
        ranked, voting = self.certified.ranked[i], max(int(self.certified.n_voting[i]), 1)
        return float(ranked[(voting - 1) // 2]), float(ranked[voting // 2])

    def _side(self, i: int) -> NDArray[Any]:
        values, (lower, upper) = self.predictions[i], self._middle(i)
        return np.select([np.isnan(values), values < lower, values > upper], ["abstains", "below", "above"], "middle")

    def members(self, i: int) -> Table:
        """Return one entry per member, closest to the median first.

        Parameters
        ----------
        i : int
            Row of the test set.

        Returns
        -------
        columns : dict of ndarray
            ``shard``; ``prediction``; ``distance`` to the median; ``side``: "middle" for those that predict one of the
            middle order statistics, "below", "above" or "abstains"; ``low`` and ``high``: where the median stays
            whatever this member predicts, or if it abstains; ``n_rows`` of the shard.
        """
        i = self._row(i)
        distance = self.distance[i]
        low, high, _ = turned(self.predictions[i])
        table = {
            "shard": np.arange(self.predictions.shape[1]),
            "prediction": self.predictions[i],
            "distance": distance,
            "side": self._side(i),
            "low": low,
            "high": high,
            "n_rows": self.places.shard_sizes,
        }
        return ordered(table, np.argsort(distance, kind="stable"))

    def groups(self, i: int) -> Table:
        """Return one entry per group, the one that would matter most if it were removed first.

        Parameters
        ----------
        i : int
            Row of the test set.

        Returns
        -------
        columns : dict of ndarray
            ``group``; its ``shard``; ``n_rows``; ``share`` of the rows of its shard; ``prediction`` of the shard;
            ``low`` and ``high``: where the median can be once the group is removed; ``reach``: how far from
            the present one that is; ``exact``: whether it will be there, ``low`` and ``high`` being equal, or somewhere
            in between. Sorted by reach, then by share.

        Raises
        ------
        ValueError
            If rows were not partitioned by groups.
        """
        i = self._row(i)
        table = self.places.group_columns()
        shards = table["shard"]
        alone = self.places.alone(shards)
        low, high, removed = (ends[shards] for ends in turned(self.predictions[i]))
        low, high = np.where(alone, removed, low), np.where(alone, removed, high)
        reach = np.maximum(self.prediction[i] - low, high - self.prediction[i])
        table |= {
            "prediction": self.predictions[i, shards],
            "low": low,
            "high": high,
            "reach": reach,
            "exact": alone,
        }
        return ordered(table, np.lexsort([-table["share"], -reach]))

    def summary(self, i: int) -> str:
        """Return a few lines of plain text about one row.

        Parameters
        ----------
        i : int
            Row of the test set.
        """
        i = self._row(i)
        side, shown = self._side(i), f"{float(self.prediction[i]):.6g}"
        counts = [f"{int(np.sum(side == name))} {name}" for name in self._sides if np.any(side == name)]
        middle = [f"shard {shard}" for shard in np.flatnonzero(side == "middle").tolist()]
        lines = [f"row {i}: {shown} is the median of {len(side)} members, {', '.join(counts)}"]
        lines.append(f"in the middle: {told(middle) or 'nobody'}; {self._reach(i)}")
        lines.append(f"carried by {len(self.rows(i))} of {int(self.places.shard_sizes.sum())} training rows")
        if self.places.groups is not None:
            table = self.groups(i)
            group, shard, share, low, high = (
                table[name].tolist()[0] for name in ("group", "shard", "share", "low", "high")
            )
            there = f"is {low:.6g}" if low == high else f"stays in [{low:.6g}, {high:.6g}]"
            lines.append(
                f"group that matters most: {group!r}, {share:.0%} of shard {shard}; without it the median {there}"
            )
        return "\n".join([*lines, *self._conditions()])

    def _reach(self, i: int) -> str:
        if self.refusal is not None:
            return "not certified"
        low, high = (float(end[i]) for end in self.interval())
        return f"whoever turns one shard moves it within [{low:.6g}, {high:.6g}]"
