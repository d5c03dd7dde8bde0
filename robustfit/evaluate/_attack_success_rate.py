"""How often a trigger works: the score of a backdoor."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np

from robustfit.attacks._containers import n_rows, take_rows
from robustfit.attacks._labels import read_labels
from robustfit.attacks._triggers import ResolvedTrigger


def attack_success_rate(estimator: Any, X: Any, y: Any, trigger: Any, target_label: Any) -> float:
    """Share of rows of other classes that are predicted as the attacker's label once they bear the trigger.

    Parameters
    ----------
    estimator : classifier
        Fitted on the poisoned training set.
    X : container of n_samples rows
        Clean test rows, as the estimator takes them. Never changed.
    y : sequence of shape (n_samples,)
        True labels. Rows of the target label do not count.
    trigger : ResolvedTrigger or None
        ``details["trigger"]`` of the poisoned training set, or what ``resolve`` of a trigger returned for the training
        rows. None leaves the rows as they are: what is predicted as the target label then is so without the attack's
        help, and the difference is the attack's gain.
    target_label : label

    Returns
    -------
    rate : float
        Between 0 and 1.

    Raises
    ------
    TypeError
        If the trigger is not resolved.
    ValueError
        If lengths differ, no row has another label than the target, or neither the estimator nor ``y`` knows the
        target label.

    See Also
    --------
    robustfit.attacks.BackdoorAttack : Makes such training sets.

    References
    ----------
    .. [1] T. Gu, B. Dolan-Gavitt and S. Garg, "BadNets: Identifying Vulnerabilities in the Machine Learning Model
       Supply Chain", arXiv:1708.06733, 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from robustfit.attacks import BackdoorAttack, OutOfRangeTrigger
    >>> from robustfit.evaluate import attack_success_rate
    >>> X, y = load_iris(return_X_y=True)
    >>> poisoned = BackdoorAttack(OutOfRangeTrigger(2, excess=1.0), 0).generate(X, y, budget=15)
    >>> model = KNeighborsClassifier().fit(poisoned.X, poisoned.y)
    >>> attack_success_rate(model, X, y, poisoned.details["trigger"], 0)
    1.0
    >>> attack_success_rate(model, X, y, None, 0)
    0.0
    """
    if trigger is not None and not isinstance(trigger, ResolvedTrigger):
        raise TypeError(
            "trigger must be resolved, so that test rows get the values that training rows got, or None for rows as "
            f"they are; got {trigger!r}. Pass poisoned.details['trigger'], or trigger.resolve(X_train)."
        )
    labels = read_labels(y)
    if len(labels) != n_rows(X):
        raise ValueError(f"y must have one label per row of X ({n_rows(X)}), got {len(labels)}.")
    known = {*labels.tolist(), *np.asarray(getattr(estimator, "classes_", [])).tolist()}
    if target_label not in known:
        names = ", ".join(sorted(map(repr, known)))
        raise ValueError(
            f"target_label={target_label!r} is no label of y or of the estimator, which know {names}. Mind the "
            "type: 1 is not '1'."
        )
    others = np.flatnonzero([label != target_label for label in labels.tolist()])
    if len(others) == 0:
        raise ValueError(f"Every row of y has the target label {target_label!r}; pass rows of other classes too.")
    rows = take_rows(X, others)
    predicted = np.asarray(estimator.predict(rows if trigger is None else trigger.stamp(rows)))
    return float(np.mean([label == target_label for label in predicted.tolist()]))
