"""Steps of an interior-point method in the non-negative orthant and in the second-order cone."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg import LinAlgError
from scipy.special import logit

HELD_BACK = 0.01
"""Share of its distance to either end that a slope keeps in one step."""


class Orthant:
    """Slack s ≥ 0 and multipliers z ≥ 0 at one iterate, s z → 0."""

    def __init__(self, s, z):
        self.s, self.z = s, z
        self.stiffness = z / s

    @staticmethod
    def centre(s, mu):
        """Multipliers whose products with the slack are all ``mu``."""
        return mu / s

    @staticmethod
    def degree(s):
        """How many products go to zero."""
        return len(s)

    def stiffen(self, v):
        """What multipliers answer a change of slack with."""
        return self.stiffness * v

    def target(self, mu, ds=None, dz=None):
        """Change of the multipliers that brings the products to ``mu`` if no slack changes."""
        second = 0.0 if ds is None else ds * dz
        return (mu - second) / self.s - self.z

    def within(self, z):
        """Multipliers after a step, which is what `step` is for."""
        return z

    def step(self, ds, dz):
        """How far both may go."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratios = np.concatenate([np.where(ds < 0, -self.s / ds, np.inf), np.where(dz < 0, -self.z / dz, np.inf)])
        return ratios.min(initial=np.inf)


class Slopes:
    """Margins s and slopes z of a logistic loss of weight c: 0 < z < c, and logit(z / c) → −s."""

    def __init__(self, s, z, c):
        self.z, self.c = z, c
        share = z / c
        self.stiffness = z * (1.0 - share)
        # Without the limits a slope that rounding brought to its end would be stuck there.
        self.behind = -s - logit(np.clip(share, 1e-300, 1.0 - 1e-16))

    @staticmethod
    def degree(s):
        """No product goes to zero."""
        return 0

    def target(self, mu, ds=None, dz=None):
        """Change of the slopes that makes them right for the margins as they are."""
        return self.stiffness * self.behind

    def step(self, ds, dz):
        """How far both may go: slopes that would go too far are held back one by one."""
        return np.inf

    def within(self, z):
        """Slopes after a step, none closer to its ends than a small share of where it was."""
        return np.clip(z, HELD_BACK * self.z, self.c - HELD_BACK * (self.c - self.z))


class SecondOrder:
    """The same for s₀ ≥ ‖s₁‖ and z₀ ≥ ‖z₁‖, in the scaling of Nesterov and Todd."""

    @staticmethod
    def centre(s, mu):
        """Multipliers whose product with the slack is ``mu``."""
        return mu * _mirror(s) / _form(s, s)

    @staticmethod
    def degree(s):
        """How many products go to zero."""
        return 1

    def __init__(self, s, z):
        self.s, self.z = s, z
        inside_s, inside_z = _form(s, s), _form(z, z)
        if not (inside_s > 0.0 and inside_z > 0.0):
            raise LinAlgError("A point on the boundary of the cone has no scaling.")
        size_s, size_z = np.sqrt(inside_s), np.sqrt(inside_z)
        self.beta = np.sqrt(size_s / size_z)
        unit_s, unit_z = s / size_s, z / size_z
        middle = np.sqrt(0.5 * (1.0 + unit_s @ unit_z))
        self.bar = (unit_s + _mirror(unit_z)) / (2.0 * middle)
        # The scaling is β (2 v vᵀ − J).
        self.axis = self.bar + _first(len(s))
        self.axis /= np.sqrt(2.0 * self.axis[0])
        self.middle = self._scale(z)

    def _scale(self, v):
        return self.beta * (2.0 * self.axis * (self.axis @ v) - _mirror(v))

    def _unscale(self, v):
        axis = _mirror(self.axis)
        return (2.0 * axis * (axis @ v) - _mirror(v)) / self.beta

    def stiffen(self, v):
        """What multipliers answer a change of slack with."""
        bar = _mirror(self.bar)
        return (2.0 * bar * (bar @ v) - _mirror(v)) / self.beta**2

    def target(self, mu, ds=None, dz=None):
        """Change of the multipliers that brings the products to ``mu`` if no slack changes."""
        wanted = mu * _first(len(self.s))
        if ds is not None:
            wanted = wanted - _product(self._unscale(ds), self._scale(dz))
        return self._unscale(_divide(self.middle, wanted)) - self.z

    def step(self, ds, dz):
        """How far both may go."""
        return min(_room(self.s, ds), _room(self.z, dz))


def _first(size):
    return np.eye(1, size)[0]


def _mirror(v):
    return np.concatenate([v[:1], -v[1:]])


def _form(u, v):
    if u is v:
        length = np.linalg.norm(v[1:])
        return (v[0] - length) * (v[0] + length)
    return u[0] * v[0] - u[1:] @ v[1:]


def _product(u, v):
    return np.concatenate([[u @ v], u[0] * v[1:] + v[0] * u[1:]])


def _divide(u, v):
    """The x with u ∘ x = v."""
    first = (u[0] * v[0] - u[1:] @ v[1:]) / _form(u, u)
    return np.concatenate([[first], (v[1:] - first * u[1:]) / u[0]])


def _room(s, ds):
    """Largest step within the cone: the first root of a quadratic."""
    a, b, c = _form(ds, ds), _form(s, ds), _form(s, s)
    if a >= 0.0 and b >= 0.0:
        return np.inf
    # Never negative, but for rounding.
    denominator = np.sqrt(max(b * b - a * c, 0.0)) - b
    return c / denominator if denominator > 0.0 else np.inf
