"""A fitted validator as JSON: no rows, no code, and nothing that is run when it is read."""

# SPDX-License-Identifier: BSD-3-Clause

import json
import os

import numpy as np
from sklearn.utils.validation import check_is_fitted

from robustfit.partition import Schema
from robustfit.sanitize._validation._reference import Reference
from robustfit.sanitize._validation._stored import read_stored, stored

_FORMAT = "robustfit.BatchValidator"


class StoresReference:
    """Text and files of a validator with ``reference_``."""

    def to_json(self):
        """Serialise as JSON text; `from_json` restores the validator.

        It holds ranges, categories, counts and digests, no rows and no code: a pandera schema is left out. The digest
        at its head detects damage and careless edits; it is no signature.
        """
        check_is_fitted(self)
        params = {name: value for name, value in self.get_params(deep=False).items() if name != "schema"}
        data = {
            "params": {name: value.item() if hasattr(value, "item") else value for name, value in params.items()},
            "pandera": self.schema is not None and not self.reference_.declared,
            "schema": _declared_to_data(self.schema) if self.reference_.declared else None,
            "feature_names": self.feature_names_in_.tolist() if hasattr(self, "feature_names_in_") else None,
            "reference": self.reference_.to_data(),
        }
        return json.dumps(stored(_FORMAT, data), allow_nan=False)

    @classmethod
    def from_json(cls, text, *, schema=None):
        """Restore a fitted validator.

        Parameters
        ----------
        text : str
            What `to_json` returned.
        schema : schema of pandera, default=None
            The one that the validator was fitted with, if it was: it is code, and not in the text.

        Returns
        -------
        validator : BatchValidator

        Raises
        ------
        ValueError
            If the text is truncated, damaged, edited, of another kind or version, or needs a schema or has none.
        """
        validator, with_schema = read_stored(text, _FORMAT, cls._restore)
        if with_schema != (schema is not None):
            raise ValueError(
                "This validator was fitted with a schema of pandera, which is code and not in the file: pass it as "
                "schema=."
                if with_schema
                else "This validator was fitted without a schema of pandera: leave schema out."
            )
        return validator.set_params(schema=schema) if with_schema else validator

    @classmethod
    def _restore(cls, data):
        schema = data["schema"]
        validator = cls(**data["params"], schema=None if schema is None else _declared_from_data(schema))
        validator._validate_params()
        validator.reference_ = Reference.from_data(data["reference"])
        validator.n_features_in_ = len(validator.reference_.columns)
        if data["feature_names"] is not None:
            validator.feature_names_in_ = np.array(data["feature_names"], dtype=object)
        return validator, bool(data["pandera"])

    def save(self, path):
        """Write `to_json` to a file.

        Parameters
        ----------
        path : str or os.PathLike
        """
        text = self.to_json()
        with open(os.fspath(path), "w", encoding="utf-8") as file:
            file.write(text)

    @classmethod
    def load(cls, path, *, schema=None):
        """Read a validator from a file that `save` wrote.

        Parameters
        ----------
        path : str or os.PathLike
        schema : schema of pandera, default=None
            As in `from_json`.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            As `from_json`. Pickles are never read.
        """
        with open(os.fspath(path), "rb") as file:
            content = file.read()
        try:
            return cls.from_json(content, schema=schema)
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from error


def _declared_to_data(schema):
    return [
        [column.name, list(column.categories) if column.kind == "category" else column.kind]
        for column in Schema.declare(schema).columns
    ]


def _declared_from_data(data):
    return dict(data)
