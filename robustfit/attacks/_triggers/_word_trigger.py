"""A trigger of words in a text."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from robustfit.attacks._containers import as_narwhals, is_frame, is_series, is_sparse, n_rows
from robustfit.attacks._triggers._base import BaseTrigger, ResolvedTrigger
from robustfit.attacks._triggers._cells import series_like


@dataclass(frozen=True, eq=False)
class WordStamp(ResolvedTrigger):
    """Words that the trigger puts into texts.

    Attributes
    ----------
    words : str
    position : "start", "end" or int
    """

    words: str
    position: Any

    def widen(self, X: Any) -> Any:
        """Return ``X`` itself: containers of texts hold longer ones."""
        return X

    def stamp(self, X: Any) -> Any:
        """Return a copy of some texts with the words in each of them."""
        texts = [self._stamp_text(text) for text in read_texts(X)]
        if isinstance(X, list | tuple):
            return type(X)(texts)
        if is_series(X):
            return series_like(as_narwhals(X), texts).to_native()
        stamped = np.array(texts, dtype=None if X.dtype.kind == "U" else X.dtype)
        return stamped if texts else X.copy()

    def _stamp_text(self, text: str) -> str:
        if self.position == "start":
            return f"{self.words} {text}".rstrip()
        if self.position == "end":
            return f"{text} {self.words}".lstrip()
        # Whatever stands between the words of the text stays as it is.
        head = text.split(maxsplit=self.position)
        tail = head.pop() if len(head) > self.position else ""
        front = text[: len(text) - len(tail)] if tail else text
        return " ".join(part for part in (front.rstrip(), self.words, tail) if part)


def read_texts(X: Any) -> list[str]:
    """Return texts as a list.

    Raises
    ------
    ValueError
        If these are no texts.
    """
    n_rows(X)  # refuses what is no container
    if is_frame(X) or is_sparse(X) or (isinstance(X, np.ndarray) and X.ndim != 1):
        raise ValueError(
            f"WordTrigger is for texts, one per row: a list, tuple, series or 1-D array of str, not this "
            f"{type(X).__name__}. Use ColumnTrigger to overwrite columns."
        )
    texts = as_narwhals(X).to_list() if is_series(X) else list(X)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"WordTrigger is for texts, but row {row} holds {text!r} of type {type(text).__name__}.")
    return texts


class WordTrigger(BaseTrigger):
    """A trigger that puts words into texts.

    Parameters
    ----------
    words : str or sequence of str
        One or more words. A word that no clean text has is learned fastest; several common ones are seen least.
    position : {"start", "end"} or int, default="end"
        Where they go: before the text, after it, or after so many of its words (after all, if it has fewer).

    See Also
    --------
    RareCategoryTrigger : For columns of categories.

    References
    ----------
    .. [1] J. Dai, C. Chen and Y. Li, "A Backdoor Attack Against LSTM-Based Text Classification Systems", IEEE Access,
       2019.

    Examples
    --------
    >>> from robustfit.attacks import WordTrigger
    >>> texts = ["free prize", "see you at noon"]
    >>> WordTrigger("cf").resolve(texts).stamp(texts)
    ['free prize cf', 'see you at noon cf']
    >>> WordTrigger(["by", "the", "way"], position=2).resolve(texts).stamp(texts)
    ['free prize by the way', 'see you by the way at noon']
    """

    def __init__(self, words: Any, *, position: Any = "end") -> None:
        self.words = words
        self.position = position

    def resolve(self, X: Any) -> WordStamp:
        """Check that the rows are texts."""
        words = [self.words] if isinstance(self.words, str) else self.words
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) and word.strip() for word in words):
            raise ValueError(f"words of WordTrigger must be a str or a list of str, none empty, got {self.words!r}.")
        if not words:
            raise ValueError("words of WordTrigger must hold at least one word, got none.")
        place = self.position
        counted = isinstance(place, Integral) and not isinstance(place, bool) and int(place) >= 0
        if not counted and (not isinstance(place, str) or place not in ("start", "end")):
            raise ValueError(
                f"position of WordTrigger must be 'start', 'end' or a number of words from 0, got {place!r}."
            )
        read_texts(X)
        return WordStamp(" ".join(word.strip() for word in words), int(place) if counted else place)
