"""Gradient poisoning: rows that climb on the harm done by the learner that is trained on them."""

# SPDX-License-Identifier: BSD-3-Clause

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._inner import check_count
from robustfit.attacks._linear import scores
from robustfit.attacks._linear._ascent import Freedom, ascend, units
from robustfit.attacks._linear._implicit import TrainingRows
from robustfit.attacks._linear._task import Task, read_task, sets_or_range
from robustfit.attacks._poisoned import Poisoned

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_LEANS = (0.0, 1.0, 2.0)
_TRACE = 0.02


class GradientAttack(BaseAttack):
    """Insert rows and move their features uphill on the loss of the clean rows, through the training of the learner.

    The rows start as copies of clean ones with a wrong label, and all climb together: a linear system with the Hessian
    of the learner's training problem tells how its loss on clean rows changes with every feature of every inserted row.
    For a regression the targets climb too, within the range of the observed ones. One unit of the budget is one row; it
    may exceed the number of clean rows.

    Parameters
    ----------
    estimator : estimator, default=None
        The learner to harm: `LogisticRegression`, `LinearSVC`, a linear `SVC` or `RidgeClassifier` for classes;
        `Ridge`, `LinearRegression`, `Lasso` or `ElasticNet` for targets. By default ``LogisticRegression()``, or
        ``Ridge()`` if ``y`` has a floating dtype. More than two classes are known for `LogisticRegression` (softmax),
        `LinearSVC` and `RidgeClassifier` (one against the rest).
    feasible_set : FeasibleSet or dict of label to FeasibleSet, default=None
        Where the inserted rows of all, or of each, class may lie. By default the box between the smallest and the
        largest value of each column: a row in its corner looks like no other, but passes a check of ranges.
    n_iter : int, default=60
        Most steps of the ascent; each trains the learner about once.
    validation_fraction : float, default=0.0
        Share of the clean rows by which the learner is judged, and on which it is not trained meanwhile. By default it
        is trained on and judged by all clean rows.

    Notes
    -----
    With clean rows D, inserted rows P and θ(P) = argmin_θ L(θ; D ∪ P), the attack maximises O(θ(P)) over P. The
    gradient in the features x of an inserted row with label y is ``−(∂²ℓ(θ; x, y) / ∂x ∂θ) H⁻¹ ∇O(θ)``, with H the
    Hessian of L. A hinge has no curvature; one that is smoothed by a temperature of 0.1 stands in for it. For a lasso H
    is that of the columns with non-zero weight. H is factorised up to 2 000 parameters; beyond, conjugate gradients
    solve the system.

    O is the mean of c log(1 + ℓ/c), with the loss ℓ of the learner. It grows slowly where rows are wrong already, so
    that many rows are harmed a little rather than a few rows, which other data need not have, beyond measure. For
    classes c is the loss of a model whose scores are 0. For a regression half of the steps climb on the squared error
    itself, the others with the c of an error of two standard deviations of the target.

    Regressions have four starts, the best of which goes on: the copies, with the farther end of the range as target,
    and rows near one point with the opposite prediction that the clean rows resist little.

    Columns of integers and booleans get fractions, and are widened. A larger budget starts anew.

    ``Poisoned.details``: ``"loss_before"`` and ``"loss_after"``, the values of O without and with the inserted rows;
    for a regression half of the mean squared error.

    See Also
    --------
    InfluenceAttack : Few distinct rows, many copies, inside what a sanitizer keeps.
    GradientCancelingAttack : Reaches a model that is chosen beforehand.

    References
    ----------
    .. [1] B. Biggio, B. Nelson and P. Laskov, "Poisoning Attacks against Support Vector Machines", ICML 2012.
    .. [2] S. Mei and X. Zhu, "Using Machine Teaching to Identify Optimal Training-Set Attacks on Machine Learners",
       AAAI 2015.
    .. [3] H. Xiao, B. Biggio, G. Brown, G. Fumera, C. Eckert and F. Roli, "Is Feature Selection Secure against Training
       Data Poisoning?", ICML 2015.
    .. [4] L. Muñoz-González, B. Biggio, A. Demontis, A. Paudice, V. Wongrassamee, E. C. Lupu and F. Roli, "Towards
       Poisoning of Deep Learning Algorithms with Back-gradient Optimization", AISec 2017.
    .. [5] M. Jagielski, A. Oprea, B. Biggio, C. Liu, C. Nita-Rotaru and B. Li, "Manipulating Machine Learning:
       Poisoning Attacks and Countermeasures for Regression Learning", IEEE Symposium on Security and Privacy 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import scale
    >>> from robustfit.attacks import GradientAttack
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X)
    >>> poisoned = GradientAttack(LogisticRegression(), n_iter=20).generate(X, y, budget=17)
    >>> clean_score = LogisticRegression().fit(X, y).score(X, y)
    >>> bool(LogisticRegression().fit(poisoned.X, poisoned.y).score(X, y) < clean_score - 0.03)
    True
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        feasible_set: Any = None,
        n_iter: int = 60,
        validation_fraction: float = 0.0,
    ) -> None:
        self.estimator = estimator
        self.feasible_set = feasible_set
        self.n_iter = n_iter
        self.validation_fraction = validation_fraction

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        name = type(self).__name__
        n_iter = check_count(self.n_iter, "n_iter", name)
        held_out = _check_share(self.validation_fraction)
        task = read_task(clean, self.estimator, name, chance.choices)
        sets = sets_or_range(self.feasible_set, task, clean.labels)
        problem = task.bilevel(held_out, chance.choices)
        sources = chance.rows.integers(len(clean), size=budget)
        scale = units(task.rows.X, sets)
        if task.classes is None:
            target = task.rows.Y
            freedom = Freedom(sets, np.zeros(budget, dtype=np.int64), scale, (float(target.min()), float(target.max())))
            starts = _far_targets(task, sources, freedom)
        else:
            wrong = (task.codes[sources] + chance.choices.integers(1, task.n_classes, size=budget)) % task.n_classes
            freedom = Freedom(sets, wrong, scale)
            starts = [task.encode(wrong, np.ones(budget), freedom.project(task.rows.X[sources]))]
        start = max(starts, key=lambda rows: problem.harm(problem.train(rows)))
        poison = start
        for cap in task.caps:
            poison, _ = ascend(replace(problem, cap=cap), poison, freedom, math.ceil(n_iter / len(task.caps)))
        labels = poison.Y[:, 0] if task.classes is None else task.classes[freedom.member]
        before, after = problem.learner.fit(*problem.clean), problem.train(poison)
        details = {"loss_before": problem.harm(before), "loss_after": problem.harm(after)}
        return clean.add(poison.X, labels, sources, details)


def _check_share(share: Any) -> float:
    if isinstance(share, bool) or not isinstance(share, int | float | np.number) or not 0 <= share < 1:
        raise ValueError(f"validation_fraction is a share of the clean rows in [0, 1), got {share!r}.")
    return float(share)


def _far_targets(task: Task, sources: Rows, freedom: Freedom) -> list[TrainingRows]:
    """Return starts of a regression attack, all with targets far from what is expected of the rows.

    One are copies of clean rows with the farther end of the range. The others are near one point where the learner
    predicts the opposite of the target: of all points with that prediction the one that the clean rows resist least,
    since they vary most in its direction.
    """
    X, target = task.rows.X, task.rows.Y[:, 0]
    low, high = target.min(), target.max()
    weight = np.ones(len(sources))
    copies = np.where(target[sources] > (low + high) / 2, low, high)
    starts = [TrainingRows(freedom.project(X[sources]), copies[:, None], weight)]
    center = X.mean(axis=0)
    offset = X - center
    theta = task.learner.fit(*task.rows)
    response = scores(X, theta)[:, 0]
    toward = offset.T @ (response - response.mean()) / (len(X) * max(float(response.std()), np.finfo(np.float64).tiny))
    up = bool(high - target.mean() >= target.mean() - low)
    ends = np.full((len(sources), 1), high if up else low)
    for lean in _LEANS:
        point = center - (lean if up else -lean) * toward
        # A trace of different rows, so that they can part.
        starts.append(TrainingRows(freedom.project(point + _TRACE * offset[sources]), ends, weight))
    return starts
