"""Batches compared with a trusted reference."""

import builtins
import copy
import datetime
import decimal
import itertools
import json
import warnings

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pandera.polars as pandera_polars
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from robustfit.partition import Schema, SchemaError
from robustfit.sanitize import BatchValidationError, BatchValidator, ValidationReport
from robustfit.sanitize._validation._column_profile import profile_numbers
from robustfit.sanitize._validation._shares import ShareTest, failed_shares, holm, p_values
from robustfit.sanitize._validation._table import Numbers, Table

N = 400


def frame(n=N, seed=0):
    """A mixed table without missing values but in one column."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 5, n),
            "visits": rng.integers(0, 9, n),
            "sex": rng.choice(["f", "m"], n),
            "city": pd.Categorical(rng.choice(["a", "b"], n), categories=["a", "b", "c"]),
            "flag": rng.random(n) < 0.5,
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), unit="h"),
            "income": np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2, size=n)),
            "note": [f"note {i}" for i in rng.integers(0, 10**9, n)],
        }
    )


def labels(n, seed=0):
    return np.random.default_rng(seed).choice(["no", "yes"], n, p=[0.3, 0.7])


@pytest.fixture(scope="module")
def validator():
    return BatchValidator().fit(frame(), labels(N), ids=np.arange(N))


def found(report):
    return {(finding.check, finding.column, finding.severity): finding.rows for finding in report.findings}


CONTAINERS = {"pandas": lambda f: f, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}


@parametrize_with_checks([BatchValidator()])
def test_estimator_checks_with_routing_off(estimator, check):
    check(estimator)


@parametrize_with_checks([BatchValidator()])
def test_estimator_checks_with_routing_on(estimator, check):
    with sklearn.config_context(enable_metadata_routing=True):
        check(estimator)


def test_no_estimator_check_is_lost():
    fewest = 40 - (parse_version(sklearn.__version__) < parse_version("1.9"))
    assert len(list(estimator_checks_generator(BatchValidator()))) >= fewest


# A batch like the reference


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("fitted_on", CONTAINERS)
def test_a_batch_like_the_reference_passes_in_any_container(container, fitted_on):
    reference, batch = frame().drop(columns="city"), frame(100, 1).drop(columns="city")
    validator = BatchValidator().fit(CONTAINERS[fitted_on](reference), labels(N), ids=np.arange(N))
    report = validator.validate(CONTAINERS[container](batch), labels(100, 1), ids=np.arange(N, N + 100))
    assert report.findings == ()
    assert report.raise_if_failed() is report
    assert report.row_mask().all()
    assert {"columns", "type", "range", "category", "missing", "label", "id", "known_row"} <= set(report.checks)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix, sp.csc_array, lambda X: X.astype(object), pd.DataFrame])
def test_arrays_and_sparse_matrices_give_the_same_report(make):
    rng = np.random.default_rng(0)
    X = np.where(rng.random((300, 6)) < 0.7, 0.0, rng.normal(size=(300, 6)))
    batch = np.where(rng.random((60, 6)) < 0.7, 0.0, rng.normal(size=(60, 6)))
    batch[3, 2], batch[5, 1], batch[7, 0], batch[8] = 1e6, np.nan, -np.inf, batch[9]
    plain = BatchValidator().fit(X).validate(batch)
    assert plain.passed is False
    assert ("missing", "x1", "warning") in found(plain)
    report = BatchValidator().fit(make(X) if make is not pd.DataFrame else X).validate(make(batch))
    extra = {("columns", None, "warning")} if make is pd.DataFrame else set()
    assert set(found(report)) - extra == set(found(plain))
    assert report.row_scores().tolist() == plain.row_scores().tolist()


# What each check finds


def test_columns_missing_unknown_and_reordered(validator):
    batch = frame(50, 1).drop(columns="sex").assign(extra=1.0)
    report = validator.validate(batch[["visits", "age", *batch.columns[2:]]])
    errors = [finding.message for finding in report.errors]
    assert errors[0] == "Column 'sex' of the reference is not in the batch."
    assert errors[1] == "Column 'extra' of the batch is not in the reference."
    assert "another order" in errors[2]
    assert "'visits'" in errors[2]
    assert "known_row" not in report.checks


def test_reordered_columns_are_compared_by_name(validator):
    report = validator.validate(frame(50, 1)[frame(1).columns[::-1]])
    assert set(found(report)) == {("columns", None, "error")}
    report = validator.validate(frame()[frame().columns[::-1]][4:6])
    assert found(report)["known_row", None, "error"] == (0, 1)


def test_zeros_that_a_sparse_batch_does_not_store_are_numbers():
    X = np.random.default_rng(0).uniform(50, 51, size=(40, 2))
    batch = sp.csr_array([[50.5, 0.0], [0.0, 50.2], [50.1, 50.3]])
    names = found(BatchValidator().fit(X).validate(batch))
    assert (names["range", "x0", "error"], names["range", "x1", "error"]) == ((1,), (0,))
    assert names == found(BatchValidator().fit(X).validate(batch.toarray()))


def test_a_batch_of_another_width_without_names():
    report = BatchValidator().fit(np.eye(5)).validate(np.eye(4))
    assert [(finding.check, finding.expected, finding.found) for finding in report.findings] == [
        ("columns", "5 columns", "4")
    ]
    assert "type" not in report.checks
    named = BatchValidator().fit(frame()).validate(np.eye(4))
    assert "without names" in named.errors[0].message


def test_names_on_one_side_only():
    reference = frame()[["age", "income"]]
    report = BatchValidator().fit(reference).validate(frame(50, 1)[["age", "income"]].to_numpy())
    assert set(found(report)) == {("columns", None, "warning")}
    assert report.passed
    report = BatchValidator().fit(reference.to_numpy()).validate(frame(50, 1)[["age", "income"]])
    assert set(found(report)) == {("columns", None, "warning")}


def test_cells_of_another_type(validator):
    batch = frame(50, 1).astype(object)
    batch.loc[0, "age"] = "old"
    batch.loc[1, "sex"] = 3
    batch.at[2, "note"] = ["a", "list"]
    batch.loc[3, "when"] = "soon"
    batch["flag"] = np.arange(50) % 2
    report = validator.validate(batch)
    of_type = {column: rows for (check, column, _), rows in found(report).items() if check == "type"}
    assert of_type == {"age": (0,), "sex": (1,), "note": (2,), "when": (3,), "flag": tuple(range(50))}
    assert "other objects" in next(f.message for f in report.findings if f.column == "note")
    # With cells that cannot be read, rows cannot be compared, and the report does not say that they were.
    assert "repeated_row" not in report.checks


def test_truth_values_are_no_numbers_and_fractions_no_whole_numbers(validator):
    batch = frame(50, 1)
    batch["age"] = batch["age"] > 40
    batch["visits"] = batch["visits"] + np.where(np.arange(50) < 2, 0.5, 0.0)
    names = found(validator.validate(batch))
    assert len(names["type", "age", "error"]) == 50
    assert names["fraction", "visits", "error"] == (0, 1)
    X = np.arange(40.0).reshape(20, 2)
    assert found(BatchValidator().fit(X).validate(X[:3] + 0.25))["fraction", "x0", "warning"] == (0, 1, 2)


def test_texts_in_a_sparse_batch_are_numbers_of_another_type():
    report = BatchValidator().fit(frame()[["age", "sex"]]).validate(sp.csr_array(np.full((3, 2), 40.0)))
    assert found(report)["type", "sex", "error"] == (0, 1, 2)


def test_ranges(validator):
    batch = frame(50, 1)
    batch.loc[[3, 5], "age"] = [1e9, -np.inf]
    report = validator.validate(batch)
    assert found(report)["range", "age", "error"] == (3, 5)
    assert report.suspicious_rows().tolist() == [3, 5]
    finding = next(f for f in report.findings if f.check == "range")
    assert "1000000000" in finding.found
    low, high = validator.reference_.columns[0].low, validator.reference_.columns[0].high
    assert -60 < low < frame()["age"].min()
    assert frame()["age"].max() < high < 140


def test_the_range_is_that_of_quantiles_and_says_so():
    values = np.arange(1.0, 101.0)
    values[-1] = 1e12
    numbers = Numbers(values, np.arange(100), 100)
    profile = profile_numbers("x", "number", numbers, 0.02, 0.5)
    assert (profile.low, profile.high) == (2 - 0.5 * 97, 99 + 0.5 * 97)
    assert (profile.floor, profile.ceiling) == (1 - 0.5 * (1e12 - 1), 1e12 + 0.5 * (1e12 - 1))
    assert (profile.n_below, profile.n_above) == (0, 1)
    # One wrong value of the reference does not widen the range, but makes others like it warnings.
    names = found(BatchValidator(range_quantile=0.02).fit(values[:, None]).validate(np.array([[1e12], [50], [1e13]])))
    assert (names["range", "x0", "warning"], names["range", "x0", "error"]) == ((0,), (2,))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.4, 0.6, 1.0])
def test_ranges_of_sparse_columns_are_those_of_dense_ones(share):
    rng = np.random.default_rng(1)
    column = np.where(rng.random(200) < share, rng.normal(size=200) + 3 * (rng.random(200) < 0.1), 0.0)
    of = {
        kind: BatchValidator().fit(make(column[:, None])).reference_.columns[0]
        for kind, make in (("dense", np.asarray), ("sparse", sp.csc_array))
    }
    assert of["dense"] == of["sparse"]
    assert of["dense"].low <= 0.0 <= of["dense"].high
    if share == 0.02:
        # The quantiles of the whole column are zero; those of the other values leave room for them.
        assert of["dense"].n_below == of["dense"].n_above == 0


def test_a_reference_of_constant_and_huge_numbers():
    X = np.column_stack([np.ones(20), np.linspace(-1, 1, 20) * 1.7e308, np.full(20, np.inf)])
    columns = BatchValidator().fit(X).reference_.columns
    assert (columns[0].low, columns[0].high) == (1.0, 1.0)
    assert (columns[1].low, columns[1].high) == (None, None)
    assert (columns[2].low, columns[2].high) == (None, None)
    assert BatchValidator.from_json(BatchValidator().fit(X).to_json()).reference_.columns == columns


def test_categories(validator):
    batch = frame(50, 1).astype({"city": object})
    batch.loc[[1, 2], "city"] = ["c", "z"]
    batch.loc[4, "sex"] = "x"
    batch.loc[5, "note"] = "something else"
    report = validator.validate(batch)
    # "c" is listed by the type, though no row of the reference has it.
    assert found(report) == {("category", "city", "error"): (2,), ("category", "sex", "error"): (4,)}
    assert next(f for f in report.findings if f.column == "sex").expected == "'f', 'm'"


def test_where_categories_were_seen_only_once_there_may_be_more():
    reference = pd.DataFrame({"town": ["a"] * 10 + ["b"] * 9 + ["c"]})
    report = BatchValidator().fit(reference).validate(pd.DataFrame({"town": ["a", "d"]}))
    assert found(report)["category", "town", "warning"] == (1,)
    assert report.passed


def test_missing_values(validator):
    batch = frame(50, 1)
    batch.loc[3, "age"] = np.nan
    batch["income"] = np.nan
    batch = batch.astype({"flag": object})
    batch.loc[4, "flag"] = None
    report = validator.validate(batch)
    assert found(report) == {
        ("missing", "age", "warning"): (3,),
        ("missing", "flag", "warning"): (4,),
        ("missing_share", "income", "error"): (),
    }
    assert "50 of 50 rows (100.00%) have no value" in report.errors[0].message


def test_columns_without_any_value():
    reference = pd.DataFrame({"a": np.full(50, np.nan), "b": [None] * 50, "c": np.arange(50.0)})
    validator = BatchValidator().fit(reference)
    assert [column.kind for column in validator.reference_.columns] == ["unknown", "unknown", "number"]
    # Rows may repeat here only because their one value does.
    assert validator.validate(reference.assign(c=np.arange(50.0) + 0.5)[:20]).passed is True
    report = validator.validate(pd.DataFrame({"a": ["x"] * 20, "b": np.arange(20), "c": np.arange(20) + 0.5}))
    assert {finding.check for finding in report.errors} == {"missing_share"}
    blank = validator.validate(pd.DataFrame({"a": [None] * 20, "b": [None] * 20, "c": [None] * 20}))
    assert ("missing_share", "c", "error") in found(blank)
    empty = sp.csr_array(np.column_stack([np.full(20, np.nan), np.arange(20.0)]))
    assert BatchValidator().fit(empty).validate(empty[:5] + 0.0).checks


def test_labels_and_their_prior(validator):
    y = labels(100, 1).astype(object)
    y[:4] = [None, "maybe", 3, ["no"]]
    report = validator.validate(frame(100, 1), y)
    assert found(report) == {
        ("missing", "y", "error"): (0,),
        ("type", "y", "error"): (3,),
        ("label", "y", "error"): (1, 2),
    }
    report = validator.validate(frame(100, 1), np.repeat("yes", 100))
    assert set(found(report)) == {("label_share", "y", "error")}
    assert "of the reference" in report.errors[0].message
    assert (report.errors[0].expected, report.errors[0].found) == (f"{np.mean(labels(N) == 'yes'):.4g}", "1")


def test_labels_of_another_kind(validator):
    report = validator.validate(frame(30, 1), np.arange(30) % 2)
    assert len(found(report)["label", "y", "error"]) == 30
    numbers = BatchValidator().fit(np.eye(4), [0, 1, 1, 0])
    # Equal numbers are equal labels, whatever holds them.
    for y in (np.array([0.0, 1.0]), [True, False], pl.Series([0, 1]), np.array(["0", "1"])):
        report = numbers.validate(np.full((2, 4), 0.5) * [[1], [0.5]], y)
        assert (("label", "y", "error") in found(report)) is (np.asarray(y).dtype.kind == "U")


def test_targets_that_are_numbers():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 2)), rng.normal(size=200)
    validator = BatchValidator().fit(X, y)
    batch = rng.normal(size=(20, 2))
    assert validator.validate(batch, rng.normal(size=20)).passed
    bad = rng.normal(size=20).astype(object)
    bad[:3] = ["high", 1e6, np.nan]
    assert found(validator.validate(batch, bad)) == {
        ("missing", "y", "error"): (2,),
        ("type", "y", "error"): (0,),
        ("range", "y", "error"): (1,),
    }
    # More whole numbers than categories may be are no labels.
    assert BatchValidator(max_categories=10).fit(X, np.arange(200) // 10).reference_.target.counts == ()
    assert BatchValidator().fit(X, np.arange(200) // 10).reference_.target.counts == (10,) * 20


def test_ids(validator):
    ids = list(range(1000, 1030))
    ids[0], ids[1], ids[2], ids[4], ids[6] = np.nan, 5, [1], 1007, None
    report = validator.validate(frame(30, 1), ids=ids)
    assert [(f.check, f.rows) for f in report.findings] == [
        ("id", (2,)),
        ("id", (0, 6)),
        ("id", (4, 7)),
        ("known_id", (1,)),
    ]
    assert "1007" in report.findings[2].message
    without = BatchValidator().fit(frame()).validate(frame(3, 1), ids=["a", "b", "a"])
    assert without.checks[-1] == "id"
    assert without.errors[0].rows == (0, 2)


def test_rows_that_repeat(validator):
    batch = frame(30, 1)
    batch.loc[4] = batch.loc[9]
    batch.loc[12] = frame().loc[17]
    names = found(validator.validate(batch))
    assert names["repeated_row", None, "error"] == (4, 9)
    assert names["known_row", None, "error"] == (12,)


def test_where_the_reference_repeats_rows_so_may_a_batch():
    X = np.random.default_rng(0).normal(size=(50, 3))
    X[1] = X[0]
    validator = BatchValidator().fit(X)
    assert validator.reference_.n_repeated_rows == 2
    assert set(found(validator.validate(X[:3]))) == {("repeated_row", None, "warning"), ("known_row", None, "warning")}
    by_nature = BatchValidator().fit(np.repeat(np.eye(3), 5, axis=0))
    report = by_nature.validate(np.eye(3))
    assert report.findings == ()
    assert "known_row" not in report.checks


def test_float32_and_other_containers_have_the_same_rows():
    X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    report = BatchValidator().fit(X.astype(np.float64)).validate(sp.csr_array(X[:5]))
    assert found(report)["known_row", None, "error"] == (0, 1, 2, 3, 4)


# Tests of shares


def test_p_values_are_exact_by_enumeration():
    """For every value of p, the share of splits with a p as small is at most p, and reached by one-sided tests."""
    n_reference, n_batch = 6, 4
    for total in range(1, 10):
        marks = np.arange(10) < total
        p = []
        for batch in itertools.combinations(range(10), n_batch):
            k = int(marks[list(batch)].sum())
            p.append(p_values([ShareTest("a", "b", "c", total - k, n_reference, k, n_batch)])[0])
        p = np.array(p)
        assert all(np.mean(p <= level + 1e-12) <= level + 1e-12 for level in p)


def test_limits_chosen_by_the_reference_do_not_raise_the_level():
    """Even the worst limit among the rows of the reference keeps the level; without the factor it would not."""
    n_reference, n_batch, with_factor, without = 7, 5, [], []
    for batch in itertools.combinations(range(12), n_batch):
        reference = np.setdiff1d(np.arange(12), batch)
        counts = [(m, int(np.sum(np.array(batch) < reference[m]))) for m in range(n_reference)]
        tests = [ShareTest("a", "b", "c", m, n_reference, k, n_batch, chosen=True) for m, k in counts]
        p = p_values(tests)
        with_factor.append(p.min())
        without.append(min([p[m] / ((m + 1) * (m + 2)) for m, _ in counts if p[m] < 1], default=1.0))
    assert all(np.mean(np.array(with_factor) <= level + 1e-12) <= level + 1e-12 for level in with_factor)
    assert any(np.mean(np.array(without) <= level + 1e-12) > level + 1e-12 for level in without)


def test_holm_rejects_step_by_step():
    p = np.array([0.04, 0.001, 0.012, 0.6])
    assert holm(p, 0.05).tolist() == [False, True, True, False]
    assert holm(np.array([0.01, 0.01]), 0.05).all()
    assert not holm(np.array([0.03, 0.03]), 0.05).any()


def test_small_differences_are_no_findings_in_large_batches():
    test = ShareTest("missing_share", "a", "have no value", 100_000, 1_000_000, 105_000, 1_000_000)
    assert failed_shares([test], 0.01, 0.01) == ([], 1)
    assert len(failed_shares([test], 0.01, 0.001)[0]) == 1


def test_exchangeable_batches_pass_as_often_as_promised():
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(100):
        X = np.where(rng.random((120, 4)) < 0.2, np.nan, rng.standard_t(2, size=(120, 4)))
        y = rng.integers(3, size=120)
        report = BatchValidator(level=0.1, share_tolerance=0.0).fit(X[:80], y[:80]).validate(X[80:], y[80:])
        failed += any(finding.check.endswith("_share") for finding in report.findings)
    # Beyond 20 with a probability of 0.001, were it 10 in 100.
    assert failed <= 20


# The report


def test_reports_raise_and_survive_json(validator):
    batch = frame(50, 1)
    batch.loc[:1, "age"] = 1e9
    report = validator.validate(batch, np.repeat("yes", 50))
    with pytest.raises(BatchValidationError, match=r"does not fit the reference, 2 errors:\n- Column 'age'") as caught:
        report.raise_if_failed()
    assert caught.value.report is report
    assert repr(report) == "ValidationReport(failed, 50 rows, 2 errors, 0 warnings)"
    assert ValidationReport.from_json(report.to_json()) == report
    table = report.to_frame()
    assert table.columns.tolist() == ["check", "column", "severity", "n_rows", "rows", "expected", "found", "message"]
    assert table["n_rows"].tolist() == [2, 0]
    assert validator.validate(frame(50, 1)).to_frame().shape == (0, 8)


def test_rows_by_severity():
    X = np.random.default_rng(0).normal(size=(50, 3))
    batch = np.random.default_rng(1).normal(size=(5, 3))
    batch[0, 0], batch[0, 1], batch[2, 1] = 1e6, np.nan, np.nan
    report = BatchValidator().fit(X).validate(batch)
    assert report.row_scores().tolist() == [2, 0, 1, 0, 0]
    assert report.row_scores(severity="error").tolist() == [1, 0, 0, 0, 0]
    assert report.suspicious_rows(severity="warning").tolist() == [0, 2]
    assert report.row_mask(severity="error").tolist() == [False, True, True, True, True]
    with pytest.raises(ValueError, match="severity must be"):
        report.row_mask(severity="fatal")


def test_reports_need_pandas_only_as_tables(monkeypatch, validator):
    block(monkeypatch, "pandas")
    with pytest.raises(ImportError, match=r"robustfit\[parquet\]"):
        validator.validate(np.zeros((0, 8))).to_frame()


def block(monkeypatch, name):
    true_import = builtins.__import__

    def refuse(module, *args, **kwargs):
        if module.partition(".")[0] == name:
            raise ImportError(name)
        return true_import(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)


# Files


def test_a_validator_survives_its_file(validator, tmp_path):
    validator.save(tmp_path / "reference.json")
    restored = BatchValidator.load(tmp_path / "reference.json")
    batch = frame(60, 1).astype(object)
    batch.loc[:1, "age"] = [1e9, "x"]
    batch.loc[3] = frame().loc[3]
    options = {"y": labels(60, 1), "ids": np.arange(N - 1, N + 59)}
    assert restored.validate(batch, **options) == validator.validate(batch, **options)
    assert restored.feature_names_in_.tolist() == validator.feature_names_in_.tolist()
    assert restored.to_json() == validator.to_json()
    assert restored.get_params() == validator.get_params()


def test_names_that_are_whole_numbers_survive_and_others_are_refused():
    X = np.random.default_rng(0).normal(size=(20, 2))
    restored = BatchValidator.from_json(BatchValidator().fit(pd.DataFrame(X)).to_json())
    assert restored.validate(pd.DataFrame(X / 2)).passed
    odd = BatchValidator().fit(pd.DataFrame(X, columns=pd.Index([("a", 1), ("b", 2)], tupleize_cols=False)))
    with pytest.raises(ValueError, match="cannot be stored"):
        odd.to_json()


def test_kinds_of_other_libraries():
    def table(n, seed):
        rng = np.random.default_rng(seed)
        return pl.DataFrame(
            {
                "enum": pl.Series(rng.choice(["a", "b"], n).tolist(), dtype=pl.Enum(["a", "b", "c"])),
                "text": pl.Series(rng.choice(["a", "b"], n).tolist(), dtype=pl.Categorical),
                "decimal": [decimal.Decimal(f"{x:.3f}") for x in rng.normal(size=n)],
                "clock": [datetime.time(1, 2)] * n,
                "duration": [datetime.timedelta(seconds=int(x)) for x in rng.integers(0, 99, n)],
                "gaps": [None, *rng.integers(0, 9, n - 1).tolist()],
                "flag": [True, None] * (n // 2),
            }
        )

    validator = BatchValidator().fit(table(60, 0))
    kinds = ["category", "text", "number", "object", "duration", "integer", "boolean"]
    assert [column.kind for column in validator.reference_.columns] == kinds
    for batch in (table(20, 1), table(20, 1).to_arrow(), table(20, 1).to_pandas()):
        assert validator.validate(batch).findings == ()
    validator.to_pandera().validate(table(20, 1).to_pandas(), lazy=True)
    nested = table(20, 1).with_columns(gaps=pl.Series([[1]] * 20))
    assert found(validator.validate(nested))["type", "gaps", "error"] == tuple(range(20))


def test_files_hold_no_rows(validator):
    text = validator.to_json()
    assert "note 1" not in text
    assert set(json.loads(text)) == {"format", "version", "sha256", "data"}


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda text: text[: len(text) // 2], "truncated"),
        (lambda text: text[:-1], "truncated"),
        (lambda text: "", "truncated"),
        (lambda text: "\x80\x04pickle", "truncated, damaged or another file"),
        (lambda text: "[1]", "truncated"),
        (lambda text: text.replace('"age"', '"egg"'), "does not have the digest"),
        (lambda text: text.replace('"n_rows": 400', '"n_rows": 401'), "does not have the digest"),
        (lambda text: text.replace('"version": 1', '"version": 99'), "version 99"),
        (lambda text: text.replace("BatchValidator", "Certificate"), "Expected format"),
    ],
)
def test_damaged_files_are_refused(validator, tmp_path, harm, message):
    path = tmp_path / "reference.json"
    path.write_text(harm(validator.to_json()), encoding="latin-1")
    with pytest.raises(ValueError, match=message) as caught:
        BatchValidator.load(path)
    assert "reference.json" in str(caught.value)


def test_consistent_files_of_nonsense_are_refused(validator):
    from robustfit.sanitize._validation._stored import stored

    data = json.loads(validator.to_json())["data"]
    for change in (
        lambda d: d["reference"].update(n_rows=-1),
        lambda d: d["reference"].update(hash_version=99),
        lambda d: d["reference"].update(row_codes="?"),
        lambda d: d["reference"].pop("columns"),
        lambda d: d["reference"]["columns"][0].update(surprise=1),
        lambda d: d["params"].update(level=2.0),
        lambda d: d["params"].update(unknown=2.0),
    ):
        broken = copy.deepcopy(data)
        change(broken)
        with pytest.raises(ValueError, match="damaged or was edited"):
            BatchValidator.from_json(json.dumps(stored("robustfit.BatchValidator", broken)))


def test_reports_of_nonsense_are_refused(validator):
    text = validator.validate(frame(0)).to_json()
    with pytest.raises(ValueError, match="digest"):
        ValidationReport.from_json(text.replace('"passed": false', '"passed": true'))
    with pytest.raises(ValueError, match="Expected format"):
        ValidationReport.from_json(validator.to_json())


# Declared schemas and pandera


def test_a_declared_schema_is_kept():
    spec = {"age": "number", "sex": ["f", "m", "x"]}
    reference = frame()[["age", "sex"]]
    validator = BatchValidator(schema=spec).fit(reference)
    batch = pd.DataFrame({"age": [40, 41, 42], "sex": ["x", "q", "f"]})
    for each in (validator, BatchValidator.from_json(validator.to_json()), clone(validator).fit(reference)):
        assert found(each.validate(batch)) == {("category", "sex", "error"): (1,)}
    assert Schema.declare(BatchValidator.from_json(validator.to_json()).schema) == Schema.declare(spec)
    with pytest.raises(SchemaError, match="missing"):
        BatchValidator(schema=spec).fit(reference[["age"]])
    with pytest.raises(ValueError, match="reference is an array"):
        BatchValidator(schema=spec).fit(np.eye(2))
    with pytest.raises(SchemaError, match="must map column names"):
        BatchValidator(schema=3).fit(reference)


def pandera_schema(module, library):
    return module.DataFrameSchema(
        {
            "age": module.Column(checks=[module.Check.ge(0), module.Check.le(60, raise_warning=True)]),
            "sex": module.Column(checks=module.Check.isin(["f", "m"]), nullable=False),
        },
        strict=False,
        name=library,
    )


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("module", [pandera, pandera_polars])
def test_checks_of_a_pandera_schema(module, container):
    reference = frame()[["age", "sex"]]
    validator = BatchValidator(schema=pandera_schema(module, container)).fit(CONTAINERS[container](reference))
    batch = pd.DataFrame({"age": [-5.0, 40.0, 41.0, 61.0], "sex": ["f", "q", None, "m"]}, index=[7, 7, 8, 9])
    batch = batch if container == "pandas" else CONTAINERS[container](batch.reset_index(drop=True))
    report = validator.validate(batch)
    user = [(f.column, f.severity, f.rows) for f in report.findings if f.check == "schema"]
    assert set(user) == {("age", "error", (0,)), ("sex", "error", (1,)), ("sex", "error", (2,)), (None, "warning", ())}
    assert "schema" in report.checks
    assert ValidationReport.from_json(report.to_json()) == report


def test_pandera_checks_of_whole_frames_and_models():
    class Person(pandera.DataFrameModel):
        age: float = pandera.Field(ge=0)
        sex: str

        @pandera.dataframe_check
        def enough(cls, rows):
            return len(rows) > 2

    validator = BatchValidator(schema=Person).fit(frame()[["age", "sex"]])
    report = validator.validate(pd.DataFrame({"age": [40.0], "sex": ["f"]}))
    assert [(f.column, f.rows, f.expected) for f in report.errors] == [(None, (), "enough")]
    missing = validator.validate(pd.DataFrame({"age": [40.0, 41.0, 42.0]}))
    assert {"columns", "schema"} == {finding.check for finding in missing.errors}
    assert "no column names" in validator.validate(np.ones((3, 2)), None).errors[-1].message
    text = validator.to_json()
    with pytest.raises(ValueError, match="pass it as schema="):
        BatchValidator.from_json(text)
    restored = BatchValidator.from_json(text, schema=Person)
    assert restored.validate(pd.DataFrame({"age": [40.0], "sex": ["f"]})) == report
    with pytest.raises(ValueError, match="leave schema out"):
        BatchValidator.from_json(BatchValidator().fit(frame()).to_json(), schema=Person)


def test_pandera_schemas_that_cannot_be_used():
    reference = frame()[["age", "sex"]]
    with pytest.raises(BatchValidationError, match="The reference fails its own schema"):
        BatchValidator(schema=pandera.DataFrameSchema({"age": pandera.Column(checks=pandera.Check.ge(50))})).fit(
            reference
        )
    with pytest.raises(ValueError, match="Make the index a column"):
        BatchValidator(schema=pandera.DataFrameSchema({}, index=pandera.Index(int))).fit(reference)
    with pytest.raises(ValueError, match="pass a DataFrameSchema"):
        BatchValidator(schema=pandera.Column(float)).fit(reference)


def test_pandera_cannot_be_made_to_look_away(monkeypatch):
    from pandera.config import CONFIG

    reference = frame()[["age"]]
    columns = {"age": pandera.Column(checks=pandera.Check.ge(0))}
    with pytest.raises(ValueError, match="drop_invalid_rows=False"):
        BatchValidator(schema=pandera.DataFrameSchema(columns, drop_invalid_rows=True)).fit(reference)
    validator = BatchValidator(schema=pandera.DataFrameSchema(columns)).fit(reference)
    monkeypatch.setattr(CONFIG, "validation_enabled", False)
    report = validator.validate(pd.DataFrame({"age": [-1.0, 40.0]}))
    assert found(report) == {("schema", "age", "error"): (0,)}


def test_the_reference_as_a_pandera_schema(validator):
    schema = validator.to_pandera()
    assert list(schema.columns) == frame().columns.tolist()
    batch = frame(50, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema.validate(batch, lazy=True)
    bad = batch.astype({"city": object, "sex": object})
    bad.loc[0, "age"], bad.loc[1, "city"], bad.loc[2, "sex"], bad.loc[3, "age"] = 1e9, "z", 3, np.nan
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        schema.validate(bad, lazy=True)
    failed = caught.value.failure_cases
    assert set(failed["index"].dropna().astype(int)) == {0, 1, 2, 3}
    with pytest.raises(pandera.errors.SchemaErrors):
        schema.validate(batch[batch.columns[::-1]], lazy=True)
    with pytest.raises(pandera.errors.SchemaErrors):
        schema.validate(batch.assign(extra=1), lazy=True)
    # What it makes can be used as checks of a validator.
    assert BatchValidator(schema=schema).fit(frame()).validate(batch).passed


def test_pandera_is_asked_for_only_when_needed(monkeypatch, validator):
    block(monkeypatch, "pandera")
    BatchValidator().fit(frame()).validate(frame(20, 1))
    with pytest.raises(ImportError, match=r"robustfit\[validate\]"):
        validator.to_pandera()


# Bad input


def test_an_empty_batch_does_not_pass(validator):
    for batch in (frame(0), pl.from_pandas(frame()[:0]), np.empty((0, 8))):
        report = validator.validate(batch, [], ids=[])
        assert ("empty", None, "error") in found(report)
        assert report.row_mask().shape == (0,)
        assert {finding.severity for finding in report.findings if finding.check != "empty"} <= {"warning"}


@pytest.mark.parametrize("reference", [np.empty((0, 3)), np.empty((3, 0)), frame()[:0], frame()[[]]])
def test_an_empty_reference_is_refused(reference):
    with pytest.raises(ValueError, match=r"0 (sample|feature)\(s\)|reference is empty"):
        BatchValidator().fit(reference)


def test_lazy_frames_are_refused(validator):
    for call in (validator.validate, BatchValidator().fit):
        with pytest.raises(ValueError, match=r"lazy LazyFrame; collect\(\)"):
            call(pl.from_pandas(frame()).lazy())


def test_column_names_that_repeat_are_refused(validator):
    twice = pd.concat([frame()[["age"]], frame()[["age"]]], axis=1)
    for call in (validator.validate, BatchValidator().fit):
        with pytest.raises(ValueError, match="distinct"):
            call(twice)


def test_references_with_cells_that_cannot_be_read_are_refused():
    bad = frame().astype({"note": object})
    bad.at[3, "note"] = ["a", "list"]
    with pytest.raises(TypeError, match="A cell holds list"):
        BatchValidator().fit(bad)
    with pytest.raises(TypeError, match="Column 'x7' of the reference, row 3"):
        BatchValidator().fit(bad.to_numpy())


def test_object_columns_of_mixed_types():
    mixed = pd.DataFrame({"a": np.array([1, "b", None, 2.5] * 10, dtype=object), "b": np.arange(40.0)})
    validator = BatchValidator().fit(mixed)
    batch = pd.DataFrame({"a": np.array([1.0, "c", {"d": 1}, None], dtype=object), "b": np.arange(4) + 0.5})
    assert found(validator.validate(batch)) == {
        ("category", "a", "error"): (1,),
        ("type", "a", "error"): (2,),
        ("fraction", "b", "warning"): (0, 1, 2, 3),
    }
    array = BatchValidator().fit(mixed.to_numpy())
    assert [column.kind for column in array.reference_.columns] == ["object", "number"]
    assert ("type", "x0", "error") in found(array.validate(batch.to_numpy()))
    restored = BatchValidator.from_json(validator.to_json())
    assert restored.validate(batch) == validator.validate(batch)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, 2, 2, 3], "not unique, first in row 1: 2"),
        ([1, 2, None, 3], "missing, first in row 2"),
        ([1, 2, np.nan, 3], "missing, first in row 2"),
        ([1, 2, {}, 3], "neither numbers, texts"),
        ([1, 2], r"one entry per row, 4, got shape \(2,\)"),
        (np.eye(4), "one entry per row"),
    ],
)
def test_ids_of_the_reference_name_its_rows(ids, message):
    with pytest.raises(ValueError, match=message):
        BatchValidator().fit(np.eye(4), ids=ids)


def test_calls_that_make_no_sense(validator):
    with pytest.raises(NotFittedError):
        BatchValidator().validate(np.eye(2))
    with pytest.raises(ValueError, match="no labels to compare y with"):
        BatchValidator().fit(np.eye(3)).validate(np.eye(3), [0, 1, 0])
    with pytest.raises(ValueError, match="y must have one entry per row"):
        validator.validate(frame(5, 1), ["yes"])
    with pytest.raises(ValueError, match="ids must have one entry per row"):
        validator.validate(frame(5, 1), ids=[1])
    with pytest.raises(ValueError, match="one entry per row"):
        BatchValidator().fit(np.eye(3), [0, 1])
    with pytest.raises(ValueError, match="must all be whole numbers"):
        BatchValidator().fit(np.eye(3), [0, "a", 1])
    with pytest.raises(ValueError, match="'level' parameter"):
        BatchValidator(level=0).fit(np.eye(3))
    with pytest.raises(ValueError, match="Expected 2D array"):
        validator.validate(np.arange(3.0))


def test_the_batch_is_not_changed(validator):
    batch = frame(50, 1)
    before = batch.copy()
    validator.validate(batch, labels(50, 1))
    pd.testing.assert_frame_equal(batch, before)
    X = sp.csr_array((np.ones(3), np.array([1, 0, 0]), np.array([0, 3])), shape=(1, 2))
    BatchValidator().fit(X).validate(X)
    assert X.nnz == 3


def test_tables_do_not_depend_on_the_index():
    assert Table(frame().set_index(pd.Index([0] * N)), "X").numbers(0).values.tolist() == frame()["age"].tolist()
