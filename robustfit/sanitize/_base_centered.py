"""What sanitizers share that measure how far rows are from the centre of their class."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod

import numpy as np

from robustfit._sklearn import StrOptions
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._centers import CENTERS, center_of, unit_of


class BaseCentered(BaseSanitizer):
    """Sanitizer whose score is a distance from the centre of the class, in units of its median in that class.

    Where rows of a class may lie is then the set of all that are no farther than the farthest one that is kept.
    """

    _parameter_constraints: dict = {**BaseSanitizer._parameter_constraints, "center": [StrOptions(set(CENTERS))]}

    @abstractmethod
    def _distances(self, rows, code):
        """How far rows are from the centre of a class."""

    @abstractmethod
    def _region(self, code, reach):
        """Return the feasible set of all that is as far from the centre of a class as that, or nearer."""

    def _fit_scores(self, rows, target):
        groups = target.groups()
        self._find_centers([rows[group] for group in groups])
        far = self._far(rows, target)
        self.units_ = np.array([unit_of(far[group]) for group in groups])
        return far / self.units_[target.values]

    def _find_centers(self, classes):
        self.centers_ = np.array([center_of(rows, self.center) for rows in classes])

    def _score(self, rows, target):
        return self._far(rows, target) / self.units_[target.values]

    def _far(self, rows, target):
        far = np.empty(rows.shape[0])
        for code, group in enumerate(target.groups()):
            far[group] = self._distances(rows[group], code)
        return far

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        self.feasible_set_ = {
            label: self._region(code, self._reach(code, scores, kept, target) * self.units_[code])
            for code, label in enumerate(target.labels)
        }
