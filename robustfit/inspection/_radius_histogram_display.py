"""How the radii of a certificate are spread, and which of them belong to wrong predictions."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.audit import certify_pipeline
from robustfit.certify import Certificate, IntervalCertificate
from robustfit.evaluate._right_rows import check_certificate, right_rows
from robustfit.inspection._matplotlib import (
    find_axes,
    import_pyplot,
    label_axes,
    tick_whole_numbers,
    whole_ticks,
    write_conditions,
)

_MOST_BARS = 60
_STYLES: dict[str | None, dict[str, Any]] = {
    None: {"color": "tab:blue"},
    "right": {"color": "tab:blue", "label": "predicted right"},
    # The hatch keeps the two apart in print and for colour-blind readers.
    "wrong": {"color": "tab:orange", "label": "predicted wrong", "hatch": "///"},
}


class RadiusHistogramDisplay:
    """Number of test rows by certified radius.

    Make one with `from_estimator` or `from_predictions`. All parameters are stored as attributes.

    Parameters
    ----------
    radius : ndarray of shape (n_samples,), int64
        Certified radius of each row, in units of the budget.
    unit : str
        What one unit of the budget pays for.
    right : ndarray of shape (n_samples,), bool, default=None
        Which predictions are right; if given, the bars are stacked.
    target : label, default=None
        The label against which the radius was certified, if one.
    name : str, default=None
        Title.
    conditional_on : tuple of str, default=()
        What the certificate takes for granted; written under the picture.

    Attributes
    ----------
    bars_ : list of matplotlib.container.BarContainer
        One container, or two if rows are told apart: right, then wrong. Each starts with the bar of
        radius −1, if a row has it.
    ax_ : matplotlib.axes.Axes
        Axes with the histogram.
    figure_ : matplotlib.figure.Figure
        Figure with the axes.

    See Also
    --------
    CertifiedAccuracyDisplay : The share of right rows above each budget.

    Notes
    -----
    A radius of −1 has a bar of its own, set apart. Of a `Certificate` it means that numerical noise alone
    could change the prediction (or, with a target, that it is the target already); of an
    `IntervalCertificate`, that the prediction is off by more than the tolerance. A radius of ``n_members``
    means that nothing can change it.

    A large radius on a wrong prediction is no contradiction: the certificate says that a prediction is
    stable, not that it is right.

    Examples
    --------
    >>> from robustfit.certify import Certificate
    >>> from robustfit.inspection import RadiusHistogramDisplay
    >>> votes = [[0, 0, 0, 0, 1], [1, 1, 0, 0, 1]]
    >>> certificate = Certificate.from_votes(votes, ["ham", "spam"], unseen_class=False)
    >>> display = RadiusHistogramDisplay.from_predictions(certificate, ["ham", "ham"])
    >>> display.radius, display.right
    (array([1, 0]), array([ True, False]))
    """

    bars_: list[Any]
    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        radius: NDArray[np.int64],
        unit: str,
        right: NDArray[np.bool_] | None = None,
        target: Any = None,
        name: str | None = None,
        conditional_on: tuple[str, ...] = (),
    ):
        self.radius = radius
        self.unit = unit
        self.right = right
        self.target = target
        self.name = name
        self.conditional_on = conditional_on

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        threat: str = "insert_delete",
        tol: ArrayLike | None = None,
        trusted: Sequence[str] = (),
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Certify the predictions of a fitted estimator and draw the histogram.

        Parameters
        ----------
        estimator : estimator
            Fitted ensemble, or what `robustfit.audit.certify_pipeline` takes around one.
        X : array-like of shape (n_samples, n_features)
            Test rows.
        y : array-like of shape (n_samples,), default=None
            True labels or values; regressors need them.
        threat : str, default="insert_delete"
            What one unit pays for, one of `robustfit.certify.THREATS`.
        tol : float or array-like of shape (n_samples,), default=None
            Largest error that counts as right, in units of ``y``; needed for regressors, and only for them.
        trusted : sequence of str, default=()
            Parts outside the ensemble that you vouch for, by their path, see `robustfit.audit.check_certifiable`;
            written under the picture.
        name : str, default=None
            Title; None takes the class name of the estimator.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``bar``.

        Returns
        -------
        display : RadiusHistogramDisplay

        Raises
        ------
        CertificateError
            If the estimator cannot be certified against the threat.
        ImportError
            If matplotlib is not installed.
        ValueError
            As for `from_predictions`.
        """
        import_pyplot(cls.__name__)
        certificate = certify_pipeline(estimator, X, threat=threat, trusted=trusted)
        name = type(estimator).__name__ if name is None else name
        return cls.from_predictions(certificate, y, tol=tol, name=name, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        certificate: Certificate | IntervalCertificate,
        y_true: ArrayLike | None = None,
        *,
        tol: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the histogram of predictions that are certified already.

        Parameters
        ----------
        certificate : Certificate or IntervalCertificate
            What ``certify`` returned.
        y_true : array-like of shape (n_samples,), default=None
            True labels or values; if given, right and wrong predictions are told apart. An
            `IntervalCertificate` needs them.
        tol : float or array-like of shape (n_samples,), default=None
            Largest error that counts as right, in units of ``y_true``; needed for an `IntervalCertificate`,
            refused for a `Certificate`.
        name : str, default=None
            Title; None writes none.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``bar``.

        Returns
        -------
        display : RadiusHistogramDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If ``certificate`` is not a certificate.
        ValueError
            If there are no rows, shapes disagree, labels cannot be compared, or ``y_true`` and ``tol`` do not
            fit the kind of certificate.
        """
        import_pyplot(cls.__name__)
        radius, right = _radius_and_right(certificate, y_true, tol)
        display = cls(
            radius=radius,
            unit=certificate.unit,
            right=right,
            target=getattr(certificate, "target", None),
            name=name,
            conditional_on=certificate.conditional_on,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the histogram.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        name : str, default=None
            Title; None takes the name of the display.
        **kwargs : dict
            Passed to matplotlib's ``bar``.

        Returns
        -------
        display : RadiusHistogramDisplay
            Itself, with ``bars_``, ``ax_`` and ``figure_`` set.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``ax`` shows radii in another unit.
        """
        ax = find_axes(ax, type(self).__name__)
        against = "" if self.target is None else f" against {self.target!r}"
        label_axes(ax, xlabel=f"certified radius{against} ({self.unit})", ylabel="number of test rows")
        bins = _Bins(self.radius)
        parts: dict[str | None, NDArray[np.int64]] = {None: self.radius}
        if self.right is not None:
            parts = {"right": self.radius[self.right], "wrong": self.radius[~self.right]}
        self.bars_ = []
        floor = np.zeros(len(bins.left), dtype=np.int64)
        for part, radius in parts.items():
            height = bins.count(radius)
            style = {"width": bins.width, "align": "edge", "edgecolor": "white"} | _STYLES[part] | kwargs
            self.bars_.append(ax.bar(bins.left, height, bottom=floor, **style))
            floor = floor + height
        # An empty bar on top of the highest one would pin the axis to it.
        ax.set_ylim(0, max(ax.get_ylim()[1], 1.05 * floor.max()))
        tick_whole_numbers(ax.yaxis)
        bins.set_ticks(ax)
        if self.right is not None:
            ax.legend()
        name = self.name if name is None else name
        if name is not None:
            ax.set_title(name)
        write_conditions(ax, None, self.conditional_on)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class _Bins:
    """Bars of whole radii from 0 upwards, and one for −1, set apart, where a row has it."""

    def __init__(self, radius: NDArray[np.int64]):
        self.top = max(0, int(radius.max()))
        self.width = self.top // _MOST_BARS + 1
        self.has_minus_one = bool(np.any(radius < 0))
        starts = np.arange(0, self.top + 1, self.width) - 0.5
        # Far enough from 0 for both ticks to be legible, however many bars there are.
        self.apart = -0.5 - self.width - max(self.width, 0.06 * self.top)
        self.left = np.concatenate([[self.apart], starts]) if self.has_minus_one else starts

    def count(self, radius: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of rows in each bar."""
        counts = np.bincount(radius[radius >= 0] // self.width, minlength=self.top // self.width + 1)
        below = [int(np.sum(radius < 0))] if self.has_minus_one else []
        return np.concatenate([below, counts]).astype(np.int64)

    def set_ticks(self, ax: Any) -> None:
        """Put ticks at whole radii, and one under the bar that stands for −1."""
        places = whole_ticks(self.top)
        labels = [f"{tick:.0f}" for tick in places]
        if self.has_minus_one:
            places.insert(0, self.apart + self.width / 2)
            labels.insert(0, "\N{MINUS SIGN}1")
        ax.set_xticks(places, labels)


def _radius_and_right(
    certificate: Certificate | IntervalCertificate, y_true: ArrayLike | None, tol: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    if y_true is not None:
        return right_rows(y_true, certificate, tol)
    check_certificate(certificate)
    if isinstance(certificate, IntervalCertificate):
        raise ValueError(
            "The radius of a regressor is the budget up to which its error stays small: pass the true values and tol=."
        )
    if tol is not None:
        raise ValueError(f"tol is for regressors; a label is right or wrong. Leave out tol={tol!r}.")
    return certificate.radius, None
