"""What the robust-gradient estimators share: descent by filtered means of gradients in robust coordinates."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from sklearn.base import BaseEstimator

from robustfit._meta._selection import row_keys
from robustfit._sklearn import Interval
from robustfit.sanitize._linear._row_space import RowSpace
from robustfit.trimmed._sever._descent import Objective, descend
from robustfit.trimmed._sever._sever import Learner, Severed, concentrate
from robustfit.trimmed._sever._whitening import whitened, whitening

_MOST_STEPS = 50


class Coordinates(NamedTuple):
    """White coordinates L⁻¹ ((x − centre) / scale) of the bulk of the rows.

    Attributes
    ----------
    space : RowSpace
        The rows in them.
    centre, scale : ndarray of shape (n_features,)
    lower : ndarray of shape (n_features, n_features)
    """

    space: RowSpace
    centre: Any
    scale: Any
    lower: Any

    @classmethod
    def of(cls, X, *, intercept):
        """Measure the coordinates of a sample."""
        space, centre, scale = RowSpace.of(X, intercept=intercept)
        lower = whitening(space.rows)
        return cls(space._replace(rows=whitened(space.rows, lower)), centre, scale, lower)

    def prices(self, ridge):
        """Return the matrix that makes ``ridge`` the price of the squared slopes of columns in robust units."""
        n_features = len(self.centre)
        inverse = solve_triangular(self.lower, np.eye(n_features), lower=True)
        prices = np.zeros((self.space.width, self.space.width))
        prices[:n_features, :n_features] = ridge * (inverse @ inverse.T)
        return prices

    def leave(self, theta):
        """Return slopes of shape (n_features, n_outputs) and intercepts in the units of the data."""
        n_features = len(self.centre)
        slopes = solve_triangular(self.lower, theta[:n_features], lower=True, trans="T") / self.scale[:, None]
        intercepts = theta[n_features] if len(theta) > n_features else np.zeros(theta.shape[1])
        return slopes, intercepts - self.centre @ slopes


class BaseRobustGradient(BaseEstimator, metaclass=ABCMeta):
    """Descend by filtered means of gradients.

    Subclasses say what a target and a loss are, and what follows the descent.
    """

    _parameter_constraints: dict = {
        "contamination": [Interval(Real, 0, 0.5, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    @abstractmethod
    def _groups(self, codes):
        """Return the rows that are filtered together, given the class of each."""

    @abstractmethod
    def _finish(self, objective, severed, codes):
        """Return the model and the rows it rests on, given those of the descent."""

    def _descend(self, X, target, loss, bend, n_outputs, codes):
        order = np.argsort(row_keys(X, target), kind="stable")
        X, target, codes = X[order], target[order], codes[order]
        coordinates = Coordinates.of(X, intercept=bool(self.fit_intercept))
        objective = Objective(coordinates.space, target, loss, bend, n_outputs, coordinates.prices(float(self.alpha)))
        groups = self._groups(codes)
        # A hair less than a whole number is that number.
        quotas = [sum(int(self.contamination * n + 1e-9) for n in np.bincount(codes[group])) for group in groups]
        found = descend(objective, groups, quotas, codes, n_rounds=self.n_rounds, max_iter=self.max_iter, tol=self.tol)
        self.n_iter_ = len(found.history)
        theta = objective.take(found.kept).minimise(found.theta)
        theta, kept, self.history_ = self._finish(objective, Severed(theta, found.kept, found.history), codes)
        self.support_ = np.zeros(len(order), dtype=bool)
        self.support_[order] = kept
        return coordinates.leave(theta)

    def _concentrate(self, objective, severed, codes):
        learner = Learner(
            lambda index: objective.take(index).minimise(severed.model), objective.slopes, objective.losses
        )
        return concentrate(learner, severed, codes, _MOST_STEPS)
