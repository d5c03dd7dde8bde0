"""What models say of rows: how far a label or a target is from what they expect."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp
from scipy.special import expit, ndtri

from robustfit.losses import LOGISTIC, huber, smooth_hinge

# The hinge, rounded off where Newton's method needs a curvature.
_HINGE = smooth_hinge(0.2)

# 95 % of the efficiency of least squares under normal errors.
_HUBER = huber(1.345)

# Median size of a standard normal.
_QUARTILE = float(ndtri(0.75))

# Quantile of the rows of a class that say what is usual there: bad rows may be more than half of a small class.
_USUAL = 0.25

# Targets beyond this many robust standard deviations are cut where rows are clustered.
_FAR = 3.0

# Part of the rows kept among which residuals are compared. Bad rows that all score alike, by which they set what is
# usual there, must be half of that many. And how often that is done.
_ALIKE = 0.3
_PLACES = 21


def belief_of(shares, codes):
    """Return the probability of each label, where only the best other one is considered besides."""
    rows, others = np.arange(len(codes)), shares.copy()
    own = shares[rows, codes]
    others[rows, codes] = 0.0
    return own / np.maximum(own + others.max(axis=1), 1e-300)


class ClassView:
    """One model that tells two classes apart, or one for each of more classes against the rest.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
    n_classes : int
        At least 2.
    """

    reference_loss, final_loss = _HINGE, LOGISTIC

    def __init__(self, codes, n_classes):
        self.codes, self.n_classes = codes, n_classes
        columns = np.arange(n_classes) if n_classes > 2 else np.array([1])
        self.targets = np.where(codes[:, None] == columns, 1.0, -1.0)

    def to_cluster(self, rows):
        """Return what is clustered."""
        return rows

    def typical(self, suspicion):
        """Return the suspicion that is usual for each class, for the lower quarter of its rows.

        Strong penalties favour large classes. All rows of a small one would be more suspicious than any others.
        """
        return np.array([np.quantile(suspicion[self.codes == c], _USUAL) for c in range(self.n_classes)])

    def excess(self, suspicion, typical):
        """Return how much more suspicious rows are than usual for their class."""
        return suspicion - typical[self.codes]

    def suspicion(self, scores):
        """Return minus the margin of the label: above 0 another class has a higher score."""
        if self.targets.shape[1] == 1:
            return -(self.targets * scores)[:, 0]
        rows, others = np.arange(len(self.codes)), scores.copy()
        others[rows, self.codes] = -np.inf
        return 0.5 * (others.max(axis=1) - scores[rows, self.codes])

    def belief(self, scores, kept):
        """Return the probability of each label, where only the best other class is considered besides."""
        return belief_of(_probabilities(scores), self.codes)

    def expected(self, scores):
        """Return the code of the most probable class."""
        return _probabilities(scores).argmax(axis=1)


class NumberView:
    """One model of the target, in robust units.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    center, unit : float
    """

    reference_loss = final_loss = _HUBER

    def __init__(self, values, center, unit):
        self.center, self.unit = center, unit
        self.targets = ((values - center) / unit)[:, None]

    def to_cluster(self, rows):
        """Return rows with the target as one column more."""
        target = np.clip(self.targets, -_FAR, _FAR) / _FAR
        return sp.csr_array(sp.hstack([rows, sp.csr_array(target)])) if sp.issparse(rows) else np.hstack([rows, target])

    def typical(self, suspicion):
        """Return what residuals are compared with: none."""
        return np.zeros(1)

    def excess(self, suspicion, typical):
        """Return the residuals."""
        return suspicion

    def suspicion(self, scores):
        """Return the size of the residual."""
        return np.abs(self.targets - scores)[:, 0]

    def belief(self, scores, kept):
        """Return the density of each residual over that of none, were those of rows kept that score alike normal."""
        residuals = self.suspicion(scores)
        spread = _spread_at(scores[:, 0], scores[kept, 0], residuals[kept])
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return np.nan_to_num(np.exp(-0.5 * (residuals / spread) ** 2))

    def expected(self, scores):
        """Return the predicted target."""
        return self.center + self.unit * scores[:, 0]


def _spread_at(scores, scores_kept, residuals_kept):
    """Robust standard deviation of residuals among rows of similar scores, or of all rows if that is larger."""
    order = np.argsort(scores_kept, kind="stable")
    scores_kept, residuals_kept = scores_kept[order], residuals_kept[order]
    width = max(int(_ALIKE * len(order)), 1)
    starts = np.unique(np.linspace(0, len(order) - width, _PLACES).astype(np.intp))
    windows = [slice(start, start + width) for start in starts]
    middles = [np.median(scores_kept[window]) for window in windows]
    spreads = [np.median(residuals_kept[window]) for window in windows]
    return np.maximum(np.interp(scores, middles, spreads), np.median(residuals_kept)) / _QUARTILE


def _probabilities(scores):
    shares = expit(scores)
    if scores.shape[1] == 1:
        return np.hstack([1.0 - shares, shares])
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
