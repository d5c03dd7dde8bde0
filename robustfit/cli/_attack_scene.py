"""What an attack from the command line is run on."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from robustfit.cli._columns import MOST_DISTINCT, features, missing
from robustfit.cli._table import Table


@dataclass(frozen=True)
class Scene:
    """What an attack is run on, and what its settings may refer to.

    Attributes
    ----------
    table : Table
    X : pandas.DataFrame or pandas.Series
        Columns to learn from, as they are in the file; texts, if there is nothing but one column of prose.
    labels : ndarray of shape (n_rows,)
        Target of each row, of floating dtype for regression.
    numbers, texts : list of str
        Columns that hold numbers, booleans or dates, and columns that hold texts or categories.
    task : {"classification", "regression"}
    seed : int
    """

    table: Table
    X: Any
    labels: NDArray[Any]
    numbers: list[str]
    texts: list[str]
    task: str
    seed: int

    @classmethod
    def of(cls, table: Table, task: str, seed: int) -> Self:
        """Decide in which form the attack gets the rows.

        Raises
        ------
        UsageError
            If a column holds values of several types, or of unusual ones.
        """
        X = table.frame[table.names]
        _, numbers, texts = features(X)
        if len(table.names) == len(texts) == 1 and X[texts[0]].nunique() > MOST_DISTINCT * len(X):
            X = X[texts[0]]
        labels = table.target.astype(np.float64) if task == "regression" else table.target
        return cls(table, X, labels, numbers, texts, task, seed)

    @property
    def absent(self) -> list[str]:
        """Columns to learn from that lack a value somewhere."""
        return [name for name in self.table.names if missing(self.table.frame[name]).any()]

    @property
    def is_numeric(self) -> bool:
        """Whether all columns to learn from are numbers, and complete."""
        kinds = {self.table.frame[name].dtype.kind for name in self.table.names}
        return kinds <= set("biuf") and not self.absent

    @property
    def is_prose(self) -> bool:
        """Whether the rows are texts."""
        return bool(self.X.ndim == 1)
