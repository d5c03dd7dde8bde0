"""What a trigger is: a description that is given rows once, and the stamp that comes of it."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, ABCMeta, abstractmethod
from typing import Any

from sklearn.base import BaseEstimator


class ResolvedTrigger(ABC):
    """A trigger whose columns and values are settled, so that it can be put on training and test rows alike."""

    @abstractmethod
    def widen(self, X: Any) -> Any:
        """Return ``X`` itself, or a copy with dtypes that can hold the trigger."""

    @abstractmethod
    def stamp(self, X: Any) -> Any:
        """Return a copy of some rows with the trigger on each of them.

        Parameters
        ----------
        X : container of rows
            Of the kind that the trigger was resolved on. Never changed.

        Returns
        -------
        stamped : container
            Of the type of ``X``. Columns whose dtype cannot hold the trigger are widened.

        Raises
        ------
        ValueError
            If the rows do not have the columns that the trigger is for.
        """


class BaseTrigger(BaseEstimator, metaclass=ABCMeta):
    """Describes a trigger; the constructor only stores."""

    @abstractmethod
    def resolve(self, X: Any) -> ResolvedTrigger:
        """Settle columns and values on clean rows.

        Parameters
        ----------
        X : container of rows
            Never changed.

        Returns
        -------
        trigger : ResolvedTrigger
            With ``stamp(X)``, which puts the trigger on any rows of the same columns. Can be pickled.

        Raises
        ------
        ValueError
            If the rows cannot carry such a trigger.
        """
