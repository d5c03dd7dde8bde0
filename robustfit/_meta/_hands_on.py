"""Predictions that an estimator around another one hands on to the one that it fitted."""

# SPDX-License-Identifier: BSD-3-Clause

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from robustfit._meta._inputs import read_test_rows


def _inner_has(method):
    """Whether the estimator inside has a method, fitted or not."""

    def check(self):
        getattr(getattr(self, "estimator_", self._default_or_given()), method)
        return True

    return check


class HandsOnPredictions:
    """``predict`` is that of ``estimator_``, on rows in the container that ``fit`` kept in ``_container_``."""

    def _read_test_rows(self, X):
        return read_test_rows(self, X, self._container_)

    def _ask(self, method, X):
        check_is_fitted(self)
        return getattr(self.estimator_, method)(self._read_test_rows(X))

    def predict(self, X):
        """Predict with the estimator that was fitted on the rows kept.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Of the kinds that ``fit`` takes.

        Returns
        -------
        predicted : ndarray of shape (n_samples,)
        """
        return self._ask("predict", X)


class HandsOnScores(HandsOnPredictions):
    """So are the scores of classes, where ``estimator_`` has them."""

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X):
        """Probabilities of the classes; over-confident, since rows that disagree were left out.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Of the kinds that ``fit`` takes.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        """
        return self._ask("predict_proba", X)

    @available_if(_inner_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Of the kinds that ``fit`` takes.

        Returns
        -------
        logarithms : ndarray of shape (n_samples, n_classes)
        """
        return self._ask("predict_log_proba", X)

    @available_if(_inner_has("decision_function"))
    def decision_function(self, X):
        """Scores of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Of the kinds that ``fit`` takes.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Of the second class, if there are two.
        """
        return self._ask("decision_function", X)
