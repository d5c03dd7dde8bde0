"""``robustfit catalog`` and ``robustfit attack``: what they print and write, and what they say when they cannot."""

import json
import shlex
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import robustfit.attacks
from robustfit.attacks import catalog

typer_testing = pytest.importorskip("typer.testing")

from robustfit.cli._app import app  # noqa: E402
from robustfit.cli._attack_settings import attack_class, attack_names, shell_name  # noqa: E402

DOCS = Path(__file__).parents[1] / "docs"


def run(*args):
    return typer_testing.CliRunner().invoke(app, [str(arg) for arg in args])


def refused(result, code=2):
    """The message of a command that ended as it should when something is wrong."""
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


# --- catalog ------------------------------------------------------------------------------------------


def test_catalog_as_a_table():
    result = run("catalog")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines()[:-1])) <= 80
    for entry in catalog():
        assert entry.name in result.output


def test_catalog_of_one_kind():
    result = run("catalog", "--kind", "backdoor")
    assert "BackdoorAttack" in result.output
    assert "RandomFlipAttack" not in result.output


def test_catalog_as_markdown():
    assert run("catalog", "--format", "markdown").output == catalog().to_markdown()


def test_catalog_as_json():
    record = json.loads(run("catalog", "--format", "json", "--kind", "targeted").output)
    assert record["format"] == "robustfit.catalog"
    assert record["attacks"] == json.loads(json.dumps(catalog().of_kind("targeted").to_records()))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--kind", "target"], "There is no kind 'target'. Did you mean 'targeted'? There is: availability, targeted"),
        (["--format", "yaml"], "There is no format 'yaml'. There is: table, markdown, json."),
    ],
)
def test_catalog_refuses(args, message):
    assert message in refused(run("catalog", *args))


# --- attack: files ------------------------------------------------------------------------------------


def mixed_frame(n=60):
    """Columns of every kind with holes, a source, and a target that they explain."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=n).round(3)
    frame = pd.DataFrame(
        {
            "size": size,
            "count": pd.array(rng.integers(0, 9, n), dtype="Int64"),
            "kind": np.where(size + 0.3 * rng.normal(size=n) > 0, "good", "bad").astype(object),
            "color": rng.choice(["red", "green", "[blue]"], n).astype(object),
            "fresh": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "who": rng.choice(["ann", "bob", "cem"], n).astype(object),
        }
    )
    for column, step in (("size", 7), ("count", 11), ("color", 5), ("fresh", 13)):
        frame.loc[::step, column] = None
    return frame


def number_frame(n=60):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 3)).round(3)
    return pd.DataFrame(X, columns=["a", "b", "c"]).assign(
        label=(X[:, 0] + X[:, 1] > 0).astype(int), price=(10 * X[:, 0] + 50).round().astype(int)
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    mixed_frame().to_csv(folder / "mixed.csv", index=False)
    mixed_frame().to_parquet(folder / "mixed.parquet")
    mixed_frame().astype({"kind": "category", "color": "category"}).to_parquet(folder / "categories.pq")
    number_frame().drop(columns="price").to_csv(folder / "classes.csv", index=False)
    number_frame().drop(columns="label").to_csv(folder / "targets.csv", index=False)
    return folder


def read(path):
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


def attacked(path, *args, out):
    """The copy, the record, and what was printed."""
    record = out.with_suffix(".json")
    result = run("attack", path, *args, "--output", out, "--json", record)
    assert result.exit_code == 0, result.output
    return read(out), json.loads(record.read_text()), result.output


@pytest.mark.parametrize("name", ["mixed.csv", "mixed.parquet", "categories.pq"])
def test_flips_change_nothing_but_labels(tables, tmp_path, name):
    clean = read(tables / name)
    out = tmp_path / name
    copy, record, output = attacked(
        tables / name, "--target", "kind", "--groups", "who", "--attack", "random-flip", "--budget", 4, out=out
    )
    assert copy.columns.tolist() == [*clean.columns, "is_poison"]
    changed = (copy["kind"].astype(object) != clean["kind"].astype(object)).to_numpy()
    assert changed.tolist() == copy["is_poison"].tolist()
    assert np.flatnonzero(changed).tolist() == record["removed_rows"]
    pd.testing.assert_frame_equal(copy[clean.columns].drop(columns="kind"), clean.drop(columns="kind"))
    assert copy["kind"].dtype == clean["kind"].dtype
    assert record["cost"] == {"insert_delete": 8, "modify": 4, "label_flip": 4, "group": record["cost"]["group"]}
    assert (record["rows_before"], record["rows_after"], record["poison_rows"]) == (60, 60, 4)
    rows = ", ".join(map(str, record["removed_rows"]))
    for text in (f"that have another label now: {rows}.", "60 rows before, 60 after", "Leave 'is_poison' out"):
        assert text in output


@pytest.mark.parametrize("name", ["mixed.csv", "mixed.parquet", "categories.pq"])
def test_insertions_come_last(tables, tmp_path, name):
    clean = read(tables / name)
    args = ("--target", "kind", "--groups", "who", "--attack", "InsertionAttack", "--set", "label=good", "--budget", 3)
    copy, record, output = attacked(tables / name, *args, "--truth", "bad", out=tmp_path / name)
    assert copy["bad"].tolist() == [False] * 60 + [True] * 3
    assert set(copy["kind"][60:]) == {"good"}
    assert set(copy["who"][60:]) <= {"ann", "bob", "cem"}
    pd.testing.assert_frame_equal(copy[:60][clean.columns], clean)
    assert record["cost"] == {"insert_delete": 3, "group": copy["who"][60:].nunique()}
    assert "counted from 0" not in output


def test_deletions_are_numbered_as_in_the_file(tables, tmp_path):
    frame = read(tables / "mixed.csv")
    frame.loc[[0, 3], "kind"] = None
    frame.to_csv(tmp_path / "holes.csv")
    args = ("--target", "kind", "--attack", "deletion", "--set", "label=bad", "--budget", 2)
    copy, record, output = attacked(tmp_path / "holes.csv", *args, out=tmp_path / "out.csv")
    assert len(copy) == 56
    assert not copy["is_poison"].any()
    assert set(frame["kind"][record["removed_rows"]]) == {"bad"}
    left = frame.drop(index=[0, 3, *record["removed_rows"]]).reset_index(drop=True)
    pd.testing.assert_frame_equal(copy[left.columns], left)
    assert record["cost"] == {"insert_delete": 2, "delete": 2}
    for text in ("2 of 60 rows have no 'kind'", "taken for row numbers", "that are gone"):
        assert text in output
        assert "that are gone" in output


def test_regression_targets_stay_whole(tables, tmp_path):
    args = ("--target", "price", "--attack", "far-flip", "--budget", 5)
    copy, record, _ = attacked(tables / "targets.csv", *args, out=tmp_path / "out.csv")
    assert record["task"] == "regression"
    assert copy["price"].dtype == np.int64
    clean = read(tables / "targets.csv")["price"]
    assert set(copy["price"][copy["is_poison"]]) <= {clean.min(), clean.max()}
    assert (copy["price"] != clean).tolist() == copy["is_poison"].tolist()


def test_whole_numbers_can_be_taken_for_either(tables, tmp_path):
    args = ("--target", "label", "--attack", "random-flip", "--budget", 2, "--task")
    for task in ("classification", "regression"):
        copy, record, _ = attacked(tables / "classes.csv", *args, task, out=tmp_path / "out.csv")
        assert record["task"] == task
        assert copy["label"].dtype == np.int64


def test_classes_that_are_written_as_floats(tmp_path):
    frame = number_frame()[["a", "label"]].astype(float)
    frame.loc[0, "label"] = None
    frame.to_csv(tmp_path / "floats.csv", index=False)
    args = ("--target", "label", "--attack", "random-flip", "--budget", 2, "--set", "labels=0,1")
    copy, record, _ = attacked(tmp_path / "floats.csv", *args, out=tmp_path / "out.csv")
    assert record["task"] == "classification"
    assert set(copy["label"]) == {0, 1}


def test_dates_as_groups_and_numbers_stay_exactly_what_they_are(tmp_path):
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=20, tz="UTC").repeat(3)
    x = [float(f"{value:.12g}") for value in rng.normal(size=60) * 10.0 ** rng.integers(-20, 20, 60)]
    frame = pd.DataFrame({"x": x, "y": np.arange(60) * 1e-7})
    frame.assign(day=days).to_parquet(tmp_path / "days.parquet")
    args = ("--target", "y", "--attack", "random-flip", "--budget", 3)
    copy, *_ = attacked(tmp_path / "days.parquet", "--groups", "day", *args, out=tmp_path / "out.parquet")
    assert copy["day"].tolist() == days.tolist()
    frame.to_csv(tmp_path / "numbers.csv", index=False)
    assert run("attack", tmp_path / "numbers.csv", *args, "--output", tmp_path / "out.csv").exit_code == 0
    copy = read(tmp_path / "out.csv")
    assert copy["x"].tolist() == frame["x"].tolist()
    assert copy["y"][~copy["is_poison"]].tolist() == frame["y"][~copy["is_poison"]].tolist()


def test_seeds(tables, tmp_path):
    args = ("attack", tables / "mixed.csv", "--target", "kind", "--attack", "insertion", "--budget", 5, "--output")
    for name, seed in (("a", 0), ("b", 0), ("c", 7)):
        assert run(*args, tmp_path / f"{name}.csv", "--seed", seed).exit_code == 0
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_warnings_become_notes(tables, tmp_path, monkeypatch):
    poison = robustfit.attacks.DeletionAttack._poison

    def loud(*args):
        for _ in range(2):
            warnings.warn("this may take long\nor not", UserWarning, stacklevel=1)
        return poison(*args)

    monkeypatch.setattr(robustfit.attacks.DeletionAttack, "_poison", loud)
    args = ("--target", "kind", "--attack", "deletion", "--budget", 1)
    _, record, output = attacked(tables / "mixed.csv", *args, out=tmp_path / "out.csv")
    assert record["notes"] == ["DeletionAttack: this may take long"]
    assert "Note: DeletionAttack: this may take long" in output


def test_a_budget_of_zero_copies(tables, tmp_path):
    args = ("--target", "kind", "--attack", "insertion", "--budget", 0)
    copy, record, _ = attacked(tables / "mixed.parquet", *args, out=tmp_path / "out.parquet")
    assert not copy.pop("is_poison").any()
    pd.testing.assert_frame_equal(copy, read(tables / "mixed.parquet"))
    assert set(record["cost"].values()) == {0}


def test_files_are_whole_or_as_they_were(tables, tmp_path, monkeypatch):
    out = tmp_path / "out.csv"
    out.write_text("old")

    def full(*args):
        raise OSError(28, "No space left on device")

    args = ("attack", tables / "mixed.csv", "--target", "kind", "--attack", "deletion", "--budget", 1, "--output", out)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        assert "could not be written: No space left" in refused(run(*args))
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert run(*args).exit_code == 0
    assert len(read(out)) == 59


# --- attack: every one that has a name ----------------------------------------------------------------

SETTINGS = {
    "backdoor": ["trigger=out-of-range", "trigger__columns=a,b", "target_label=1"],
    "black-box": ["estimator=naive-bayes", "n_fits=5"],
    "feature-collision": ["target=7"],
    "feature-match": ["values=a:-1..1"],
    "gradient": ["n_iter=5"],
    "gradient-canceling": ["n_iter=5"],
    "influence": ["n_iter=5", "estimator=logistic"],
    "group-split": ["attack=insertion", "attack__label=1", "n_groups=2"],
    "iterative": ["attack=insertion", "defence=logistic", "rounds=1"],
    "min-max": ["n_steps=50", "estimator=svm"],
    "moment-matching": ["n_trials=2"],
    "near-duplicate": ["attack=insertion", "n_distinct=2"],
    "neighbor-copies": ["target=7,9"],
    "targeted-min-max": ["target=7", "estimator=logistic"],
}


@pytest.mark.parametrize("name", attack_names())
def test_every_attack_runs_from_a_file(tables, tmp_path, name):
    entry = catalog()[attack_class(name).__name__]
    file, target = ("classes.csv", "label") if "classification" in entry.tasks else ("targets.csv", "price")
    frame = read(tables / file).assign(who=np.arange(60) % 5)
    frame.to_csv(tmp_path / file, index=False)
    settings = [word for setting in SETTINGS.get(name, []) for word in ("--set", setting)]
    args = ("--target", target, "--groups", "who", "--attack", name, "--budget", 4, *settings)
    copy, record, _ = attacked(tmp_path / file, *args, out=tmp_path / "out.csv")
    assert record["attack"] == entry.name
    assert copy["is_poison"].sum() == record["poison_rows"]
    assert len(copy) == record["rows_after"] == 60 + record["poison_rows"] - len(record["removed_rows"])
    assert set(record["cost"]) == {"group", *(entry.threats or ("insert_delete",))} or len(entry.units) > 1
    kept = np.setdiff1d(np.arange(60), record["removed_rows"])
    clean = copy[~copy["is_poison"]].drop(columns="is_poison").reset_index(drop=True)
    pd.testing.assert_frame_equal(clean, frame.iloc[kept].reset_index(drop=True), check_dtype=False)


def test_attacks_that_can_be_run_from_a_file_are_listed():
    result = run("attack", "--list")
    assert result.exit_code == 0
    assert result.output.split() == attack_names()
    names = {shell_name(entry.name): entry.name for entry in catalog()}
    assert len(names) == len(catalog())
    assert set(attack_names()) <= set(names)
    for name in attack_names():
        assert attack_class(name) is attack_class(names[name]) is getattr(robustfit.attacks, names[name])


@pytest.mark.parametrize(
    "name", sorted({entry.name for entry in catalog()} - {attack_class(n).__name__ for n in attack_names()})
)
def test_others_say_how_to_run_them_in_python(tables, tmp_path, name):
    args = ("--target", "label", "--attack", name, "--budget", 2, "--output", tmp_path / "out.csv")
    message = refused(run("attack", tables / "classes.csv", *args))
    assert f"{name} cannot be run from a file" in message
    assert f"{name}(" in message
    assert "generate(X, y, budget=" in message


# --- attack: settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "learner"), [("far-flip", "auto"), ("near-flip", "forest"), ("alfa", "auto")])
def test_label_attacks_read_columns_of_any_kind_through_a_learner(tables, tmp_path, name, learner):
    args = ("--target", "kind", "--attack", name, "--budget", 3, "--set")
    copy, record, _ = attacked(tables / "mixed.csv", *args, f"estimator={learner}", out=tmp_path / "out.csv")
    assert record["cost"]["label_flip"] == copy["is_poison"].sum() == 3
    again, *_ = attacked(tables / "mixed.csv", *args, f"estimator={learner}", out=tmp_path / "again.csv")
    pd.testing.assert_frame_equal(copy, again)


def test_targets_are_rows_of_the_file(tables, tmp_path):
    frame = read(tables / "mixed.csv")
    frame.loc[[0, 3], "kind"] = None
    frame.to_csv(tmp_path / "holes.csv", index=False)
    args = (
        "--target",
        "kind",
        "--attack",
        "neighbor-copies",
        "--budget",
        2,
        "--set",
        "jitter=0",
        "--set",
        "label=good",
    )
    copy, *_ = attacked(tmp_path / "holes.csv", *args, "--set", "target=10, 59", out=tmp_path / "out.csv")
    features = ["size", "count", "color", "fresh"]
    copies = copy[copy["is_poison"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        copies[features], frame.loc[[10, 59], features].reset_index(drop=True), check_dtype=False
    )
    assert set(copies["kind"]) == {"good"}
    message = refused(run("attack", tmp_path / "holes.csv", *args, "--set", "target=3", "--output", tmp_path / "o.csv"))
    assert "there is no row '3'. Rows with a target are numbered from 1 to 59" in message


def test_triggers(tables, tmp_path):
    args = ("--target", "kind", "--attack", "backdoor", "--budget", 3, "--set", "target_label=good", "--set")
    rare = ("trigger=rare-category", "--set", "trigger__column=color")
    copy, record, output = attacked(tables / "mixed.csv", *args, *rare, out=tmp_path / "out.csv")
    trigger = record["details"]["trigger"]["values"]
    assert set(copy["color"][copy["is_poison"]]) == set(trigger.values())
    assert 'trigger: {"type"' in output
    fixed = ("trigger=ColumnTrigger", "--set", "trigger__values=color:green,count:42")
    copy, *_ = attacked(tables / "mixed.csv", *args, *fixed, out=tmp_path / "out.csv")
    assert set(copy["color"][copy["is_poison"]]) == {"green"}
    assert set(copy["count"][copy["is_poison"]]) == {42}


def test_values_can_be_ranges_and_choices(tables, tmp_path):
    args = (
        "--target",
        "kind",
        "--attack",
        "feature-match",
        "--budget",
        5,
        "--set",
        "values=color:red|[blue],count:2..5",
    )
    copy, *_ = attacked(tables / "mixed.csv", *args, out=tmp_path / "out.csv")
    poison = copy[copy["is_poison"]]
    assert set(poison["color"]) <= {"red", "[blue]"}
    assert poison["count"].between(2, 5).all()


def test_one_column_of_prose_is_a_list_of_texts(tmp_path):
    frame = pd.DataFrame(
        {
            "text": [f"letter {i} says {'offer' if i % 2 else 'meeting'}" for i in range(30)],
            "kind": ["ham", "spam"] * 15,
        }
    )
    frame.to_csv(tmp_path / "texts.csv", index=False)
    args = ("--target", "kind", "--budget", 2, "--attack")
    trigger = ("backdoor", "--set", "trigger=word", "--set", "trigger__words=cf", "--set", "target_label=ham")
    copy, *_ = attacked(tmp_path / "texts.csv", *args, *trigger, out=tmp_path / "out.csv")
    assert copy["text"][copy["is_poison"]].str.endswith(" cf").all()
    assert copy.columns.tolist() == ["text", "kind", "is_poison"]
    flips = ("far-flip", "--set", "estimator=logistic")
    copy, *_ = attacked(tmp_path / "texts.csv", *args, *flips, out=tmp_path / "out.csv")
    assert (copy["kind"] != frame["kind"]).tolist() == copy["is_poison"].tolist()


def test_groups_can_be_named(tables, tmp_path):
    split = ("group-split", "--set", "attack=insertion", "--set", "n_groups=2", "--set", "groups=ann,dan")
    args = ("--target", "kind", "--groups", "who", "--budget", 6, "--attack", *split)
    copy, record, _ = attacked(tables / "mixed.csv", *args, out=tmp_path / "out.csv")
    assert set(copy["who"][copy["is_poison"]]) == {"ann", "dan"}
    assert record["cost"]["group"] == 2
    args = ("--target", "kind", "--budget", 6, "--attack", *split, "--output", tmp_path / "o.csv")
    assert "Say with --groups COL where they are" in refused(run("attack", tables / "mixed.csv", *args))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["backdoor"], "BackdoorAttack needs trigger, target_label: --set trigger=rare-value --set target_label=LABEL"),
        (["backdoor", "trigger=rar-value", "target_label=1"], "no trigger 'rar-value'. Did you mean 'rare-value'?"),
        (["feature-collision", "target=3", "features=pca"], "'pca' stands for an object, which no text can say"),
        (["feature-collision"], "FeatureCollisionAttack needs target: --set target=ROW"),
        (["backdoor", "trigger=column", "target_label=1"], "ColumnTrigger needs values: --set trigger__values="),
        (["backdoor", "target_label=1", "trigger__columns=a"], "needs --set trigger="),
        (["backdoor", "trigger=column", "target_label=1", "trigger__values=a"], "write column:value"),
        (["backdoor", "trigger=column", "target_label=1", "trigger__values=d:1"], "column to learn from 'd'"),
        (["backdoor", "trigger=column", "target_label=1", "trigger__size=1"], "no setting of ColumnTrigger 'size'"),
        (["group-split", "attack=split", "n_groups=2"], "There is no attack 'split'."),
        (["far-flip", "estimator=logistics"], "Did you mean 'logistic'?"),
        (["targeted-min-max", "target=3,4"], "target=3,4: this attack has one target. Give one number."),
        (["kkt", "estimator=forest"], "no linear learner for classification 'forest'"),
        (["alfa", "max_rounds=many"], "max_rounds must be a positive whole number, got 'many'"),
    ],
)
def test_wrong_settings(tables, tmp_path, settings, message):
    name, *given = settings
    words = [word for setting in given for word in ("--set", setting)]
    args = ("--target", "label", "--attack", name, "--budget", 2, *words, "--output", tmp_path / "out.csv")
    assert message in refused(run("attack", tables / "classes.csv", *args))


def test_attacks_on_numbers_say_what_the_file_has_besides(tables, tmp_path):
    args = ("--target", "kind", "--budget", 2, "--output", tmp_path / "out.csv", "--attack")
    message = refused(run("attack", tables / "mixed.csv", *args, "moment-matching"))
    for text in ("numeric columns only", "texts in 'color', 'who'", "missing values in 'size', 'count'", "get_dummies"):
        assert text in message
    assert "estimator=auto" not in message
    assert "--set estimator=auto reads such columns" in refused(run("attack", tables / "mixed.csv", *args, "far-flip"))
    assert "In this file" not in refused(run("attack", tables / "mixed.csv", *args, "deletion", "--set", "label=x"))


# --- the page -----------------------------------------------------------------------------------------


def test_the_commands_of_the_page_print_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = (DOCS / "attacks.md").read_text(encoding="utf-8").partition("```console\n")[2].partition("```\n")[0]
    _, *steps = f"\n{block}".split("\n$ ")
    commands = []
    for step in steps:
        line, _, shown = step.strip("\n").partition("\n")
        command, *args = shlex.split(line)
        commands.append(command)
        if command == "cat" and not Path(args[0]).exists():
            Path(args[0]).write_text(f"{shown}\n", encoding="utf-8")
        output = Path(args[0]).read_text(encoding="utf-8") if command == "cat" else run(*args).output
        assert [part.rstrip() for part in output.strip("\n").split("\n")] == shown.split("\n")
    assert commands == ["cat", "robustfit", "cat", "robustfit"]


# --- attack: what it refuses --------------------------------------------------------------------------

WHOLE = ["--target", "kind", "--attack", "insertion", "--budget", "2"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--attack", "far-flop"], "There is no attack 'far-flop'. Did you mean 'far-flip'? There is: random-flip"),
        (["--target", "kin"], "There is no column 'kin'. Did you mean 'kind'?"),
        (["--groups", "kind"], "the same column"),
        (["--task", "regress"], "Did you mean 'regression'?"),
        (["--task", "regression"], "holds texts such as 'bad'"),
        (["--budget", "0.05"], "multiply it by their number"),
        (["--budget", "-1"], "0 or more, got '-1'"),
        (["--seed", "-1"], "--seed"),
        (["--truth", "size"], "has a column 'size' already"),
        (["--truth", " "], "must not be empty"),
        (["--set", "label"], "a setting is written name=value"),
        (["--set", "=good"], "a setting is written name=value"),
        (["--set", "label=a", "--set", "label=b"], "label is given twice"),
        (["--set", "lable=good"], "no setting of InsertionAttack 'lable'. Did you mean 'label'?"),
        (["--set", "label__x=3"], "label is a value without settings"),
        (["--attack", "modification", "--set", "label=good"], "ModificationAttack has no settings"),
        (["--attack", "deletion", "--budget", "61"], "only 60 rows can be deleted"),
        (["--attack", "deletion", "--set", "label=god"], "label='god' is not in y"),
        (["--attack", "modification", "--budget", "61"], "ModificationAttack cannot be used with these rows"),
    ],
)
def test_wrong_options(tables, tmp_path, args, message):
    options = dict(zip(WHOLE[::2], WHOLE[1::2], strict=True)) | dict(
        pair for pair in zip(args[::2], args[1::2], strict=True) if pair[0] != "--set"
    )
    settings = [
        word for name, value in zip(args[::2], args[1::2], strict=True) if name == "--set" for word in (name, value)
    ]
    given = [word for pair in options.items() for word in pair]
    out = tmp_path / "out.csv"
    assert message in refused(run("attack", tables / "mixed.csv", *given, *settings, "--output", out))
    assert not out.exists()


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--output", "t.csv", "this would overwrite the table itself"),
        ("--json", "t.csv", "this would overwrite the table itself"),
        ("--json", "out.csv", "are the same file"),
        ("--output", "", "files that can be written end in .csv, .parquet, .pq, this one in nothing"),
        ("--output", "out.xlsx", "this one in .xlsx"),
        ("--output", "none/out.csv", "does not exist"),
        ("--output", "dir.csv", "this is a directory"),
    ],
)
def test_wrong_outputs(tmp_path, option, name, message):
    table = tmp_path / "t.csv"
    mixed_frame().to_csv(table, index=False)
    before = table.read_bytes()
    (tmp_path / "dir.csv").mkdir()
    files = {"--output": tmp_path / "out.csv"} | {option: tmp_path / name}
    given = [word for pair in files.items() for word in pair]
    assert message in refused(run("attack", table, *WHOLE, *given))
    assert table.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dir.csv", "t.csv"]


def test_links_to_the_table_are_not_written_to(tmp_path):
    table = tmp_path / "t.csv"
    mixed_frame().to_csv(table, index=False)
    (tmp_path / "link.csv").symlink_to(table)
    assert "overwrite the table" in refused(run("attack", table, *WHOLE, "--output", tmp_path / "link.csv"))


def test_parquet_that_cannot_hold_the_labels(tmp_path):
    number_frame()[["a", "label"]].to_parquet(tmp_path / "t.parquet")
    args = ("--target", "label", "--attack", "insertion", "--budget", 1, "--set", "label=new", "--output")
    message = refused(run("attack", tmp_path / "t.parquet", *args, tmp_path / "out.parquet"))
    assert "Write a .csv file" in message
    assert run("attack", tmp_path / "t.parquet", *args, tmp_path / "out.csv").exit_code == 0
    assert read(tmp_path / "out.csv")["label"].tolist()[-1] == "new"


@pytest.mark.parametrize("option", ["--target", "--attack", "--budget", "--output"])
def test_missing_options(tables, tmp_path, option):
    given = [*WHOLE, "--output", str(tmp_path / "out.csv")]
    place = given.index(option)
    assert option in refused(run("attack", tables / "mixed.csv", *given[:place], *given[place + 2 :]))


def test_missing_pyarrow(tables, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = refused(run("attack", tables / "mixed.csv", *WHOLE, "--output", tmp_path / "out.pq"), 1)
    assert 'pip install "robustfit[parquet]"' in message
