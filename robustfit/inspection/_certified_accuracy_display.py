"""The curve that sums a certificate up: certified accuracy against the attacker's budget."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.audit import certify_pipeline
from robustfit.certify import Certificate, IntervalCertificate
from robustfit.certify._threats import check_budgets
from robustfit.certify._truth import refuse_target
from robustfit.evaluate._right_rows import right_rows
from robustfit.inspection._matplotlib import (
    find_axes,
    import_pyplot,
    label_axes,
    tick_whole_numbers,
    write_conditions,
)


class CertifiedAccuracyDisplay:
    """Certified accuracy for each budget.

    Make one with `from_estimator` or `from_predictions`; pass the ``ax_`` of one as ``ax`` of the next to
    compare models. All parameters are stored as attributes.

    Parameters
    ----------
    budgets : ndarray of shape (n_budgets,), int64
        Numbers of units, in ascending order.
    certified_accuracy : ndarray of shape (n_budgets,)
        Share of rows that are right and stay so for each budget.
    unit : str
        What one unit of the budget pays for.
    tol : float or array-like of shape (n_samples,), default=None
        Largest error that counts as right, for regressors.
    name : str, default=None
        Name in the legend; None makes no entry.
    conditional_on : tuple of str, default=()
        What the certificate takes for granted; written under the picture.

    Attributes
    ----------
    line_ : matplotlib.lines.Line2D
        The curve.
    ax_ : matplotlib.axes.Axes
        Axes with the curve.
    figure_ : matplotlib.figure.Figure
        Figure with the axes.

    See Also
    --------
    robustfit.evaluate.certified_accuracy_score : One point of the curve.
    RadiusHistogramDisplay : The radii behind it, with those of wrong predictions.

    Notes
    -----
    **Guarantee.** Against no training set within a budget of the one fitted does accuracy on these rows fall
    below the curve, under the conditions in the caption. Where ``budgets`` leaves some out, the curve drops
    to the value of the next one as soon as the last is exceeded: what holds for more units holds for fewer.

    Examples
    --------
    >>> from robustfit.certify import Certificate
    >>> from robustfit.inspection import CertifiedAccuracyDisplay
    >>> votes = [[0, 0, 0, 0, 1], [1, 1, 0, 0, 1]]
    >>> certificate = Certificate.from_votes(votes, ["ham", "spam"], unseen_class=False)
    >>> display = CertifiedAccuracyDisplay.from_predictions(["ham", "spam"], certificate, name="votes")
    >>> display.budgets, display.certified_accuracy
    (array([0, 1, 2]), array([1. , 0.5, 0. ]))
    """

    line_: Any
    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        budgets: NDArray[np.int64],
        certified_accuracy: NDArray[np.float64],
        unit: str,
        tol: ArrayLike | None = None,
        name: str | None = None,
        conditional_on: tuple[str, ...] = (),
    ):
        self.budgets = budgets
        self.certified_accuracy = certified_accuracy
        self.unit = unit
        self.tol = tol
        self.name = name
        self.conditional_on = conditional_on

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        threat: str = "insert_delete",
        budgets: ArrayLike | None = None,
        tol: ArrayLike | None = None,
        trusted: Sequence[str] = (),
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Certify the predictions of a fitted estimator and draw the curve.

        Parameters
        ----------
        estimator : estimator
            Fitted ensemble, or what `robustfit.audit.certify_pipeline` takes around one.
        X : array-like of shape (n_samples, n_features)
            Test rows.
        y : array-like of shape (n_samples,)
            True labels or values.
        threat : str, default="insert_delete"
            What one unit pays for, one of `robustfit.certify.THREATS`.
        budgets : array-like of int, default=None
            Numbers of units; None takes every whole number up to the first that leaves no row.
        tol : float or array-like of shape (n_samples,), default=None
            Largest error that counts as right, in units of ``y``; needed for regressors, and only for them.
        trusted : sequence of str, default=()
            Parts outside the ensemble that you vouch for, by their path, see `robustfit.audit.check_certifiable`;
            written under the picture.
        name : str, default=None
            Name in the legend; None takes the class name of the estimator.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : CertifiedAccuracyDisplay

        Raises
        ------
        CertificateError
            If the estimator cannot be certified against the threat.
        ImportError
            If matplotlib is not installed.
        ValueError
            As for `from_predictions`.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.model_selection import train_test_split
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from robustfit.ensemble import PartitionClassifier
        >>> from robustfit.inspection import CertifiedAccuracyDisplay
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
        >>> model = PartitionClassifier(GaussianNB(), n_partitions=9).fit(X_train, y_train)
        >>> display = CertifiedAccuracyDisplay.from_estimator(model, X_test, y_test)
        >>> display.ax_.get_xlabel()
        'budget (one row inserted or deleted)'
        """
        import_pyplot(cls.__name__)
        certificate = certify_pipeline(estimator, X, threat=threat, trusted=trusted)
        return cls.from_predictions(
            y,
            certificate,
            budgets=budgets,
            tol=tol,
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        certificate: Certificate | IntervalCertificate,
        *,
        budgets: ArrayLike | None = None,
        tol: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the curve of predictions that are certified already.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels or values.
        certificate : Certificate or IntervalCertificate
            What ``certify`` returned for the same rows.
        budgets : array-like of int, default=None
            Numbers of units; None takes every whole number up to the first that leaves no row.
        tol : float or array-like of shape (n_samples,), default=None
            Largest error that counts as right, in units of ``y_true``; needed for an `IntervalCertificate`,
            refused for a `Certificate`.
        name : str, default=None
            Name in the legend; None makes no entry.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : CertifiedAccuracyDisplay

        Raises
        ------
        CertificateError
            If the certificate was made with a ``target``: its radius is about that label only.
        ImportError
            If matplotlib is not installed.
        TypeError
            If ``certificate`` is not a certificate.
        ValueError
            If shapes disagree, labels cannot be compared, a budget is not a whole number, ``tol`` does not
            fit the kind of certificate, or ``ax`` shows budgets in another unit.
        """
        import_pyplot(cls.__name__)
        radius, right = right_rows(y_true, certificate, tol)
        refuse_target(getattr(certificate, "target", None))
        ranked = np.sort(np.where(right, radius, -1))
        grid = np.arange(max(0, ranked[-1]) + 2) if budgets is None else _check_grid(budgets)
        display = cls(
            budgets=grid,
            certified_accuracy=(len(ranked) - np.searchsorted(ranked, grid)) / len(ranked),
            unit=certificate.unit,
            tol=tol,
            name=name,
            conditional_on=certificate.conditional_on,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        name : str, default=None
            Name in the legend; None takes that of the display.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : CertifiedAccuracyDisplay
            Itself, with ``line_``, ``ax_`` and ``figure_`` set.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``ax`` shows budgets in another unit.
        """
        ax = find_axes(ax, type(self).__name__)
        label_axes(ax, xlabel=f"budget ({self.unit})", ylabel=f"certified accuracy{self._tolerance()}")
        name = self.name if name is None else name
        style = {"label": name, "drawstyle": "steps-post"} | kwargs
        (self.line_,) = ax.plot(*_corners(self.budgets, self.certified_accuracy), **style)
        # Only margins, not limits: the axes must still grow for the next model.
        ax.margins(x=0.02)
        ax.set_ylim(-0.01, 1.01)
        tick_whole_numbers(ax.xaxis)
        if style["label"] is not None:
            ax.legend()
        write_conditions(ax, name, self.conditional_on)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _tolerance(self) -> str:
        if self.tol is None:
            return ""
        return " (error ≤ each row's tolerance)" if np.ndim(self.tol) else f" (error ≤ {self.tol:g})"


def _check_grid(budgets: ArrayLike) -> NDArray[np.int64]:
    grid = np.unique(check_budgets(budgets))
    if len(grid) == 0:
        raise ValueError("budgets is empty; pass at least one number of units, or None for all that matter.")
    return grid


def _corners(
    budgets: NDArray[np.int64], accuracy: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Points of a step curve that nowhere promises more than was computed.

    Held up to the next budget, a value would be drawn above the truth for every budget left out between
    the two; what is known there is the value of the next.
    """
    gaps = np.flatnonzero(np.diff(budgets) > 1)
    return (
        np.insert(budgets, gaps + 1, budgets[gaps] + 1),
        np.insert(accuracy, gaps + 1, accuracy[gaps + 1]),
    )
