"""The command line: what it prints and writes, and what it says when it cannot."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, make_regression

import robustfit
from robustfit.certify import Certificate, IntervalCertificate

typer_testing = pytest.importorskip("typer.testing")

from robustfit.cli import _demo_run, _demo_scenarios  # noqa: E402
from robustfit.cli._app import app  # noqa: E402
from robustfit.cli._evaluate_run import default_partitions  # noqa: E402
from robustfit.cli._learners import ESTIMATORS  # noqa: E402
from robustfit.cli._task import split_rows  # noqa: E402


def run(*args):
    return typer_testing.CliRunner().invoke(app, [str(arg) for arg in args])


def refused(result, code=2):
    """The message of a command that ended as it should when something is wrong."""
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def python(*args):
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, timeout=120)


# --- main ---------------------------------------------------------------------------------------------


def test_version():
    result = run("--version")
    assert (result.exit_code, result.output) == (0, f"robustfit {robustfit.__version__}\n")


def test_module_runs():
    done = python("-m", "robustfit.cli", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"robustfit {robustfit.__version__}\n", "")


@pytest.mark.parametrize("command", [[], ["demo"], ["evaluate"]])
def test_help_lists_exit_codes(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    for line in ("0  all went well", "1  an optional", "2  a file", "3  a certified prediction moved"):
        assert line in result.output


def test_without_typer_and_rich_one_line_says_what_to_install():
    halted = "import sys; sys.modules.update(dict.fromkeys(['typer', 'rich', 'pandas', 'matplotlib', 'pyarrow']))"
    done = python("-c", f"{halted}; import robustfit; from robustfit.cli import main; main()")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert 'pip install "robustfit[cli]"' in done.stderr


def test_a_bug_at_import_is_not_taken_for_a_missing_dependency(monkeypatch):
    monkeypatch.setitem(sys.modules, "robustfit.cli._app", None)
    with pytest.raises(ModuleNotFoundError):
        robustfit.cli.main()


# --- demo ---------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """The demo on fewer members, budgets and data sets."""
    cancer, _, diabetes = _demo_scenarios.SCENARIOS
    scenarios = (
        dataclasses.replace(
            cancer, n_partitions=9, campaigns=_demo_scenarios.classification_campaigns((3, 60), (4,), (3,))
        ),
        dataclasses.replace(diabetes, n_partitions=9, campaigns=_demo_scenarios.regression_campaigns((2,), (3,), (4,))),
    )
    monkeypatch.setattr(_demo_scenarios, "SCENARIOS", scenarios)


def outcomes(record):
    return [o for data in record["data_sets"] for attack in data["attacks"] for o in attack["outcomes"]]


def check_demo(record):
    assert record["certified_predictions_moved"] == 0
    for data in record["data_sets"]:
        for attack in data["attacks"]:
            assert attack["certificate"]["unit"]
            assert attack["certificate"]["n_members"] == data["n_partitions"]
            # Shards of the demo are small: the certificate says what could make the fit refuse.
            assert all("one row in twenty" in condition for condition in attack["certificate"]["conditional_on"])
    for outcome in outcomes(record):
        assert outcome["cost"] == outcome["budget"]
        assert outcome["n_moved"] == 0
        assert outcome["certified"] <= outcome["partitioned"]["accuracy"] + 1e-12


def test_demo(small, tmp_path):
    result = run("demo", "--output", tmp_path / "new" / "dir")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines()[:-2])) <= 80
    for text in ("breast_cancer", "diabetes", "labels flipped", "0 of ", "How to read this", "The price"):
        assert text in result.output
    record = json.loads((tmp_path / "new" / "dir" / "demo.json").read_text())
    check_demo(record)
    assert len(outcomes(record)) == 9
    assert any(outcome["n_certified"] for outcome in outcomes(record))
    assert [data["clean"]["plain"]["r2"] is None for data in record["data_sets"]] == [True, False]
    picture = (tmp_path / "new" / "dir" / "demo.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000
    assert sorted(path.name for path in (tmp_path / "new" / "dir").iterdir()) == ["demo.json", "demo.png"]


def test_demo_without_matplotlib(small, tmp_path, monkeypatch):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    result = run("demo", "--output", tmp_path, "--seed", 3)
    assert result.exit_code == 0, result.output
    assert 'pip install "robustfit[plot]"' in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]
    assert json.loads((tmp_path / "demo.json").read_text())["seed"] == 3


def test_demo_shouts_when_a_certified_prediction_moves(small, tmp_path, monkeypatch):
    def broken(certificate, predicted, cost):
        return np.ones(len(predicted), dtype=bool), np.arange(len(predicted)) == 0

    monkeypatch.setattr(_demo_run, "compare", broken)
    message = refused(run("demo", "--output", tmp_path), 3)
    assert "9 CERTIFIED PREDICTIONS MOVED" in message
    assert json.loads((tmp_path / "demo.json").read_text())["certified_predictions_moved"] == 9


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_demo_refuses_a_file_as_directory(tmp_path, name):
    (tmp_path / "file").touch()
    assert "no directory can be made" in refused(run("demo", "--output", tmp_path / name))


def test_demo_refuses_a_negative_seed(tmp_path):
    assert "--seed" in refused(run("demo", "--output", tmp_path, "--seed", -1))


def test_compare_counts_only_what_was_certified():
    votes = np.array([[0] * 5, [0, 0, 0, 0, 1], [0, 0, 0, 1, 1]])
    certificate = Certificate.from_votes(votes, [0, 1], unseen_class=False)
    assert certificate.radius.tolist() == [2, 1, 0]
    certified, moved = _demo_run.compare(certificate, np.array([1, 0, 1]), 1)
    assert certified.tolist() == [True, True, False]
    assert moved.tolist() == [True, False, False]


def test_compare_of_intervals():
    certificate = IntervalCertificate.from_predictions([[1.0, 2.0, 3.0, 4.0, 9.0]] * 4)
    predicted = np.array([2.0, 4.0, 4.5, np.nan])
    certified, moved = _demo_run.compare(certificate, predicted, 1)
    assert certified.all()
    assert moved.tolist() == [False, False, True, True]
    certified, moved = _demo_run.compare(certificate, predicted, 3)
    assert not certified.any()
    assert not moved.any()


@pytest.mark.slow
def test_full_demo(tmp_path):
    result = run("demo", "--output", tmp_path)
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "demo.json").read_text())
    check_demo(record)
    assert [data["name"] for data in record["data_sets"]] == ["breast_cancer", "digits", "diabetes"]
    assert len(outcomes(record)) == 60


# --- evaluate: what it does ---------------------------------------------------------------------------


def mixed_frame(n=240):
    """Columns of every kind with holes, one text that few rows have, and a target that they explain."""
    rng = np.random.default_rng(0)
    size, color = rng.normal(size=n), rng.choice(["red", "green", "blue"], n).astype(object)
    frame = pd.DataFrame(
        {
            "size": size,
            "count": pd.array(rng.integers(0, 9, n), dtype="Int64"),
            "color": color,
            "fresh": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "empty": np.full(n, np.nan),
            "shop": rng.choice(list("abcdefghijklmnopqrst"), n),
            "kind": np.where(size + (color == "red") + 0.3 * rng.normal(size=n) > 0.3, "good", "bad"),
        }
    )
    for column, step in (("size", 7), ("count", 11), ("color", 5), ("fresh", 13)):
        frame.loc[::step, column] = None
    frame.loc[[1, 2, 3], "color"] = ["mauve", "puce", "[red]"]
    return frame


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    mixed_frame().to_csv(folder / "mixed.csv", index=False)
    mixed_frame().to_parquet(folder / "mixed.parquet")
    X, y = make_regression(120, 3, noise=5, random_state=0)
    pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y).to_csv(folder / "numbers.csv", index=False)
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X.assign(benign=y).to_parquet(folder / "cancer.pq")
    return folder


def evaluated(path, *args, out):
    result = run("evaluate", path, *args, "--json", out)
    assert result.exit_code == 0, result.output
    return json.loads(out.read_text()), result.output


def test_evaluate_classification(tables, tmp_path):
    record, output = evaluated(tables / "cancer.pq", "--target", "benign", out=tmp_path / "out.json")
    assert (record["task"], record["estimator"], record["n_partitions"]) == ("classification", "logistic", 21)
    assert (record["n_train"], record["n_test"], record["split"]) == (426, 143, "the same share of every class")
    assert record["partitioned"]["accuracy"] > 0.9 > record["constant_guess"]
    shares = [point["share"] for point in record["certified_accuracy"]]
    assert [point["budget"] for point in record["certified_accuracy"]] == [0, 1, 2, 5, 10, 20]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == record["partitioned"]["accuracy"]
    assert shares[-1] == 0
    assert record["certificate"]["threat"] == "insert_delete"
    assert "the schema that was read off the fitted frame" in record["certificate"]["conditional_on"]
    for text in (
        "one row inserted or deleted",
        f"Median radius: {record['median_radius']}",
        "0 have an empty shard",
        "  - the schema that was read off the fitted frame",
        "n_partitions=21, which was chosen by",
        f"{record['plain']['accuracy']:.3f}",
    ):
        assert text in output


def test_evaluate_regression(tables, tmp_path):
    args = ("--target", "y", "--n-partitions", 9, "--task", "regression", "--budget", 3, "--budget", 1)
    record, output = evaluated(tables / "numbers.csv", *args, out=tmp_path / "out.json")
    assert (record["task"], record["estimator"], record["n_partitions"]) == ("regression", "ridge", 9)
    assert [point["budget"] for point in record["certified_accuracy"]] == [1, 3]
    assert record["plain"]["r2"] > 0.9
    assert record["certificate"]["conditional_on"] == [
        "the schema that was read off the fitted frame",
        "the split into rows to train and to test on",
    ]
    assert "median absolute deviation" in output
    assert "R²" in output
    strict, _ = evaluated(tables / "numbers.csv", *args, "--tol", 0.001, out=tmp_path / "strict.json")
    assert (strict["tol"], strict["tol_from"], strict["median_radius"]) == (0.001, "given", -1)


def test_csv_and_parquet_give_the_same(tables, tmp_path):
    records = []
    for name in ("mixed.csv", "mixed.parquet"):
        record, output = evaluated(tables / name, "--target", "kind", "--n-partitions", 5, out=tmp_path / "out.json")
        del record["file"]
        records.append((record, output.replace(name, "")))
    assert records[0] == records[1]
    record = records[0][0]
    assert record["columns"] == {"numbers": ["size", "count", "fresh", "empty"], "texts": ["color", "shop"]}
    assert record["plain"]["accuracy"] > record["constant_guess"]
    assert (record["empty_shards"], record["members_not_fitted"], record["mean_voting_members"]) == (0, 0, 5)


def test_texts_of_test_rows_may_be_new(tables, tmp_path):
    # With seed 0 at least one of the three texts that occur once is held back.
    frame = mixed_frame()
    split = split_rows(frame["kind"].to_numpy(dtype=object), None, task="classification", test_size=0.25, seed=0)
    assert set(split.test) & {1, 2, 3}
    record, _ = evaluated(tables / "mixed.csv", "--target", "kind", "--n-partitions", 5, out=tmp_path / "out.json")
    assert record["mean_voting_members"] == 5


def test_groups_are_never_on_both_sides(tables, tmp_path):
    groups = mixed_frame()["shop"].to_numpy(dtype=object)
    target = mixed_frame()["kind"].to_numpy(dtype=object)
    split = split_rows(target, groups, task="classification", test_size=0.25, seed=0)
    assert not set(groups[split.train]) & set(groups[split.test])
    assert len(split.train) + len(split.test) == len(groups)
    record, output = evaluated(tables / "mixed.csv", "--target", "kind", "--groups", "shop", out=tmp_path / "out.json")
    assert (record["certificate"]["threat"], record["certificate"]["partition_by"]) == ("group", "groups")
    assert "shop" not in record["columns"]["texts"]
    assert record["split"] == "no group on both sides"
    assert "everything that one group sent" in output
    assert record["n_partitions"] <= 15


@pytest.mark.parametrize("threat", ["modify", "label_flip", "delete", "insert_delete"])
def test_threats(tables, tmp_path, threat):
    args = ("--target", "y", "--threat", threat)
    record, _ = evaluated(tables / "numbers.csv", *args, out=tmp_path / "out.json")
    assert record["certificate"]["threat"] == threat


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize(("file", "target"), [("mixed.csv", "kind"), ("numbers.csv", "y")])
def test_every_estimator(tables, file, target, name):
    result = run("evaluate", tables / file, "--target", target, "--estimator", name, "--n-partitions", 3)
    if file == "numbers.csv" and name in ("logistic", "naive-bayes"):
        assert "These do: ridge, tree, forest, boosting, knn, svm." in refused(result)
    else:
        assert result.exit_code == 0, result.output
        assert "0 could not be fitted" in result.output


def test_dates_as_features_and_groups(tmp_path):
    days = pd.date_range("2024-01-01", periods=60, tz="UTC").repeat(2)
    frame = pd.DataFrame({"day": days, "when": days + pd.Timedelta(hours=5), "y": np.arange(120) // 2 + 0.5})
    frame.loc[4, "when"] = pd.NaT
    frame.to_parquet(tmp_path / "days.parquet")
    args = ("--target", "y", "--groups", "day", "--n-partitions", 5)
    record, _ = evaluated(tmp_path / "days.parquet", *args, out=tmp_path / "out.json")
    assert record["columns"] == {"numbers": ["when"], "texts": []}
    assert record["plain"]["accuracy"] > 0.9


def test_notes_instead_of_warnings(tmp_path):
    frame = pd.DataFrame({"x": np.arange(60.0), "name": [f"n{i}" for i in range(60)], "y": np.arange(60) % 3 > 0})
    frame.loc[0, "x"] = np.inf
    frame["y"] = frame["y"].astype(object)
    frame.loc[[1, 2], "y"] = None
    frame.to_csv(tmp_path / "small.csv")
    record, output = evaluated(tmp_path / "small.csv", "--target", "y", "--n-partitions", 50, out=tmp_path / "out.json")
    assert record["columns"] == {"numbers": ["x"], "texts": ["name"]}
    assert record["empty_shards"] > 0
    for text in (
        "2 of 60 rows have no 'y'",
        "taken for row numbers",
        "'name' has 58 different texts",
        "n_partitions=50 leaves",
        "no better than a constant guess",
    ):
        assert text in output
        assert any(text in note for note in record["notes"])
    assert "Warning:" not in output


def test_members_that_cannot_be_fitted_are_counted(tables, monkeypatch, tmp_path):
    from robustfit.cli import _learners

    class Picky(_learners.RidgeClassifier):
        def fit(self, X, y):
            if len(y) < 8:
                raise ValueError("too few\nrows")
            return super().fit(X, y)

    monkeypatch.setitem(_learners._LEARNERS, "ridge", _learners._Learner(Picky, None))
    args = ("--target", "kind", "--estimator", "ridge", "--n-partitions", 21)
    record, output = evaluated(tables / "mixed.csv", *args, out=tmp_path / "out.json")
    assert 0 < record["members_not_fitted"] < 21
    assert f"{record['members_not_fitted']} of 21 members could not be fitted and abstain" in output
    assert record["mean_voting_members"] < 21


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((426, 2, None), 21),
        ((100_000, 2, None), 199),
        ((331, None, None), 33),
        ((200, 10, None), 3),
        ((5000, 2, 30), 29),
        ((5000, 2, 2), 3),
    ],
)
def test_default_partitions(args, expected):
    assert default_partitions(*args) == expected


# --- evaluate: what it refuses ------------------------------------------------------------------------

GOOD = "a,b,y\n" + "".join(f"{i},{i % 3},{'ny'[i % 2]}\n" for i in range(40))


def bad_csv(tmp_path, content, *args, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return refused(run("evaluate", path, *args))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--target", "Y "], "There is no column 'Y '. Did you mean 'y'? There is: a, b, y."),
        (["--target", "y", "--groups", "bb"], "Did you mean 'b'?"),
        (["--target", "y", "--groups", "y"], "the same column"),
        (["--target", "y", "--estimator", "logistics"], "Did you mean 'logistic'? There is: auto, logistic, ridge"),
        (["--target", "y", "--task", "regress"], "Did you mean 'regression'?"),
        (["--target", "y", "--task", "regression"], "holds texts such as 'n'"),
        (["--target", "y", "--tol", "1"], "a class is right or wrong"),
        (["--target", "a", "--tol", "-1"], "0 or more"),
        (["--target", "y", "--threat", "insert"], "There is no threat 'insert'. Did you mean 'insert_delete'?"),
        (["--target", "y", "--threat", "group"], "needs --groups COL"),
        (["--target", "y", "--budget", "0.05"], "multiply it by their number"),
        (["--target", "y", "--budget=-1"], "0 or more, got '-1'"),
        (["--target", "y", "--budget", "9" * 30], "a whole number of units"),
        (["--target", "y", "--seed", 2**32], "--seed"),
        (["--target", "y", "--test-size", "1"], "between 0 and 1"),
        (["--target", "y", "--test-size", "nan"], "between 0 and 1"),
        (["--target", "y", "--n-jobs", "0"], "-1 for all cores"),
        (["--target", "y", "--n-partitions", "0"], "--n-partitions"),
        (["--target", "y", "--seed", "-1"], "--seed"),
        (["--target", "a", "--task", "classification"], "40 different values in 40 rows"),
        (["--target", "y", "--groups", "b", "--test-size", "0.01", "--json", "no/dir.json"], "no does not exist"),
        ([], "--target"),
    ],
)
def test_wrong_options(tmp_path, args, message):
    assert message in bad_csv(tmp_path, GOOD, *args)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "No columns"),
        ("a,b,y\n", "no rows"),
        (GOOD + "7,8", "line 42 has 2 fields, the first line names 3 columns"),
        (GOOD + "7,8,y,9\n", "line 42 has 4 fields"),
        (GOOD + '7,8,"y', "damaged"),
        (GOOD.replace(",", ";"), "separated by ';'"),
        (GOOD.replace("a,b", "b,b"), "several 'b'"),
        (GOOD.encode() + bytes(9), "damaged"),
        (GOOD.encode("utf-16"), "UTF-8"),
        (b"a,b,y\n1,2,\xff\n", "UTF-8"),
        ("y\n" + "n\ny\n" * 20, "no column is left to learn from"),
        ("a,y\n" + "1,n\n" * 20, "is 'n' in every row"),
        ("a,y\n" + "1,\n2,\n", "no value in any row"),
        ("a,y\n1,n\n2,y\n", "2 different values in 2 rows"),
    ],
)
def test_wrong_files(tmp_path, content, message):
    assert message in bad_csv(tmp_path, content, "--target", "y")


def test_other_wrong_files(tables, tmp_path):
    whole = (tables / "mixed.parquet").read_bytes()
    for content in (whole[: len(whole) // 2], b"PAR1", GOOD.encode()):
        assert "cannot be read as Parquet" in bad_csv(tmp_path, content, "--target", "kind", name="t.parquet")
    assert "files end in .csv, .parquet, .pq" in bad_csv(tmp_path, GOOD, "--target", "y", name="t.xlsx")
    assert "no such file" in refused(run("evaluate", tmp_path / "none.csv", "--target", "y"))
    (tmp_path / "dir.csv").mkdir()
    assert "is a directory" in refused(run("evaluate", tmp_path / "dir.csv", "--target", "y"))


@pytest.mark.parametrize(
    ("frame", "args", "message"),
    [
        ({"x": [1, 2] * 20, "y": np.linspace(0, 1, 40)}, ["--task", "classification"], "fractions such as"),
        ({"x": [[1], [2]] * 20, "y": [0, 1] * 20}, [], "'x' holds values of type"),
        ({"x": [1.0, 2.0] * 20, "y": [[0], [1]] * 20}, [], "'y' holds values of type"),
        ({"x": [1.0, 2.0] * 20, "y": [0.5] * 30 + [1.5] * 10}, [], "Say with --tol"),
        ({"x": [1.0, 2.0] * 20, "y": [0, 1] * 20, "g": ["a"] * 40}, ["--groups", "g"], "cannot be split"),
        ({"x": [1.0, 2.0] * 20, "y": [0, 1] * 20, "g": ["a", "b"] * 20}, ["--groups", "g"], "same target"),
        ({"x": [1.0, 2.0] * 20, "y": [0, 1] * 20, "g": ["a", None] * 20}, ["--groups", "g"], "20 rows"),
        ({"x": [1.0, 2.0], "y": [0.5, 1.5]}, [], "same target"),
    ],
)
def test_wrong_columns(tmp_path, frame, args, message):
    pd.DataFrame(frame).to_parquet(tmp_path / "t.parquet")
    assert message in refused(run("evaluate", tmp_path / "t.parquet", "--target", "y", *args))


def test_learner_that_refuses_the_rows(tmp_path):
    content = "a,y\n" + "".join(f"{i},{'ny'[i % 2]}\n" for i in range(5))
    assert "The plain learner cannot be used with these rows" in bad_csv(
        tmp_path, content, "--target", "y", "--estimator", "knn", "--test-size", "0.4"
    )


@pytest.mark.parametrize(
    ("module", "file", "extra"), [("pandas", "mixed.csv", "cli"), ("pyarrow", "mixed.parquet", "parquet")]
)
def test_missing_dependencies(tables, monkeypatch, module, file, extra):
    monkeypatch.setitem(sys.modules, module, None)
    message = refused(run("evaluate", tables / file, "--target", "kind"), 1)
    assert f'pip install "robustfit[{extra}]"' in message


# --- files --------------------------------------------------------------------------------------------


def test_json_is_whole_or_as_it_was(tables, tmp_path, monkeypatch):
    out = tmp_path / "out.json"
    out.write_text("old")
    args = ("evaluate", tables / "numbers.csv", "--json", out, "--n-partitions", 3, "--target")
    refused(run(*args, "nothing"))

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        assert "could not be written: No space left" in refused(run(*args, "y"))
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    assert run(*args, "y").exit_code == 0
    assert json.loads(out.read_text())["target"] == "y"


def test_json_never_replaces_the_table(tmp_path):
    assert "overwrite the table" in bad_csv(tmp_path, GOOD, "--target", "y", "--json", tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == GOOD
    assert "this is a directory" in bad_csv(tmp_path, GOOD, "--target", "y", "--json", tmp_path)
