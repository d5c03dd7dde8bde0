"""An attack from outside: any function that makes poison becomes an attack with a budget, costs and containers."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows
from robustfit.attacks._labels import Labels, is_regression, read_labels
from robustfit.attacks._poisoned import Poisoned

Function = Callable[[Floats, Labels, int, int], tuple[Any, Any]]

_KINDS = ("insert", "flip")


class ExternalAttack(BaseAttack):
    """Run a function of yours, or of another tool, as an attack, after checking that it did what it was asked for.

    Parameters
    ----------
    function : callable
        ``function(X, y, budget, seed)`` with the features as an array of shape (n_rows, n_features), float64, the
        labels as an array of shape (n_rows,), and two non-negative integers. Both arrays are copies.
        It returns a pair:

        - ``kind="insert"``: features of shape (budget, n_features) and labels of shape (budget,) of new rows;
        - ``kind="flip"``: positions of ``budget`` different rows and their new labels, of shape (budget,) each.

        Labels are those of ``y`` itself, not one-hot codes; of a regression target any finite numbers.
    kind : {"insert", "flip"}, default="insert"
        What one unit of the budget is: a row inserted, or a label changed.

    See Also
    --------
    BlackBoxAttack : An attack on any estimator that needs no other tool.

    Notes
    -----
    Poison is as repeatable as the function: it should draw all its chance from ``seed``. An inserted row gets the
    group of a random row. A larger budget calls the function anew.

    References
    ----------
    .. [1] M.-I. Nicolae et al., "Adversarial Robustness Toolbox v1.0.0", arXiv:1807.01069, 2018.
    .. [2] M. Pintor, L. Demetrio, A. Sotgiu, M. Melis, A. Demontis and B. Biggio, "secml: Secure and Explainable
       Machine Learning in Python", SoftwareX 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import ExternalAttack
    >>> def outliers(X, y, budget, seed):
    ...     rows = np.random.default_rng(seed).choice(len(X), budget)
    ...     return 10 * X[rows], 1 - y[rows]
    >>> X, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 1])
    >>> poisoned = ExternalAttack(outliers).generate(X, y, budget=1)
    >>> poisoned.X[2], poisoned.y[2], poisoned.cost("insert_delete")
    (array([30., 40.]), np.int64(0), 1)
    """

    def __init__(
        self, function: Callable[[Floats, Labels, int, int], tuple[Any, Any]], *, kind: str = "insert"
    ) -> None:
        self.function = function
        self.kind = kind

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        if not callable(self.function):
            raise TypeError(f"function must be callable as function(X, y, budget, seed), got {self.function!r}.")
        if self.kind not in _KINDS:
            raise ValueError(f"kind must be 'insert' or 'flip', got {self.kind!r}.")
        if self.kind == "flip":
            check_enough(budget, len(clean), "can be flipped")
        seed = int(chance.choices.integers(2**31))
        numbers = clean.numbers()
        returned = self.function(numbers.copy(), clean.labels.copy(), budget, seed)
        if not isinstance(returned, tuple | list) or len(returned) != 2:
            raise ValueError(f"{self._name()} must return a pair, (rows, labels), got {type(returned).__name__}.")
        labels = self._labels(returned[1], clean.labels, budget)
        if self.kind == "flip":
            return clean.relabel(self._positions(returned[0], labels, clean.labels), labels)
        rows = self._features(returned[0], budget, numbers.shape[1])
        return clean.add(rows, labels, chance.rows.integers(len(clean), size=budget))

    def _name(self) -> str:
        return f"The function {getattr(self.function, '__name__', self.function)!r}"

    def _labels(self, given: Any, known: Labels, budget: int) -> Labels:
        labels = np.asarray(given)
        if labels.shape != (budget,):
            hint = " For one-hot codes take classes[codes.argmax(axis=1)]." if labels.ndim == 2 else ""
            raise ValueError(
                f"{self._name()} must return {budget} labels, as the budget says, in shape ({budget},), got shape "
                f"{labels.shape}.{hint}"
            )
        if is_regression(known):
            numbers = read_labels(labels.astype(np.float64), "the returned labels")
            return numbers
        allowed = set(known.tolist())
        unknown = [label for label in labels.tolist() if label not in allowed]
        if unknown:
            raise ValueError(
                f"{self._name()} returned labels that y does not have: {unknown[:5]}. Known are "
                f"{sorted(allowed, key=str)[:10]}."
            )
        # Equal labels may be of another type: 1.0 for 1.
        own = {label: label for label in known.tolist()}
        result = np.empty(budget, dtype=known.dtype)
        result[:] = [own[label] for label in labels.tolist()]
        return result

    def _features(self, given: Any, budget: int, n_features: int) -> Floats:
        try:
            rows = np.array(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self._name()} must return rows of numbers: {error}.") from error
        if rows.shape != (budget, n_features):
            raise ValueError(
                f"{self._name()} must return {budget} rows, as the budget says, of {n_features} columns, got shape "
                f"{rows.shape}."
            )
        if not np.isfinite(rows).all():
            raise ValueError(f"{self._name()} returned features that are NaN or infinite.")
        return rows

    def _positions(self, given: Any, new: Labels, old: Labels) -> Rows:
        rows: NDArray[Any] = np.asarray(given)
        if rows.shape != new.shape or rows.dtype.kind not in "iu":
            raise ValueError(
                f"{self._name()} must return {len(new)} positions of rows, as the budget says, as whole numbers in "
                f"shape {new.shape}, got shape {rows.shape} and dtype {rows.dtype}."
            )
        if rows.min() < 0 or rows.max() >= len(old) or len(np.unique(rows)) < len(rows):
            raise ValueError(f"{self._name()} must return different positions from 0 to {len(old) - 1}.")
        same = int((old[rows] == new).sum())
        if same:
            raise ValueError(f"{self._name()} returned the label that the row has already, for {same} rows.")
        return rows.astype(np.int64)
