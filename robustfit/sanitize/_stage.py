"""What the scores of one sanitizer among several are compared with."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np

from robustfit._sklearn import num_samples


def codes_of(rows, target):
    """Class of each row; zeros where there are none."""
    return np.zeros(num_samples(rows), dtype=np.intp) if target is None or not target.coded else target.values


@dataclass(frozen=True)
class Stage:
    """What the scores of one sanitizer are compared with.

    Parameters
    ----------
    ordered : ndarray of shape (n_seen,)
        Scores of the rows that it saw, in order.
    reach : ndarray of shape (n_codes,)
        Largest score in each class that it lets pass.
    """

    ordered: Any
    reach: Any

    @classmethod
    def of(cls, fitted, codes, n_codes):
        """Read off a fitted sanitizer what it keeps."""
        scores, kept = fitted.scores_, fitted.support_
        reach = np.full(n_codes, np.inf)
        lost = np.unique(codes[~kept])
        for code in lost:
            reach[code] = scores[kept & (codes == code)].max(initial=-np.inf)
        # A class that lost no row is held to what others are held to, but for what it showed to be let pass.
        if len(lost):
            for code in np.setdiff1d(codes, lost):
                reach[code] = max(reach[lost].max(), scores[codes == code].max())
        return cls(np.sort(scores), reach)

    def ranks(self, scores):
        """Share of the rows seen with smaller scores, those of equal score by half."""
        below = np.searchsorted(self.ordered, scores, side="left")
        upto = np.searchsorted(self.ordered, scores, side="right")
        # A row that is more suspicious than all that were seen ranks like the first of them.
        return np.minimum((below + upto) / 2.0, len(self.ordered) - 0.5) / len(self.ordered)
