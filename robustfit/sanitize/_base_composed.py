"""What sanitizers made of others share: names, parameters by ``name__param``, metadata and the labels handed on."""

# SPDX-License-Identifier: BSD-3-Clause

from contextlib import suppress

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import Bunch, check_array, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import has_fit_parameter

from robustfit._meta._fit_params import split_params
from robustfit._meta._inputs import read_test_rows, read_training_rows
from robustfit._sklearn import BaseComposition, fit_context, num_samples, process_routing, routing_enabled
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._intersection import intersection

_METHODS = ("fit", "score_rows")

# What all members have to take.
_TAKEN = ("sparse", "allow_nan", "string", "categorical")


class BaseComposedSanitizer(BaseSanitizer, BaseComposition):
    """Ask several sanitizers, given as a list ``sanitizers`` of pairs of a name and a sanitizer.

    Subclasses fit the members, and say what follows from their scores.
    """

    _target_kind = "any"

    _parameter_constraints: dict = {"sanitizers": [list]}

    def get_params(self, deep=True):
        """Get the parameters of this sanitizer and of its members.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the members by their names, and their parameters as ``name__param``, too.

        Returns
        -------
        params : dict
        """
        return self._get_params("sanitizers", deep=deep)

    def set_params(self, **params):
        """Set parameters of this sanitizer and of its members.

        Parameters
        ----------
        **params : dict
            Parameters of this sanitizer, members by their names (None leaves one out), and parameters of members as
            ``name__param``.

        Returns
        -------
        self : object
        """
        if "sanitizers" in params:
            self.sanitizers = params.pop("sanitizers")
        own, members = self.get_params(deep=False), self._names()
        for key in params:
            name = key.partition("__")[0]
            if name not in own and name not in members:
                raise ValueError(
                    f"Invalid parameter {key!r} for {type(self).__name__}. Valid are {', '.join(sorted(own))}, the "
                    f"names of its sanitizers ({', '.join(members)}), and their parameters as name__param."
                )
        self._set_params("sanitizers", **params)
        return self

    def _names(self):
        pairs = self.sanitizers if isinstance(self.sanitizers, list | tuple) else []
        return [pair[0] for pair in pairs if isinstance(pair, tuple) and len(pair) == 2]

    def _members(self):
        """Return the pairs of names and sanitizers that are not left out, after checking them."""
        name_of_class = type(self).__name__
        if len(self._names()) < len(self.sanitizers) or not all(isinstance(name, str) for name in self._names()):
            raise ValueError(
                f"sanitizers of {name_of_class} must be a list of pairs (name, sanitizer), got {self.sanitizers!r}."
            )
        self._validate_names(self._names())
        members = [pair for pair in self.sanitizers if pair[1] is not None]
        if not members:
            raise ValueError(
                f"{name_of_class} has no sanitizer. Pass at least one, sanitizers=[('sphere', SphereSanitizer())]."
            )
        for name, member in members:
            if isinstance(member, type):
                raise TypeError(
                    f"The sanitizer {name!r} must be an instance, got the class {member.__name__}; call it."
                )
            if missing := [method for method in _METHODS if not hasattr(member, method)]:
                raise TypeError(
                    f"{member!r} ({name!r}) is no sanitizer: it lacks {' and '.join(missing)}. Wrap outlier detectors "
                    "in OutlierSanitizer."
                )
        return members

    @fit_context(
        # Members are not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y=None, **fit_params):
        """Fit the sanitizers, and choose the rows to keep.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Of the kinds that all members take.
        y : array-like of shape (n_samples,), default=None
            May be left out if no member needs it.
        **fit_params : dict
            Such as ``groups``: handed to the members that request them or, with metadata routing off, to those whose
            ``fit`` takes them. Vectors have one entry per row.

        Returns
        -------
        self : object
        """
        members = self._members()
        params = self._params_of(members, fit_params)
        rows, target = self._read(X, y, reset=True)
        split = {name: split_params(own, num_samples(rows)) for name, own in params.items()}
        self._fit_rows(rows, target, members=members, params=split)
        return self

    @property
    def named_sanitizers_(self):
        """The fitted sanitizers, by name."""
        return Bunch(**self._fitted)

    def _params_of(self, members, fit_params):
        """Return the fit parameters of each member, by name."""
        if not fit_params:
            return {name: {} for name, _ in members}
        if routing_enabled():
            routed = process_routing(self, "fit", **fit_params)
            return {name: dict(routed[name].fit) for name, _ in members}
        takers = {key: [name for name, member in members if takes(member, key)] for key in fit_params}
        if unused := [key for key, names in takers.items() if not names]:
            raise TypeError(f"No sanitizer of this {type(self).__name__} takes {', '.join(unused)} in fit.")
        return {name: {key: fit_params[key] for key in takers if name in takers[key]} for name, _ in members}

    def get_metadata_routing(self):
        """Describe which metadata ``fit`` hands on to the members.

        Returns
        -------
        routing : sklearn.utils.metadata_routing.MetadataRouter
        """
        router = MetadataRouter(owner=self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        for name, member in self._members():
            router.add(**{name: member}, method_mapping=mapping)
        return router

    def _suggest(self, target, opinions):
        """Store what the sanitizer that leaves a row out takes for its label, if any suggests labels.

        Parameters
        ----------
        target : Target or None
        opinions : list of (ndarray, sanitizer)
            Positions of the rows that each one saw. Where several leave a row out the first one that suggests labels is
            heard; a row that none of these leaves out is what y says.
        """
        # Of an earlier fit.
        vars(self).pop("suggested_labels_", None)
        heard = np.zeros(0 if target is None else len(target.values), dtype=bool)
        for rows, member in opinions:
            # Where bins stand for classes, what is suggested are numbers of bins.
            found = getattr(member, "suggested_labels_", None)
            if target is None or found is None or getattr(member, "n_bins", None) is not None:
                continue
            so_far = getattr(self, "suggested_labels_", np.asarray(target.given))
            self.suggested_labels_ = so_far.astype(np.result_type(so_far, found))
            out = ~member.support_ & ~heard[rows]
            self.suggested_labels_[rows[out]] = found[out]
            heard[rows[out]] = True

    def _keep_regions(self, target, members):
        """Store where rows may lie that all of some members keep, if all say where."""
        # Of an earlier fit.
        vars(self).pop("feasible_set_", None)
        sets = [getattr(member, "feasible_set_", None) for member in members]
        if target is None or target.classes is None or not sets or any(found is None for found in sets):
            return
        regions = {label: intersection([found.get(label) for found in sets]) for label in target.labels}
        if None not in regions.values():
            self.feasible_set_ = regions

    def _read_rows(self, X, *, reset):
        # Whether values may be missing, and columns be no numbers, is up to the members.
        if not reset:
            return read_test_rows(self, X, self._container_)
        rows, self._container_ = read_training_rows(self, X, None)
        return rows.take(np.arange(rows.n_samples))

    def _tags_of_members(self):
        return [get_tags(member) for _, member in self._members()]

    def _target_required(self):
        return any(tags.target_tags.required for tags in self._tags_of_members())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = [member.input_tags for member in self._tags_of_members()]
        for name in _TAKEN:
            setattr(tags.input_tags, name, all(getattr(member, name) for member in inner))
        return tags


def reasons_of(name, fitted):
    """Name of a sanitizer, of a composed one with the name that this one gives, for each row that it leaves out."""
    out = ~np.asarray(fitted.support_)
    inner = getattr(fitted, "dropped_by_", None)
    if inner is None:
        return np.full(np.count_nonzero(out), name, dtype=object)
    return np.array([f"{name}: {who}" for who in inner[out]], dtype=object)


def as_numbers(rows, target, why):
    """Return rows as numbers, and refuse those that are none, and a missing y."""
    if isinstance(rows, np.ndarray) and rows.dtype.kind == "O":
        # Objects may be numbers; texts are refused below.
        with suppress(ValueError):
            rows = check_array(rows, dtype=np.float64)
    if not (issparse(rows) or isinstance(rows, np.ndarray)) or rows.dtype.kind not in "biuf" or target is None:
        raise ValueError(f"{why}, which these are not. Encode the rows first.")
    return rows


def takes(member, key):
    """Whether a sanitizer, or a member of it, takes a parameter in ``fit``."""
    if isinstance(member, BaseComposedSanitizer):
        return any(takes(inner, key) for _, inner in member._members())
    return has_fit_parameter(member, key)
