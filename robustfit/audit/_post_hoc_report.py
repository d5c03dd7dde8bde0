"""What can be said of a fitted estimator whose training rows may be bad."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from robustfit._meta._labels import as_array
from robustfit.audit._clean_model_ball import clean_model_ball
from robustfit.certify import CertificateError, clean_error_bound, clean_loss_bound, holdout_error_bound
from robustfit.certify._base_certificate import import_pandas
from robustfit.certify._threats import check_budget

Floats = NDArray[np.float64]

_ALL_ROWS = "X and y hold every observed row, also those that the estimator left out"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One claim, and what it takes for granted.

    Attributes
    ----------
    name : str
    value : float or ndarray
        The bound; of "predictions" the largest number of units that cannot have changed each of them.
    meaning : str
        What the value bounds, in words.
    threat : str
    n_poison : int
        Number of units that the claim allows for.
    kind : {"exact", "sound", "probabilistic"}
        ``"exact"``: attained by some choice of the bad rows. ``"sound"``: never too small. ``"probabilistic"``: fails
        with probability at most ``delta``.
    delta : float
    conditional_on : tuple of str
    """

    name: str
    value: Any
    meaning: str
    threat: str
    n_poison: int
    kind: str
    delta: float = 0.0
    conditional_on: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PostHocReport:
    """Claims about a fitted estimator, and reasons why others cannot be made. Made by `post_hoc_report`.

    Attributes
    ----------
    statements : tuple of Statement
    refused : dict of str to str
        Why a claim is not made, by its name.
    """

    statements: tuple[Statement, ...]
    refused: dict[str, str]

    def __getitem__(self, name: str) -> Statement:
        for statement in self.statements:
            if statement.name == name:
                return statement
        if name in self.refused:
            raise CertificateError(f"There is no statement {name!r}: {self.refused[name]}")
        raise KeyError(name)

    def __iter__(self) -> Iterator[Statement]:
        return iter(self.statements)

    def to_frame(self) -> Any:
        """Return a pandas table with one line for each claim about the model; predictions are left out."""
        return import_pandas().DataFrame(
            [vars(statement) for statement in self.statements if np.ndim(statement.value) == 0]
        )

    def __repr__(self) -> str:
        lines = [f"PostHocReport({len(self.statements)} statements, {len(self.refused)} refused)"]
        for told in self.statements:
            value = f"{told.value:.4g}" if np.ndim(told.value) == 0 else f"median {np.median(told.value):.4g}"
            chance = f", probability {1 - told.delta:g}" if told.kind == "probabilistic" else ""
            lines.append(
                f"  {told.name}: {value} ({told.meaning}; {told.n_poison} x {told.threat}, {told.kind}{chance})"
            )
            lines.extend(f"    if {condition}" for condition in told.conditional_on)
        lines.extend(f"  {name}: refused. {reason}" for name, reason in self.refused.items())
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What the claims are made from."""

    estimator: Any
    X: Any
    y: NDArray[Any]
    n_poison: int
    threat: str
    loss: Callable[..., Any] | None
    largest_loss: float | None
    X_holdout: Any
    y_holdout: Any
    n_holdout_poison: int | None
    unseen: bool
    delta: float
    row_norm: float | None
    X_test: Any


def post_hoc_report(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_poison: int,
    threat: str = "insert",
    loss: Callable[..., Any] | None = None,
    largest_loss: float | None = None,
    X_holdout: Any = None,
    y_holdout: Any = None,
    n_holdout_poison: int | None = None,
    unseen: bool = False,
    delta: float = 0.05,
    row_norm: float | None = None,
    X_test: Any = None,
    statements: Sequence[str] | None = None,
) -> PostHocReport:
    """Say what can be said of a fitted estimator when some of the observed rows are bad and nobody knows which.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier or regressor. For "ball" and "predictions", one of those of `clean_model_ball`.
    X : container of n_rows rows
        All observed training rows.
    y : array-like of shape (n_rows,)
    n_poison : int
        m: number of units that the attacker may have spent; on all rows, held-out ones included.
    threat : {"insert", "modify", "delete", "insert_delete"}, default="insert"
        As in `~robustfit.certify.clean_loss_bound`. Held-out rows answer the first two.
    loss : callable, default=None
        ``loss(estimator, X, y)`` returns the loss of each row. None for −log of ``predict_proba``, or for the squared
        error of a regressor.
    largest_loss : float, default=None
        No clean row has a larger loss.
    X_holdout, y_holdout : container of n_holdout rows, array-like of shape (n_holdout,), default=None
        Rows that the estimator has not seen.
    n_holdout_poison : int, default=None
        Number of bad rows among the held-out ones, at most: 0 if they can be trusted. None: they were drawn uniformly
        at random, after the poison was in, of all rows, which are those of ``X`` and ``X_holdout``.
    unseen : bool, default=False
        Declares that the attacker had not seen the hold-out's clean rows; see
        `~robustfit.certify.holdout_error_bound`.
    delta : float, default=0.05
        Probability with which a claim that rests on chance may fail.
    row_norm : float, default=None
        No clean row that is gone is longer.
    X_test : container of n_test rows, default=None
        Rows whose predictions are looked at.
    statements : sequence of {"loss", "error", "holdout_error", "test_error", "ball", "predictions"}, default=None
        The claims that are wanted; each that cannot be made is an error. None for all that can be made.

    Returns
    -------
    PostHocReport

    Raises
    ------
    CertificateError
        If a claim that was asked for by name cannot be made, with the reason.
    ValueError
        If the arguments do not go together.

    See Also
    --------
    robustfit.certify.clean_loss_bound, robustfit.certify.clean_error_bound : Losses of observed rows.
    robustfit.certify.holdout_error_bound : Errors of held-out rows.
    clean_model_ball : Distance from the model of the clean rows.

    Notes
    -----
    **Guarantee.** Threat: at most ``n_poison`` units of ``threat``, chosen with full knowledge of everything except
    where a condition says otherwise. Unit: one row. Each statement holds under the conditions it lists: "loss" and
    "error" bound the mean loss and the share of errors on the clean training rows; "holdout_error" the share of errors
    on the clean held-out rows; "test_error" the probability of an error on a new clean row; "ball" the distance of the
    model of the clean rows; "predictions" are, for each row of ``X_test``, the largest number of units that cannot have
    changed its prediction. The estimator is taken as it is: n_poison is a fact about the rows that the caller vouches
    for. Statements of probability fail with probability delta each, those about the hold-out together.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.svm import LinearSVC
    >>> from robustfit.audit import post_hoc_report
    >>> X, y = make_blobs(400, centers=[[-2, 0], [2, 0]], random_state=0)
    >>> learner = LinearSVC(C=0.01, tol=1e-8).fit(X, y)
    >>> report = post_hoc_report(learner, X, y, n_poison=8)
    >>> [statement.name for statement in report]
    ['error', 'ball']
    >>> report.refused["holdout_error"]
    'There are no held-out rows. Pass X_holdout and y_holdout.'
    """
    check_is_fitted(estimator)
    wanted = tuple(_MAKERS) if statements is None else tuple(statements)
    if unknown := [name for name in wanted if name not in _MAKERS]:
        raise ValueError(f"statements knows {', '.join(_MAKERS)}, got {unknown}.")
    if (X_holdout is None) != (y_holdout is None):
        raise ValueError("X_holdout and y_holdout go together, but one of them is missing.")
    labels = as_array(y)
    check_consistent_length(X, labels)
    case = _Case(
        estimator=estimator,
        X=X,
        y=labels,
        n_poison=check_budget(n_poison, name="n_poison"),
        threat=threat,
        loss=loss,
        largest_loss=largest_loss,
        X_holdout=X_holdout,
        y_holdout=None if y_holdout is None else as_array(y_holdout),
        n_holdout_poison=n_holdout_poison,
        unseen=unseen,
        delta=delta,
        row_norm=row_norm,
        X_test=X_test,
    )
    made, refused = [], {}
    for name in wanted:
        try:
            made.append(_MAKERS[name](case))
        except CertificateError as error:
            if statements is not None:
                raise CertificateError(f"{name}: {error}") from error
            refused[name] = str(error)
    return PostHocReport(statements=tuple(made), refused=refused)


def _loss(case: _Case) -> Statement:
    losses = np.asarray((case.loss or _own_loss)(case.estimator, case.X, case.y), dtype=np.float64)
    if losses.shape != (len(case.y),):
        raise ValueError(f"loss must return one number for each of the {len(case.y)} rows, got shape {losses.shape}.")
    if not np.isfinite(losses).all():
        raise CertificateError(
            f"{np.count_nonzero(~np.isfinite(losses))} rows have a loss that is infinite or missing, so the mean of "
            "the clean rows has no bound. Pass a loss with an end."
        )
    value = clean_loss_bound(losses, case.n_poison, threat=case.threat, largest_loss=case.largest_loss)
    bounded = () if case.largest_loss is None else (f"no clean row has a loss above {case.largest_loss:g}",)
    # A loss above the largest is that of a bad row, which the bound does not make use of.
    attained = case.largest_loss is None or losses.max() <= case.largest_loss
    return Statement(
        name="loss",
        value=value,
        meaning="mean loss on the clean training rows is at most that",
        threat=case.threat,
        n_poison=case.n_poison,
        kind="exact" if attained else "sound",
        conditional_on=(_ALL_ROWS, *bounded),
    )


def _error(case: _Case) -> Statement:
    wrong = _count_errors(case, case.X, case.y)
    return Statement(
        name="error",
        value=clean_error_bound(wrong, len(case.y), case.n_poison, threat=case.threat),
        meaning="share of errors on the clean training rows is at most that",
        threat=case.threat,
        n_poison=case.n_poison,
        kind="exact",
        conditional_on=(_ALL_ROWS,),
    )


def _holdout_error(case: _Case) -> Statement:
    return _of_holdout(case, "holdout_error", "share of errors on the clean held-out rows is at most that")


def _test_error(case: _Case) -> Statement:
    if not case.unseen:
        raise CertificateError(
            "An attacker who has seen the clean rows of the hold-out can teach the model just these, so nothing "
            "follows for new rows. Pass unseen=True if you can vouch that this did not happen."
        )
    return _of_holdout(case, "test_error", "probability of an error on a new clean row is at most that")


def _of_holdout(case: _Case, name: str, meaning: str) -> Statement:
    if case.X_holdout is None:
        raise CertificateError("There are no held-out rows. Pass X_holdout and y_holdout.")
    held = len(case.y_holdout)
    check_consistent_length(case.X_holdout, case.y_holdout)
    drawn = case.n_holdout_poison is None
    poison = case.n_poison if drawn else check_budget(case.n_holdout_poison, name="n_holdout_poison")
    found = holdout_error_bound(
        _count_errors(case, case.X_holdout, case.y_holdout),
        held,
        poison,
        n_rows=held + len(case.y) if drawn else None,
        threat=case.threat,
        unseen=case.unseen,
        delta=case.delta,
    )
    return Statement(
        name=name,
        value=getattr(found, name),
        meaning=meaning,
        threat=case.threat,
        n_poison=poison,
        kind=found.kind,
        delta=found.delta,
        conditional_on=found.conditional_on,
    )


def _ball(case: _Case) -> Statement:
    ball = clean_model_ball(case.estimator, case.X, case.y, threat=case.threat, row_norm=case.row_norm)
    if case.n_poison > ball.limit:
        raise CertificateError(
            f"With n_poison={case.n_poison} a class may be bad as a whole, and then the learner has another rule. Up "
            f"to {ball.limit} something can be said."
        )
    return Statement(
        name="ball",
        value=ball.radius(case.n_poison),
        meaning="the model of the clean rows is within that of the fitted one",
        threat=case.threat,
        n_poison=case.n_poison,
        kind="sound",
        conditional_on=(*ball.conditional_on, "features are computed row by row"),
    )


def _predictions(case: _Case) -> Statement:
    if case.X_test is None:
        raise CertificateError("There are no rows to predict. Pass X_test.")
    ball = clean_model_ball(case.estimator, case.X, case.y, threat=case.threat, row_norm=case.row_norm)
    return Statement(
        name="predictions",
        value=ball.certify(case.X_test),
        meaning="so many units cannot have changed the prediction",
        threat=case.threat,
        n_poison=case.n_poison,
        kind="sound",
        conditional_on=(*ball.conditional_on, "features are computed row by row"),
    )


_MAKERS: dict[str, Callable[[_Case], Statement]] = {
    "loss": _loss,
    "error": _error,
    "holdout_error": _holdout_error,
    "test_error": _test_error,
    "ball": _ball,
    "predictions": _predictions,
}


def _count_errors(case: _Case, X: Any, y: NDArray[Any]) -> int:
    if not is_classifier(case.estimator):
        raise CertificateError(f"{type(case.estimator).__name__} is no classifier, so that no row is right or wrong.")
    return int(np.count_nonzero(as_array(case.estimator.predict(X)) != y))


def _own_loss(estimator: Any, X: Any, y: NDArray[Any]) -> Floats:
    if is_regressor(estimator):
        return np.square(np.asarray(estimator.predict(X), dtype=np.float64) - y.astype(np.float64))
    if not hasattr(estimator, "predict_proba"):
        raise CertificateError(f"{type(estimator).__name__} has no predict_proba. Pass a loss.")
    with np.errstate(divide="ignore"):
        logs = -np.log(np.asarray(estimator.predict_proba(X), dtype=np.float64))
    places = {label: place for place, label in enumerate(estimator.classes_.tolist())}
    # A class that the estimator does not know has probability 0.
    columns = [places.get(label, len(places)) for label in y.tolist()]
    return np.column_stack([logs, np.full(len(logs), np.inf)])[np.arange(len(y)), columns]
