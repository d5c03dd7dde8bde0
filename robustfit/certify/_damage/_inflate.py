"""Where the rows may lie that a filter keeps, if it is fitted to clean rows and some that an attacker added."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from robustfit.certify._damage._game import Floats
from robustfit.certify._feasible._base import UNSEEN, rounding

Counts = NDArray[np.int64]
_FEW_ULPS = 1.0 + 16 * float(np.finfo(np.float64).eps)


class Centers(NamedTuple):
    """Ends of where the centre of a class may be.

    Attributes
    ----------
    low, high : ndarray of shape (n_features,)
    """

    low: Floats
    high: Floats

    @property
    def middle(self) -> Floats:
        """The middle of the box."""
        return 0.5 * (self.low + self.high)

    @property
    def half(self) -> Floats:
        """Half of its width in each column, and what the middle rounds."""
        half: Floats = np.maximum(self.high - self.middle, self.middle - self.low) * _FEW_ULPS
        return half

    @property
    def size(self) -> float:
        """No centre is farther from the origin, to rounding."""
        return float(np.linalg.norm(np.maximum(np.abs(self.low), np.abs(self.high))))

    @property
    def drift(self) -> float:
        """No centre is farther from the middle."""
        return float(np.linalg.norm(self.half)) * (1.0 + rounding(len(self.low)))


@dataclass(frozen=True)
class Changes:
    """How the rows of a class may change before a filter sees them.

    Parameters
    ----------
    added, removed : int
        Most rows that are added, and most clean ones that an earlier filter left out.
    """

    added: int
    removed: int = 0

    def counts(self) -> tuple[Counts, Counts]:
        """Return all pairs of numbers of added and removed rows."""
        added, removed = np.meshgrid(np.arange(self.added + 1), np.arange(self.removed + 1), indexing="ij")
        return added.ravel(), removed.ravel()


def median_box(rows: Any, changes: Changes) -> Centers:
    """Bound the median of each column.

    Parameters
    ----------
    rows : ndarray or csr array of shape (n_rows, n_features)
    changes : Changes
    """
    n, moved = rows.shape[0], changes.added + changes.removed

    def ends(values: Floats) -> Centers:
        ranked = np.sort(values, axis=0)
        # As many ranks as half of the changes, rounded up: see docs/trimming.md.
        return Centers(-_upper_median(-ranked[::-1], moved), _upper_median(ranked, moved))

    return _by_column(rows, (n - moved) / 2 - 1, ends)


def trimmed_mean_box(rows: Any, changes: Changes, proportion: float) -> Centers:
    """Bound the mean of what a share at each end of a column leaves.

    Parameters
    ----------
    rows : ndarray or csr array of shape (n_rows, n_features)
    changes : Changes
    proportion : float
        Of n values, int(proportion · n) are left out at each end.
    """
    n = rows.shape[0]

    def ends(values: Floats) -> Centers:
        ranked = np.sort(values, axis=0)
        slack = rounding(n + changes.added) * np.abs(ranked).max(axis=0)
        high = _highest_mean(ranked, changes, proportion) + slack
        return Centers(-_highest_mean(-ranked[::-1], changes, proportion) - slack, high)

    fewest = proportion * (n - changes.removed) - changes.added - 1
    return _by_column(rows, fewest, ends)


def _by_column(rows: Any, fewest: float, ends: Any) -> Centers:
    """Apply to the columns of dense rows, or to those of sparse rows whose centre may be other than 0."""
    if not sp.issparse(rows):
        found: Centers = ends(rows)
        return found
    columns = sp.csc_array(rows)
    low, high = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    for part in np.array_split(np.flatnonzero(np.diff(columns.indptr) >= fewest), 1 + rows.shape[1] // 256):
        if part.size:
            low[part], high[part] = ends(columns[:, part].toarray())
    return Centers(low, high)


def _upper_median(ranked: Floats, moved: int) -> Floats:
    n = len(ranked)
    if (n + moved) // 2 >= n:
        return np.full(ranked.shape[1:], np.inf)
    upper: Floats = 0.5 * (ranked[(n + moved - 1) // 2] + ranked[(n + moved) // 2])
    return upper


def _highest_mean(ranked: Floats, changes: Changes, proportion: float) -> Floats:
    """Return the largest trimmed mean: the added values are the largest, the removed ones were the smallest."""
    n = len(ranked)
    sums = np.vstack([np.zeros(ranked.shape[1]), np.cumsum(ranked, axis=0)])
    highest = np.full(ranked.shape[1], -np.inf)
    for added, removed in zip(*changes.counts(), strict=True):
        size = n - removed + added
        cut = int(proportion * size)
        if added > cut or size - 2 * cut <= 0:
            return np.full(ranked.shape[1], np.inf)
        first, last = removed + cut, n + added - cut
        highest = np.maximum(highest, (sums[last] - sums[first]) / (last - first))
    return highest


class Spread(NamedTuple):
    """Ends of the score of each clean row, before it is divided by the median of its class.

    Attributes
    ----------
    low, high : ndarray of shape (n_rows,)
    """

    low: Floats
    high: Floats

    def unit(self, changes: Changes) -> tuple[float, float]:
        """Bound the median of the class."""
        moved = changes.added + changes.removed
        low, high = np.sort(self.low), np.sort(self.high)
        return max(-float(_upper_median(-low[::-1], moved)), 0.0), float(_upper_median(high, moved))


def distance_spread(rows: Any, centers: Centers) -> Spread:
    """Bound the distance of each row to a centre of the box."""
    n_features = rows.shape[1]
    # Where the box is the origin, sparse rows need not be made dense.
    filled = np.flatnonzero((centers.low != 0) | (centers.high != 0)) if sp.issparse(rows) else np.arange(n_features)
    low, high = centers.low[filled], centers.high[filled]
    block = sp.csc_array(rows)[:, filled].toarray() if sp.issparse(rows) else rows
    rest = 0.0
    if sp.issparse(rows):
        everything = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
        rest = np.maximum(everything - (block**2).sum(axis=1), 0.0)
    near = np.maximum(np.maximum(low - block, block - high), 0.0)
    far = np.maximum(np.abs(block - low), np.abs(block - high))
    size = float(np.linalg.norm(np.maximum(np.abs(low), np.abs(high))))
    squares = (far**2).sum(axis=1) + rest
    # Distances of sparse rows are had from squares that cancel.
    slack = rounding(n_features) * (np.sqrt(squares) + 2.0 * size) ** 2
    nearest = np.sqrt(np.maximum((near**2).sum(axis=1) + rest - slack, 0.0))
    return Spread(np.maximum(nearest - UNSEEN, 0.0), np.sqrt(squares + slack) + UNSEEN)


def line_spread(rows: Any, centers: Centers, line: Centers) -> Spread:
    """Bound |⟨x − c, l⟩| for each row, over the centres c and the lines l of two boxes."""
    # ⟨x − c, l⟩ = ⟨x − c₀, l₀⟩ + ⟨x − c₀, l − l₀⟩ − ⟨c − c₀, l⟩, with the middles c₀ and l₀.
    middle, half = line.middle, line.half
    value = np.abs(np.asarray(rows @ middle) - float(centers.middle @ middle))
    if sp.issparse(rows):
        absolute = np.asarray(abs(rows) @ half) + float(np.abs(centers.middle) @ half)
        sizes = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    else:
        absolute, sizes = np.abs(rows - centers.middle) @ half, np.linalg.norm(rows, axis=1)
    error = absolute + float(centers.half @ (np.abs(middle) + half))
    reach = (sizes + float(np.linalg.norm(centers.middle)) + centers.drift) * float(np.linalg.norm(middle) + line.drift)
    error += rounding(rows.shape[1]) * reach
    return Spread(np.maximum(value - error, 0.0), value + error)


@dataclass(frozen=True)
class Dropping:
    """How many rows a filter leaves out.

    Parameters
    ----------
    share : float
    by_class : bool
        Whether of each class, or of all rows by one ranking of scores in units of the class's median.
    least : int or float
        Rows, or share of the rows, of each class that stay.
    threshold : float or None
        Largest score that stays, instead.
    """

    share: float
    by_class: bool
    least: float | int
    threshold: float | None

    def most(self, size: Counts) -> Counts:
        """Return the largest number of rows that a class of a size can lose."""
        least = np.full(size.shape, self.least) if isinstance(self.least, int) else self.least * size
        left: Counts = np.floor(np.maximum(size - np.maximum(least, 1.0), 0.0)).astype(np.int64)
        return left

    def reaches(self, spreads: list[Spread], changes: Changes, overall: Changes) -> list[float]:
        """Bound the score of the added rows that are kept, of each class, in the scores' own units.

        Parameters
        ----------
        spreads : list of Spread
            Of the clean rows of each class.
        changes, overall : Changes
            Of any class, and of all rows together.

        Returns
        -------
        reaches : list of float
            Infinite where a row that is anywhere may be kept.
        """
        # Where half of a class may be at its centre, the unit is another.
        units = [spread.unit(changes) for spread in spreads]
        if self.threshold is not None:
            return [self.threshold * high * _FEW_ULPS if low > 0 else np.inf for low, high in units]
        if self.by_class:
            return [self._own(spread, changes, self.share) for spread in spreads]
        if min(low for low, _ in units) <= 0:
            return [np.inf] * len(spreads)
        common = self._overall(spreads, units, overall)
        # A class that may lose no more keeps what is nearest in it, whatever the others lose.
        own = [self._own(spread, changes, 1.0) for spread in spreads]
        return [max(common * high * _FEW_ULPS, reach) for (_, high), reach in zip(units, own, strict=True)]

    def _own(self, spread: Spread, changes: Changes, share: float) -> float:
        added, removed = changes.counts()
        size = np.maximum(len(spread.high) - removed + added, 0)
        dropped = np.minimum(np.floor(share * size).astype(np.int64), self.most(size))
        return _rank_from_top(spread.high, int((dropped - added).min()))

    def _overall(self, spreads: list[Spread], units: list[tuple[float, float]], changes: Changes) -> float:
        scores = np.concatenate([s.high / low * _FEW_ULPS for s, (low, _) in zip(spreads, units, strict=True)])
        added, removed = changes.counts()
        dropped = np.floor(self.share * (len(scores) - removed + added)).astype(np.int64)
        return _rank_from_top(scores, int((dropped - added).min()))


def _rank_from_top(scores: Floats, above: int) -> float:
    """Return the score that no more than ``above`` others exceed."""
    if above < 0:
        return np.inf
    return 0.0 if above >= len(scores) else float(np.sort(scores)[len(scores) - 1 - above])


def sphere_radius(reach: float, centers: Centers) -> float:
    """Bound the distance to the middle of a row whose distance to some centre of the box is found to be a reach."""
    size = centers.size
    slack = rounding(len(centers.low)) * (1.01 * reach + 3.0 * size) ** 2
    return float(np.sqrt(reach**2 + slack)) * _FEW_ULPS + centers.drift


def slab_width(reach: float, centers: Centers, line: Centers, farthest: float) -> float:
    """Bound |⟨x − c₀, l₀⟩|, with the middles of the boxes, where |⟨x − c, l⟩| is found to be a reach.

    Parameters
    ----------
    reach : float
    centers, line : Centers
    farthest : float
        Bound on ‖x − c₀‖.
    """
    middle, half = line.middle, line.half
    width = reach + farthest * line.drift + float(centers.half @ (np.abs(middle) + half))
    sizes = farthest + 2.0 * (float(np.linalg.norm(centers.middle)) + centers.drift)
    return width + rounding(len(middle)) * (width + sizes * (float(np.linalg.norm(middle)) + line.drift))


def line_box(centers: list[Centers], code: int) -> Centers:
    """Bound the difference between the centre of a class and the centre of the others' centres."""
    others = [box for index, box in enumerate(centers) if index != code]
    low = centers[code].low - np.mean([box.high for box in others], axis=0)
    high = centers[code].high - np.mean([box.low for box in others], axis=0)
    size = 1e-15 * (len(centers) + 2) * sum(np.maximum(np.abs(box.low), np.abs(box.high)) for box in centers)
    return Centers(low - size, high + size)
