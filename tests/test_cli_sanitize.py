"""``robustfit sanitize``: what it finds, prints and writes, and what it says when it cannot."""

import json
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

pytest.importorskip("typer.testing")

from test_cli_attack import mixed_frame, number_frame, read, refused, run

import robustfit.sanitize
from robustfit.cli._sanitizers import check_sanitizer, make_sanitizer, sanitizer_names

SAID = ["robustfit_row", "robustfit_score", "robustfit_threshold", "robustfit_reason", "robustfit_suggested"]


def flipped_frame(n=200, n_bad=8):
    """Numbers that a plane tells apart, of which the first ones have the wrong label."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)).round(3)
    y = X[:, 0] + X[:, 1] > 0
    X[:n_bad, :2] = np.where(y[:n_bad, None], 2.0, -2.0)
    label = np.where(y, "yes", "no").astype(object)
    label[:n_bad] = np.where(y[:n_bad], "no", "yes")
    return pd.DataFrame(X, columns=["a", "b", "c"]).assign(label=label)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    flipped_frame().to_csv(folder / "flipped.csv", index=False)
    flipped_frame().to_parquet(folder / "flipped.parquet")
    mixed_frame(90).to_csv(folder / "mixed.csv", index=False)
    mixed_frame(90).astype({"kind": "category", "color": "category"}).to_parquet(folder / "categories.pq")
    number_frame().drop(columns="label").to_csv(folder / "targets.csv", index=False)
    return folder


def sanitized(path, *args, out):
    """The cleaned copy, the suspicious rows, the record, and what was printed."""
    dropped, record = out.with_name(f"dropped{out.suffix}"), out.with_suffix(".json")
    result = run("sanitize", path, *args, "--output", out, "--dropped", dropped, "--json", record)
    assert result.exit_code == 0, result.output
    return read(out), read(dropped), json.loads(record.read_text()), result.output


@pytest.mark.parametrize("name", ["flipped.csv", "flipped.parquet"])
def test_flips_are_found_and_left_out(tables, tmp_path, name):
    clean = read(tables / name)
    copy, dropped, record, output = sanitized(tables / name, "--target", "label", out=tmp_path / name)
    assert set(range(8)) <= set(dropped["robustfit_row"])
    assert len(dropped) <= 10
    kept = clean.drop(index=dropped["robustfit_row"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(copy, kept)
    assert dropped.columns.tolist() == [*clean.columns, *SAID]
    left = clean.iloc[dropped["robustfit_row"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(dropped[clean.columns], left)
    # The most suspicious ones first.
    assert (np.diff(dropped["robustfit_score"]) <= 0).all()
    assert (dropped["robustfit_score"] >= dropped["robustfit_threshold"]).all()
    assert all("cluster_out" in reason for reason in dropped["robustfit_reason"][dropped["robustfit_row"] < 8])
    wrong = dropped["robustfit_row"] < 8
    assert (dropped["robustfit_suggested"] != dropped["label"])[wrong].all()
    assert (record["rows"], record["suspicious"]) == (200, len(dropped))
    assert [row["row"] for row in record["suspicious_rows"]] == dropped["robustfit_row"].tolist()
    assert sum(one["rows"] for one in record["classes"]) == 200
    assert sum(one["suspicious"] for one in record["classes"]) == len(dropped)
    assert record["estimator"] == "logistic"
    moved = record["predictions_moved"]["rows"]
    for text in (
        "FallbackSanitizer on 'label' (classification), seed 0",
        "What it does: Ask a sanitizer, and another one instead",
        f"200 rows, of which {len(dropped)} (",
        f"logistic fitted without them predicts {moved} of 200 rows otherwise.",
        "A filter is no guarantee",
        f"Written: {tmp_path / name}, ",
    ):
        assert text in output


@pytest.mark.parametrize("name", ["mixed.csv", "categories.pq"])
def test_columns_of_every_kind(tables, tmp_path, name):
    clean = read(tables / name)
    args = ("--target", "kind", "--groups", "who", "--sanitizer", "loss", "--contamination", 0.1)
    copy, dropped, record, output = sanitized(tables / name, *args, out=tmp_path / name)
    assert len(dropped) == 9
    pd.testing.assert_frame_equal(copy, clean.drop(index=dropped["robustfit_row"]).reset_index(drop=True))
    if name.endswith("pq"):
        assert dropped[clean.columns].dtypes.tolist() == clean.dtypes.tolist()
    assert "LossSanitizer does not look at sources: 'who' is only left out." in record["notes"]
    assert "Note: LossSanitizer does not" in output


def test_a_source_that_sends_poison(tmp_path):
    frame = flipped_frame(n=300, n_bad=0)
    who = np.array(["ann", "bob", "cem"])[np.arange(300) % 3]
    label = frame["label"].where(who != "cem", np.where(frame["label"] == "yes", "no", "yes"))
    frame.assign(label=label, who=who).to_csv(tmp_path / "sent.csv", index=False)
    args = ("--target", "label", "--groups", "who", "--contamination", 0.4, "--sanitizer", "group")
    copy, _, record, output = sanitized(tmp_path / "sent.csv", *args, out=tmp_path / "out.csv")
    assert set(copy["who"]) == {"ann", "bob"}
    assert [one["suspicious"] for one in record["sources"]] == [0, 0, 100]
    assert {row["source"] for row in record["suspicious_rows"]} == {"cem"}
    lines = [line.split() for line in output.splitlines()]
    assert ["cem", "100", "100", "1.000"] in lines
    assert record["notes"] == []


def test_prose(tmp_path):
    rng = np.random.default_rng(0)
    spam = rng.random(120) < 0.5
    words = [["offer", "win", "cash"], ["lunch", "report", "team"]]
    text = [" ".join([*rng.choice(words[0 if s else 1], 4), f"n{i}"]) for i, s in enumerate(spam)]
    frame = pd.DataFrame({"text": text, "spam": spam})
    frame.loc[:3, "spam"] = ~frame.loc[:3, "spam"]
    frame.loc[60, "text"] = None
    frame.to_csv(tmp_path / "mails.csv", index=False)
    _, dropped, record, _ = sanitized(tmp_path / "mails.csv", "--target", "spam", out=tmp_path / "out.csv")
    assert {0, 1, 2, 3} <= set(dropped["robustfit_row"])
    assert record["classes"][0]["label"] is False


def test_numbers_to_predict(tables, tmp_path):
    frame = read(tables / "targets.csv")
    frame.loc[:2, "price"] = [400, -300, 500]
    frame.to_csv(tmp_path / "prices.csv", index=False)
    copy, dropped, record, output = sanitized(tmp_path / "prices.csv", "--target", "price", out=tmp_path / "out.csv")
    assert record["task"] == "regression"
    assert sorted(dropped["robustfit_row"])[:3] == [0, 1, 2]
    assert dropped["robustfit_row"].tolist()[:3] == [2, 0, 1] or set(dropped["robustfit_row"][:3]) == {0, 1, 2}
    assert record["classes"] is None
    assert record["estimator"] == "ridge"
    assert copy["price"].dtype == np.int64
    assert "ridge fitted without them moves its predictions by" in output
    # Sanitizers of classes are given bins.
    args = ("--target", "price", "--sanitizer", "sphere")
    *_, record, _ = sanitized(tmp_path / "prices.csv", *args, out=tmp_path / "out.csv")
    assert (
        "SphereSanitizer compares rows of a class: 5 bins of equal counts of the target are taken." in record["notes"]
    )


def test_rows_are_numbered_as_in_the_file(tables, tmp_path):
    frame = flipped_frame()
    frame.loc[[20, 30], "label"] = None
    frame = frame.iloc[::-1].reset_index(drop=True)
    frame.to_csv(tmp_path / "holes.csv")
    copy, dropped, _, output = sanitized(tmp_path / "holes.csv", "--target", "label", out=tmp_path / "out.csv")
    assert set(range(192, 200)) <= set(dropped["robustfit_row"])
    assert len(copy) + len(dropped) == 198
    np.testing.assert_array_equal(dropped["a"], frame["a"][dropped["robustfit_row"]])
    for text in ("2 of 200 rows have no 'label'", "taken for row numbers", "counted from 0"):
        assert text in output


def test_every_sanitizer_can_be_named(tables):
    names = run("sanitize", "--list").output.split()
    assert names == sanitizer_names()
    assert {"auto", "sphere", "leave-cluster-out", "label-agreement"} < set(names)
    assert [check_sanitizer(name) for name in (*names, "SphereSanitizer")] == [*names, "sphere"]
    assert not {"sanitizer-chain", "consensus"} & set(names)
    for name in set(names) - {"auto", "cleanlab"}:
        result = run("sanitize", tables / "flipped.csv", "--target", "label", "--sanitizer", name)
        if result.exit_code:
            # Nobody has said who sent the rows.
            assert "groups" in refused(result), name


def test_a_sanitizer_is_given_its_settings(tables, tmp_path):
    args = ("--target", "label", "--sanitizer", "SphereSanitizer", "--contamination", 0.2, "--out")
    assert run("sanitize", tables / "flipped.csv", *args, tmp_path / "out.csv").exit_code == 0
    assert len(read(tmp_path / "out.csv")) == 160
    args = ("--target", "label", "--sanitizer", "loss", "--estimator", "naive-bayes")
    _, _, record, output = sanitized(tables / "flipped.csv", *args, out=tmp_path / "out.csv")
    assert record["estimator"] == "naive-bayes"
    assert "naive-bayes fitted without them" in output
    assert record["suspicious"] == 10


def test_the_default_is_that_of_the_library_and_asks_its_own_models():
    made, notes = make_sanitizer("auto", "classification", contamination=None, estimator="auto", seed=0)
    assert repr(made) == repr(robustfit.sanitize.SanitizedClassifier()._default_sanitizer(KNeighborsClassifier()))
    assert notes == []
    same, notes = make_sanitizer("auto", "classification", contamination=None, estimator="naive-bayes", seed=0)
    assert repr(same) == repr(made)
    assert "models of its own, not naive-bayes" in notes[0]


def test_nothing_suspicious(tables, tmp_path):
    args = ("--target", "label", "--contamination", 0)
    copy, dropped, record, output = sanitized(tables / "flipped.csv", *args, out=tmp_path / "out.csv")
    assert len(copy) == 200
    assert dropped.columns.tolist() == [*copy.columns, *SAID]
    assert len(dropped) == record["suspicious"] == 0
    assert "of which 0 (0.000) look suspicious." in output
    assert "counted from 0" not in output


def test_many_labels_are_not_all_printed(tmp_path):
    rng = np.random.default_rng(0)
    label = [f"[kind {i % 25}]" for i in range(250)]
    frame = pd.DataFrame(rng.normal(size=(250, 2)), columns=["a", "b"]).assign(label=label)
    frame.to_csv(tmp_path / "many.csv", index=False)
    _, _, record, output = sanitized(tmp_path / "many.csv", "--target", "label", out=tmp_path / "out.csv")
    assert len(record["classes"]) == 25
    assert "… and 5 more." in output
    assert "[kind " in output


def test_results_are_repeatable_and_whole(tables, tmp_path):
    args = ("sanitize", tables / "mixed.csv", "--target", "kind", "--seed", 3)
    for name in "ab":
        done = run(*args, "--out", tmp_path / f"{name}.csv", "--json", tmp_path / f"{name}.json")
        assert done.exit_code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json", "b.csv", "b.json"]


def test_nothing_is_written_without_being_asked_to(tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Written" not in run("sanitize", tables / "flipped.csv", "--target", "label").output
    assert not list(tmp_path.iterdir())


def test_warnings_become_notes(tables, monkeypatch):
    fit = robustfit.sanitize.SphereSanitizer.fit

    def loud(self, X, y=None):
        warnings.warn("these rows are odd\nindeed", UserWarning, stacklevel=1)
        return fit(self, X, y)

    monkeypatch.setattr(robustfit.sanitize.SphereSanitizer, "fit", loud)
    result = run("sanitize", tables / "flipped.csv", "--target", "label", "--sanitizer", "sphere")
    assert "Note: SphereSanitizer and the learner: these rows are odd" in result.output


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--sanitizer", "spere"], "There is no sanitizer 'spere'. Did you mean 'sphere'? There is: auto, "),
        (["--sanitizer", "consensus"], "There is no sanitizer 'consensus'."),
        (["--contamination", "0.5"], "--contamination is a share of the rows, at least 0 and below 0.5, got 0.5."),
        (["--contamination", "5"], "--contamination is a share of the rows, at least 0 and below 0.5, got 5."),
        (["--contamination", "nan"], "--contamination is a share of the rows"),
        (["--estimator", "logistics"], "There is no estimator 'logistics'. Did you mean 'logistic'?"),
        (["--task", "cluster"], "There is no task 'cluster'."),
        (["--task", "regression"], "holds texts such as 'no', and regression needs numbers"),
        (["--target", "lable"], "There is no column 'lable'. Did you mean 'label'?"),
        (["--groups", "label"], "--target and --groups are the same column 'label'"),
        (["--output", "out.xlsx"], "--output out.xlsx: files that can be written end in .csv, .parquet, .pq"),
        (["--dropped", "nowhere/out.csv"], "the directory nowhere does not exist"),
        (["--output", "a.csv", "--dropped", "a.csv"], "--output and --dropped must be different files."),
        (["--dropped", "a.csv", "--json", "./a.csv"], "--dropped and --json must be different files."),
    ],
)
def test_what_is_refused(tables, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    target = [] if "--target" in args else ["--target", "label"]
    assert message in refused(run("sanitize", tables / "flipped.csv", *target, *args))
    assert not list(tmp_path.iterdir())


def test_files_that_are_refused(tables, tmp_path):
    target = ("--target", "label")
    assert "there is no such file" in refused(run("sanitize", tmp_path / "no.csv", *target))
    clash = tmp_path / "clash.csv"
    flipped_frame().assign(robustfit_score=1).to_csv(clash, index=False)
    said = refused(run("sanitize", clash, *target, "--dropped", tmp_path / "out.csv"))
    assert "has a column 'robustfit_score' already. Rename it" in said
    assert "would overwrite the table itself" in refused(run("sanitize", clash, *target, "--out", clash))
    assert run("sanitize", clash, *target, "--out", tmp_path / "out.csv").exit_code == 0
    few = tmp_path / "few.csv"
    flipped_frame(4, 0).iloc[[0, 1]].assign(label=["no", "yes"]).to_csv(few, index=False)
    assert "too many for classes" in refused(run("sanitize", few, *target))
    args = ("--target", "price", "--estimator", "logistic")
    assert "logistic does not do regression" in refused(run("sanitize", tables / "targets.csv", *args))
    args = ("--target", "label", "--sanitizer", "duplicate", "--estimator", "tree")
    assert run("sanitize", tables / "flipped.csv", *args).exit_code == 0


def test_rows_that_a_sanitizer_refuses(tables, monkeypatch):
    def fussy(self, X, y=None):
        raise ValueError("no row is good enough\nfor me")

    monkeypatch.setattr(robustfit.sanitize.SphereSanitizer, "fit", fussy)
    said = refused(run("sanitize", tables / "flipped.csv", "--target", "label", "--sanitizer", "sphere"))
    assert "SphereSanitizer and the learner cannot be used with these rows: no row is good enough" in said


def test_dependencies_that_are_missing(tables, monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    result = run("sanitize", tables / "flipped.csv", "--target", "label", "--sanitizer", "cleanlab")
    assert "install it with: pip install" in refused(result, code=1)
