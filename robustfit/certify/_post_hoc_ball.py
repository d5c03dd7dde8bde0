"""How far a linear model of rows that may be bad is from the model of the clean ones."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._base import UNSEEN
from robustfit.certify._post_hoc_rows import POST_HOC_THREATS, check_post_hoc_threat
from robustfit.certify._threats import CertificateError, check_budget, check_budgets

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_BLOCK = 2**21
"""Entries of a table of test rows by training rows that is held at once."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class WeightBall:
    """A ball around a fitted linear model that holds the model of the clean rows. Made by `weight_ball`.

    Attributes
    ----------
    theta : ndarray of shape (n_features + 1,)
        The model (w, b) that was fitted to the observed rows.
    X : {ndarray, sparse array} of shape (n_rows, n_features)
        The observed rows.
    pull, pull_error : ndarray of shape (n_rows,)
        Minus the slope of each row's loss in the score, and its error.
    ridge : float
    constant : float
        Length that the intercept's column has in the penalty; 0 without an intercept.
    distance : float
        How far the model may be from the minimum on the observed rows, and the other one from that on the clean rows.
    outside : float
        No clean row that is gone pulls more.
    limit : int
        Nothing is claimed of more units.
    threat : {"insert", "modify", "delete", "insert_delete"}
    conditional_on : tuple of str

    Notes
    -----
    Lengths of models are those that the penalty sees: |(w, b / constant)|.
    """

    theta: Floats
    X: Any
    pull: Floats
    pull_error: Floats
    ridge: float
    constant: float
    distance: float
    outside: float
    limit: int
    threat: str
    conditional_on: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of observed rows."""
        return int(self.X.shape[0])

    def radius(self, n_poison: ArrayLike) -> Any:
        """Bound the distance of the clean rows' model.

        Parameters
        ----------
        n_poison : int or array-like of int
            m: number of units that the attacker may have spent; at most the number of rows.

        Returns
        -------
        radius : float, or ndarray of the shape of ``n_poison``
            Infinite beyond ``limit``.
        """
        budgets = check_budgets(n_poison)
        if (budgets > self.n_rows).any():
            raise ValueError(f"n_poison is a number of rows, at most all {self.n_rows}, got {n_poison!r}.")
        with np.errstate(over="ignore", invalid="ignore"):
            own = (np.abs(self.pull) + self.pull_error) * _lengths(self.X, self.constant)
        sums = self._spent(own[None], np.ones(1))[0]
        found = (np.append(0.0, sums)[budgets] / self.ridge + self.distance) * (1 + 8 * _EPS)
        found = np.where(budgets > self.limit, np.inf, found)
        return float(found) if budgets.ndim == 0 else found

    def certify(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return how many units of the threat cannot have changed each prediction.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        n_poison : ndarray of shape (n_samples,), int64
            With so many bad rows, or fewer, the sign of the score is that of the clean rows' model. −1 where not even
            that of the minimum on the observed rows is certain; never more than ``limit``.
        """
        rows = _check_rows(X, len(self.theta) - 1)
        count = np.empty(rows.shape[0], dtype=np.int64)
        step = max(1, _BLOCK // self.n_rows)
        for start in range(0, len(count), step):
            block = slice(start, start + step)
            with np.errstate(over="ignore", invalid="ignore"):
                count[block] = self._certify(rows[block])
        return count

    def _certify(self, rows: Any) -> NDArray[np.int64]:
        score = _dense(rows @ self.theta[:-1]) + self.theta[-1]
        lengths = _lengths(rows, self.constant)
        noise = _rounding(self.theta) * (_dense(abs(rows) @ np.abs(self.theta[:-1])) + abs(self.theta[-1]))
        room = (np.abs(score) - noise - self.distance * lengths) * self.ridge
        room -= 8 * _EPS * self.ridge * (np.abs(score) + self.distance * lengths)
        own = _lengths(self.X, self.constant)
        table = rows @ self.X.T
        cross = (table.toarray() if sp.issparse(table) else table) + self.constant**2
        # Half of the ball: what a row can do to a score depends on where it pulls.
        most = np.outer(lengths, own)
        charge = 0.5 * (np.abs(self.pull) * most + np.sign(score)[:, None] * self.pull * cross)
        charge += (self.pull_error + _rounding(self.theta) * np.abs(self.pull)) * most
        units = (self._spent(charge, lengths) < room[:, None]).sum(axis=1)
        return np.where(room > 0, np.minimum(units, self.limit), -1)

    def _spent(self, charge: Floats, lengths: Floats) -> Floats:
        """Largest charge of 1, 2, ... units for each line, given those of the observed rows."""
        lost = (self.outside * lengths)[:, None]
        unit = charge
        if self.threat == "modify":
            unit = charge + lost
        elif self.threat == "delete":
            unit = np.broadcast_to(lost, charge.shape)
        elif self.threat == "insert_delete":
            unit = np.maximum(charge, lost)
        # Where lengths overflow nothing is known.
        ranked = -np.sort(-np.where(np.isnan(unit), np.inf, unit), axis=1)
        spent: Floats = np.cumsum(ranked, axis=1) * (1 + (2 * self.n_rows + 8) * _EPS)
        return spent

    def __repr__(self) -> str:
        return f"WeightBall({self.n_rows} rows, ridge={self.ridge:g}, threat={self.threat!r})"


def weight_ball(
    theta: ArrayLike,
    X: Any,
    pull: ArrayLike,
    *,
    ridge: float,
    constant: float = 0.0,
    pull_error: ArrayLike = 0.0,
    distance: float | None = None,
    retrained_distance: float = 0.0,
    outside: float | None = None,
    limit: int | None = None,
    threat: str = "insert",
    conditional_on: tuple[str, ...] = (),
) -> WeightBall:
    """Bound the distance between a penalised linear model as fitted and the one of the clean rows.

    Parameters
    ----------
    theta : array-like of shape (n_features + 1,)
        The fitted model (w, b).
    X : {array-like, sparse matrix} of shape (n_rows, n_features)
        The observed rows.
    pull : array-like of shape (n_rows,)
        pᵢ: minus the derivative of row i's loss in the score, at ``theta``.
    ridge : float
        ρ > 0 in the objective Σᵢ ℓᵢ(⟨w, xᵢ⟩ + b) + (ρ/2)(|w|² + (b/c)²), with convex ℓᵢ. It does not depend on the
        number of rows.
    constant : float, default=0.0
        c > 0, as ``intercept_scaling`` of liblinear; 0 for a model without an intercept.
    pull_error : float or array-like of shape (n_rows,), default=0.0
        How far each pull may be from its true value.
    distance : float, default=None
        How far ``theta`` is from the minimum on the observed rows, at most. None for |gradient| / ρ, with the gradient
        that the pulls leave at ``theta``. If it is given, the pulls and their errors have to cover the slopes *at the
        minimum*, or, in size and with their sign, slopes that lie between them and 0.
    retrained_distance : float, default=0.0
        How far from the minimum on the clean rows the model is that training on them would return.
    outside : float, default=None
        No clean row that is gone has a larger |p| |(x, c)| at ``theta``. Needed unless rows are only inserted.
    limit : int, default=None
        Nothing is claimed of more units, say because a class may be missing then, for which the learner has another
        rule. None for the number of rows.
    threat : {"insert", "modify", "delete", "insert_delete"}, default="insert"
        As in `clean_loss_bound`.
    conditional_on : tuple of str, default=()
        What the caller takes for granted.

    Returns
    -------
    WeightBall

    Raises
    ------
    CertificateError
        If there is no penalty, or one on the weights but none on the intercept; if the threat is another one, or
        ``outside`` is missing.
    ValueError
        If arrays do not go together or are not finite.

    See Also
    --------
    robustfit.audit.clean_model_ball : Reads all of this from a fitted estimator.

    Notes
    -----
    With zᵢ = (xᵢ, c), the gradient of the clean rows' objective at the model fitted to all is v = r + Σ pᵢ
    zᵢ over the bad rows, where r is what the solver left. That objective is strongly convex, so its minimum lies within
    |v| / ρ, and even in the ball that has the step −v / ρ as a diameter. So

        ``R(m) = (|r| + sum of the m largest |pᵢ| |zᵢ|) / ρ``

    and a prediction at z with score s keeps its sign if

        ``|s| > (|r| |z| + sum of the m largest ½(|pᵢ| |zᵢ| |z| + sign(s) pᵢ ⟨zᵢ, z⟩)) / ρ``.

    A clean row that is gone counts ``outside`` · |z|.

    **Guarantee.** Threat: at most m units of ``threat``, chosen with full knowledge of everything. Unit: one row. The
    minimum on the clean rows, those that would be there without the attacker, is within ``radius(m)`` of ``theta``, and
    predicts as ``theta`` does on each row with ``certify(X) >= m``. With ``retrained_distance`` both hold for every
    model that is as near to that minimum. All is computed from the observed rows; nothing is assumed of the bad ones.
    Rounding errors are counted. Nothing is said of whether a prediction is right. Proof in ``docs/post_hoc.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.certify import weight_ball
    >>> X, y, ridge = np.array([[1.0], [1.0], [1.0], [-0.5]]), np.array([1.0, 1.0, 1.0, 1.0]), 1.0
    >>> w = X[:, 0] @ y / (X[:, 0] @ X[:, 0] + ridge)
    >>> ball = weight_ball([w, 0.0], X, y - X[:, 0] * w, ridge=ridge)
    >>> ball.radius([0, 1, 2]).round(3)
    array([0.   , 0.647, 1.059])
    >>> ball.certify([[1.0]])
    array([1])
    """
    model = np.asarray(theta, dtype=np.float64)
    if model.ndim != 1 or len(model) < 2 or not np.isfinite(model).all():
        raise ValueError(f"theta must be finite, of shape (n_features + 1,), got shape {model.shape}.")
    rows = _check_rows(X, len(model) - 1)
    pulls, errors = (_check_per_row(v, rows.shape[0], name) for v, name in ((pull, "pull"), (pull_error, "pull_error")))
    check_post_hoc_threat(threat, POST_HOC_THREATS)
    _check_penalty(ridge, constant, model)
    for name, value in (("distance", distance), ("retrained_distance", retrained_distance), ("outside", outside)):
        if value is not None and (not isinstance(value, Real) or not 0 <= float(value) < np.inf):
            raise ValueError(f"{name} must be a non-negative number, got {value!r}.")
    if outside is None and threat != "insert":
        raise CertificateError(
            f"With threat={threat!r} clean rows are gone, and how far they pull has no bound. Pass outside, or use "
            "threat='insert'."
        )
    if distance is None:
        with np.errstate(over="ignore", invalid="ignore"):
            distance = _left_gradient(model, rows, pulls, errors, ridge, constant) / ridge
        distance = np.inf if np.isnan(distance) else distance
    return WeightBall(
        theta=model,
        X=rows,
        pull=pulls,
        pull_error=errors,
        ridge=float(ridge),
        constant=float(constant),
        distance=float(distance + retrained_distance) * (1 + 4 * _EPS),
        outside=float(outside or 0.0),
        limit=rows.shape[0] if limit is None else min(check_budget(limit, name="limit"), rows.shape[0]),
        threat=threat,
        conditional_on=conditional_on,
    )


def _left_gradient(theta: Floats, X: Any, pull: Floats, error: Floats, ridge: float, constant: float) -> float:
    """Bound the length of the observed objective's gradient from above."""
    gradient = ridge * theta[:-1] - _dense(X.T @ pull)
    penalised = float(theta[:-1] @ theta[:-1])
    if constant > 0:
        gradient = np.append(gradient, ridge * theta[-1] / constant - constant * pull.sum())
        penalised += (theta[-1] / constant) ** 2
    lengths = _lengths(X, constant)
    total = float(np.abs(pull) @ lengths) + ridge * float(np.sqrt(penalised))
    blur = float(error @ lengths) + (2 * len(pull) + 32) * _EPS * total
    return float(np.linalg.norm(gradient) + blur) * (1 + _rounding(theta))


def _check_penalty(ridge: Any, constant: Any, theta: Floats) -> None:
    if not isinstance(ridge, Real) or not 0 < float(ridge) < np.inf:
        raise CertificateError(
            f"ridge must be a positive number, got {ridge!r}: without a penalty one row can move the model anywhere."
        )
    if not isinstance(constant, Real) or not 0 <= float(constant) < np.inf:
        raise ValueError(f"constant must be a non-negative number, got {constant!r}.")
    if constant == 0 and theta[-1] != 0:
        raise CertificateError(
            f"theta has the intercept {theta[-1]:g}, and constant=0 says that there is none. An intercept that is not "
            "penalised has no bound; give the constant of a penalised one."
        )


def _check_per_row(values: Any, n_rows: int, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((), (n_rows,)) or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, one for each of the {n_rows} rows, got shape {array.shape}.")
    if name == "pull_error" and (array < 0).any():
        raise ValueError("pull_error must not be negative.")
    return np.broadcast_to(array, (n_rows,)).copy()


def _check_rows(X: Any, n_features: int) -> Any:
    rows = sp.csr_array(X, dtype=np.float64) if sp.issparse(X) else np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[0] == 0 or rows.shape[1] != n_features:
        raise ValueError(f"X must be of shape (n_rows, {n_features}) with at least one row, got {rows.shape}.")
    if not np.isfinite(rows.data if sp.issparse(rows) else rows).all():
        raise ValueError("X holds infinite or missing values.")
    return rows


def _lengths(rows: Any, constant: float) -> Floats:
    """Length of (x, constant), rounded up."""
    squares = rows.multiply(rows).sum(axis=1) if sp.issparse(rows) else np.einsum("ij,ij->i", rows, rows)
    lengths: Floats = np.sqrt(_dense(squares) + constant**2) * (1 + (2 * rows.shape[1] + 32) * _EPS) + UNSEEN
    return lengths


def _rounding(theta: Floats) -> float:
    return (2 * len(theta) + 32) * _EPS


def _dense(vector: Any) -> Floats:
    return np.asarray(vector, dtype=np.float64).ravel()
