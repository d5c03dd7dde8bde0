"""Fits of the whole estimator on some of the rows, and what they say of all rows."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    Lasso,
    LogisticRegression,
    PoissonRegressor,
    TweedieRegressor,
)

from robustfit._meta._fit_params import member_params
from robustfit._meta._seeds import set_open_seeds
from robustfit._meta._selection import row_keys
from robustfit.sanitize._responses import Response

# Convex learners whose coefficients are a start for the next fit, and nothing more.
_WARM = (ElasticNet, GammaRegressor, Lasso, LogisticRegression, PoissonRegressor, TweedieRegressor)


@dataclass
class TrainingSet:
    """Rows to learn from, and how to hand out some of them.

    Attributes
    ----------
    rows : Rows
    y : ndarray of shape (n_samples,)
        What estimators are fitted on: labels, or numbers.
    classes : ndarray of shape (n_classes,) or None
        Sorted labels; None for regression.
    weights : ndarray of shape (n_samples,)
        Ones where the user gave none.
    shared, per_row : dict
        Fit parameters.
    weight_names : tuple of str
        Those that hold the weights.
    """

    rows: Any
    y: Any
    classes: Any
    weights: Any
    shared: dict = field(default_factory=dict)
    per_row: dict = field(default_factory=dict)
    weight_names: tuple = ()

    def __len__(self):
        return len(self.y)

    @cached_property
    def X(self):
        """All rows."""
        return self.rows.take(np.arange(len(self)))

    @cached_property
    def target(self):
        """Codes of the labels, or numbers."""
        return self.y if self.classes is None else np.searchsorted(self.classes, self.y)

    @cached_property
    def keys(self):
        """Digest of each row and its target, for ties and folds."""
        return row_keys(self.X, self.target)


@dataclass(frozen=True)
class Evaluation:
    """What was found on some rows.

    Attributes
    ----------
    model : estimator or None
        Fitted on these rows; None where only models of parts of them were.
    table : ndarray
        Response for all rows.
    losses : ndarray of shape (n_samples,)
    """

    model: Any
    table: Any
    losses: Any


class Fits:
    """Fit clones of one estimator on subsets.

    Parameters
    ----------
    estimator : estimator
    data : TrainingSet
    response : Response
    evaluation : {"in_sample", "out_of_fold", "out_of_bag"}
    n_folds : int
    random_state : int
    warm_start : bool

    Attributes
    ----------
    n_fits : int
    """

    def __init__(self, estimator, data, response: Response, *, evaluation, n_folds, random_state, warm_start):
        self.estimator = set_open_seeds(clone(estimator), random_state)
        self.data = data
        self.response = response
        self.evaluation = evaluation
        self.n_folds = n_folds
        self.random_state = random_state
        self._warm = warm_start and isinstance(estimator, _WARM) and getattr(estimator, "solver", "") != "liblinear"
        self.n_fits = 0

    @cached_property
    def folds(self):
        """Fold of each row: its own affair, so that a new row moves no other one."""
        mixed = self.data.keys ^ np.uint64(np.random.SeedSequence(self.random_state).generate_state(1)[0])
        return mixed % np.uint64(self.n_folds)

    def fit(self, kept, near=None, **settings):
        """Fit the estimator with the weights kept, from the coefficients of a model ``near`` the result if it helps."""
        index = np.flatnonzero(kept)
        model = clone(self.estimator).set_params(**settings)
        warm = self._warm and near is not None
        if warm:
            model.set_params(warm_start=True)
            model.coef_, model.intercept_ = near.coef_.copy(), np.array(near.intercept_)
        self.n_fits += 1
        params = member_params(self.data.shared, self.data.per_row, index)
        params |= dict.fromkeys(self.data.weight_names, kept[index])
        model.fit(self.data.rows.take(index), self.data.y[index], **params)
        return model.set_params(warm_start=self.estimator.warm_start) if warm else model

    def evaluate(self, kept, near=None):
        """Fit with the weights kept and find the loss of every row."""
        if self.evaluation == "out_of_fold":
            model, table = None, self._out_of_fold(kept)
        elif self.evaluation == "out_of_bag":
            model, table = self._out_of_bag(kept)
        else:
            return self.look(kept, near)
        return Evaluation(model, table, self._losses(table))

    def look(self, kept, near=None):
        """Fit once, and find the losses of all rows under this fit, those that it knows among them."""
        model = self.fit(kept, near)
        table = self._ask(model, self.data.X)
        return Evaluation(model, table, self._losses(table))

    def held_out_loss(self, kept):
        """Return the mean loss of the rows kept, each by a fit to those of other folds: do they foretell each other?"""
        return trimmed_mean(self._losses(self._out_of_fold(kept)), kept)

    def _losses(self, table):
        losses = np.asarray(self.response.loss(self.data.target, table), dtype=np.float64)
        if losses.shape != (len(self.data),):
            raise ValueError(f"loss must return one number per row, shape ({len(self.data)},), got {losses.shape}.")
        return losses

    def _ask(self, model, X):
        return self.response.ask(model, X, self.data.classes)

    def _out_of_fold(self, kept):
        table = None
        for fold in range(self.n_folds):
            asked = np.flatnonzero(self.folds == fold)
            if not len(asked):
                continue
            outside = np.where(self.folds != fold, kept, 0.0)
            if not outside.any():
                raise ValueError(
                    f"All rows fall into one of n_folds={self.n_folds} folds (n_samples={len(kept)}); "
                    "evaluation='out_of_fold' needs more rows."
                )
            answer = self._ask(self.fit(outside), self.data.rows.take(asked))
            if table is None:
                table = np.empty((len(self.data), *answer.shape[1:]))
            table[asked] = answer
        return table

    def _out_of_bag(self, kept):
        bags = last_step(self.estimator)
        prefix = "" if bags is self.estimator else f"{self.estimator.steps[-1][0]}__"
        with warnings.catch_warnings():
            # Few trees leave some rows in every bag; these keep the answer of the trees that know them.
            warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores", category=UserWarning)
            model = self.fit(kept, **{f"{prefix}oob_score": True})
        model.set_params(**{f"{prefix}oob_score": bags.oob_score})
        table, fitted, index = self._ask(model, self.data.X), last_step(model), np.flatnonzero(kept)
        if self.data.classes is None:
            seen = index[fitted.oob_prediction_ != 0.0]
            table[seen] = fitted.oob_prediction_[fitted.oob_prediction_ != 0.0]
            return model, table
        shares = np.nan_to_num(fitted.oob_decision_function_)
        seen = shares.sum(axis=1) > 0.0
        table[np.ix_(index[seen], np.searchsorted(self.data.classes, fitted.classes_))] = shares[seen]
        return model, table


def trimmed_mean(losses, kept):
    """Weighted mean of the losses kept; infinite if one of them is no number."""
    there = kept > 0
    of_kept = losses[there]
    return np.inf if np.isnan(of_kept).any() else float(np.average(of_kept, weights=kept[there]))


def last_step(estimator):
    """Return the last step of a pipeline, or the estimator itself."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
