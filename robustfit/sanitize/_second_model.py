"""What any model says of rows: which it takes back, and whether it knows them better than a linear one."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import get_tags

from robustfit._meta._selection import row_keys
from robustfit.sanitize._leave_cluster_out._readmission import beyond, final_penalty, robust_units, suggest, view_of
from robustfit.sanitize._leave_cluster_out._references import with_ones
from robustfit.sanitize._leave_cluster_out._rounds import final_weights
from robustfit.sanitize._leave_cluster_out._views import NumberView, belief_of
from robustfit.sanitize._linear._default_learner import default_learner
from robustfit.sanitize._responses import classifier_response, regressor_response
from robustfit.sanitize._row_learner import RowLearner, fit_and_answer, out_of_fold
from robustfit.sanitize._row_normalizer import RowNormalizer
from robustfit.sanitize._target import Target

_FOLDS = 5

# More rows would not change which of two models knows better.
_MOST_COMPARED = 10_000


def take_back_by(estimator, rows, target, kept, least, random_state):
    """Take back rows that an estimator believes which is fitted to the rows kept.

    Rows that are more than three times as far out in a column as all rows kept do not come back.

    Parameters
    ----------
    estimator : estimator
        With ``predict_proba`` if targets are classes.
    rows : ndarray or csr matrix of shape (n_samples, n_features)
    target : Target
    kept : ndarray of shape (n_samples,), bool
    least : float
        Probability of the label, with only the best other one besides, from which a row comes back; of numbers the
        density of the residual over that of none, see `NumberView`.
    random_state : int

    Returns
    -------
    kept : ndarray of shape (n_samples,), bool
        As it was where no row is missing, or the rows left are of one class or all the same.
    suggested : ndarray of shape (n_samples,)
        What the estimator expects of the rows that stay out, and what y says of the others.
    """
    out = np.flatnonzero(~kept)
    if not len(out) or not _comparable(rows[kept], target.take(kept)):
        return kept, suggest(target, kept, target.values)
    learner = second_model(estimator, rows, target, random_state)
    (answers,) = fit_and_answer(learner, [(np.flatnonzero(kept), out)], None)
    believed = belief_of(answers, target.values[out]) if target.coded else _fits(learner, answers, kept, out)
    found, expected = kept.copy(), target.values.copy()
    found[out] = (believed >= least) & ~beyond(rows, kept)[out]
    expected[out] = _expected(target, answers)
    return found, suggest(target, found, expected)


def gain_over_linear(estimator, rows, target, kept, random_state):
    """Compare what an estimator says out of fold with what a linear model says that has seen the rows.

    Parameters
    ----------
    estimator : estimator
    rows : ndarray or csr matrix of shape (n_samples, n_features)
    target : Target
    kept : ndarray of shape (n_samples,), bool
        Rows to compare them on; of more than 10 000 only so many.
    random_state : int

    Returns
    -------
    gain : float
        Share of the linear model's mistakes, or of the sum of its absolute residuals, that the estimator avoids; less
        than 0 if it is the worse one, and 0 if the linear model makes none.
    deviations : float
        By how many standard deviations the difference is above 0.
    """
    index = np.flatnonzero(kept)
    # Which ones may not depend on where they stand.
    index = index[np.argsort(row_keys(rows[index], target.values[index]), kind="stable")[:_MOST_COMPARED]]
    rows, target = rows[index], target.take(index)
    if not _comparable(rows, target):
        return 0.0, 0.0
    own = _mistakes(
        target, _expected(target, out_of_fold(second_model(estimator, rows, target, random_state), _FOLDS, None))
    )
    linear = min((_mistakes(target, expected) for expected in _by_planes(rows, target)), key=np.mean)
    better = linear - own
    spread = np.sqrt(np.mean(better**2) / len(better))
    if spread == 0.0 or not linear.any():
        return 0.0, 0.0
    return float(better.mean() / linear.mean()), float(better.mean() / spread)


def _comparable(rows, target):
    """Whether rows can be told apart, and are of more than one class."""
    if target.coded and len(np.unique(target.values)) < 2:
        return False
    return len(np.unique(row_keys(rows, np.zeros(rows.shape[0])))) > 1


def _by_planes(rows, target):
    """What linear models that have seen the rows expect of them: in the lengths that they have, and of length 1."""
    learner = second_model(default_learner(not target.coded, len(target.values)), rows, target, 0)
    yield _expected(target, learner.answers(learner.fit(np.arange(len(target.values))), rows))
    normalizer = RowNormalizer().fit(rows)
    X, units = with_ones(normalizer.transform(rows)), None if target.coded else robust_units(target.values)
    view = view_of(target, units)
    yield view.expected(X @ final_weights(X, view, np.ones(len(target.values), dtype=bool), final_penalty(normalizer)))


def _expected(target, answers):
    return answers.argmax(axis=1) if target.coded else answers


def _mistakes(target, expected):
    """Mark wrong labels, or measure how far off numbers are."""
    return (expected != target.values).astype(float) if target.coded else np.abs(target.values - expected)


def limit_tags(tags, estimator):
    """Take no rows that the estimator does not take, if there is one."""
    if estimator is not None and not isinstance(estimator, type):
        tags.input_tags.sparse &= get_tags(estimator).input_tags.sparse
    return tags


def second_model(estimator, rows, target, random_state):
    """Return the rows to learn from and the estimator that does, asked for shares of labels or for numbers."""
    if target.coded and target.classes is None:
        target = Target(target.values, np.arange(target.n_codes))
    response = classifier_response(estimator, "log_loss", votes=False) if target.coded else regressor_response("auto")
    return RowLearner(estimator, rows, target, response, random_state)


def _fits(learner, answers, kept, out):
    """Compare residuals with those of rows kept, each from a model that has not seen the row."""
    target, index = learner.target, np.flatnonzero(kept)
    center, unit = robust_units(target.values)
    predicted = np.empty(len(target.values))
    inside = RowLearner(
        learner.estimator, learner.rows[index], target.take(index), learner.response, learner.random_state
    )
    predicted[index], predicted[out] = out_of_fold(inside, _FOLDS, None), answers
    view = NumberView(target.values, center, unit)
    return view.belief((predicted[:, None] - center) / unit, kept)[out]
