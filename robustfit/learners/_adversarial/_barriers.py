"""The constraint that the shift t costs at least the dual norm of w, for each norm."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.learners._adversarial._cones import Orthant, SecondOrder


class EuclideanBarrier:
    """t ≥ ‖radius ∘ w‖₂: one second-order cone."""

    cone: type[Orthant] | type[SecondOrder] = SecondOrder

    def __init__(self, radius):
        self.radius = radius

    def start(self):
        """Extra variables for w = 0, t = 1."""
        return np.zeros(0)

    def slack(self, w, t, extra):
        """Slack of the constraints: linear."""
        return np.concatenate([[t], self.radius * w])

    def adjoint(self, z):
        """Multipliers, as forces on w with t, and on the extra variables."""
        return np.concatenate([self.radius * z[1:], z[:1]]), z[:0]

    def condense(self, cone):
        """Stiffness that w and t feel, extra variables eliminated."""
        axis = np.concatenate([-self.radius * cone.bar[1:], cone.bar[:1]])
        stiffness = 2.0 * np.outer(axis, axis)
        stiffness.flat[:: len(stiffness) + 1] += np.concatenate([self.radius**2, [-1.0]])
        return stiffness / cone.beta**2

    def eliminate(self, cone, force):
        """Force on w and t of a force on the extra variables."""
        return np.zeros(len(self.radius) + 1)

    def recover(self, cone, force, dw, dt):
        """Change of the extra variables."""
        return force


class LargestBarrier(EuclideanBarrier):
    """t ≥ radius_j |w_j| for every column: the dual of shifts of bounded sum."""

    cone = Orthant

    def slack(self, w, t, extra):
        """Slack of the constraints: linear."""
        size = self.radius * w
        return np.concatenate([t + size, t - size])

    def adjoint(self, z):
        """Multipliers, as forces on w with t, and on the extra variables."""
        above, below = np.split(z, 2)
        return np.concatenate([self.radius * (above - below), [z.sum()]]), z[:0]

    def condense(self, cone):
        """Stiffness that w and t feel, extra variables eliminated."""
        above, below = np.split(cone.stiffness, 2)
        stiffness = np.diag(np.concatenate([self.radius**2 * (above + below), [cone.stiffness.sum()]]))
        stiffness[-1, :-1] = stiffness[:-1, -1] = self.radius * (above - below)
        return stiffness


class SumBarrier(EuclideanBarrier):
    """t ≥ Σ_j p_j with p_j ≥ radius_j |w_j|: the dual of a box, with one extra variable per column."""

    cone = Orthant

    def start(self):
        """Extra variables for w = 0, t = 1."""
        return np.full(len(self.radius), 0.5 / len(self.radius))

    def slack(self, w, t, extra):
        """Slack of the constraints: linear."""
        size = self.radius * w
        return np.concatenate([extra + size, extra - size, [t - extra.sum()]])

    def adjoint(self, z):
        """Multipliers, as forces on w with t, and on the extra variables."""
        above, below = np.split(z[:-1], 2)
        return np.concatenate([self.radius * (above - below), z[-1:]]), above + below - z[-1]

    def condense(self, cone):
        """Stiffness that w and t feel, extra variables eliminated."""
        above, below, total, lean, rate = self._parts(cone)
        axis = np.append(lean, 1.0)
        stiffness = rate * np.outer(axis, axis)
        own = 4.0 * self.radius**2 * above * below / total
        stiffness.flat[: -1 : len(stiffness) + 1] += own
        return stiffness

    def eliminate(self, cone, force):
        """Force on w and t of a force on the extra variables."""
        above, below, total, *_ = self._parts(cone)
        moved = self._moved(force, total, cone.stiffness[-1])
        return np.append(-self.radius * (above - below) * moved, cone.stiffness[-1] * moved.sum())

    def recover(self, cone, force, dw, dt):
        """Change of the extra variables."""
        above, below, total, *_ = self._parts(cone)
        return self._moved(
            force - self.radius * (above - below) * dw + cone.stiffness[-1] * dt, total, cone.stiffness[-1]
        )

    def _parts(self, cone):
        above, below = np.split(cone.stiffness[:-1], 2)
        total = above + below
        rate = 1.0 / (1.0 / cone.stiffness[-1] + np.sum(1.0 / total))
        return above, below, total, self.radius * (above - below) / total, rate

    @staticmethod
    def _moved(force, total, last):
        """Solve (diag(total) + last 1 1ᵀ) x = force."""
        x = force / total
        return x - x.sum() / (1.0 / last + np.sum(1.0 / total)) / total


def barrier(radius, norm):
    """Return the constraint for a norm of the shift."""
    if not np.any(radius):
        # t ≥ 0 is all there is.
        return LargestBarrier(radius)
    return {1: LargestBarrier, 2: EuclideanBarrier, np.inf: SumBarrier}[norm](radius)
