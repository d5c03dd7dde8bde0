"""Find what outside of a partition ensemble, or brought into it, voids its guarantee."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline

from robustfit._meta._prefitted import non_deterministic_parts, parts, prefitted_parts
from robustfit.audit._rowwise import class_name, pipeline_faults, qualified_name, replaced_methods, step_faults
from robustfit.certify import CertificateError
from robustfit.ensemble import PartitionClassifier, PartitionRegressor

ENSEMBLES = (PartitionClassifier, PartitionRegressor)
# The class that scikit-learn's searches have in common has no public name.
SEARCH = next(base for base in GridSearchCV.__mro__ if base in RandomizedSearchCV.__mro__)


@dataclass(frozen=True)
class Finding:
    """One reason why an estimator cannot be certified.

    Parameters
    ----------
    path : str
        Of the part, as in ``get_params``; the lower-case class name for the estimator itself.
    name : str
        Of the part's class.
    reason, remedy : str
    condition : str or None
        What the certificate says if the user vouches for the part; None if nobody can.
    """

    path: str
    name: str
    reason: str
    remedy: str
    condition: str | None = None

    def __str__(self) -> str:
        final = "" if self.condition is not None else " This cannot be vouched for."
        return f"- {self.path} ({self.name}): {self.reason}.\n  {self.remedy}.{final}"


def check_certifiable(estimator: Any, *, trusted: Sequence[str] = ()) -> tuple[str, ...]:
    """Check that one changed training row can reach no more members than its shard's.

    A partition ensemble keeps that promise for what happens inside its shards. A step in front of it that learns from
    all rows, or a search or a calibration around it, breaks it.

    Parameters
    ----------
    estimator : estimator
        `~robustfit.ensemble.PartitionClassifier` or `~robustfit.ensemble.PartitionRegressor`, or a pipeline
        that ends in one; fitted or not.
    trusted : sequence of str, default=()
        Parts that you vouch for although they would be refused, by their path as in ``get_params``, such as
        ``"standardscaler"``, ``"preprocess__scaler"`` or ``"estimator__frozenestimator"``; the estimator itself by its
        class name in lower case, such as ``"gridsearchcv"``. Vouching says that a part learned nothing from
        rows that an attacker can change.

    Returns
    -------
    conditions : tuple of str
        What a certificate takes for granted: one sentence for each part that was vouched for.

    Raises
    ------
    CertificateError
        If the estimator cannot be certified. The message lists every part that is in the way, with
        the reason and the remedy.
    ValueError
        If ``trusted`` names something that is not in the way.

    See Also
    --------
    certify_pipeline : Check, transform and certify in one call.

    Notes
    -----
    In front of the ensemble only steps are allowed that are known to transform each row by itself:
    `Normalizer`, `Binarizer`, `PolynomialFeatures`, `AdditiveChi2Sampler`, `FeatureHasher`, `HashingVectorizer`;
    with fixed parameters `OneHotEncoder`, `OrdinalEncoder`, `CountVectorizer`, `SimpleImputer` and
    `FunctionTransformer`; and `Pipeline`, `FeatureUnion` and `ColumnTransformer` of such. All other classes are
    refused, and so are their subclasses. Inside the ensemble everything may be used that is fitted there.

    What was computed by hand before ``fit`` cannot be seen from here, nor can a parameter that was set with all
    rows in view.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import Normalizer, StandardScaler
    >>> from robustfit.audit import check_certifiable
    >>> from robustfit.ensemble import PartitionClassifier
    >>> inside = PartitionClassifier(make_pipeline(StandardScaler(), LogisticRegression()))
    >>> check_certifiable(make_pipeline(Normalizer(), inside))
    ()
    >>> outside = make_pipeline(StandardScaler(), PartitionClassifier(LogisticRegression()))
    >>> check_certifiable(outside)
    Traceback (most recent call last):
        ...
    robustfit.certify._threats.CertificateError: This Pipeline cannot be certified:
    - standardscaler (StandardScaler): learns centres, scales, bins, knots or categories from all rows.
      Put it inside the ensemble: PartitionClassifier(make_pipeline(StandardScaler(), ...)).
    For parts that learned nothing from rows that an attacker can change: trusted=['standardscaler'].
    >>> check_certifiable(outside, trusted=["standardscaler"])
    ('standardscaler (StandardScaler): vouched for by the user, learned from rows outside the ensemble',)
    """
    names = _check_trusted(trusted)
    findings = list(_findings(estimator, "", _ensemble_name(estimator)))
    _refuse_needless(names, findings)
    refused = [finding for finding in findings if finding.condition is None or finding.path not in names]
    if refused:
        raise CertificateError(_message(estimator, refused))
    # Two findings about one part are one condition.
    return tuple(dict.fromkeys(str(finding.condition) for finding in findings))


def wrapped_by_search(search: Any) -> Any:
    """Return the estimator that a search predicts with or, before fit, would fit."""
    return getattr(search, "best_estimator_", search.estimator)


def _check_trusted(trusted: Sequence[str]) -> set[str]:
    if isinstance(trusted, str) or not all(isinstance(name, str) for name in trusted):
        raise ValueError(f"trusted must be a sequence of paths, such as trusted=['standardscaler'], got {trusted!r}.")
    return set(trusted)


def _refuse_needless(names: set[str], findings: list[Finding]) -> None:
    paths = sorted({finding.path for finding in findings})
    needless = sorted(names.difference(paths))
    if needless:
        found = f"What is in the way: {', '.join(paths)}" if paths else "Nothing is in the way: leave trusted out"
        raise ValueError(f"trusted={needless} names nothing that is in the way of a certificate. {found}.")


def _message(estimator: Any, refused: list[Finding]) -> str:
    lines = [f"This {class_name(estimator)} cannot be certified:", *map(str, refused)]
    paths = list(dict.fromkeys(finding.path for finding in refused if finding.condition is not None))
    if paths:
        lines.append(f"For parts that learned nothing from rows that an attacker can change: trusted={paths}.")
    return "\n".join(lines)


def _ensemble_name(estimator: Any) -> str:
    """Name of the ensemble that remedies speak of."""
    if type(estimator) is Pipeline and estimator.steps:
        return _ensemble_name(estimator.steps[-1][1])
    if issubclass(type(estimator), SEARCH):
        return _ensemble_name(wrapped_by_search(estimator))
    if issubclass(type(estimator), ENSEMBLES):
        regression = isinstance(estimator, PartitionRegressor)
    else:
        regression = _is_estimator(estimator) and is_regressor(estimator)
    return (PartitionRegressor if regression else PartitionClassifier).__name__


def _is_estimator(estimator: Any) -> bool:
    return not isinstance(estimator, type) and hasattr(estimator, "fit") and hasattr(estimator, "__sklearn_tags__")


def _join(path: str, name: str) -> str:
    return f"{path}__{name}" if path else name


def _label(path: str, estimator: Any) -> str:
    return path or class_name(estimator).lower()


def _vouched(path: str, estimator: Any, what: str) -> str:
    return f"{path} ({class_name(estimator)}): vouched for by the user, {what}"


def _findings(estimator: Any, path: str, ensemble: str) -> Iterator[Finding]:
    """Find what is wrong with an estimator that predicts."""
    kind = type(estimator)
    if kind is Pipeline:
        yield from _pipeline_findings(estimator, path, ensemble)
    elif issubclass(kind, ENSEMBLES):
        yield from _ensemble_findings(estimator, path)
    elif issubclass(kind, SEARCH):
        yield from _search_findings(estimator, path, ensemble)
    else:
        yield _stranger(estimator, path, ensemble)


def _pipeline_findings(pipeline: Any, path: str, ensemble: str) -> Iterator[Finding]:
    label = _label(path, pipeline)
    own = [f"its own {name} stands in for that of its class" for name in replaced_methods(pipeline)]
    for reason in (*own, *pipeline_faults(pipeline)):
        yield Finding(label, "Pipeline", reason, "Use a Pipeline as scikit-learn makes it")
    if not pipeline.steps:
        yield Finding(label, "Pipeline", "it has no steps", f"End it with a {ensemble}")
        return
    for name, step in pipeline.steps[:-1]:
        for fault in step_faults(step, _join(path, name)):
            yield Finding(
                fault.path,
                class_name(fault.step),
                fault.reason,
                _put_inside(fault.step, ensemble),
                _vouched(fault.path, fault.step, "learned from rows outside the ensemble"),
            )
    name, last = pipeline.steps[-1]
    yield from _findings(last, _join(path, name), ensemble)


def _put_inside(step: Any, ensemble: str) -> str:
    part = class_name(step.estimator if type(step) is FrozenEstimator else step)
    how = ", with the make_pipeline of its library" if hasattr(step, "fit_resample") else ""
    return f"Put it inside the ensemble{how}: {ensemble}(make_pipeline({part}(), ...))"


def _ensemble_findings(ensemble: Any, path: str) -> Iterator[Finding]:
    label, name = _label(path, ensemble), type(ensemble).__name__
    base = next(base for base in ENSEMBLES if isinstance(ensemble, base))
    own = replaced_methods(ensemble)
    if type(ensemble) is not base or own:
        changed = f"its own {', '.join(own)}" if own else f"class {qualified_name(ensemble)}"
        yield Finding(
            label,
            name,
            f"a {base.__name__} with {changed} may fit its members on anything",
            f"Use {base.__name__} itself",
            _vouched(label, ensemble, f"taken to fit and to vote like {base.__name__}"),
        )
    inner = ensemble.estimator
    if inner is None:
        return
    prefix = _join(path, "estimator")
    try:
        if isinstance(inner, type) or not hasattr(inner, "get_params"):
            raise TypeError(f"{inner!r} is no estimator")
        ensemble._resolve_estimator()
    except (AttributeError, TypeError, ValueError) as error:
        reason = f"cannot be fitted: {str(error).rstrip('.')}"
        yield Finding(prefix, class_name(inner), reason, f"Give {name} another estimator")
        return
    inside = dict(parts(inner, prefix))
    for part_path in non_deterministic_parts(inner, prefix):
        yield Finding(
            part_path,
            class_name(inside[part_path]),
            "is not deterministic: a refit on the same shard may vote otherwise",
            "Use an estimator that random_state makes repeatable",
        )
    for part_path in prefitted_parts(inner, prefix):
        owner = _owner(part_path, inside)
        yield Finding(
            part_path,
            class_name(owner),
            "was fitted before, on rows that the ensemble does not know, and every member inherits it",
            "Leave it unfitted, so that every member fits its own",
            _vouched(part_path, owner, "fitted before on rows outside the ensemble"),
        )


def _owner(path: str, inside: dict[str, Any]) -> Any:
    """Return the estimator at a path or, if a parameter is there, the one that owns it."""
    while path and not _is_estimator(inside.get(path)):
        path = path.rpartition("__")[0]
    return inside.get(path)


def _search_findings(search: Any, path: str, ensemble: str) -> Iterator[Finding]:
    label, name = _label(path, search), type(search).__name__
    if not search.refit:
        yield Finding(
            label,
            name,
            "refit=False leaves no fitted ensemble",
            "Set refit=True, or fit the estimator yourself with set_params(**search.best_params_)",
        )
    else:
        chosen = getattr(search, "best_params_", None)
        values = "" if chosen is None else f" {' '.join(repr(chosen).split())}"
        yield Finding(
            label,
            name,
            "chooses hyper-parameters by looking at all rows",
            f"Search inside the ensemble: {ensemble}({name}(...)); or search on rows that no attacker can reach, "
            "and fit the ensemble with what was chosen",
            f"hyper-parameters{values} chosen by {name} on rows that an attacker may have changed",
        )
    yield from _findings(wrapped_by_search(search), _join(path, "estimator"), ensemble)


# Why a certificate of the ensemble inside says nothing about the predictions of these.
_AROUND = {
    "BaggingClassifier": "trains on samples of rows of its own: one row is in many of them",
    "BaggingRegressor": "trains on samples of rows of its own: one row is in many of them",
    "CalibratedClassifierCV": "calibrates on all rows",
    "FixedThresholdClassifier": "turns vote shares into labels by a rule that the certificate does not know",
    "RANSACRegressor": "chooses rows by looking at all of them",
    "TransformedTargetRegressor": "transforms the targets, and may learn how from all of them",
    "TunedThresholdClassifierCV": "tunes its threshold on all rows",
}


def _stranger(estimator: Any, path: str, ensemble: str) -> Finding:
    """Say why something that is no ensemble, no pipeline and no search cannot be certified."""
    label, name = _label(path, estimator), class_name(estimator)
    if not _is_estimator(estimator):
        what = "is a class" if isinstance(estimator, type) else "is no scikit-learn estimator"
        return Finding(label, name, what, f"Pass an instance of {ensemble}")
    if type(estimator) is FrozenEstimator:
        return Finding(label, name, "hides what it holds", "Pass what it holds: frozen.estimator")
    if issubclass(type(estimator), Pipeline):
        reason = f"{qualified_name(estimator)} is a subclass of Pipeline that may override anything, or resample rows"
        remedy = f"Use sklearn.pipeline.Pipeline, or put it inside the ensemble: {ensemble}({name}(...))"
        return Finding(label, name, reason, remedy)
    parts = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else ()
    if any(issubclass(type(part), ENSEMBLES) for part in parts):
        reason = _AROUND.get(name, "predicts by a rule of its own, which the certificate does not know")
        remedy = f"Put it inside the ensemble: {ensemble}({name}(...)); or certify the ensemble that it wraps"
        return Finding(label, name, reason, remedy)
    reason = "is no partition ensemble: one row can change all of it"
    return Finding(label, name, reason, f"Wrap it: {ensemble}({name}(...))")
