"""What a sanitizer thinks of the rows that it kept and left out and, where known, of the poison among them."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from robustfit.inspection._matplotlib import find_axes, import_pyplot, label_axes

_BINS = 40
# Scores beyond this many interquartile ranges from the quartiles share the outermost bars.
_FARTHEST = 12.0
_STYLES: dict[str, dict[str, Any]] = {
    "kept": {"color": "tab:blue", "alpha": 0.6},
    # The hatch keeps the two apart in print and for colour-blind readers.
    "suspicious": {"color": "tab:orange", "alpha": 0.6, "hatch": "///", "edgecolor": "white"},
    "poison": {"histtype": "step", "color": "black", "linewidth": 1.5},
}


class SanitizationDisplay:
    """Scores of rows that were kept and of suspicious ones and, where the poison is known, precision and recall.

    Make one with `from_estimator`, `from_sanitizer` or `from_scores`. All parameters are stored as attributes.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Suspicion of each row, higher is more suspicious.
    kept : ndarray of shape (n_rows,), bool
        Rows that the sanitizer kept.
    is_poison : ndarray of shape (n_rows,), bool, default=None
        Which rows are poison, if that is known.
    name : str, default=None
        Title.

    Attributes
    ----------
    bars_ : dict of str to artists
        Histograms by what they show: "kept", "suspicious" and "poison".
    curve_ : matplotlib.lines.Line2D
        Precision against recall, over all thresholds; only there if it was drawn.
    chosen_ : matplotlib.lines.Line2D
        Precision and recall of what the sanitizer left out; only there if the curve was drawn.
    ax_ : matplotlib.axes.Axes
        Axes of the scores.
    curve_ax_ : matplotlib.axes.Axes or None
        Axes of precision and recall.
    figure_ : matplotlib.figure.Figure
        Figure with the axes.

    See Also
    --------
    robustfit.sanitize.SanitizedClassifier.report : The same row by row.

    Notes
    -----
    Counts are on a logarithmic scale: suspicious rows are few. Scores beyond the farthest bars, 12 interquartile
    ranges outside the quartiles, are counted in them.

    Precision is the share of poison among the rows above a threshold, recall the share of the poison that is above it.
    The mark is what was left out, which need not lie on the curve: classes may have budgets of their own, and rows may
    come back.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.inspection import SanitizationDisplay
    >>> scores = np.array([0.1, 0.2, 0.3, 0.9, 0.8])
    >>> display = SanitizationDisplay.from_scores(scores, scores < 0.5, is_poison=[0, 0, 1, 1, 1])
    >>> display.recall, display.precision
    (0.6666666666666666, 1.0)
    """

    bars_: dict[str, Any]
    curve_: Any
    chosen_: Any
    ax_: Any
    curve_ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        scores: NDArray[np.float64],
        kept: NDArray[np.bool_],
        is_poison: NDArray[np.bool_] | None = None,
        name: str | None = None,
    ):
        self.scores = scores
        self.kept = kept
        self.is_poison = is_poison
        self.name = name

    @property
    def precision(self) -> float:
        """Share of poison among the rows that were left out; NaN if none was."""
        return self._share(~self.kept & self._poison(), ~self.kept)

    @property
    def recall(self) -> float:
        """Share of the poison that was left out; NaN if there is none."""
        return self._share(~self.kept & self._poison(), self._poison())

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, is_poison: ArrayLike | None = None, name: str | None = None, ax: Any = None
    ) -> Self:
        """Draw what a fitted estimator thinks of its training rows.

        Parameters
        ----------
        estimator : estimator
            Fitted `robustfit.SanitizedClassifier` or `robustfit.SanitizedRegressor`, or a pipeline that ends in one.
        is_poison : array-like of shape (n_rows,), default=None
            Which training rows are poison, such as ``poisoned.is_poison`` of an attack.
        name : str, default=None
            Title; None takes the class name of its sanitizer.
        ax : matplotlib.axes.Axes or pair of them, default=None
            Axes to draw on; None makes a new figure. On a single one the scores are drawn.

        Returns
        -------
        display : SanitizationDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            As for `from_scores`.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from robustfit import SanitizedClassifier
        >>> from robustfit.attacks import FarFlipAttack
        >>> from robustfit.inspection import SanitizationDisplay
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> poisoned = FarFlipAttack().generate(X, y, budget=40)
        >>> model = SanitizedClassifier(GaussianNB(), contamination=0.1).fit(poisoned.X, poisoned.y)
        >>> display = SanitizationDisplay.from_estimator(model, is_poison=poisoned.is_poison)
        >>> display.recall
        1.0
        """
        import_pyplot(cls.__name__)
        sanitized = _last(estimator)
        check_is_fitted(sanitized)
        name = type(_last(getattr(sanitized, "sanitizer_", sanitized))).__name__ if name is None else name
        return cls.from_sanitizer(sanitized, is_poison=is_poison, name=name, ax=ax)

    @classmethod
    def from_sanitizer(
        cls, sanitizer: Any, *, is_poison: ArrayLike | None = None, name: str | None = None, ax: Any = None
    ) -> Self:
        """Draw what a fitted sanitizer thinks of its training rows.

        Parameters
        ----------
        sanitizer : sanitizer
            With ``scores_`` and ``support_``, or a pipeline that ends in one.
        is_poison : array-like of shape (n_rows,), default=None
            Which training rows are poison.
        name : str, default=None
            Title; None takes the class name.
        ax : matplotlib.axes.Axes or pair of them, default=None
            Axes to draw on; None makes a new figure. On a single one the scores are drawn.

        Returns
        -------
        display : SanitizationDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the sanitizer is not fitted.
        ValueError
            As for `from_scores`.
        """
        import_pyplot(cls.__name__)
        sanitizer = _last(sanitizer)
        check_is_fitted(sanitizer)
        name = type(sanitizer).__name__ if name is None else name
        return cls.from_scores(sanitizer.scores_, sanitizer.support_, is_poison=is_poison, name=name, ax=ax)

    @classmethod
    def from_scores(
        cls,
        scores: ArrayLike,
        kept: ArrayLike,
        *,
        is_poison: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw scores.

        Parameters
        ----------
        scores : array-like of shape (n_rows,)
            Higher is more suspicious; rows without a score (NaN) are left out of the picture.
        kept : array-like of shape (n_rows,)
            Which rows are kept.
        is_poison : array-like of shape (n_rows,), default=None
            Which rows are poison.
        name : str, default=None
            Title; None writes none.
        ax : matplotlib.axes.Axes or pair of them, default=None
            Axes to draw on; None makes a new figure. On a single one the scores are drawn.

        Returns
        -------
        display : SanitizationDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If shapes disagree, or no row has a score.
        """
        import_pyplot(cls.__name__)
        values = np.asarray(scores, dtype=np.float64)
        masks = {"kept": _mask(kept, "kept")}
        if is_poison is not None:
            masks["is_poison"] = _mask(is_poison, "is_poison")
        check_consistent_length(values, *masks.values())
        known = ~np.isnan(values)
        if values.ndim != 1 or not known.any():
            raise ValueError(f"scores must have one number per row, at least one of them not NaN, got {scores!r}.")
        return cls(
            scores=values[known],
            kept=masks["kept"][known],
            is_poison=masks["is_poison"][known] if is_poison is not None else None,
            name=name,
        ).plot(ax=ax)

    def plot(self, ax: Any = None, *, name: str | None = None) -> Self:
        """Draw the scores and, if the poison is known, precision and recall.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or pair of them, default=None
            Axes to draw on; None makes a new figure. On a single one the scores are drawn.
        name : str, default=None
            Title; None takes the name of the display.

        Returns
        -------
        display : SanitizationDisplay
            Itself, with ``bars_``, ``ax_``, ``curve_ax_`` and ``figure_`` set.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``ax`` measures something else.
        """
        self.ax_, self.curve_ax_ = self._find_axes(ax)
        self.figure_ = self.ax_.figure
        self._draw_scores(self.ax_)
        if self.curve_ax_ is not None:
            self._draw_curve(self.curve_ax_)
        name = self.name if name is None else name
        if name is not None:
            self.ax_.set_title(name)
        return self

    def _find_axes(self, ax: Any) -> tuple[Any, Any]:
        known = self.is_poison is not None and self.is_poison.any()
        if ax is None and known:
            plt = import_pyplot(type(self).__name__)
            return tuple(plt.subplots(1, 2, figsize=(9.0, 4.0), layout="constrained")[1])
        if isinstance(ax, list | tuple | np.ndarray):
            scores, curve = np.ravel(np.asarray(ax, dtype=object))
            return scores, curve if known else None
        return find_axes(ax, type(self).__name__), None

    def _draw_scores(self, ax: Any) -> None:
        label_axes(ax, xlabel="suspicion score", ylabel="number of rows")
        low, high = _limits(self.scores)
        edges = np.linspace(low, high, _BINS + 1)
        parts = {"kept": self.kept, "suspicious": ~self.kept}
        if self.is_poison is not None:
            parts["poison"] = self.is_poison
        self.bars_ = {}
        for part, rows in parts.items():
            label = f"{part} ({int(rows.sum())})"
            values = np.clip(self.scores[rows], low, high)
            self.bars_[part] = ax.hist(values, edges, label=label, **_STYLES[part])[2]
        ax.set_yscale("log")
        # A single row must be visible.
        ax.set_ylim(bottom=0.7)
        ax.legend(fontsize="small")

    def _draw_curve(self, ax: Any) -> None:
        label_axes(ax, xlabel="recall of poison", ylabel="precision")
        finite = np.nan_to_num(self.scores)
        precision, recall, _ = precision_recall_curve(self._poison(), finite)
        label = f"by score (average precision {average_precision_score(self._poison(), finite):.2f})"
        (self.curve_,) = ax.plot(recall, precision, drawstyle="steps-post", color="black", label=label)
        mark = {"marker": "o", "linestyle": "none", "color": "tab:orange", "markersize": 8, "zorder": 3}
        (self.chosen_,) = ax.plot([self.recall], [self.precision], label="left out", **mark)
        base = self._poison().mean()
        ax.axhline(base, color="0.5", linestyle=":", label=f"share of poison ({base:.2f})")
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        ax.legend(fontsize="small")

    def _poison(self) -> NDArray[np.bool_]:
        if self.is_poison is None:
            raise AttributeError("Which rows are poison is not known: pass is_poison=.")
        return self.is_poison

    @staticmethod
    def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
        return float(part.sum() / whole.sum()) if whole.any() else float("nan")


def _last(estimator: Any) -> Any:
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _mask(values: ArrayLike, name: str) -> NDArray[np.bool_]:
    mask = np.asarray(values)
    if mask.ndim != 1 or not np.isin(mask, (0, 1)).all():
        raise ValueError(f"{name} must say yes or no to each row, got {values!r}.")
    return mask.astype(bool)


def _limits(scores: NDArray[np.float64]) -> tuple[float, float]:
    """Ends of the bars: those of the scores, or as far out as is worth a bar."""
    finite = scores[np.isfinite(scores)]
    if not len(finite):
        return -0.5, 0.5
    low, high = np.quantile(finite, [0.25, 0.75])
    # Where most scores are equal, none is too far.
    far = _FARTHEST * (high - low) if high > low else np.inf
    ends = max(finite.min(), low - far), min(finite.max(), high + far)
    return ends if ends[0] < ends[1] else (ends[0] - 0.5, ends[1] + 0.5)
