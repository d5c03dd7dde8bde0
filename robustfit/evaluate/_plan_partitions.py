"""How many partitions? The learning curve of a learner, read as the price of an ensemble of it."""

# SPDX-License-Identifier: BSD-3-Clause

import logging
import time
import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_consistent_length

from robustfit._meta._inputs import check_groups, read_training_rows
from robustfit._meta._seeds import check_seed
from robustfit._meta._warn import warn_caller
from robustfit.audit import check_certifiable
from robustfit.certify._base_certificate import freeze
from robustfit.certify._threats import check_budget, resolve_threat
from robustfit.ensemble import MemberWarning, PartitionClassifier, PartitionRegressor, PartitionWarning
from robustfit.evaluate._partition_plan import PartitionPlan
from robustfit.evaluate._plan_splits import hold_out
from robustfit.evaluate._plan_targets import Index, Labels, Values, read_target
from robustfit.evaluate._vote_mixture import draw_radius, mixture
from robustfit.partition import Rows

logger = logging.getLogger(__name__)

_ENSEMBLES = (PartitionClassifier, PartitionRegressor)
_FEWEST_ROWS = 20
# From fewer members nothing can be said about many.
_FEWEST_MEMBERS = 10
# Half of what the ensembles ask for before they warn: a plan should show what lies behind the warning.
_ROWS_PER_ANSWER = 5


def plan_partitions(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    *,
    grid: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    n_samples: int | None = None,
    threat: str = "insert_delete",
    tol: ArrayLike | None = None,
    budget: int | None = None,
    max_loss: float | None = 0.1,
    floor: float | None = None,
    n_members: int = 50,
    test_size: float | int | None = None,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> PartitionPlan:
    """Estimate what each number of partitions costs in accuracy, and what it buys in radius.

    Rows are held out. For each number of partitions, members are fitted on shards of the size that
    number would leave them, and vote on the held-out rows; of a large number only a sample of members is fitted.

    Parameters
    ----------
    estimator : estimator
        Classifier or regressor that each shard would fit a clone of, or a
        `~robustfit.ensemble.PartitionClassifier` or `~robustfit.ensemble.PartitionRegressor` around one, whose other
        parameters then count too.
    X : {array-like, sparse matrix, data frame, list of str} of shape (n_rows, n_features)
        Rows to plan on.
    y : array-like of shape (n_rows,)
        Labels or target values.
    grid : array-like of int, default=None
        Numbers of partitions to price. None takes 1 (the plain learner), 3, 5, 9, 17, 33, ... up to five rows per
        shard, for classifiers per class and shard.
    groups : array-like of shape (n_rows,), default=None
        Source of each row, to plan for ``partition_by="groups"`` (which an ensemble passed as ``estimator`` must have
        set itself). Whole groups are held out.
    n_samples : int, default=None
        Number of rows that the ensemble will be fitted on; None if they are those of ``X``. A small part of them says
        nothing about small numbers of partitions, whose shards it could not fill.
    threat : str, default="insert_delete"
        What one unit of a radius pays for, one of `robustfit.certify.THREATS`.
    tol : float or array-like of shape (n_rows,), default=None
        Largest error of a regressor that counts as right, in units of ``y``. None takes half the median absolute
        deviation of ``y`` from its median.
    budget : int, default=None
        Choose the number with the highest certified accuracy against that many units. If None, choose
        the largest area under the curve of certified accuracy, above ``floor``.
    max_loss : float, default=0.1
        Choose only among numbers that lose at most this much accuracy against the smallest one of the grid, by
        default the plain learner. None sets no limit.
    floor : float, default=None
        Certified accuracy that is worth nothing. None takes the accuracy of the best constant answer, which no
        attacker can change; 0 counts the whole area.
    n_members : int, default=50
        Most members to fit for one number of partitions.
    test_size : float or int, default=None
        Share or number of rows (of groups, if given) to hold out in each of five splits. None takes a quarter
        of them, and of rows at most 500.
    random_state : int, default=0
        Seed of the splits and samples.
    n_jobs : int, default=None
        Number of jobs for fitting and asking members; None leaves it to an ensemble passed as ``estimator``.

    Returns
    -------
    plan : PartitionPlan
        ``plan.n_partitions`` is the number chosen, ``print(plan)`` shows the table.

    Raises
    ------
    CertificateError
        If an ensemble of the estimator could not be certified, or not against this threat.
    TypeError
        If ``estimator`` is neither a classifier nor a regressor.
    ValueError
        If a parameter is out of range, there are too few rows, or labels of one class only.

    Warns
    -----
    PartitionWarning
        If no number of partitions is more often right than the best constant answer.

    Warnings
    --------
    A number chosen on the training rows **depends on all of them**. Certificates of an ensemble with that number hold
    for the number as given: they bound what an attacker can do to the votes, not what they could have done to the
    choice. Pass on ``plan.conditional_on`` (``certificate.given(*plan.conditional_on)``), or plan on rows that no
    attacker could touch, with ``n_samples`` set to the size of the whole training set.

    See Also
    --------
    robustfit.inspection.PartitionPlanDisplay : Draws the table.

    Notes
    -----
    The area under the whole curve would reward shards too small to learn anything: their members agree on the most
    common label, and no attacker can change that. Hence the floor.

    Of up to ``n_members`` partitions all members are fitted and certified as they are. Of more, the votes of a sample
    are explained by a mixture of rows that are more or less sure [1]_, from which votes of all members are drawn.
    Shards are as large as in the final ensemble where the rows that are left allow it, else smaller by the share
    held out, so small numbers look slightly worse than they are.

    References
    ----------
    .. [1] N. Laird, "Nonparametric Maximum Likelihood Estimation of a Mixing Distribution", JASA 73, 1978.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from robustfit import plan_partitions
    >>> X, y = load_digits(return_X_y=True)
    >>> plan = plan_partitions(GaussianNB(), X, y, grid=[1, 9, 17, 33, 65])
    >>> plan.n_partitions
    65
    >>> plan.conditional_on
    ('n_partitions=65 chosen by plan_partitions on rows that an attacker may have changed',)
    """
    seed = check_seed(random_state)
    template = _template(estimator, groups, n_jobs)
    _, shards_per_unit = resolve_threat(threat, template.partition_by)
    check_certifiable(template)
    budget = None if budget is None else check_budget(budget)
    max_loss, floor = _check_share(max_loss, "max_loss"), _check_share(floor, "floor")
    _check_count(n_members, "n_members", _FEWEST_MEMBERS)

    rows, container = read_training_rows(template, X, template.schema)
    check_consistent_length(range(rows.n_samples), y)
    if rows.n_samples < _FEWEST_ROWS:
        raise ValueError(f"{rows.n_samples} rows are too few to hold some out; pass at least {_FEWEST_ROWS}.")
    # Samples of the rows must not narrow what the schema allows.
    template.set_params(schema=container.schema)
    target = read_target(template, y, tol)
    sources = check_groups(groups, template.partition_by, rows.n_samples)
    final = rows.n_samples if n_samples is None else _check_count(n_samples, "n_samples", _FEWEST_ROWS)
    sampling = _Sampling(template, rows, target, sources, final, n_members, threat, shards_per_unit, seed)
    candidates = _check_grid(grid, final, rows.n_samples, target)
    splits = list(hold_out(rows, target, sources, test_size, seed))

    lines = [sampling.price(int(number), splits, first=number == candidates[0]) for number in candidates]
    held_out = np.concatenate([test for _, test in splits])
    constant = target.constant_accuracy(held_out)
    plan = PartitionPlan(
        candidates=freeze(candidates),
        rows_per_shard=freeze(final / candidates),
        member_accuracy=freeze(np.array([line.member_accuracy for line in lines])),
        fit_seconds=freeze(np.array([line.fit_seconds for line in lines])),
        radius=freeze(np.array([line.radius for line in lines])),
        constant_accuracy=constant,
        floor=constant if floor is None else floor,
        threat=threat,
        budget=budget,
        max_loss=max_loss,
    )
    if not plan.beats_constant:
        warn_caller(
            f"With n_partitions={plan.n_partitions} the ensemble is right on "
            f"{plan.accuracy[plan.candidates == plan.n_partitions][0]:.3f} of the held-out rows, the best constant "
            f"answer on {constant:.3f}: these members learn nothing that is worth certifying. Try another learner"
            f"{', a larger tol' if template._inner_type == 'regressor' else ''} or smaller numbers in grid.",
            PartitionWarning,
        )
    return plan


@dataclass
class _Line:
    """One number of partitions: what was measured on all held-out rows."""

    radius: NDArray[np.int64]
    member_accuracy: float
    fit_seconds: float


@dataclass
class _Sampling:
    """What does not change from one number of partitions to the next."""

    template: Any
    rows: Rows
    target: Labels | Values
    groups: NDArray[Any] | None
    n_final: int
    most_members: int
    threat: str
    shards_per_unit: int
    seed: int

    def price(self, number: int, splits: list, *, first: bool) -> _Line:
        """Fit the members of one number of partitions on every split and combine what they say."""
        n_members = min(number, self.most_members, number * self.rows.n_samples // self.n_final)
        parts: list[tuple[NDArray[Any], Index]] = []
        seconds = []
        for train, test in splits:
            size = min(self.n_final / number, len(train) / n_members)
            index = train[: max(1, round(n_members * size))]
            try:
                model, took = self._fit(index, n_members)
                votes = self.target.votes(model, self.rows.take(test))
            except ValueError as error:
                # Shards too thin for a learner are a result; an estimator that fits nothing is an error.
                if first:
                    raise
                logger.info("n_partitions=%d: no member could be fitted or asked: %s", number, error)
                return self._nothing(splits)
            parts.append((votes, test))
            seconds.append(took * self.n_final / len(index))
        votes, held_out = (np.concatenate(column) for column in zip(*parts, strict=True))
        accuracy = float(np.mean(self.target.right(votes, held_out)))
        return _Line(self._radius(votes, held_out, number), accuracy, float(np.mean(seconds)))

    def _fit(self, index: Index, n_members: int) -> tuple[Any, float]:
        model = clone(self.template).set_params(n_partitions=n_members)
        given = {} if self.groups is None else {"groups": self.groups[index]}
        start = time.perf_counter()
        with warnings.catch_warnings():
            # Too small shards are what is being explored.
            warnings.simplefilter("ignore", PartitionWarning)
            warnings.simplefilter("ignore", MemberWarning)
            model.fit(self.rows.take(index), self.target.y[index], **given)
        return model, time.perf_counter() - start

    def _radius(self, votes: NDArray[Any], held_out: Index, number: int) -> NDArray[np.int64]:
        n_members = votes.shape[1]
        if n_members == number:
            options = {"threat": self.threat, "partition_by": self.template.partition_by}
            return self.target.certified_radius(votes, held_out, **options)
        shares, weights = mixture(*self.target.counts(votes, held_out), n_members)
        rng = np.random.default_rng([self.seed, number])
        return draw_radius(shares, weights, number, len(held_out), self.shards_per_unit, rng)

    def _nothing(self, splits: list) -> _Line:
        return _Line(np.full(sum(len(test) for _, test in splits), -1), 0.0, np.nan)


def _template(estimator: Any, groups: ArrayLike | None, n_jobs: int | None) -> Any:
    """Return an unfitted ensemble of the estimator, or a clone of the one given."""
    if isinstance(estimator, _ENSEMBLES):
        return clone(estimator).set_params(n_jobs=estimator.n_jobs if n_jobs is None else n_jobs)
    if isinstance(estimator, type):
        raise TypeError(f"estimator must be an instance, got the class {estimator.__name__}; call it.")
    kind = get_tags(estimator).estimator_type if hasattr(estimator, "fit") else None
    ensembles = {ensemble._inner_type: ensemble for ensemble in _ENSEMBLES}
    if kind not in ensembles:
        raise TypeError(
            f"estimator must be a classifier or a regressor, or a PartitionClassifier or PartitionRegressor around "
            f"one, got {estimator!r}."
        )
    return ensembles[kind](estimator, partition_by="content" if groups is None else "groups", n_jobs=n_jobs)


def _check_share(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real) or not 0 <= float(value) < 1:
        raise ValueError(f"{name} must be a share of rows from 0 up to, but not including, 1, got {value!r}.")
    return float(value)


def _check_count(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)


def _check_grid(grid: ArrayLike | None, n_final: int, n_rows: int, target: Labels | Values) -> NDArray[np.int64]:
    """Numbers of partitions in ascending order, all of which the rows at hand can say something about."""
    # Smaller numbers have larger shards, of which the rows must hold as many as there are members to fit.
    fewest = max(1, -(-_FEWEST_MEMBERS * n_final // n_rows)) if n_final > n_rows else 1
    if grid is None:
        most = n_final // (_ROWS_PER_ANSWER * target.n_answers)
        numbers = np.array([1, *(2**power + 1 for power in range(1, 40))])
        chosen = numbers[(numbers >= fewest) & (numbers <= max(most, 1))]
        if len(chosen) == 0:
            raise ValueError(
                f"{n_rows} rows are too few to plan for n_samples={n_final}: shards of {fewest} partitions or more, "
                f"the fewest that they can sample, would hold fewer than {_ROWS_PER_ANSWER * target.n_answers} rows."
            )
        return chosen
    wanted = np.unique(np.asarray(grid, dtype=object).ravel())
    whole = all(isinstance(number, Integral) and not isinstance(number, bool | np.bool_) for number in wanted)
    if len(wanted) == 0 or not whole or wanted[0] < fewest or wanted[-1] > n_final:
        why = "" if fewest == 1 else f" (fewer would have shards of which {n_rows} rows hold less than ten)"
        raise ValueError(
            f"grid must hold whole numbers of partitions from {fewest}{why} to the {n_final} rows of the training set, "
            f"got {grid!r}."
        )
    return wanted.astype(np.int64)
