"""What all displays do with matplotlib: import it late, find axes, and write the conditions under them."""

# SPDX-License-Identifier: BSD-3-Clause

import textwrap
from typing import Any

_CAPTION_ID = "robustfit-conditions"
_CAPTION_SIZE = 0.85  # of the ordinary font
_SHORTEST_LINE = 24


def import_pyplot(display: str) -> Any:
    """Import pyplot, which only pictures need.

    Parameters
    ----------
    display : str
        Name of the class that needs it, for the message.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f'{display} needs matplotlib; install it with: pip install "robustfit[plot]"') from error
    return plt


def find_axes(ax: Any, display: str) -> Any:
    """Return the axes given, or those of a new figure that makes room for the caption."""
    plt = import_pyplot(display)
    return plt.subplots(layout="constrained")[1] if ax is None else ax


def label_axes(ax: Any, *, xlabel: str, ylabel: str) -> None:
    """Label both axes, unless they already measure something else.

    Raises
    ------
    ValueError
        If an earlier picture on the same axes counts in another unit.
    """
    for present, wanted in ((ax.get_xlabel(), xlabel), (ax.get_ylabel(), ylabel)):
        if present != wanted and present.partition(" (")[0] == wanted.partition(" (")[0]:
            raise ValueError(
                f"These axes show {present!r}; {wanted!r} cannot be read off the same scale. Draw it on axes "
                "of its own (ax=None)."
            )
    ax.set(xlabel=xlabel, ylabel=ylabel)


def tick_whole_numbers(axis: Any) -> None:
    """Keep an automatic locator from putting ticks between two counts; leave any other alone."""
    from matplotlib.ticker import MaxNLocator

    locator = axis.get_major_locator()
    if isinstance(locator, MaxNLocator):
        locator.set_params(integer=True)


def whole_ticks(top: int) -> list[float]:
    """Some whole numbers from 0 to ``top`` that make good ticks."""
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(nbins=8, integer=True, steps=[1, 2, 5, 10]).tick_values(0, max(top, 1))
    return [float(tick) for tick in ticks if 0 <= tick <= top]


def write_conditions(ax: Any, name: str | None, conditions: tuple[str, ...]) -> None:
    """Write what a guarantee takes for granted under the label of the x axis.

    A second picture on the same axes adds its conditions to the first one's.
    """
    if not conditions:
        return
    sentence = f"{name + ', given' if name else 'Given'}: {'; '.join(conditions)}"
    size = _CAPTION_SIZE * import_pyplot("A caption").rcParams["font.size"]
    # A character is about half as wide as it is high; side by side, captions must not run into each other.
    inches = ax.get_window_extent().width / ax.figure.dpi
    line = textwrap.fill(sentence, max(_SHORTEST_LINE, int(72 * inches / (0.55 * size))))
    for text in ax.texts:
        if text.get_gid() == _CAPTION_ID:
            if line not in text.get_text():
                text.set_text(f"{text.get_text()}\n{line}")
            return
    # Hung on the label, the caption keeps clear of it and of the ticks, and layouts make room for it.
    ax.annotate(
        line,
        xy=(0.5, 0),
        xycoords=ax.xaxis.label,
        xytext=(0, -4),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=size,
        gid=_CAPTION_ID,
        annotation_clip=False,
    )
