"""The certificate of a feasible set: how much damage the rows in it can do to a learner."""

# SPDX-License-Identifier: BSD-3-Clause

import json
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._base_certificate import import_pandas
from robustfit.certify._threats import CertificateError, check_budget

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class WeightedAttack:
    """Rows that come near the bound.

    Attributes
    ----------
    X : ndarray of shape (n_attack, n_features)
        Rows of the feasible sets.
    y : ndarray of shape (n_attack,)
    weights : ndarray of shape (n_attack,)
        How often each is added. They add up to the budget and are no whole numbers.
    """

    X: Floats
    y: NDArray[Any]
    weights: Floats


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class DamageCertificate:
    """How much damage added rows can do, if each of them lies in a feasible set.

    Made by `robustfit.audit.certify_damage`.

    Parameters
    ----------
    budgets : ndarray of shape (n_budgets,), int64
        Numbers of added rows.
    n_rows : int
        Number of clean rows.
    loss : str
    clean : float
        Upper bound on the learner's objective without added rows.
    bound : ndarray of shape (n_budgets,)
        Upper bounds on the learner's objective after training on the clean and the added rows, and thus on the mean
        loss of the clean rows that it was trained on. In units of the loss per clean row.
    attained : ndarray of shape (n_budgets,)
        Objective that the attacks force on the learner, to rounding. Never above the bound.
    theta : tuple of ndarray of shape (n_features + 1, n_outputs)
        The model at which each bound was taken; the last row holds the intercepts.
    parts : ndarray of shape (n_budgets, 3)
        The bound's parts: mean clean loss, largest loss of an added row, penalty per clean row.
    attacks : tuple of WeightedAttack
        One for each budget.
    refitted : bool
        Whether the sets are those of a filter that is fitted to the added rows too. They grow with the budget, and each
        line of ``parts`` then holds up to its own budget only.
    suboptimality : float
        What was added to the bound because the learner may end above its minimum.
    conditional_on : tuple of str
        What the guarantee takes for granted besides the threat.

    Attributes
    ----------
    gap : ndarray of shape (n_budgets,)
        ``(bound − attained) / bound``: how much smaller the best bound could be, at most.

    Notes
    -----
    **Guarantee.** Threat: at most m rows, each in the feasible set of its label, are added to the clean rows, and any
    of the clean rows may be left out. One unit of the budget is one row. Then the minimum of the learner's objective,
    divided by the number of clean rows, is at most ``bound``, and so is the sum of the losses of the clean rows that
    were kept, divided by the number of all clean rows, under the model that it learns. It says nothing of
    the rows that were left out, of rows outside the sample, of changed or removed rows as an attack, or of errors: the
    hinge loss of a row that is wrong is at least 1, so the share of errors among the rows kept is at most ``bound`` for
    it, but far below as a rule. ``conditional_on`` lists the other conditions.
    """

    budgets: NDArray[np.int64]
    n_rows: int
    loss: str
    clean: float
    bound: Floats
    attained: Floats
    theta: tuple[Floats, ...]
    parts: Floats
    attacks: tuple[WeightedAttack, ...]
    refitted: bool = False
    suboptimality: float = 0.0
    conditional_on: tuple[str, ...] = ()

    threat = "insert"
    unit = "one row of the feasible sets added"

    @property
    def gap(self) -> Floats:
        """How much smaller the best bound could be, at most, as a share of the bound."""
        return (self.bound - self.attained) / np.where(self.bound > 0, self.bound, 1.0)

    def bound_at(self, budget: int) -> float:
        """Return a bound for any number of added rows: the smallest that one of the models gives.

        It is as tight as can be at the budgets of the certificate, and looser between and beyond them.

        Raises
        ------
        CertificateError
            If the filter is fitted to the added rows too, and there are more of them than in the largest budget.
        """
        count = check_budget(budget)
        holds = self.budgets >= count if self.refitted else np.ones(len(self.parts), dtype=bool)
        if not holds.any():
            raise CertificateError(
                f"With {count} added rows the filter may keep rows farther out than with {self.budgets.max()}, the "
                f"largest budget of this certificate. Ask certify_damage for budget={count}."
            )
        totals = self.parts[holds] @ np.array([1.0, count / self.n_rows, 1.0])
        # Three products and sums, and the quotient, round once each.
        return float(np.nextafter(totals.min() * (1 + 2e-15) + self.suboptimality, np.inf))

    def given(self, *conditions: str) -> Self:
        """Return the same certificate with more conditions on record."""
        return replace(self, conditional_on=(*self.conditional_on, *conditions))

    def to_frame(self) -> Any:
        """Return a pandas table with one line for each budget."""
        return import_pandas().DataFrame(
            {
                "budget": self.budgets,
                "share": self.budgets / self.n_rows,
                "bound": self.bound,
                "attained": self.attained,
                "gap": self.gap,
                "clean_loss": self.parts[:, 0],
                "worst_loss": self.parts[:, 1],
                "penalty": self.parts[:, 2],
            }
        )

    def to_json(self) -> str:
        """Serialise what is claimed as JSON text: a record, not a proof. Attacks and models are left out."""
        return json.dumps(
            {
                "format": "robustfit.DamageCertificate",
                "version": 1,
                "threat": self.threat,
                "unit": self.unit,
                "loss": self.loss,
                "n_rows": self.n_rows,
                "budgets": self.budgets.tolist(),
                "bound": self.bound.tolist(),
                "attained": self.attained.tolist(),
                "clean": self.clean,
                "suboptimality": self.suboptimality,
                "conditional_on": list(self.conditional_on),
            },
            allow_nan=False,
        )

    def __repr__(self) -> str:
        bounds = ", ".join(f"{m} rows: {b:.4g}" for m, b in zip(self.budgets.tolist(), self.bound, strict=True))
        return f"DamageCertificate({self.loss} of {self.n_rows} clean rows, at most {bounds})"
