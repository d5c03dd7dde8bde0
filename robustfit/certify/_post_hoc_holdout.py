"""What errors on held-out rows, some of them bad, say of a model."""

# SPDX-License-Identifier: BSD-3-Clause

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

from robustfit.certify._post_hoc_rows import check_count, check_post_hoc_threat, clean_error_bound
from robustfit.certify._threats import CertificateError

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_MARGIN = 1e-9
"""Relative error that is allowed for in the functions of scipy that are used here."""
_SMALLEST = 1e-300

_UNTOUCHED = "no held-out row was used to fit, choose or tune the model"
_AT_RANDOM = (
    "the hold-out was drawn uniformly from all rows after the poison was in, without strata, by chance that the "
    "attacker could not foresee"
)
_UNSEEN = (
    "clean rows are independent draws, and the attacker chose what the model was trained on without having seen the "
    "clean rows of the hold-out"
)


@dataclass(frozen=True, kw_only=True)
class HoldoutBound:
    """What held-out rows say of a model. Made by `holdout_error_bound`.

    Attributes
    ----------
    holdout_error : float
        Upper bound on the share of errors on the clean held-out rows, replaced ones included.
    test_error : float or None
        Upper bound on the probability of an error on a new clean row; None where nothing is claimed.
    n_bad : int
        At most so many of the held-out rows are bad.
    n_holdout : int
    threat : {"insert", "modify"}
    kind : {"exact", "probabilistic"}
    delta : float
        All that is claimed holds at once with probability at least 1 − delta; 0 for "exact".
    conditional_on : tuple of str

    Examples
    --------
    >>> from robustfit.certify import holdout_error_bound
    >>> found = holdout_error_bound(3, 100, 4)
    >>> found.holdout_error, found.test_error, found.kind
    (0.03125, None, 'exact')
    """

    holdout_error: float
    test_error: float | None
    n_bad: int
    n_holdout: int
    threat: str
    kind: str
    delta: float
    conditional_on: tuple[str, ...]


def holdout_error_bound(
    n_errors: int,
    n_holdout: int,
    n_poison: int,
    *,
    n_rows: int | None = None,
    threat: str = "insert",
    unseen: bool = False,
    delta: float = 0.05,
) -> HoldoutBound:
    """Bound a model's share of errors on clean held-out rows, and on new rows where that can be done.

    Parameters
    ----------
    n_errors : int
        E: number of held-out rows whose label the model does not predict.
    n_holdout : int
        n_v: number of held-out rows.
    n_poison : int
        m: number of bad rows, at most: among the held-out rows, or, if ``n_rows`` is given, among all.
    n_rows : int, default=None
        N: number of rows, held-out ones included, of which the hold-out was drawn uniformly at random after the poison
        was in. A draw by strata is none, and neither is one with a seed that the attacker knows.
    threat : {"insert", "modify"}, default="insert"
        A bad row was inserted, or stands in the place of a clean one.
    unseen : bool, default=False
        Declares that clean rows are independent draws, and that whoever chose the bad rows had not seen the clean rows
        of the hold-out: say because these were collected afterwards. Only then can anything be said of new rows. An
        attacker who saw all clean rows can put copies of some into the training set, so that the model knows them.
    delta : float, default=0.05
        Probability with which a claim that rests on chance may fail.

    Returns
    -------
    HoldoutBound

    Raises
    ------
    CertificateError
        If the threat is another one, or no held-out row need be clean.
    ValueError
        If a number is no count, the counts do not go together, or delta is not in (0, 1).

    See Also
    --------
    clean_error_bound : The same for the rows that the model was trained on.

    Notes
    -----
    With at most m_v bad rows in the hold-out, its clean rows have an error of at most ``E / (n_v − m_v)``; with
    "modify", its rows before they were replaced one of at most ``(E + m_v) / n_v``. If the hold-out was drawn, m_v is
    hypergeometric, and its 1 − δ' quantile is used. The bound for new rows is that of Clopper and Pearson at δ'. δ' is
    ``delta``, or half of it if both are used.

    **Guarantee.** Threat: at most m rows of ``threat``. Unit: one row. ``holdout_error`` bounds the share of errors of
    this very model on the clean held-out rows: always, if ``n_rows`` is None; else with probability at least 1 − delta
    over the draw. ``test_error`` bounds the probability of an error on a new clean row, with probability at least
    1 − delta over the draw and the clean rows, both claims at once; it is None unless ``unseen``. ``conditional_on``
    lists what else is taken for granted. In particular one hold-out serves one model: choosing the best of several by
    it voids the claims about new rows. Rounding errors are counted. Proof in ``docs/post_hoc.md``.

    References
    ----------
    .. [1] C. J. Clopper and E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the
       Binomial", Biometrika 26, 1934.

    Examples
    --------
    >>> from robustfit.certify import holdout_error_bound
    >>> found = holdout_error_bound(10, 400, 20, n_rows=2000, unseen=True)
    >>> found.n_bad, round(found.holdout_error, 4), round(found.test_error, 4)
    (8, 0.0255, 0.0464)
    """
    errors, held, poison = _check_counts(n_errors, n_holdout, n_poison, n_rows)
    check_post_hoc_threat(threat, ("insert", "modify"))
    if isinstance(delta, bool) or not isinstance(delta, Real) or not 0 < float(delta) < 1:
        raise ValueError(f"delta is a probability in (0, 1), got {delta!r}.")
    share = float(delta) / 2 if unseen and n_rows is not None else float(delta)
    bad = min(poison, held) if n_rows is None else drawn_at_most(int(n_rows), poison, held, share)
    if bad >= held and threat == "insert":
        raise CertificateError(
            f"Up to {bad} of the {held} held-out rows may be bad, so that none need be clean. Hold out more rows, or "
            "vouch for fewer bad ones."
        )
    conditions = [_UNTOUCHED] + [_AT_RANDOM] * (n_rows is not None) + [_UNSEEN] * bool(unseen)
    wrong, of = (min(errors, held - bad), held - bad) if threat == "insert" else (min(errors + bad, held), held)
    by_chance = bool(unseen) or n_rows is not None
    return HoldoutBound(
        holdout_error=clean_error_bound(errors, held, bad, threat=threat),
        test_error=largest_probability(wrong, of, share) if unseen else None,
        n_bad=bad,
        n_holdout=held,
        threat=threat,
        kind="probabilistic" if by_chance else "exact",
        delta=float(delta) if by_chance else 0.0,
        conditional_on=tuple(conditions),
    )


def drawn_at_most(n_rows: int, n_bad: int, n_drawn: int, delta: float) -> int:
    """Return the smallest q that the number of bad rows in a random draw exceeds with probability at most ``delta``.

    Parameters
    ----------
    n_rows, n_bad, n_drawn : int
        Of ``n_rows`` rows ``n_bad`` are bad, and ``n_drawn`` are drawn without replacement.
    delta : float
    """
    low, high = max(0, n_drawn + n_bad - n_rows), min(n_bad, n_drawn)
    k = np.arange(low, high, dtype=np.float64)
    # P(k + 1) / P(k); sums of such products need no factorials, whose logarithms would lose digits.
    ratio = (n_bad - k) * (n_drawn - k) / ((k + 1) * (n_rows - n_bad - n_drawn + k + 1))
    mode = int(np.count_nonzero(ratio > 1))
    above = np.cumprod(ratio[mode:])
    below = np.cumprod(1 / ratio[:mode][::-1])[::-1]
    weight = np.concatenate([below, [1.0], above])
    # tail[i] is the weight of more than low + i.
    tail = np.append(np.cumsum(weight[::-1])[::-1][1:], 0.0)
    # Each weight has at most 8 roundings per factor, each sum one per term, and what vanished is next to nothing.
    error = (18 * len(weight) + 64) * _EPS
    ceiling = tail / weight.sum() * (1 + error) + len(weight) * 1e-300
    ceiling[-1] = 0.0
    return low + int(np.argmax(ceiling <= delta))


def largest_probability(n_hits: int, n_trials: int, delta: float) -> float:
    """Return the largest p with which ``n_hits`` or fewer of ``n_trials`` are hits with probability ``delta``, or more.

    The limit of Clopper and Pearson, rounded up. 1 if all trials are hits.
    """
    if n_hits >= n_trials:
        return 1.0
    # P(at most k hits) = I_{1−p}(n − k, k + 1).
    p = 1.0 - float(betaincinv(n_trials - n_hits, n_hits + 1, delta))
    if math.isnan(p) or delta < _SMALLEST:
        # scipy finds none for some probabilities below 1e-100, and those that lose digits cannot be compared.
        return 1.0
    step = _MARGIN
    while p < 1 and float(betainc(n_trials - n_hits, n_hits + 1, 1.0 - p)) > delta * (1 - _MARGIN):
        p, step = p + step * max(p, _EPS), 2 * step
    return min(math.nextafter(p, 1.0), 1.0)


def _check_counts(n_errors: Any, n_holdout: Any, n_poison: Any, n_rows: Any) -> tuple[int, int, int]:
    errors, held = check_count(n_errors, "n_errors"), check_count(n_holdout, "n_holdout")
    poison = check_count(n_poison, "n_poison")
    if held < 1 or errors > held:
        raise ValueError(f"There must be at least one held-out row, and no more errors, got {errors} of {held}.")
    if n_rows is not None and (check_count(n_rows, "n_rows") < held or poison > n_rows):
        raise ValueError(
            f"n_rows counts all rows, held-out and bad ones included, got n_rows={n_rows}, n_holdout={held}, "
            f"n_poison={poison}."
        )
    return errors, held, poison
