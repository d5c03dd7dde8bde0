"""From the raw fit to the answer: exact fits, scale, outliers, and the fit on all rows but them."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.trimmed._lts._final_fit import bisquare_fit, degrees_of_freedom, fit_rows
from robustfit.trimmed._lts._reweight import find_outliers
from robustfit.trimmed._lts._scale import truncated_variance

_ROUNDING = 256 * np.finfo(float).eps


class Conclusion(NamedTuple):
    """The answer, in robust units.

    Attributes
    ----------
    coefs : ndarray of shape (p,)
    scale : float
    weights : ndarray of shape (n_rows,)
    contamination : float
    exact : bool
    """

    coefs: NDArray[np.float64]
    scale: float
    weights: NDArray[np.float64]
    contamination: float
    exact: bool


def conclude(trimmed, final):
    """Finish a raw fit.

    Parameters
    ----------
    trimmed : Trimmed
    final : {"reweight", "mm"} or None

    Returns
    -------
    conclusion : Conclusion
    """
    problem, solution = trimmed.problem, trimmed.solution
    coefs = fit_rows(problem, trimmed.units, solution.kept)
    residuals = problem.target - problem.rows @ coefs
    if (on_plane := _exact(trimmed, coefs, residuals)) is not None:
        coefs = coefs if final is None else fit_rows(problem, trimmed.units, on_plane)
        return Conclusion(coefs, 0.0, on_plane.astype(float), float(np.mean(~on_plane)), exact=True)

    freedom = degrees_of_freedom(problem, coefs, solution.kept)
    squares = float(np.square(residuals[solution.kept]).sum())
    sizes = np.abs(residuals)
    scale, _, cutoff = find_outliers(sizes, squares, trimmed.h, freedom)
    out = sizes >= cutoff
    contamination = float(np.mean(out))
    if final is None:
        return Conclusion(coefs, scale, solution.kept.astype(float), contamination, exact=False)
    if final == "mm":
        coefs, weights = bisquare_fit(problem, coefs, scale)
        return Conclusion(coefs, scale, weights, contamination, exact=False)
    coefs = fit_rows(problem, trimmed.units, ~out)
    residuals = problem.target[~out] - problem.rows[~out] @ coefs
    left = len(residuals) - degrees_of_freedom(problem, coefs, ~out)
    if left >= 1:
        scale = float(np.sqrt(np.square(residuals).sum() / left / truncated_variance(cutoff / scale)))
    return Conclusion(coefs, scale, (~out).astype(float), contamination, exact=False)


def _exact(trimmed, coefs, residuals):
    """Return the rows on the plane if all rows kept lie there up to rounding, else None."""
    problem, units, kept = trimmed.problem, trimmed.units, trimmed.solution.kept
    n_features = len(units.scale)
    offset = np.abs(coefs[:n_features] * units.centre / units.scale).sum()
    offset += abs(units.target_centre / units.target_scale)
    size = np.abs(problem.rows) @ np.abs(coefs) + np.abs(problem.target) + offset
    on_plane = np.abs(residuals) <= _ROUNDING * problem.n_coefs * size
    return on_plane if on_plane[kept].all() else None
