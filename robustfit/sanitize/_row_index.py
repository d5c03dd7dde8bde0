"""Nearest rows: all rows are looked at where they are few, and the rows of the nearest cells where they are many."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp

from robustfit.partition import as_rows
from robustfit.sanitize._centers import squared_lengths

# So many rows are compared with all others.
_FEW = 10_000
# Cells that are searched for each row, at least, and how many times as many rows as usual one of them may hold.
_PROBES = 8
_CROWDED = 4
# Squared distances that are held at once.
_BLOCK = 1 << 21


class RowIndex:
    """Find rows that are near others.

    Up to 10 000 rows all are looked at. Beyond, rows are put into cells, each row into that of the nearest of √(8n)
    rows drawn by content and seed, and only the 8 nearest cells (one more than neighbours are asked for, if that is
    more) are searched, so that the cost grows as n^1.5. Of a cell with many times as many rows as usual an even share
    is looked at. What is found is then near, but not always nearest; distances to it are exact.

    Parameters
    ----------
    rows : ndarray or csr matrix of shape (n_samples, n_features)
        At least one.
    seed : int
    tie : ndarray of shape (n_samples,), default=None
        Tells equal rows apart, so that nothing depends on the order in which they stand.
    content : ndarray or csr matrix of shape (n_samples, n_columns), default=None
        What rows are drawn by, where the rows themselves have been changed in a way that rounds.
    """

    def __init__(self, rows, seed, *, tie=None, content=None):
        digest = as_rows(rows if content is None else content).digest(seed)
        order = np.lexsort((digest,) if tie is None else (tie, digest))
        # Equal rows stand together so far: of those that are equally near, the first ones must be no special ones.
        self._order = order[np.random.default_rng(seed).permutation(len(order))]
        self._place = np.argsort(self._order)
        # Squares lose digits far from the origin.
        self._origin = None if sp.issparse(rows) else np.median(rows, axis=0)
        self._rows = self._moved(rows)[self._order]
        self._squares = squared_lengths(self._rows)
        self._n_cells = 1
        if len(order) > _FEW:
            _, first = np.unique(digest[self._order], return_index=True)
            self._n_cells = min(int(np.sqrt(_PROBES * len(order))), len(first))
            self._heads = np.sort(first)[: self._n_cells]
            cells = self._nearest_heads(self._rows, self._squares, 1)[:, 0]
            # Each cell holds one row at least, rounding or not.
            cells[self._heads] = np.arange(self._n_cells)
            by_cell = np.argsort(cells, kind="stable")
            self._cells = np.split(by_cell, np.cumsum(np.bincount(cells, minlength=self._n_cells))[:-1])

    def nearest(self, queries, n_neighbors, own=None):
        """Find the nearest rows.

        Parameters
        ----------
        queries : ndarray or csr matrix of shape (n_queries, n_features)
        n_neighbors : int
            Fewer than rows, or as many where queries are no rows of the index.
        own : ndarray of shape (n_queries,), default=None
            Positions of the queries among the rows of the index: a row is not its own neighbour.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
        positions : ndarray of shape (n_queries, n_neighbors)
            Nearest first.
        """
        n_queries = queries.shape[0]
        near = np.full((n_queries, n_neighbors), np.inf)
        found = np.zeros((n_queries, n_neighbors), dtype=np.intp)
        for asking, members, _, squares in self._blocks(queries, n_neighbors, own):
            picked = np.arange(len(members))[None, :]
            if len(members) > n_neighbors:
                picked = np.argpartition(squares, n_neighbors - 1, axis=1)[:, :n_neighbors]
            picked = np.broadcast_to(picked, (len(asking), picked.shape[1]))
            merged = np.hstack([near[asking], np.take_along_axis(squares, picked, axis=1)])
            places = np.hstack([found[asking], members[picked]])
            best = np.argsort(merged, axis=1, kind="stable")[:, :n_neighbors]
            near[asking] = np.take_along_axis(merged, best, axis=1)
            found[asking] = np.take_along_axis(places, best, axis=1)
        distances = self._distances(queries, found)
        ranks = np.argsort(distances, axis=1, kind="stable")
        return np.take_along_axis(distances, ranks, axis=1), self._order[np.take_along_axis(found, ranks, axis=1)]

    def count_near(self, queries, radius, own=None):
        """Count the rows that are not farther than a radius.

        Parameters
        ----------
        queries : ndarray or csr matrix of shape (n_queries, n_features)
        radius : float
        own : ndarray of shape (n_queries,), default=None

        Returns
        -------
        counts : ndarray of shape (n_queries,)
            Of an even share of a crowded cell, each row counts for as many as it stands for.
        """
        counts = np.zeros(queries.shape[0])
        for asking, _, weight, squares in self._blocks(queries, 1, own):
            counts[asking] += weight * np.count_nonzero(squares <= radius**2, axis=1)
        return counts

    def _moved(self, rows):
        return rows if self._origin is None else rows - self._origin

    def _blocks(self, queries, n_neighbors, own):
        """Yield queries, rows near them, how many rows each of these stands for, and their squared distances."""
        queries = self._moved(queries)
        squares = squared_lengths(queries)
        own = None if own is None else self._place[own]
        column = np.full(self._rows.shape[0], -1)
        for asking, members, weight in self._pairs(queries, squares, n_neighbors + (own is not None)):
            near_rows, near_squares = self._rows[members], self._squares[members]
            column[members] = np.arange(len(members))
            step = max(1, _BLOCK // len(members))
            for start in range(0, len(asking), step):
                part = asking[start : start + step]
                block = squared_distances(queries[part], squares[part], near_rows, near_squares)
                if own is not None:
                    at = column[own[part]]
                    inside = np.flatnonzero(at >= 0)
                    block[inside, at[inside]] = np.inf
                yield part, members, weight, block
            column[members] = -1

    def _pairs(self, queries, squares, n_wanted):
        if self._n_cells == 1:
            yield np.arange(queries.shape[0]), np.arange(self._rows.shape[0]), 1.0
            return
        n_probes = min(max(_PROBES, n_wanted), self._n_cells)
        probed = self._nearest_heads(queries, squares, n_probes)
        by_cell = np.argsort(probed.ravel(), kind="stable")
        asking = np.split(by_cell // n_probes, np.cumsum(np.bincount(probed.ravel(), minlength=self._n_cells))[:-1])
        usual = int(np.ceil(np.sqrt(self._rows.shape[0] / _PROBES)))
        most = max(_CROWDED * usual, n_wanted)
        for members, rows in zip(self._cells, asking, strict=True):
            if len(rows):
                size = len(members)
                if size > most:
                    members = members[np.linspace(0, size - 1, most).astype(np.intp)]
                yield rows, members, size / len(members)

    def _nearest_heads(self, queries, squares, n_heads):
        heads, head_squares = self._rows[self._heads], self._squares[self._heads]
        nearest = np.empty((queries.shape[0], n_heads), dtype=np.intp)
        step = max(1, _BLOCK // self._n_cells)
        for start in range(0, queries.shape[0], step):
            part = slice(start, start + step)
            block = squared_distances(queries[part], squares[part], heads, head_squares)
            if n_heads == 1:
                nearest[part, 0] = block.argmin(axis=1)
            else:
                nearest[part] = np.argpartition(block, n_heads - 1, axis=1)[:, :n_heads]
        return nearest

    def _distances(self, queries, found):
        queries = self._moved(queries)
        distances = np.empty(found.shape)
        for j in range(found.shape[1]):
            distances[:, j] = np.sqrt(squared_lengths(queries - self._rows[found[:, j]]))
        return distances


def squared_distances(queries, query_squares, rows, row_squares):
    """Squared distances of rows to others, given their squared lengths; not exact, and dense."""
    with np.errstate(over="ignore", invalid="ignore"):
        products = queries @ rows.T
        if sp.issparse(products):
            products = products.toarray()
        products *= -2.0
        products += query_squares[:, None]
        products += row_squares
    # What is beyond the range of floats is far.
    products[np.isnan(products)] = np.inf
    return products
