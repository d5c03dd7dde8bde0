"""What more partitions cost and what they buy: accuracy and median radius against their number."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.evaluate import PartitionPlan, plan_partitions
from robustfit.inspection._matplotlib import (
    find_axes,
    import_pyplot,
    label_axes,
    tick_whole_numbers,
    write_conditions,
)

_MEMBER_STYLE = {"color": "tab:blue", "linestyle": "--", "marker": ".", "label": "accuracy of a member"}
_VOTE_STYLE = {"color": "tab:blue", "marker": "o", "label": "accuracy of the ensemble"}
_CONSTANT_STYLE = {"color": "tab:blue", "linestyle": ":", "label": "accuracy of a constant"}
# Markers of another shape keep the two scales apart in print and for colour-blind readers.
_RADIUS_STYLE = {"color": "tab:orange", "marker": "s", "label": "median radius (right axis)"}
_CHOSEN_STYLE = {"color": "0.5", "linewidth": 1.0, "zorder": 0}
_MOST_UPRIGHT_TICKS = 12


class PartitionPlanDisplay:
    """Accuracy and median radius for each number of partitions.

    Make one with `from_plan` or `from_estimator`. All parameters are stored as attributes.

    Parameters
    ----------
    candidates : ndarray of shape (n_candidates,), int64
        Numbers of partitions, in ascending order.
    accuracy, member_accuracy : ndarray of shape (n_candidates,)
        Share of rows that the ensemble, and a single member, answer right.
    median_radius : ndarray of shape (n_candidates,), int64
        Largest budget with certified accuracy of at least one half; −1 if there is none.
    n_partitions : int
        The number that was chosen; marked by a vertical line.
    constant_accuracy : float
        Share of rows that the best constant answer gets right.
    unit : str
        What one unit of a radius pays for.
    conditional_on : tuple of str, default=()
        What a certificate for the chosen number takes for granted; written under the picture.

    Attributes
    ----------
    accuracy_line_, member_line_, constant_line_, radius_line_ : matplotlib.lines.Line2D
        The curves.
    chosen_line_ : matplotlib.lines.Line2D
        The mark of the chosen number.
    ax_ : matplotlib.axes.Axes
        Axes of the accuracies.
    radius_ax_ : matplotlib.axes.Axes
        Axes of the radius, with a scale on the right.
    figure_ : matplotlib.figure.Figure
        Figure with the axes.

    See Also
    --------
    robustfit.plan_partitions : Makes the plan that is drawn.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from robustfit import plan_partitions
    >>> from robustfit.inspection import PartitionPlanDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> plan = plan_partitions(GaussianNB(), X, y, grid=[1, 5, 9, 17])
    >>> display = PartitionPlanDisplay.from_plan(plan)
    >>> display.radius_ax_.get_ylabel()
    'median radius (one row inserted or deleted)'
    """

    accuracy_line_: Any
    member_line_: Any
    constant_line_: Any
    radius_line_: Any
    chosen_line_: Any
    ax_: Any
    radius_ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        candidates: NDArray[np.int64],
        accuracy: NDArray[np.float64],
        member_accuracy: NDArray[np.float64],
        median_radius: NDArray[np.int64],
        n_partitions: int,
        constant_accuracy: float,
        unit: str,
        conditional_on: tuple[str, ...] = (),
    ):
        self.candidates = candidates
        self.accuracy = accuracy
        self.member_accuracy = member_accuracy
        self.median_radius = median_radius
        self.n_partitions = n_partitions
        self.constant_accuracy = constant_accuracy
        self.unit = unit
        self.conditional_on = conditional_on

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: ArrayLike, *, ax: Any = None, **options: Any) -> Self:
        """Plan and draw.

        Parameters
        ----------
        estimator : estimator
            Classifier, regressor or ensemble, as `robustfit.plan_partitions` takes it.
        X : array-like of shape (n_rows, n_features)
            Rows to plan on.
        y : array-like of shape (n_rows,)
            Labels or target values.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **options : dict
            Further parameters of `robustfit.plan_partitions`.

        Returns
        -------
        display : PartitionPlanDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            As for `robustfit.plan_partitions`.
        """
        import_pyplot(cls.__name__)
        return cls.from_plan(plan_partitions(estimator, X, y, **options), ax=ax)

    @classmethod
    def from_plan(cls, plan: PartitionPlan, *, ax: Any = None) -> Self:
        """Draw a plan.

        Parameters
        ----------
        plan : PartitionPlan
            What `robustfit.plan_partitions` returned.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.

        Returns
        -------
        display : PartitionPlanDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If ``plan`` is not a plan.
        """
        import_pyplot(cls.__name__)
        if not isinstance(plan, PartitionPlan):
            raise TypeError(
                f"plan must be a PartitionPlan, got {type(plan).__name__}. Make one with "
                "plan_partitions(estimator, X, y), or use from_estimator."
            )
        display = cls(
            candidates=plan.candidates,
            accuracy=plan.accuracy,
            member_accuracy=plan.member_accuracy,
            median_radius=plan.median_radius,
            n_partitions=plan.n_partitions,
            constant_accuracy=plan.constant_accuracy,
            unit=plan.unit,
            conditional_on=plan.conditional_on,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the plan.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.

        Returns
        -------
        display : PartitionPlanDisplay
            Itself, with the lines, ``ax_``, ``radius_ax_`` and ``figure_`` set.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``ax`` measures something else.
        """
        ax = find_axes(ax, type(self).__name__)
        label_axes(ax, xlabel="number of partitions", ylabel="accuracy")
        radius_ax = ax.twinx()
        radius_ax.set_ylabel(f"median radius ({self.unit})")
        (self.accuracy_line_,) = ax.plot(self.candidates, self.accuracy, **_VOTE_STYLE)
        (self.member_line_,) = ax.plot(self.candidates, self.member_accuracy, **_MEMBER_STYLE)
        self.constant_line_ = ax.axhline(self.constant_accuracy, **_CONSTANT_STYLE)
        (self.radius_line_,) = radius_ax.plot(self.candidates, self.median_radius, **_RADIUS_STYLE)
        self.chosen_line_ = ax.axvline(self.n_partitions, label=f"chosen: {self.n_partitions}", **_CHOSEN_STYLE)
        self._set_scales(ax, radius_ax)
        curves = [self.accuracy_line_, self.member_line_, self.constant_line_, self.radius_line_, self.chosen_line_]
        # Above the axes: inside them it would hide one of two sets of curves.
        radius_ax.legend(handles=curves, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        write_conditions(ax, None, self.conditional_on)
        self.ax_, self.radius_ax_, self.figure_ = ax, radius_ax, ax.figure
        return self

    def _set_scales(self, ax: Any, radius_ax: Any) -> None:
        from matplotlib.ticker import NullLocator

        ax.set_xscale("log")
        ax.set_xticks(self.candidates, [str(number) for number in self.candidates])
        ax.xaxis.set_minor_locator(NullLocator())
        if len(self.candidates) > _MOST_UPRIGHT_TICKS:
            ax.tick_params(axis="x", rotation=45)
        ax.set_ylim(-0.01, 1.01)
        radius_ax.set_ylim(*_radius_limits(self.median_radius))
        tick_whole_numbers(radius_ax.yaxis)


def _radius_limits(radius: NDArray[np.int64]) -> tuple[float, float]:
    """Room for every radius, and for −1 where there is one."""
    top = max(1, int(radius.max()))
    return min(-0.01 * top, 1.1 * int(radius.min())), 1.05 * top
