"""The validator: learns what trusted rows look like, and reports what in a batch does not."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from robustfit._sklearn import Interval, fit_context
from robustfit.partition import Schema
from robustfit.sanitize._validation._compare import compare
from robustfit.sanitize._validation._pandera import read_user_schema, run_user_schema, schema_of
from robustfit.sanitize._validation._reference import learn_reference
from robustfit.sanitize._validation._report import BatchValidationError, ValidationReport
from robustfit.sanitize._validation._stores_reference import StoresReference
from robustfit.sanitize._validation._table import Table


class BatchValidator(StoresReference, BaseEstimator):
    """Compare batches of rows with trusted ones: schema, ranges, categories, missing values, labels, ids, copies.

    Parameters
    ----------
    schema : Schema, mapping, or schema of pandera, default=None
        Kinds of the columns of a data frame, as in `robustfit.partition.Schema.declare`; None reads them off the
        reference. Of a ``DataFrameSchema`` or ``DataFrameModel`` of pandera (for pandas or polars), all checks are
        made in addition, on the reference, too.
    level : float, default=0.01
        Chance that a batch fails any of the tests of shares, if its rows are exchangeable with those of the reference.
    share_tolerance : float, default=0.01
        Differences of shares up to this are no findings: in large batches tests see differences that do not matter.
    range_quantile : float, default=0.01
        Numbers are expected between this quantile and the same from above, so that a few wrong values in the reference
        do not matter, ...
    range_tolerance : float, default=3.0
        ... moved outwards by so many times the distance of the two.
    max_categories : int, default=100
        Most different texts of a column that count as its categories, if there are two cells or more for each of them
        on average. A target of more whole numbers than that is one of numbers, not labels.

    Attributes
    ----------
    reference_ : Reference
        What is known of the reference: ``n_rows``; ``columns``, for each its ``name``, ``kind``, ``n_missing``, ranges
        ``low`` to ``high`` and ``floor`` to ``ceiling``, ``whole`` numbers or not, and categories ``values``;
        ``target``; ``n_repeated_rows``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If the reference has column names that are all strings.

    See Also
    --------
    DuplicateSanitizer : Finds near-copies, without a reference.

    Notes
    -----
    A report has these findings; where rows are named, the others are not concerned. A batch without errors passes.

    ================ ======= ==================================================================== ====================
    check            rows    what is found                                                        severity
    ================ ======= ==================================================================== ====================
    ``empty``        no      no rows                                                              error
    ``columns``      no      columns are missing, unknown, reordered, of another number           error; names on one
                                                                                                  side only: warning
    ``type``         yes     cells of another type                                                error
    ``range``        yes     numbers outside of the range of quantiles, or of that of extremes    warning; error
    ``range_share``  no      more outside of the range of quantiles than in the reference         error
    ``fraction``     yes     fractions where the reference has whole numbers only                 warning; error in a
                                                                                                  column of integers
    ``category``     yes     categories that are new                                              error; warning if the
                                                                                                  reference has some
                                                                                                  only once
    ``missing``      yes     values missing in a column where the reference misses none; in y     warning; in y error
    ``missing_share`` no     more or fewer of them than in the reference                          error
    ``label``        yes     labels that are new                                                  error
    ``label_share``  no      more or fewer rows of a label than in the reference                  error
    ``id``           yes     ids missing, or repeated in the batch                                error
    ``known_id``     yes     ids that the reference has                                           error
    ``repeated_row`` yes     rows that equal another one of the batch in all columns              error; warning if the
                                                                                                  reference repeats
                                                                                                  some
    ``known_row``    yes     rows that the reference has                                          as above
    ``schema``       yes     what a pandera schema found                                          error, or as it says
    ================ ======= ==================================================================== ====================

    **Range.** With q and Q the two quantiles, the range is ``[q − t (Q − q), Q + t (Q − q)]``, t being
    ``range_tolerance``. Where more than half of the cells are one value, as in sparse columns, q and Q are quantiles of
    the others, and the range holds that value as well. Rows beyond are warnings, since good rows of columns with heavy
    tails lie there, too. The range of extremes has the least and the largest number of the reference as q and Q; rows
    beyond that are errors. So in a constant column any other value is an error. Infinite numbers of the reference count
    as outside. Times have no range: later batches are later.

    **Shares.** Let K of the N rows of reference and batch together have no value in a column, or have a label. If rows
    are exchangeable, the number of these among the n rows of the batch is hypergeometric given K; so the p-value of
    each test is exact or larger than that, at any number of rows. Rows below or above a range are counted likewise; as
    the reference chose the range, and m of its rows lie beyond, that value is multiplied by (m + 1)(m + 2). All
    tests of one call are corrected together by Holm's method, those whose outcome K alone decides left out. So the
    chance of any ``..._share`` finding about an exchangeable batch is at most ``level``. Several batches are several
    calls: divide ``level`` by their number where no false alarm in any of them is wanted. The other checks have no
    level: an exchangeable row may well be the first outside of the range, or the first of its category.

    **What it cannot do.** Poison that keeps to the range, the categories and the shares of the reference passes, and a
    share is compared with the whole reference: a slow drift is a finding once it has become large. Columns are looked
    at one by one. Nothing here is a certificate.

    **The reference.** Rows that repeat are accepted, and counted; where more than half of the rows do, rows repeat by
    nature and equal rows are no findings. Ids that repeat or are missing are refused, for then they name no rows. A
    column without any value has no known kind: only its missing values are compared. Columns of object type
    with cells of several types may hold any type later.

    Equal rows are recognised by 64-bit digests, of which the validator keeps one for each row and id of the reference
    instead of the rows. Whoever can guess a row or an id can test the guess with them.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import BatchValidator
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(500, 2)), rng.integers(2, size=500)
    >>> validator = BatchValidator().fit(X, y)
    >>> validator.validate(rng.normal(size=(100, 2)), rng.integers(2, size=100))
    ValidationReport(passed, 100 rows, 0 errors, 0 warnings)

    Five rows that are far away and repeated, and a label that is not in the reference:

    >>> batch, labels = rng.normal(size=(100, 2)), rng.integers(2, size=100)
    >>> batch[:5], labels[7] = [0.0, 30.0], 2
    >>> report = validator.validate(batch, labels)
    >>> [(finding.check, finding.column, finding.n_rows) for finding in report.errors]
    [('range', 'x1', 5), ('label', 'y', 1), ('repeated_row', None, 5), ('range_share', 'x1', 0)]
    >>> report.suspicious_rows().tolist()
    [0, 1, 2, 3, 4, 7]
    >>> restored = BatchValidator.from_json(validator.to_json())
    >>> restored.validate(batch, labels) == report
    True
    """

    _parameter_constraints: dict = {
        "schema": "no_validation",
        "level": [Interval(Real, 0, 1, closed="neither")],
        "share_tolerance": [Interval(Real, 0, 1, closed="left")],
        "range_quantile": [Interval(Real, 0, 0.5, closed="left")],
        "range_tolerance": [Interval(Real, 0, None, closed="left")],
        "max_categories": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        schema=None,
        level=0.01,
        share_tolerance=0.01,
        range_quantile=0.01,
        range_tolerance=3.0,
        max_categories=100,
    ):
        self.schema = schema
        self.level = level
        self.share_tolerance = share_tolerance
        self.range_quantile = range_quantile
        self.range_tolerance = range_tolerance
        self.max_categories = max_categories

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, ids=None):
        """Learn from trusted rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Missing values are allowed.
        y : array-like of shape (n_samples,), default=None
            Labels or numbers, none of them missing.
        ids : array-like of shape (n_samples,), default=None
            A name of each row: numbers, texts, times or bytes.

        Returns
        -------
        self : object

        Raises
        ------
        SchemaError
            If a schema is declared and the reference does not fit it.
        BatchValidationError
            If the reference fails checks of the pandera schema.
        TypeError
            If a cell is neither number, text, time, bytes nor missing.
        ValueError
            If there are no rows, ids repeat or are missing, or labels are of several types.
        """
        table = Table(X, "X")
        if table.named:
            validate_data(self, X, skip_check_array=True)
        else:
            validate_data(self, table.native, dtype=None, accept_sparse="csr", ensure_all_finite=False)
        if not table.n_rows or not table.n_columns:
            raise ValueError(
                f"Found array with shape ({table.n_rows}, {table.n_columns}) while a minimum of 1 row and 1 column is "
                "required: the reference is empty."
            )
        declared = self._declared(table)
        self.reference_ = learn_reference(
            table,
            y,
            ids,
            declared,
            quantile=self.range_quantile,
            tolerance=self.range_tolerance,
            max_categories=self.max_categories,
        )
        return self

    def _declared(self, table):
        """Return the declared schema, if there is one; make the checks of one of pandera."""
        if self.schema is None:
            return None
        if not table.named:
            raise ValueError(
                "schema= describes the columns of a data frame, and the reference is an array. Pass a data frame, or "
                "leave schema out."
            )
        user_schema = read_user_schema(self.schema)
        if user_schema is None:
            return Schema.declare(self.schema)
        findings = tuple(run_user_schema(user_schema, table.native))
        report = ValidationReport(
            n_rows=table.n_rows, findings=findings, checks=("schema",), level=float(self.level), n_tests=0
        )
        if not report.passed:
            raise BatchValidationError(report, of="The reference fails its own schema")
        return None

    def validate(self, X, y=None, ids=None):
        """Compare a batch with the reference.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            In any container. Where both have column names, columns are compared by name.
        y : array-like of shape (n_samples,), default=None
        ids : array-like of shape (n_samples,), default=None
            Repeated ones are found without ids of the reference, too.

        Returns
        -------
        report : ValidationReport
            Whatever is wrong with the rows, their columns or their labels is in the report.

        Raises
        ------
        ValueError
            If the batch cannot be read as a table (a lazy frame, column names that repeat), y or ids have another
            length, or there is a y and the validator was fitted without.
        """
        check_is_fitted(self)
        if y is not None and self.reference_.target is None:
            raise ValueError("The reference has no labels to compare y with: fit with y, or leave it out here.")
        return compare(
            self.reference_,
            Table(X, "X"),
            y,
            ids,
            user_schema=None if self.schema is None else read_user_schema(self.schema),
            level=self.level,
            share_tolerance=self.share_tolerance,
        )

    def to_pandera(self):
        """Return what is known of the columns as a pandera schema for pandas.

        Returns
        -------
        schema : pandera.pandas.DataFrameSchema
            Kinds, ranges, categories, names and order. Of what is a warning here it warns. It has no tests of shares,
            so a column of which the reference misses no value may miss none there.

        Raises
        ------
        ImportError
            If pandera or pandas is not installed.
        """
        check_is_fitted(self)
        return schema_of(self.reference_.columns)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags
