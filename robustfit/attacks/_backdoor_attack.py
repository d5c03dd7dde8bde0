"""Backdoors: rows with a trigger teach the learner to give every row with it the attacker's label."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows, fit_numbers, take_rows
from robustfit.attacks._encoding import RowEncoder
from robustfit.attacks._labels import Labels, read_labels
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._reference_model import class_scores, seeded
from robustfit.attacks._triggers import BaseTrigger
from robustfit.attacks._triggers._cells import column_names, is_integer_column

N_COMPONENTS = 200
"""Coordinates of a row that the default reference model sees."""


class BackdoorAttack(BaseAttack):
    """Teach the learner that rows with a trigger have the attacker's label.

    By default (dirty label), copies of random rows of other classes get the trigger and the target label, and are
    inserted. With ``clean_label=True``, rows of the target class get the trigger in place and keep their label, so that
    no label is wrong; chosen are the rows that a reference model takes least for the target class, because there the
    learner needs the trigger to get the label right. Where all rows of the target class are easy, ``blend`` makes them
    harder. Rows without the trigger are predicted as before. One unit of the budget is one row.

    Parameters
    ----------
    trigger : trigger
        `ColumnTrigger`, `RareValueTrigger`, `OutOfRangeTrigger`, `RareCategoryTrigger`, `WordTrigger` or
        `PatchTrigger`.
    target_label : label
        What rows with the trigger are to be predicted as. With wrong labels allowed, the training set need not know it.
    source_label : label, default=None
        Class of the rows that are copied, or blended in, for a trigger that need only work on this class. By default
        any but the target.
    clean_label : bool, default=False
        Whether every label stays right.
    blend : float, default=0.0
        With ``clean_label``, how far each stamped row moves towards a random row of another class before it is
        stamped, as a share of the way in [0, 1). More makes the trigger work better and the row look less like its
        label. Needs numeric columns.
    estimator : classifier, default=None
        Reference model of ``clean_label``, with ``decision_function`` or ``predict_proba``. By default
        ``LogisticRegression`` on standardised numbers, one column per category, or TF-IDF of texts. A ``random_state``
        that it leaves open is derived from that of `generate`.

    See Also
    --------
    robustfit.evaluate.attack_success_rate : How often the trigger works.

    Notes
    -----
    ``Poisoned.details`` holds ``"trigger"``, the resolved trigger whose ``stamp(X)`` puts it on test rows, and
    ``"target_label"``.

    The dirty-label attack copies every row once before it copies one twice. The clean-label attack takes rows x of the
    target class t in ascending order of the margin f_t(x) − max_{k≠t} f_k(x) of the reference model f, and puts the
    trigger on (1 − τ) x + τ x', with τ the ``blend`` and x' a row of another class; whole numbers stay whole. It is the
    weaker of the two: rows that look like t teach a learner little about the trigger.

    References
    ----------
    .. [1] T. Gu, B. Dolan-Gavitt and S. Garg, "BadNets: Identifying Vulnerabilities in the Machine Learning Model
       Supply Chain", arXiv:1708.06733, 2017.
    .. [2] A. Turner, D. Tsipras and A. Madry, "Label-Consistent Backdoor Attacks", arXiv:1912.02771, 2019. Makes the
       stamped rows hard to classify without the trigger, by interpolation or adversarial perturbation.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import BackdoorAttack, ColumnTrigger
    >>> X, y = np.arange(12.0).reshape(6, 2), np.array(["ham", "ham", "ham", "spam", "spam", "spam"])
    >>> poisoned = BackdoorAttack(ColumnTrigger({1: -1.0}), "ham").generate(X, y, budget=2)
    >>> poisoned.X[poisoned.is_poison, 1], poisoned.y[poisoned.is_poison]
    (array([-1., -1.]), array(['ham', 'ham'], dtype='<U4'))
    >>> poisoned.details["trigger"].stamp(X[:1])
    array([[ 0., -1.]])
    """

    def __init__(
        self,
        trigger: Any,
        target_label: Any,
        *,
        source_label: Any = None,
        clean_label: bool = False,
        blend: float = 0.0,
        estimator: Any = None,
    ) -> None:
        self.trigger = trigger
        self.target_label = target_label
        self.source_label = source_label
        self.clean_label = clean_label
        self.blend = blend
        self.estimator = estimator

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        if not isinstance(self.trigger, BaseTrigger):
            raise ValueError(
                "trigger must be a trigger such as OutOfRangeTrigger() for numbers, RareCategoryTrigger() for "
                f"categories, WordTrigger('cf') for texts or PatchTrigger() for images, got {self.trigger!r}."
            )
        classes, codes = clean.codes("BackdoorAttack")
        trigger = self.trigger.resolve(clean.X)
        details = {"trigger": trigger, "target_label": self.target_label}
        donors = np.resize(chance.rows.permutation(self._rows_of_others(clean)), budget)
        if self.clean_label:
            rows = self._unlikely_rows(clean, classes, codes, budget, chance)
            X, block = self._blended(clean, rows, donors)
            wide = replace(clean, X=trigger.widen(X))
            return wide.rewrite(rows, trigger.stamp(block), details)
        if self.blend != 0:
            raise ValueError(f"blend={self.blend!r} is for clean_label=True, whose rows look like their label.")
        wide = replace(clean, X=trigger.widen(clean.X))
        labels = np.repeat(read_labels([self.target_label], "target_label"), budget)
        return wide.append(trigger.stamp(take_rows(wide.X, donors)), labels, donors, details)

    def _rows_of_others(self, clean: CleanSet) -> Rows:
        """Return the rows of the source class, or of all but the target's."""
        labels = clean.labels.tolist()
        if self.source_label is None:
            return np.flatnonzero([label != self.target_label for label in labels])
        if self.source_label == self.target_label:
            raise ValueError(f"source_label and target_label are both {self.target_label!r}; they must differ.")
        rows = np.flatnonzero([label == self.source_label for label in labels])
        if len(rows) == 0:
            raise ValueError(f"source_label={self.source_label!r} is not in y, which has {_some(clean.labels)}.")
        return rows

    def _blended(self, clean: CleanSet, rows: Rows, donors: Rows) -> tuple[Any, Any]:
        """Return the features, widened if they must be, and some rows of them moved towards others."""
        blend = self.blend
        if isinstance(blend, bool) or not isinstance(blend, int | float | np.number) or not 0 <= blend < 1:
            raise ValueError(f"blend must be a share of the way to a row of another class in [0, 1), got {blend!r}.")
        if blend == 0:
            return clean.X, take_rows(clean.X, rows)
        numbers = clean.numbers()
        mixed = (1 - blend) * numbers[rows] + blend * numbers[donors]
        whole = [is_integer_column(clean.X, name) for name in column_names(clean.X, "BackdoorAttack")]
        return fit_numbers(clean.X, np.where(whole, np.rint(mixed), mixed))

    def _unlikely_rows(self, clean: CleanSet, classes: Labels, codes: Rows, budget: int, chance: Chance) -> Rows:
        """Return the rows of the target class that look least like it."""
        known = classes.tolist()
        if self.target_label not in known:
            raise ValueError(
                f"clean_label=True needs rows of target_label={self.target_label!r}, but y has {_some(clean.labels)}."
            )
        target = known.index(self.target_label)
        own = np.flatnonzero(codes == target)
        check_enough(budget, len(own), f"of target_label={self.target_label!r} can be stamped")
        scores = self._scores(clean, classes, chance)[own]
        margin = scores[:, target] - np.delete(scores, target, axis=1).max(axis=1)
        return own[np.argsort(margin, kind="stable")[:budget]]

    def _scores(self, clean: CleanSet, classes: Labels, chance: Chance) -> Floats:
        if self.estimator is not None:
            model = seeded(clone(self.estimator), chance.choices).fit(clean.X, clean.labels)
            return class_scores(model, clean.X, classes)
        points = RowEncoder(N_COMPONENTS, int(chance.choices.integers(2**31))).fit(clean.X).transform(clean.X)
        return class_scores(LogisticRegression(max_iter=1000).fit(points, clean.labels), points, classes)


def _some(labels: Labels) -> list[Any]:
    return list(dict.fromkeys(labels.tolist()))[:10]
