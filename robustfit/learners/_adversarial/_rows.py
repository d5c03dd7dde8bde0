"""What the rows contribute to an interior-point method: linear constraints with a slack each, or a smooth loss."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from robustfit.learners._adversarial._cones import Orthant, Slopes


class Stiffness(NamedTuple):
    """Second derivatives of the rows in their scores f and in the shift t, slack eliminated."""

    ff: np.ndarray
    ft: np.ndarray
    tt: np.ndarray


class LogisticRows:
    """Σ c log(1 + exp(t − y f)): no constraint; its slopes are multipliers a with logit(a / c) = t − y f."""

    def __init__(self, problem):
        self.y, self.c = problem.y, problem.weights
        self.start = np.zeros(0)
        self.start_multipliers = 0.5 * self.c

    def cone(self, s, z):
        """Where margins and multipliers are."""
        return Slopes(s, z, self.c)

    def slack(self, f, t, x):
        """Worst margins."""
        return self.y * f - t

    def adjoint(self, z):
        """Multipliers, as forces on f, on t and on own variables, of which there are none."""
        return self.y * z, -z.sum(), z[:0]

    def force(self, x, z):
        """Derivative of the objective less multipliers, in f, in t and in the rows' own variables."""
        return -self.y * z, z.sum(), x

    def multipliers(self, z):
        """Slopes of the losses in the score, and without sign."""
        return -self.y * z, z

    def stiffness(self, cone):
        """Second derivatives."""
        bend = cone.stiffness
        return Stiffness(bend, -self.y * bend, bend)

    def eliminate(self, cone, force):
        """Nothing was eliminated."""
        return 0.0, 0.0

    def recover(self, cone, force, df, dt):
        """Change of own variables, of the margins, and what multipliers answer it with."""
        margins = self.y * df - dt
        return force, margins, cone.stiffness * margins


class PieceRows:
    """Σ c (½ bend ξ² + slope e) with ξ + e at least the lack of the row on each of its sides, and e ≥ 0.

    Own variables and slack are tables with one row for each variable or constraint: ξ if there is bend, then e if the
    slope is finite; sides first, then e.
    """

    def __init__(self, problem):
        self.c = problem.weights
        self.bend, self.slope = problem.worst.bend, problem.worst.slope
        self.has_xi, self.has_e = self.bend > 0.0, bool(np.isfinite(self.slope))
        # The lack of a side is offset − sign f + t.
        if problem.worst.of_margin:
            self.signs, self.offsets = problem.y[None, :], np.ones((1, len(problem.y)))
        else:
            one = np.ones_like(problem.y)
            self.signs, self.offsets = np.stack([one, -one]), np.stack([problem.y, -problem.y])
        self.n_sides, self.n = self.signs.shape
        steep = min(self.slope, 1.0)
        sides = np.tile(self.c * (0.5 * steep / self.n_sides), self.n_sides)
        self.start_multipliers = np.append(sides, self.c * (self.slope - 0.5 * steep) if self.has_e else sides[:0])
        # At f = 0 and t = 1, every side keeps one unit of slack or more.
        lack = (self.offsets + 1.0).max(axis=0).clip(1.0) + 1.0
        self.start = np.tile(lack / (self.has_xi + self.has_e), self.has_xi + self.has_e)

    def cone(self, s, z):
        """Where slack and multipliers are."""
        return Orthant(s, z)

    def _lacks(self, x):
        return x.reshape(-1, self.n).sum(axis=0)

    def slack(self, f, t, x):
        """Slack of the sides, then of e."""
        sides = self._lacks(x) + self.signs * f - self.offsets - t
        return np.concatenate([sides.ravel(), x[-self.n :]]) if self.has_e else sides.ravel()

    def adjoint(self, z):
        """Multipliers, as forces on f, on t and on own variables."""
        sides = z[: self.n_sides * self.n].reshape(self.n_sides, self.n)
        pull = sides.sum(axis=0)
        own = [pull] * self.has_xi + [pull + z[-self.n :]] * self.has_e
        return (self.signs * sides).sum(axis=0), -pull.sum(), np.concatenate(own)

    def force(self, x, z):
        """Derivative of the objective less multipliers, in f, in t and in the rows' own variables."""
        on_f, on_t, own = self.adjoint(z)
        price = [self.c * self.bend * x[: self.n]] * self.has_xi + [self.c * self.slope] * self.has_e
        return -on_f, -on_t, np.concatenate(price) - own

    def multipliers(self, z):
        """Slopes of the losses in the score, and without sign."""
        sides = z[: self.n_sides * self.n].reshape(self.n_sides, self.n)
        return -(self.signs * sides).sum(axis=0), sides.sum(axis=0)

    def _parts(self, cone):
        sides = cone.stiffness[: self.n_sides * self.n].reshape(self.n_sides, self.n)
        give = np.zeros(self.n)
        if self.has_xi:
            give += 1.0 / (self.c * self.bend)
        if self.has_e:
            give += 1.0 / cone.stiffness[-self.n :]
        return sides, give, 1.0 + sides.sum(axis=0) * give

    def stiffness(self, cone):
        """Second derivatives, own variables eliminated: the stiffness of springs in series, without cancellation."""
        sides, give, whole = self._parts(cone)
        total = sides.sum(axis=0)
        if self.n_sides == 1:
            bend = total / whole
            return Stiffness(bend, -self.signs[0] * bend, bend)
        both = total + 4.0 * sides[0] * sides[1] * give
        return Stiffness(both / whole, (sides[1] - sides[0]) / whole, total / whole)

    def eliminate(self, cone, force):
        """Forces on f and on t of a force on own variables."""
        sides, _, whole = self._parts(cone)
        passed = sides * (self._moved(cone, force) / whole)
        return -(self.signs * passed).sum(axis=0), passed.sum()

    def _moved(self, cone, force):
        """What the lack would change by under a force if the sides were not there."""
        blocks = force.reshape(-1, self.n)
        moved = np.zeros(self.n)
        if self.has_xi:
            moved += blocks[0] / (self.c * self.bend)
        if self.has_e:
            moved += blocks[-1] / cone.stiffness[-self.n :]
        return moved

    def recover(self, cone, force, df, dt):
        """Change of own variables, of the slack, and what multipliers answer it with.

        The answers are computed first and the slack from them: the other way round a small slack is the difference of
        large changes, and its multiplier loses all digits.
        """
        sides, give, whole = self._parts(cone)
        drift = self.signs * df - dt
        apart = sides[::-1] * give * (drift - drift[::-1])
        slack = (drift + apart + self._moved(cone, force)) / whole
        answer = sides * slack
        pull = answer.sum(axis=0)
        blocks = force.reshape(-1, self.n) - pull
        tight = sides.argmax(axis=0)
        lack = np.take_along_axis(slack - drift, tight[None, :], axis=0)[0]
        xi = blocks[0] / (self.c * self.bend) if self.has_xi else np.zeros(self.n)
        if not self.has_e:
            return xi, slack.ravel(), answer.ravel()
        e = lack - xi
        own = np.concatenate([xi, e]) if self.has_xi else e
        return own, np.concatenate([slack.ravel(), e]), np.concatenate([answer.ravel(), blocks[-1]])
