"""A penalised linear fit as an optimisation problem: its minimum, and what one row less or more does to it."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

from robustfit.losses import MULTINOMIAL, Loss
from robustfit.sanitize._linear._linear_losses import row_bends, row_slopes

# Newton's steps from where the learner stopped, which is near.
_STEPS = 25

# Eigenvalues below this part of the largest are zeros that were rounded.
_SINGULAR = 1e-11

# With a leverage that leaves less than this to the others, a row has a direction to itself.
_ALONE = 1e-9


class LinearRows(NamedTuple):
    """Rows and their targets.

    Attributes
    ----------
    space : RowSpace
        The rows z.
    values : ndarray of shape (n_rows,)
        Numbers, or codes of classes.
    """

    space: Any
    values: Any

    def derivatives(self, loss, theta):
        """First and second derivatives of the sum of the losses, of shapes (width, n_outputs) and (size, size)."""
        width, n_outputs = theta.shape
        scores = self.space.times(theta)
        bends = row_bends(loss, self.values, scores)
        second = np.zeros((width, n_outputs, width, n_outputs))
        for part, block in self.space.blocks(width):
            for p in range(n_outputs):
                for q in range(p + 1):
                    moment = (block * bends[part, p, q, None]).T @ block
                    second[:, p, :, q] += moment
                    if q < p:
                        second[:, q, :, p] += moment
        return self.space.transposed_times(row_slopes(loss, self.values, scores)), second.reshape(theta.size, -1)


class PenalizedFit(NamedTuple):
    """Minimum of Σ_i ℓ(y_i, zᵢᵀθ) + Σ_a price_a ‖θ_a‖² / 2.

    Attributes
    ----------
    loss : Loss
    theta : ndarray of shape (width, n_outputs)
    inverse : ndarray of shape (width · n_outputs, width · n_outputs)
        Of the second derivatives there; a pseudo-inverse where they are singular.
    """

    loss: Loss
    theta: Any
    inverse: Any

    @classmethod
    def near(cls, rows, loss, theta, prices):
        """Find the minimum by Newton's method, from coefficients that are near it.

        Parameters
        ----------
        rows : LinearRows
        loss : Loss
        theta : ndarray of shape (width, n_outputs)
        prices : ndarray of shape (width,)
        """
        smallest, found = np.inf, None
        for _ in range(_STEPS):
            slope, bend = rows.derivatives(loss, theta)
            slope = slope + prices[:, None] * theta
            size = np.abs(slope).max()
            # At the minimum the slope is rounding, which does not fall any more.
            if found is not None and not size < 0.9 * smallest:
                break
            bend.flat[:: len(bend) + 1] += np.repeat(prices, theta.shape[1])
            smallest, found = size, cls(loss, theta, _inverse(bend, theta.shape, loss is MULTINOMIAL))
            theta = theta - (found.inverse @ slope.ravel()).reshape(theta.shape)
        return found

    def shifts(self, rows, sign):
        """Leave out each of the rows that the fit is to, or put in each of others.

        Parameters
        ----------
        rows : LinearRows
        sign : {1, -1}
            Whether each is left out or put in.

        Yields
        ------
        part : slice
            Of the rows.
        shifts : ndarray of shape (n_part, width · n_outputs)
            What is added to the coefficients, in one step of Newton: all there is to add for the squared loss.
        own : ndarray of shape (n_part, n_outputs)
            What that adds to the scores of the row itself.
        """
        width, n_outputs = self.theta.shape
        scores = rows.space.times(self.theta)
        slopes = row_slopes(self.loss, rows.values, scores)
        bends = sign * row_bends(self.loss, rows.values, scores)
        # Columns of the second derivatives' inverse, one for each output of a row.
        columns = self.inverse.reshape(-1, width, n_outputs).transpose(1, 0, 2).reshape(width, -1)
        for part, block in rows.space.blocks(columns.shape[1]):
            solved = (block @ columns).reshape(len(block), width * n_outputs, n_outputs)
            leverage = np.einsum("na,napq->npq", block, solved.reshape(len(block), width, n_outputs, n_outputs))
            pulls = sign * _amplified(slopes[part], bends[part], leverage)
            yield part, np.einsum("naq,nq->na", solved, pulls), np.einsum("npq,nq->np", leverage, pulls)

    def harms(self, rows, first, second, *, members=None):
        """What rows cost others: how much less those lose if a row is left out, or more if it is put in.

        Parameters
        ----------
        rows : LinearRows
        first, second : ndarray
            Derivatives of the sum of the others' losses at these coefficients.
        members : ndarray of shape (n_rows,), bool, default=None
            The fit is to these rows, and those marked are among the others, where their own loss does not count. None
            if the fit is not to them.

        Returns
        -------
        harms : ndarray of shape (n_rows,)
            To second order of the shift; exact for the squared loss.
        """
        scores = rows.space.times(self.theta)
        slopes, bends = row_slopes(self.loss, rows.values, scores), row_bends(self.loss, rows.values, scores)
        sign = -1 if members is None else 1
        harm = np.empty(len(rows.values))
        for part, shifts, own in self.shifts(rows, sign):
            rise = shifts @ first.ravel() + 0.5 * np.einsum("ni,ni->n", shifts @ second, shifts)
            if members is not None:
                own_rise = np.einsum("np,np->n", slopes[part], own)
                own_rise += 0.5 * np.einsum("np,npq,nq->n", own, bends[part], own)
                rise -= np.where(members[part], own_rise, 0.0)
            harm[part] = -sign * rise
        return harm


def _amplified(slopes, bends, leverage):
    """(I − W M)⁻¹ s of each row: its pull, given how the rest bends."""
    left = np.eye(slopes.shape[1]) - bends @ leverage
    # A row that has a direction to itself moves no other one.
    alone = ~(np.abs(np.linalg.det(left)) > _ALONE)
    left[alone] = np.eye(slopes.shape[1])
    return np.where(alone[:, None], 0.0, np.linalg.solve(left, slopes[:, :, None])[:, :, 0])


def _inverse(bend, shape, shared):
    """Inverse of the second derivatives, or a pseudo-inverse."""
    width, n_outputs = shape
    if shared:
        # A shift of all outputs alike changes no probability; any price on it makes the rest unique.
        price = np.trace(bend) / len(bend)
        bend = bend + np.kron(np.eye(width), np.full((n_outputs, n_outputs), price / n_outputs))
    try:
        factor = cho_factor(bend)
        diagonal = np.abs(np.diag(factor[0]))
        if diagonal.min() ** 2 > _SINGULAR * diagonal.max() ** 2:
            return cho_solve(factor, np.eye(len(bend)))
    except LinAlgError:
        pass
    values, vectors = eigh(bend)
    there = values > _SINGULAR * values[-1]
    return (vectors[:, there] / values[there]) @ vectors[:, there].T
