"""Where rows may lie that a filter keeps although it was fitted to them too."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array, check_consistent_length

from robustfit._meta._labels import as_array
from robustfit.certify import CertificateError, FeasibleSet, Sphere
from robustfit.certify._damage._inflate import (
    Centers,
    Changes,
    Dropping,
    distance_spread,
    line_box,
    line_spread,
    median_box,
    slab_width,
    sphere_radius,
    trimmed_mean_box,
)
from robustfit.certify._feasible import Slab
from robustfit.certify._feasible._base import rounding
from robustfit.certify._threats import check_budget
from robustfit.sanitize import SanitizerChain, SlabSanitizer, SphereSanitizer
from robustfit.sanitize._centers import TRIM
from robustfit.sanitize._intersection import intersection
from robustfit.sanitize._slab_sanitizer import NO_LINE


def inflated_sets(sanitizer: Any, X: Any, y: Any, *, budget: int) -> dict[Any, FeasibleSet]:
    """Bound where added rows may lie that a filter keeps, if it is fitted to the clean and the added rows together.

    Parameters
    ----------
    sanitizer : SphereSanitizer, or SanitizerChain of one and of SlabSanitizer after it
        With ``center="median"`` or ``"trimmed_mean"``, which few rows move little; it need not be fitted.
    X : {array-like, sparse matrix} of shape (n_rows, n_features)
        Clean rows.
    y : array-like of shape (n_rows,)
        Their labels; added rows have one of these.
    budget : int
        m: number of added rows. They may all be of one class.

    Returns
    -------
    sets : dict of label to FeasibleSet

    Raises
    ------
    CertificateError
        If there is no such bound: for other filters and centres, or if the filter leaves out fewer rows than are added.

    Notes
    -----
    For each class, the median of n values and m others lies between two clean values, m/2 ranks below and above the
    clean median; the trimmed mean likewise. So the centre is in a box, each clean row's score between two numbers, and
    the score beyond which rows go is at most that of a clean row, m ranks further out than without added rows.

    **Guarantee.** Threat: at most m rows are added to the clean ones. Unit: one row. Every added row that the filter,
    fitted anew to all of them with the same parameters, keeps lies in the set of its label. Clean rows that it leaves
    out may be any. ``docs/damage.md``, 5, has the proof.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from robustfit.audit import inflated_sets
    >>> from robustfit.sanitize import SphereSanitizer
    >>> X, y = make_blobs(400, centers=2, n_features=2, random_state=0)
    >>> once = SphereSanitizer(0.1).fit(X, y).feasible_set_[0].radius
    >>> [round(inflated_sets(SphereSanitizer(0.1), X, y, budget=m)[0].radius / once, 1) for m in (0, 4, 12, 40)]
    [1.0, 1.2, 1.6, 4.2]
    """
    count = check_budget(budget)
    rows = check_array(X, accept_sparse="csr", dtype=np.float64)
    check_consistent_length(rows, y)
    rows = sp.csr_array(rows) if sp.issparse(rows) else rows
    classes, codes = np.unique(as_array(y), return_inverse=True)
    groups = [rows[np.flatnonzero(codes == code)] for code in range(len(classes))]
    sphere, slab = _steps(sanitizer)
    changes = Changes(count)
    centers = [_box(sphere, group, changes) for group in groups]
    spreads = [distance_spread(group, box) for group, box in zip(groups, centers, strict=True)]
    reaches = _dropping(sphere).reaches(spreads, changes, changes)
    _refuse_far(sphere, reaches, count)
    balls = [Sphere(box.middle, sphere_radius(reach, box)) for box, reach in zip(centers, reaches, strict=True)]
    if slab is None:
        return dict(zip(classes.tolist(), balls, strict=True))
    # What the sphere left out is missing for the slab.
    removed = [_most_left_out(sphere, group.shape[0] + count) for group in groups]
    overall = Changes(count, sum(removed))
    changes = Changes(count, max(removed))
    if sphere.drop_by == "global":
        changes = overall = Changes(count, _most_left_out(sphere, rows.shape[0] + count))
    slabs = _slabs(slab, groups, changes, overall, balls)
    return {
        label: intersection([ball, other]) for label, ball, other in zip(classes.tolist(), balls, slabs, strict=True)
    }


def _steps(sanitizer: Any) -> tuple[Any, Any]:
    """Return the sphere and the slab of a filter; the slab may be None."""
    steps = [sanitizer]
    if isinstance(sanitizer, SanitizerChain):
        steps = [step for _, step in sanitizer.sanitizers if step is not None]
    kinds = [type(step) for step in steps]
    if kinds not in ([SphereSanitizer], [SphereSanitizer, SlabSanitizer]):
        names = ", ".join(kind.__name__ for kind in kinds)
        raise CertificateError(
            f"It is not known how far added rows can stretch what {names} lets through. Pass a SphereSanitizer, or a "
            "SanitizerChain of one and a SlabSanitizer after it; or, if the filter is fitted to trusted rows alone, "
            "its feasible_set_."
        )
    for step in steps:
        if step.n_bins is not None:
            raise CertificateError("Added rows move the bins of y (n_bins), so the sets of the bins are not known.")
    if len(steps) == 2 and steps[0].threshold is not None:
        raise CertificateError(
            "A SphereSanitizer with a threshold may leave out any number of rows, so the centres of the slab after it "
            "are not known. Give it a contamination instead."
        )
    return steps[0], steps[1] if len(steps) == 2 else None


def _box(step: Any, rows: Any, changes: Changes) -> Centers:
    """Return where the centre of a class may be."""
    if step.center == "median":
        box = median_box(rows, changes)
    elif step.center == "trimmed_mean":
        box = trimmed_mean_box(rows, changes, TRIM)
    else:
        raise CertificateError(
            f"How far added rows move center={step.center!r} is not bounded here. Use center='median' or "
            "'trimmed_mean'."
        )
    if not np.isfinite(box.high - box.low).all():
        raise CertificateError(
            f"{changes.added} added rows, and {changes.removed} that an earlier filter may leave out, can move the "
            f"center={step.center!r} of a class of {rows.shape[0]} rows as far as they like. Lower the budget."
        )
    return box


def _most_left_out(step: Any, size: int) -> int:
    """Return how many of a number of rows go, at most: shares are rounded down, but for what floats do to them."""
    return int(step.contamination * size) + 1


def _dropping(step: Any) -> Dropping:
    least = int(step.min_per_class) if isinstance(step.min_per_class, Integral) else float(step.min_per_class)
    return Dropping(float(step.contamination), step.drop_by == "class", least, step.threshold)


def _refuse_far(step: Any, reaches: list[float], count: int) -> None:
    if not np.isfinite(reaches).all():
        raise CertificateError(
            f"{step!r} may keep a row wherever it is, if {count} are added: it leaves out fewer, or may not leave out "
            "so many of a class, or half of a class is at its centre. Raise contamination or lower the budget."
        )


def _slabs(step: Any, groups: list[Any], changes: Changes, overall: Changes, balls: list[Sphere]) -> list[Slab]:
    """Return slabs that hold the added rows of each class which the balls hold and the filter keeps."""
    if len(groups) < 2:
        raise CertificateError("A slab lies between two classes, but y has one class only.")
    centers = [_box(step, group, changes) for group in groups]
    lines = [line_box(centers, code) for code in range(len(groups))]
    # The sanitizer looks along no line that is this short. Twice, since it finds lengths in floats.
    shortest = 2.0 * NO_LINE * max(box.size for box in centers)
    if any(float(np.linalg.norm(line.middle)) <= max(2.0 * line.drift, line.drift + shortest) for line in lines):
        raise CertificateError(
            f"{changes.added} added rows may move the centres of two classes onto each other, so {step!r} need not "
            "look along any line. Lower the budget, or use a SphereSanitizer alone."
        )
    spreads = [line_spread(*parts) for parts in zip(groups, centers, lines, strict=True)]
    reaches = _dropping(step).reaches(spreads, changes, overall)
    _refuse_far(step, reaches, changes.added)
    slabs = []
    for reach, box, line, ball in zip(reaches, centers, lines, balls, strict=True):
        farthest = (ball.radius + float(np.linalg.norm(ball.center - box.middle))) * (1.0 + rounding(ball.n_features))
        slabs.append(Slab(box.middle, line.middle, slab_width(reach, box, line, farthest)))
    return slabs
