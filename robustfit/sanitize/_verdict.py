"""What a fitted sanitizer says of its rows, and what follows from it: which rows stay in any case, weights, reasons."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from scipy.stats import rankdata

from robustfit._meta._rules import most_to_drop
from robustfit._meta._selection import keep_smallest

# Mean weight of a suspicious row, where others have 1.
_MEAN_WEIGHT = 0.1

SPARED = "spared: its class would be too small"


@dataclass(frozen=True)
class Verdict:
    """What a sanitizer says of the rows that it was fitted on.

    Parameters
    ----------
    kept : ndarray of shape (n_rows,), bool
        Rows that are not suspicious.
    scores : ndarray of shape (n_rows,)
        Higher is more suspicious.
    reasons : ndarray of shape (n_rows,), object
        For suspicious rows the name of the sanitizer, of a chain the name of the one that left the row out; for rows
        that stay in any case `SPARED`; else an empty text.
    suggested : ndarray of shape (n_rows,) or None
        Labels that rows should have, where the sanitizer has an opinion on that.
    least : int or float
        Rows, or share of the rows, of each class that stay in any case.
    threshold : float or None
        Largest score that passes, where the sanitizer has one.
    by_class : bool
        Whether each class has a budget of its own.
    """

    kept: Any
    scores: Any
    reasons: Any
    suggested: Any
    least: Any
    threshold: Any
    by_class: bool

    @classmethod
    def of(cls, sanitizer, n_rows):
        """Read what a fitted sanitizer, or a pipeline that ends in one, says.

        Raises
        ------
        TypeError
            If it has no ``support_`` and ``scores_``, or not one entry for each row.
        """
        said = (
            sanitizer.steps[-1][1] if hasattr(sanitizer, "steps") and not hasattr(sanitizer, "support_") else sanitizer
        )
        name = type(said).__name__
        for attribute in ("support_", "scores_"):
            found = getattr(said, attribute, None)
            if np.shape(found) != (n_rows,):
                what = (
                    f"no {attribute}" if found is None else f"{attribute} of shape {np.shape(found)} for {n_rows} rows"
                )
                raise TypeError(
                    f"{name} is no sanitizer: after fit one has support_ (which rows to keep) and scores_ (higher is "
                    f"more suspicious), one entry per row; this one has {what}. Pass one of robustfit.sanitize; "
                    "outlier detectors go into its OutlierSanitizer."
                )
        kept = np.asarray(said.support_).astype(bool)
        names = getattr(said, "dropped_by_", None)
        reasons = np.full(n_rows, name, dtype=object) if names is None else np.asarray(names, dtype=object).copy()
        reasons[kept] = ""
        least = getattr(said, "min_per_class", 1)
        # Where bins stand for classes, what is suggested are numbers of bins.
        suggested = getattr(said, "suggested_labels_", None) if getattr(said, "n_bins", None) is None else None
        return cls(
            kept=kept,
            scores=np.asarray(said.scores_, dtype=np.float64),
            reasons=reasons,
            suggested=suggested,
            least=least if isinstance(least, Real) else 1,
            threshold=getattr(said, "threshold", None),
            by_class=getattr(said, "drop_by", "global") == "class",
        )

    def sparing(self, groups, keys):
        """Return the verdict that leaves each class enough rows, the least suspicious ones.

        Parameters
        ----------
        groups : list of ndarray
            Positions of the rows of each class; one group of all for regression.
        keys : callable
            One sortable key per row, to settle ties.
        """
        kept, reasons = self.kept.copy(), self.reasons.copy()
        for group, most in zip(groups, most_to_drop(np.ones(len(kept)), groups, self.least), strict=True):
            out = group[~kept[group]]
            # A hair less than a whole number is that number.
            too_many = len(out) - int(most + 1e-9)
            if too_many > 0:
                spared = out[keep_smallest(self.scores[out], too_many, lambda out=out: keys()[out])]
                kept[spared], reasons[spared] = True, SPARED
        return replace(self, kept=kept, reasons=reasons)

    def thresholds(self, groups):
        """Return for each row a score below which no row of its kind was found suspicious.

        Returns
        -------
        thresholds : ndarray of shape (n_rows,)
            NaN where none was.
        """
        found = np.full(len(self.kept), np.nan)
        if self.threshold is not None:
            found[:] = self.threshold
            return found
        for group in groups if self.by_class else [np.arange(len(found))]:
            out = self.scores[group[~self.kept[group]]]
            found[group] = out[~np.isnan(out)].min(initial=np.inf) if len(out) else np.nan
        return found

    def relabelled(self, target):
        """Return labels with those of suspicious rows as suggested."""
        target = target.copy()
        target[~self.kept] = np.asarray(self.suggested)[~self.kept]
        return target

    def factors(self):
        """Return what the weight of each row is multiplied by.

        Notes
        -----
        Of m suspicious rows the one with rank r among them, the most suspicious one first, gets 0.2 r / (m + 1): a
        tenth on average, never zero. Equal scores share their mean rank. All other rows get 1.
        """
        factors, out = np.ones(len(self.kept)), np.flatnonzero(~self.kept)
        if len(out):
            # What has no score is the most suspicious of all.
            scores = np.nan_to_num(self.scores[out], nan=np.inf, posinf=np.inf, neginf=-np.inf)
            factors[out] = 2 * _MEAN_WEIGHT * rankdata(-scores) / (len(out) + 1)
        return factors
