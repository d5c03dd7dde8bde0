"""Steps that transform each row by itself and learn nothing from the rows: the list of those that are known to.

A step in front of a partition ensemble is fitted on all rows. Unless its output for a row depends on that row
alone, one changed row reaches every shard. What is not listed is refused: a wrong entry makes certificates wrong.
"""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import scipy.special
from joblib import Memory
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import AdditiveChi2Sampler
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
)


@dataclass(frozen=True)
class Fault:
    """Something that may carry one row to all shards.

    Parameters
    ----------
    path : str
        Of the step, as in ``get_params``.
    step : object
    reason : str
        Without a full stop, with a remedy if changing a parameter of the step is one.
    """

    path: str
    step: Any
    reason: str


def step_faults(step: Any, path: str) -> Iterator[Fault]:
    """Find what keeps a step from being row-wise, in the step and in the steps it contains.

    Parameters
    ----------
    step : estimator, {"passthrough", "drop"} or None
    path : str
        Of the step, as in ``get_params``.

    Yields
    ------
    fault : Fault
    """
    if step is None or (isinstance(step, str) and step in ("passthrough", "drop")):
        return
    if replaced := replaced_methods(step):
        yield Fault(path, step, f"its own {', '.join(replaced)} stands in for that of its class")
    # Exact types: a subclass may override anything, and __class__ may lie.
    kind = type(step)
    if kind in _CONTAINERS:
        own, parts = _CONTAINERS[kind]
        yield from (Fault(path, step, reason) for reason in own(step))
        for name, part in parts(step):
            yield from step_faults(part, f"{path}__{name}")
    elif kind in _ROWWISE:
        yield from (Fault(path, step, reason) for reason in _ROWWISE[kind](step))
    else:
        yield Fault(path, step, _why_not_listed(step))


def replaced_methods(estimator: Any) -> list[str]:
    """Names of the methods that an instance has replaced by attributes of its own, sorted."""
    own = () if isinstance(estimator, type) else getattr(estimator, "__dict__", ())
    return sorted(name for name in own if callable(getattr(type(estimator), name, None)))


def class_name(estimator: Any) -> str:
    """Return the name of the class of an object, or of the class that was given in place of an object."""
    return (estimator if isinstance(estimator, type) else type(estimator)).__name__


def qualified_name(estimator: Any) -> str:
    """Return the full name of the class of an object."""
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"


def _nothing_to_check(step: Any) -> Iterable[str]:
    # fit validates and remembers the width; transform computes each row from that row.
    return ()


def _function(step: FunctionTransformer) -> Iterator[str]:
    for name in ("func", "inverse_func"):
        value = getattr(step, name)
        if value is not None and not _is_elementwise(value):
            # A function sees all rows at once: it can hold a z-score.
            yield (
                f"{name}={value!r} is handed all rows at once and may mix them; of functions only ufuncs of numpy and "
                "scipy.special with one argument, such as np.log1p, are known not to"
            )
    for name in ("kw_args", "inv_kw_args"):
        if getattr(step, name):
            yield f"{name} may change what the function does; leave {name} out"
    if callable(step.feature_names_out):
        yield "feature_names_out is a function; leave it out, or pass 'one-to-one'"


def _is_elementwise(function: Any) -> bool:
    # np.frompyfunc makes a ufunc of any function, which may remember other rows: by identity, not by type.
    return (
        type(function) is np.ufunc
        and function.nin == function.nout == 1
        and function.signature is None
        and any(vars(module).get(function.__name__) is function for module in (np, scipy.special))
    )


def _encoder(step: Any) -> Iterator[str]:
    lists = step.categories
    if isinstance(lists, str) or not all(_is_explicit(entry) for entry in lists):
        yield f"categories={lists!r} learns the categories from all rows; pass one list for every column"
    for name in ("min_frequency", "max_categories"):
        if getattr(step, name) is not None:
            yield f"{name}={getattr(step, name)!r} counts categories in all rows; set {name}=None"
    allowed = ("error", "ignore", "warn", "use_encoded_value")
    if step.handle_unknown not in allowed:
        yield f"handle_unknown={step.handle_unknown!r} is about frequencies; set handle_unknown='ignore'"
    if callable(getattr(step, "feature_name_combiner", None)):
        yield "feature_name_combiner is a function; set feature_name_combiner='concat'"


def _is_explicit(categories: Any) -> bool:
    return hasattr(categories, "__len__") and not isinstance(categories, str)


def _imputer(step: SimpleImputer) -> Iterator[str]:
    if step.strategy != "constant":
        yield f"strategy={step.strategy!r} learns what to impute from all rows; set strategy='constant'"
    elif not isinstance(step.fill_value, str | Real):
        yield f"fill_value={step.fill_value!r} leaves the value to the data; pass a number or a text"
    if not step.keep_empty_features:
        yield "it drops columns that are missing in all rows; set keep_empty_features=True"
    if step.add_indicator:
        yield "add_indicator=True adds columns for what is missing in any row; set add_indicator=False"


def _text(step: Any) -> Iterator[str]:
    for name in ("preprocessor", "tokenizer", "analyzer", "strip_accents"):
        if callable(getattr(step, name)):
            yield f"{name} is a function, which may remember other rows; use what scikit-learn offers for {name}"
    if step.input != "content":
        yield f"input={step.input!r} reads files, which are no rows; pass the texts with input='content'"


def _count_vectorizer(step: CountVectorizer) -> Iterator[str]:
    yield from _text(step)
    # A frozenset would be read in the order of Python's own hash, which differs between processes.
    if not isinstance(step.vocabulary, dict | list | tuple | set | np.ndarray):
        given = "None" if step.vocabulary is None else f"a {type(step.vocabulary).__name__}"
        yield f"vocabulary={given} learns the words from all rows; pass vocabulary= as a list or a dict"


_ROWWISE: dict[type, Callable[[Any], Iterable[str]]] = {
    AdditiveChi2Sampler: _nothing_to_check,
    Binarizer: _nothing_to_check,
    CountVectorizer: _count_vectorizer,
    FeatureHasher: _nothing_to_check,
    FunctionTransformer: _function,
    HashingVectorizer: _text,
    Normalizer: _nothing_to_check,
    OneHotEncoder: _encoder,
    OrdinalEncoder: _encoder,
    PolynomialFeatures: _nothing_to_check,
    SimpleImputer: _imputer,
}


def pipeline_faults(pipeline: Pipeline) -> Iterator[str]:
    """Find what keeps a pipeline itself, whatever its steps, from being row-wise."""
    memory = pipeline.memory
    if not (memory is None or isinstance(memory, str) or type(memory) is Memory):
        yield f"memory={memory!r} may return anything; pass a folder or a joblib.Memory"


def _weights(step: Any) -> Iterator[str]:
    weights = step.transformer_weights or {}
    if not all(isinstance(weight, Real) for weight in weights.values()):
        yield "transformer_weights holds something else than numbers; pass one number for each name"


def _column_transformer(step: ColumnTransformer) -> Iterator[str]:
    yield from _weights(step)
    for name, _, columns in step.transformers:
        if callable(columns):
            yield f"the columns of {name!r} are chosen by a function that sees all rows; list their names or positions"
    if step.sparse_threshold != 0:
        yield (
            f"sparse_threshold={step.sparse_threshold!r} lets the density of all rows decide whether the output is "
            "sparse; set sparse_threshold=0"
        )


_CONTAINERS: dict[type, tuple[Callable[[Any], Iterable[str]], Callable[[Any], Iterable[tuple[str, Any]]]]] = {
    Pipeline: (pipeline_faults, lambda step: step.steps),
    FeatureUnion: (_weights, lambda step: step.transformer_list),
    ColumnTransformer: (
        _column_transformer,
        lambda step: [*((name, part) for name, part, _ in step.transformers), ("remainder", step.remainder)],
    ),
}

# What classes of scikit-learn that are not listed do, by package.
_LEARNED = {
    "cross_decomposition": "learns its components from all rows",
    "decomposition": "learns its components from all rows",
    "feature_extraction": "learns its vocabulary or its weights from all rows",
    "feature_selection": "chooses columns by looking at all rows",
    "impute": "learns what to impute from all rows",
    "kernel_approximation": "learns from all rows, or multiplies them in blocks, which rounds by the whole block",
    "preprocessing": "learns centres, scales, bins, knots or categories from all rows",
    "random_projection": "goes by the number of rows, or multiplies them in blocks, which rounds by the whole block",
}


def _why_not_listed(step: Any) -> str:
    kind = type(step)
    if isinstance(step, type):
        return "is a class; pass an instance"
    if hasattr(kind, "fit_resample"):
        return "adds or drops training rows by looking at all of them"
    if kind is FrozenEstimator:
        return "was fitted before, on rows that are not known here"
    listed = [*_ROWWISE, *_CONTAINERS]
    for base in listed:
        if issubclass(kind, base):
            return f"a subclass of {base.__name__} that may override anything: unknown class {qualified_name(step)}"
    if kind.__name__ in [base.__name__ for base in listed]:
        return f"unknown class {qualified_name(step)}, which only shares its name with that of scikit-learn"
    package, _, rest = kind.__module__.partition(".")
    if package == "sklearn":
        return _LEARNED.get(rest.split(".")[0], "is fitted on all rows")
    return f"unknown class {qualified_name(step)}: nothing is known about what it learns"
