"""Fits of one estimator on some of the rows, and what they lose on others."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from robustfit._meta._robust_scale import robust_location_scale
from robustfit._meta._seeds import set_open_seeds
from robustfit._meta._selection import row_keys
from robustfit.partition import as_rows
from robustfit.sanitize._folds import content_folds
from robustfit.sanitize._responses import Response
from robustfit.sanitize._target import Target


@dataclass(frozen=True)
class OnlyClass:
    """What is learned from rows of one class: that there is no other."""

    code: int


@dataclass(frozen=True)
class RowLearner:
    """Rows to learn from, and the estimator that does.

    Attributes
    ----------
    estimator : estimator
        Cloned for each fit.
    rows : ndarray, sparse matrix, data frame or list
    target : Target
    response : Response
    random_state : int
        Seeds what the estimator leaves open.
    quiet : bool
        Whether a fit that stopped early is no one's business: of a learner that the user did not choose.
    """

    estimator: Any
    rows: Any
    target: Target
    response: Response
    random_state: int
    quiet: bool = False

    @cached_property
    def keys(self):
        """Digest of each row and its target."""
        return row_keys(self.rows, self.target.values)

    @cached_property
    def _place(self):
        place = np.empty(len(self.keys), dtype=np.intp)
        place[np.argsort(self.keys, kind="stable")] = np.arange(len(self.keys))
        return place

    @property
    def codes(self):
        """Codes of classes; zeros where there are none."""
        values = self.target.values
        return np.zeros(len(values), dtype=np.intp) if self.target.classes is None else values

    @cached_property
    def labels(self):
        """What the estimator is fitted on."""
        return self.target.values if self.target.classes is None else self.target.classes[self.target.values]

    def fit(self, index):
        """Fit to some rows, in an order that does not depend on where they stood."""
        index = index[np.argsort(self._place[index])]
        if self.target.classes is not None:
            codes = self.target.values[index]
            if (codes == codes[0]).all():
                return OnlyClass(int(codes[0]))
        model = set_open_seeds(clone(self.estimator), self.random_state)
        with warnings.catch_warnings():
            if self.quiet:
                warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(as_rows(self.rows).take(index), self.labels[index])

    def answers(self, model, X):
        """Ask a model about rows of the same kind; one column per class, or predictions."""
        if not isinstance(model, OnlyClass):
            return self.response.ask(model, X, self.target.classes)
        shares = self.response.method == "predict_proba"
        table = np.full((as_rows(X).n_samples, self.target.n_codes), 0.0 if shares else -1.0)
        table[:, model.code] = 1.0
        return table

    def losses(self, answers, values, units=(0.0, 1.0)):
        """Losses of answers to rows with the targets given; numbers are brought into units first.

        Parameters
        ----------
        answers : ndarray
        values : ndarray of shape (n_rows,)
        units : tuple of float
            Where residuals lie, and their scale.
        """
        if self.target.classes is None:
            location, scale = units
            values, answers = (values - location) / scale, answers / scale
        losses = np.asarray(self.response.loss(values, answers), dtype=np.float64)
        if losses.shape != (len(values),):
            raise ValueError(f"loss must return one number per row, shape ({len(values)},), got {losses.shape}.")
        return losses


def residual_units(values, predicted):
    """Median and robust scale of residuals."""
    location, scale = robust_location_scale((values - predicted).reshape(-1, 1))
    return float(location[0]), float(scale[0])


def fit_and_answer(learner, tasks, n_jobs, others=None):
    """Fit to rows and ask about rows, for each task.

    Parameters
    ----------
    learner : RowLearner
    tasks : list of (ndarray, ndarray)
        Positions of the rows to fit to, and of those to ask about.
    n_jobs : int or None
    others : ndarray, sparse matrix, data frame or list, default=None
        What to ask about; positions of the second kind are places in it.

    Returns
    -------
    answers : list of ndarray
    """
    asked = learner.rows if others is None else others
    with threadpool_limits(limits=1):
        return Parallel(n_jobs=n_jobs)(delayed(_one)(learner, fitted, asked, index) for fitted, index in tasks)


def _one(learner, fitted, asked, index):
    return learner.answers(learner.fit(fitted), as_rows(asked).take(index))


def out_of_fold(learner, n_folds, n_jobs):
    """Ask about each row a model that has not seen it, nor a row with the same features.

    Returns
    -------
    answers : ndarray of shape (n_samples,) or (n_samples, n_classes)
    """
    target, n_rows = learner.target, len(learner.target.values)
    codes = np.zeros(n_rows, dtype=np.intp) if target.classes is None else target.values
    folds = content_folds(learner.rows, codes, n_folds, learner.random_state)
    parts = [np.flatnonzero(folds == fold) for fold in range(folds.max() + 1)]
    if len(parts) < 2:
        raise ValueError(
            f"All {n_rows} rows have the same features (n_samples={n_rows}): there is no row that a model has not "
            "seen. Rows that repeat are what DuplicateSanitizer looks at."
        )
    tasks = [(np.flatnonzero(folds != fold), part) for fold, part in enumerate(parts)]
    found = fit_and_answer(learner, tasks, n_jobs)
    answers = np.empty((n_rows, *found[0].shape[1:]))
    for part, answer in zip(parts, found, strict=True):
        answers[part] = answer
    return answers
