"""What a model's losses on rows that may be bad say of its mean loss on the clean ones: exactly."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import accumulate
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._threats import CertificateError, check_budget, check_budgets

Floats = NDArray[np.float64]

POST_HOC_THREATS = ("insert", "modify", "delete", "insert_delete")


def clean_loss_bound(
    losses: ArrayLike, n_poison: ArrayLike, *, threat: str = "insert", largest_loss: float | None = None
) -> Any:
    """Bound a model's mean loss on the clean rows, of which nobody knows which they are.

    Parameters
    ----------
    losses : array-like of shape (n_rows,)
        The model's loss on each observed row, finite. Every row counts once.
    n_poison : int or array-like of int
        m: number of units that the attacker may have spent, at most.
    threat : {"insert", "modify", "delete", "insert_delete"}, default="insert"
        A unit is a row inserted; a clean row replaced by another, of which a changed label is a case; a clean row
        removed; a row inserted or a clean row removed.
    largest_loss : float, default=None
        No clean row has a larger loss under this model. Needed unless rows are only inserted, since a clean row that is
        gone may have had any loss; observed losses are cut there.

    Returns
    -------
    bound : float, or ndarray of the shape of ``n_poison``

    Raises
    ------
    CertificateError
        If the threat is another one, if no clean row may be left, or if ``largest_loss`` is missing.
    ValueError
        If a loss is not finite or ``n_poison`` is no count.

    See Also
    --------
    clean_error_bound : The same for the share of errors.
    holdout_error_bound : A statement about rows that the model has not seen.

    Notes
    -----
    Let N be the number of rows, T(a) the sum of the a largest losses and L the largest loss. The bound is

        ``max over k, j of (T(N − k) + j L) / (N − k + j)``

    where k of the observed rows are bad and j clean rows are gone: (m, 0) for "insert", (m, m) for "modify", (0, m) for
    "delete" and all k + j = m for "insert_delete". For "insert" it is the mean of the N − m largest losses.

    **Guarantee.** Threat: at most m units of ``threat``, chosen with full knowledge of everything. Unit: one row. The
    clean rows are those that would be there without the attacker, removed and replaced ones included. Then the mean
    loss of the clean rows under this very model is at most ``bound``. Nothing is assumed of the model, how it was
    trained, or the rows; with "insert" nothing of the loss either. The bound is exact: for some choice of the bad rows,
    and of losses up to L of those that are gone, it is attained, unless an observed loss exceeds L. Sums are exact, and
    rounded up once. It says nothing of other rows of the same kind, and all observed rows have to be in ``losses``:
    also those that a sanitizer dropped. Proof in ``docs/post_hoc.md``.

    Examples
    --------
    >>> from robustfit.certify import clean_loss_bound
    >>> clean_loss_bound([0.0, 0.5, 1.0, 3.0], [0, 1, 2])
    array([1.125, 1.5  , 2.   ])
    >>> clean_loss_bound([0.0, 0.5, 1.0, 3.0], 1, threat="modify", largest_loss=5.0)
    2.375
    """
    values = np.asarray(losses, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(
            f"losses must be a 1-D array of at least one finite number, got shape {values.shape}"
            f"{'' if np.isfinite(values).all() else ' with infinite or missing values'}."
        )
    largest = _check_largest(largest_loss, threat)
    if largest is not None:
        values = np.minimum(values, largest)
    sums = [Fraction(0), *_exact_sums(np.sort(values)[::-1])]
    top = Fraction(0 if largest is None else largest)
    return _bound(lambda kept: sums[kept], top, len(values), n_poison, threat)


def clean_error_bound(n_errors: int, n_rows: int, n_poison: ArrayLike, *, threat: str = "insert") -> Any:
    """Bound a model's share of errors on the clean rows, of which nobody knows which they are.

    Parameters
    ----------
    n_errors : int
        E: number of observed rows whose label the model does not predict.
    n_rows : int
        N: number of observed rows.
    n_poison : int or array-like of int
        m: number of units that the attacker may have spent, at most.
    threat : {"insert", "modify", "delete", "insert_delete"}, default="insert"
        As in `clean_loss_bound`.

    Returns
    -------
    bound : float, or ndarray of the shape of ``n_poison``
        At most 1.

    Raises
    ------
    CertificateError
        If the threat is another one, or no clean row may be left.
    ValueError
        If a number is no count, or there are more errors than rows.

    See Also
    --------
    clean_loss_bound : The same for the mean of a loss.

    Notes
    -----
    It is ``E / (N − m)`` for "insert", ``(E + m) / N`` for "modify" and ``(E + m) / (N + m)`` for "delete",
    or 1 if that is less.

    **Guarantee.** Threat: at most m units of ``threat``, chosen with full knowledge of everything. Unit: one row. Then
    the share of the clean rows, removed and replaced ones included, whose labels this very model does not predict is at
    most ``bound``. Nothing is assumed of the model, how it was trained, or the rows. The bound is exact: for some
    choice of the bad rows it is attained. It says nothing of other rows of the same kind. Proof in
    ``docs/post_hoc.md``.

    Examples
    --------
    >>> from robustfit.certify import clean_error_bound
    >>> clean_error_bound(3, 100, [0, 4, 99])
    array([0.03   , 0.03125, 1.     ])
    >>> clean_error_bound(3, 100, 5, threat="modify")
    0.08
    """
    errors, rows = check_count(n_errors, "n_errors"), check_count(n_rows, "n_rows")
    if rows < 1 or errors > rows:
        raise ValueError(f"There must be at least one row, and no more errors than rows, got {errors} of {rows}.")
    return _bound(lambda kept: Fraction(min(errors, kept)), Fraction(1), rows, n_poison, threat)


def check_count(value: Any, name: str) -> int:
    """Return a count as a plain ``int``.

    Raises
    ------
    ValueError
        If it is not a non-negative whole number.
    """
    return check_budget(value, name=name)


def check_post_hoc_threat(threat: Any, answered: tuple[str, ...] = POST_HOC_THREATS) -> None:
    """Raise unless the threat is one that can be answered."""
    if threat not in answered:
        hint = " A changed label is a replaced row: pass 'modify'." if threat == "label_flip" else ""
        raise CertificateError(f"threat={threat!r} cannot be answered here; known: {', '.join(answered)}.{hint}")


def round_up(exact: Fraction) -> float:
    """Return the smallest float that is not below a number."""
    nearest = float(exact)
    return nearest if Fraction(nearest) >= exact else float(np.nextafter(nearest, np.inf))


def _check_largest(largest_loss: Any, threat: str) -> float | None:
    check_post_hoc_threat(threat)
    if largest_loss is None:
        if threat == "insert":
            return None
        raise CertificateError(
            f"With threat={threat!r} clean rows are gone, and what the model loses on them has no bound. Pass "
            "largest_loss, which no clean row's loss exceeds, or threat='insert'."
        )
    if isinstance(largest_loss, bool) or not isinstance(largest_loss, Real) or not np.isfinite(float(largest_loss)):
        raise ValueError(f"largest_loss must be a finite number, got {largest_loss!r}.")
    return float(largest_loss)


def _exact_sums(values: Floats) -> Iterable[Fraction]:
    """Sums of the first 1, 2, ... values, without rounding."""
    parts = [value.as_integer_ratio() for value in values.tolist()]
    # Denominators of floats are powers of two; whole numbers add faster than fractions.
    unit = max(below for _, below in parts)
    return (Fraction(total, unit) for total in accumulate(above * (unit // below) for above, below in parts))


def _bound(largest_sum: Callable[[int], Fraction], top: Fraction, n_rows: int, n_poison: ArrayLike, threat: str) -> Any:
    """Largest mean over all ways to spend each budget; ``largest_sum(a)`` is the sum of the a largest losses."""
    check_post_hoc_threat(threat)
    budgets = check_budgets(n_poison)
    bounds = [
        round_up(
            max(
                (largest_sum(n_rows - bad) + gone * top) / (n_rows - bad + gone)
                for bad, gone in _ways(m, n_rows, threat)
            )
        )
        for m in budgets.ravel().tolist()
    ]
    return bounds[0] if budgets.ndim == 0 else np.array(bounds).reshape(budgets.shape)


def _ways(m: int, n_rows: int, threat: str) -> Iterable[tuple[int, int]]:
    """Numbers of bad rows among the observed ones and of clean rows that are gone."""
    if threat == "delete":
        return [(0, m)]
    if threat == "modify":
        return [(min(m, n_rows),) * 2]
    if m >= n_rows:
        raise CertificateError(
            f"With n_poison={m} of {n_rows} rows none need be clean, and a mean over no rows says nothing. Pass fewer "
            f"than {n_rows}."
        )
    return [(m, 0)] if threat == "insert" else ((bad, m - bad) for bad in range(m + 1))
