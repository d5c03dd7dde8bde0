"""A set that treats columns one by one, met with a sphere and a slab: bounds by the two-variable dual."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._base import UNSEEN, FeasibleSet, pull_inside, rounding
from robustfit.certify._feasible._box import Box
from robustfit.certify._feasible._checks import check_length, check_vector
from robustfit.certify._feasible._lagrangian import Dual, Region, Relaxation
from robustfit.certify._feasible._non_negative_integers import NonNegativeIntegers
from robustfit.certify._feasible._one_hot_groups import OneHotGroups
from robustfit.certify._feasible._repair import is_inside, objective, onto_slab, repair, walk
from robustfit.certify._feasible._slab import Slab
from robustfit.certify._feasible._sphere import Sphere


class SeparableSphereSlab(FeasibleSet):
    """Base of the sets whose maxima the Lagrange dual bounds.

    Parameters
    ----------
    domain : Box, NonNegativeIntegers or OneHotGroups
        What each column, or group of columns, may hold.
    center : array-like of shape (n_features,)
    radius : float
        May be infinite where the domain is bounded.
    normal : array-like of shape (n_features,) or None
        None for no slab.
    width : float
    """

    def __init__(
        self,
        domain: Box | NonNegativeIntegers | OneHotGroups,
        center: ArrayLike,
        radius: Any,
        normal: ArrayLike | None,
        width: Any,
    ) -> None:
        super().__init__(domain.n_features)
        self.domain = domain
        self.center = check_vector(center, "center", domain.n_features)
        self.radius = check_length(radius, "radius", infinite=True)
        slab = Slab(self.center, np.zeros(self.n_features) if normal is None else normal, width)
        self.normal, self.width = slab.normal, slab.width
        self._parts: list[FeasibleSet] = [domain, slab]
        if self.radius < np.inf:
            self._parts.append(Sphere(self.center, self.radius))
        cells = domain._cells(self.center)
        self._region = Region(cells, self.radius, self.normal, -self.width, self.width)
        self.convex = bool(cells.real.all())
        if not np.isfinite(self._region.reach):
            raise ValueError(
                "The set has no end: give a finite radius, or finite ends for every column that is not in a group."
            )
        self.reach = float(np.linalg.norm(self.center)) + self._region.reach + UNSEEN
        self._refuse_apart()
        self._anchor = self._find_anchor()

    def _refuse_apart(self) -> None:
        """Refuse a domain that meets the sphere nowhere, or the slab nowhere."""
        cells, nothing = self._region.cells, np.zeros(self.n_features)
        slack = 1 + rounding(self.n_features)
        distance = float(np.linalg.norm(cells.respond(nothing, 1.0)))
        if distance > self.radius * slack:
            raise ValueError(
                f"The set is empty: the columns' allowed values do not meet the sphere. Their nearest point is "
                f"{distance:.6g} from its centre, the radius is {self.radius:.6g}."
            )
        farthest = float(self.normal @ cells.respond(self.normal, 0.0))
        closest = float(self.normal @ cells.respond(-self.normal, 0.0))
        blur = rounding(self.n_features) * float(np.linalg.norm(self.normal)) * min(self._region.reach, 1e300)
        if closest > self.width + blur or farthest < -self.width - blur:
            raise ValueError(
                "The set is empty: the columns' allowed values do not meet the slab. Their inner product with the "
                f"normal, seen from the centre, is in [{closest:.6g}, {farthest:.6g}], the width is {self.width:.6g}."
            )

    def _find_anchor(self) -> NDArray[np.float64]:
        """Return the offset of some point of the set, well inside where there is room."""
        nothing = np.zeros(self.n_features)
        found = self._region.cells.respond(nothing, 1.0)
        if is_inside(self._region, found) and (not self.convex or np.linalg.norm(found) < 0.9 * self.radius):
            along = abs(float(self.normal @ found))
            if not self.convex or along <= 0.5 * self.width:
                return found
        for share in (0.5, 0.9, 0.99, 1.0):
            ends = share * self.width
            relaxation = Dual(replace(self._region, low=-ends, high=ends), nothing, 1.0).solve()
            point = self._candidate(relaxation, nothing, 1.0, None)
            if point is not None and is_inside(self._region, point):
                return point
        if relaxation.bound < -(self._region.reach**2):
            raise ValueError(
                "The set is empty: the columns' allowed values meet the sphere, and the slab, but not where both meet."
            )
        raise ValueError(
            "No point of the set was found: it is empty, or holds next to nothing. Enlarge the radius or the width."
        )

    def _candidate(
        self,
        relaxation: Relaxation,
        score: NDArray[np.float64],
        curvature: float,
        anchor: NDArray[np.float64] | None,
    ) -> NDArray[np.float64] | None:
        """Return the best point of the region that can be made of a relaxed one."""
        if self.convex:
            blend = relaxation.blend
            return onto_slab(self._region, blend) if anchor is None else walk(self._region, anchor, blend)
        best, highest = None, -np.inf
        for start in {corner.tobytes(): corner for corner in relaxation.corners}.values():
            point = repair(self._region, start, score, curvature)
            value = -np.inf if point is None else objective(point, score, curvature)
            if value > highest:
                best, highest = point, value
            if highest >= relaxation.bound - 1e-9 * abs(relaxation.bound):
                break
        if best is None and anchor is not None:
            return repair(self._region, anchor, score, curvature)
        return best

    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        worst: NDArray[np.float64] = np.max([part._violation(rows) for part in self._parts], axis=0)
        return worst

    def _settle(self, offset: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Turn an offset into a row, whose columns hold exactly what the domain allows."""
        row = self.domain._project((self.center + (self._anchor if offset is None else offset))[None, :])
        if self.convex:
            row = pull_inside(row, self.center + self._anchor, self._violation)
        settled: NDArray[np.float64] = row[0]
        return settled

    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        points, bounds = np.empty_like(directions), np.empty(len(directions))
        slack = rounding(self.n_features) * self.reach
        for index, score in enumerate(directions):
            relaxation = Dual(self._region, score, 0.0).solve()
            points[index] = self._settle(self._candidate(relaxation, score, 0.0, self._anchor))
            bounds[index] = relaxation.bound + score @ self.center + slack * np.linalg.norm(score)
        return points, bounds

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        points = np.empty_like(rows)
        for index, row in enumerate(rows):
            score = 2 * (row - self.center)
            relaxation = Dual(self._region, score, 1.0).solve()
            points[index] = self._settle(self._candidate(relaxation, score, 1.0, self._anchor))
        return points
