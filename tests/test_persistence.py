"""Saved, pickled and cloned ensembles vote as before; files that are damaged, foreign or harmful are refused."""

import ast
import hashlib
import importlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import warnings
import zipfile
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import families
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from families import ARRAY_BASES, FRAME_BASE, REGRESSORS, SCALED, SLOW_BASES, TEXT_BASE, TREE
from sklearn.base import clone
from sklearn.cluster import Birch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import robustfit
from robustfit import PartitionClassifier, PartitionRegressor
from robustfit.ensemble import _atomic_write, _persistence
from robustfit.ensemble._own_types import OWN_TYPES
from robustfit.learners import KernelRidgeClassifier

skops_io = pytest.importorskip("skops.io")

TREE_TYPE = "sklearn.tree._tree.Tree"
KIND_OF_ROWS = {"age": "number", "kind": list("abcd"), "town": "text", "visits": "integer"}

# Whatever engines the ensembles have besides the default, each of them has to keep this promise.
ENGINES = sorted(
    option
    for constraint in PartitionClassifier._parameter_constraints.get("engine", [])
    for option in getattr(constraint, "options", ())
    if option != PartitionClassifier().get_params()["engine"]
)


SIZES = {"n": 160, "n_test": 20}
cancer = cache(partial(families.cancer, **SIZES))
diabetes = cache(partial(families.diabetes, **SIZES))
frames = cache(partial(families.frames, **SIZES))
texts = cache(partial(families.texts, **SIZES))


@dataclass
class Case:
    base: object
    data: object = cancer
    ensemble: type = PartitionClassifier
    options: dict = field(default_factory=dict)
    fit_params: dict = field(default_factory=dict)


def with_labels(relabel):
    X, y, X_test = cancer()
    return X, relabel(y), X_test


def with_holes():
    X, y, X_test = cancer()
    X = X.copy()
    X[::90, 0] = np.nan
    return X, y, X_test


def sparse_rows():
    X, y, X_test = cancer()
    return sp.csr_array(X), y, sp.csr_array(X_test)


def polars_frames():
    X, y, X_test = frames()
    return pl.from_pandas(X), y, pl.from_pandas(X_test)


def text_labels(y):
    return np.where(y == 0, "no", "yes").astype(object)


def number_frames():
    X, y, X_test = cancer()
    return pd.DataFrame(X).add_prefix("c"), y, pd.DataFrame(X_test).add_prefix("c")


# Bare learners, which engines may solve in their own way.
BARE = {
    **{
        type(base).__name__: Case(base)
        for base in (
            LogisticRegression(C=0.01, max_iter=5000),
            LinearSVC(C=0.01),
            RidgeClassifier(),
            GaussianNB(),
            NearestCentroid(),
            LinearDiscriminantAnalysis(),
            KNeighborsClassifier(3),
            KernelRidgeClassifier(gamma=1e-3),
        )
    },
    **{
        type(base).__name__: Case(base, diabetes, PartitionRegressor)
        for base in (Ridge(), LinearRegression(), KernelRidge(kernel="rbf"), KNeighborsRegressor(2))
    },
    "numbers in a frame": Case(RidgeClassifier(), number_frames),
    "sparse": Case(RidgeClassifier(), sparse_rows),
}
CASES = {
    **BARE,
    **{name: Case(base) for name, base in {**ARRAY_BASES, **SLOW_BASES}.items()},
    **{f"{name} regressor": Case(base, diabetes, PartitionRegressor) for name, base in REGRESSORS.items()},
    "default classifier": Case(None, partial(with_labels, text_labels)),
    "default regressor": Case(None, diabetes, PartitionRegressor),
    "declared classes": Case(SCALED, partial(with_labels, text_labels), options={"classes": ["maybe", "no", "yes"]}),
    "booleans": Case(GaussianNB(), partial(with_labels, lambda y: y == 1)),
    "pandas": Case(FRAME_BASE, frames),
    "polars": Case(FRAME_BASE, polars_frames),
    "declared schema": Case(FRAME_BASE, frames, options={"schema": KIND_OF_ROWS}),
    "texts": Case(TEXT_BASE, texts),
    "members of None": Case(SCALED, with_holes),
    "more shards than rows": Case(SCALED, lambda: tuple(part[:40] for part in cancer()), options={"n_partitions": 60}),
    "groups": Case(
        SCALED, options={"partition_by": "groups"}, fit_params={"groups": [f"source {i % 40}" for i in range(160)]}
    ),
}
EVERY = [(name, None) for name in CASES] + [(name, engine) for name in BARE for engine in ENGINES]
each_case = pytest.mark.parametrize(("name", "engine"), EVERY, ids=[f"{n}-{e}" if e else n for n, e in EVERY])


def fitted_anew(name, engine, template=None):
    case = CASES[name]
    if template is None:
        options = {"n_partitions": 4, "random_state": 3} | ({"engine": engine} if engine else {}) | case.options
        template = case.ensemble(case.base, **options)
    X, y, _ = case.data()
    with warnings.catch_warnings():
        # Small shards, and members that do not take what they hold.
        warnings.simplefilter("ignore")
        return template.fit(X, y, **case.fit_params)


@cache
def fitted(name, engine=None):
    return fitted_anew(name, engine)


def says(model, X):
    """All that a model says of some rows: votes bit by bit, and the certificate."""
    votes = model.votes(X)
    return [votes.dtype.str, list(votes.shape), hashlib.sha256(votes.tobytes()).hexdigest(), certificate(model, X)]


@cache
def expected(name, engine=None):
    """What the fitted model itself says of its test rows."""
    return says(fitted(name, engine), few_rows(name))


@cache
def file_of(name, engine=None):
    """Content of the file that a fitted model is saved to."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        assert robustfit.save(fitted(name, engine), path) is None
        return path.read_bytes()


@cache
def few_rows(name):
    return CASES[name].data()[2]


def certificate(model, X):
    threat = "group" if model.partition_by == "groups" else "modify"
    text = json.loads(model.certify(X, threat=threat).to_json())
    # A class that is declared and never seen must survive, too.
    return json.dumps([text, np.asarray(getattr(model, "classes_", [])).tolist()])


def untrusted(error):
    """Types that an error tells to pass as trusted=, read off its text as a user would copy it."""
    return ast.literal_eval(str(error).rpartition("pass trusted=")[2])


def load_reviewed(path):
    """Load a file after trusting what the error names, which must never be a type of this library."""
    try:
        return robustfit.load(path)
    except TypeError as error:
        names = untrusted(error)
    assert all(name.startswith(("sklearn.", "scipy.sparse.")) for name in names), f"add to OWN_TYPES: {names}"
    return robustfit.load(path, trusted=names)


@pytest.fixture
def saved(tmp_path):
    """Path of a saved model that needs no trust, and the model."""
    path = tmp_path / "model.robustfit"
    path.write_bytes(file_of("scaled logistic"))
    return path, fitted("scaled logistic")


# Round trips


@each_case
def test_a_loaded_ensemble_says_the_same(name, engine, tmp_path):
    model, path = fitted(name, engine), tmp_path / "model.robustfit"
    path.write_bytes(file_of(name, engine))
    restored = load_reviewed(path)
    assert type(restored) is type(model)
    assert says(restored, few_rows(name)) == expected(name, engine)
    assert vars(restored).keys() == vars(model).keys()
    assert restored.member_errors_ == model.member_errors_
    assert [m is None for m in restored.estimators_] == [m is None for m in model.estimators_]
    assert repr(restored.get_params()) == repr(model.get_params())


@pytest.mark.parametrize("name", CASES)
def test_a_loaded_ensemble_can_be_fitted_again(name, tmp_path):
    path = tmp_path / "model.robustfit"
    path.write_bytes(file_of(name))
    again = fitted_anew(name, None, load_reviewed(path))
    assert says(again, few_rows(name)) == expected(name)


@each_case
def test_pickled_dumped_and_cloned_ensembles_say_the_same(name, engine, tmp_path):
    model, rows = fitted(name, engine), few_rows(name)
    joblib.dump(model, tmp_path / "model.joblib")
    for same in (
        pickle.loads(pickle.dumps(model)),
        joblib.load(tmp_path / "model.joblib"),
        fitted_anew(name, engine, clone(model)),
    ):
        assert says(same, rows) == expected(name, engine)


ELSEWHERE = f"""
import json, pickle, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import joblib
from test_persistence import load_reviewed, says

found = {{}}
for path in sorted(Path(sys.argv[1]).iterdir()):
    if path.suffix == ".rows":
        continue
    read = {{".robustfit": load_reviewed, ".joblib": joblib.load, ".pickle": lambda p: pickle.loads(p.read_bytes())}}
    found[path.name] = says(read[path.suffix](path), joblib.load(path.with_suffix(".rows")))
print(json.dumps(found))
"""


def test_another_process_says_the_same(tmp_path):
    wanted = {}
    for number, (name, engine) in enumerate(EVERY):
        model = fitted(name, engine)
        (tmp_path / f"{number}.robustfit").write_bytes(file_of(name, engine))
        joblib.dump(few_rows(name), tmp_path / f"{number}.rows")
        suffix = "pickle" if number % 2 else "joblib"
        if number % 2:
            (tmp_path / f"{number}.pickle").write_bytes(pickle.dumps(model))
        else:
            joblib.dump(model, tmp_path / f"{number}.joblib")
        wanted[f"{number}.robustfit"] = wanted[f"{number}.{suffix}"] = expected(name, engine)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ELSEWHERE, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "17"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == wanted


def test_a_path_may_be_text_or_bytes_or_pathlike(saved):
    path, model = saved
    X_test = few_rows("scaled logistic")
    for form in (str(path), os.fsencode(path), path):
        robustfit.save(model, form)
        assert says(robustfit.load(form), X_test) == says(model, X_test)
    for form in (3, None, io.BytesIO()):
        with pytest.raises(TypeError, match="PathLike"):
            robustfit.save(model, form)
        with pytest.raises(TypeError, match="PathLike"):
            robustfit.load(form)


def test_callbacks_stay_behind(tmp_path):
    callback = pytest.importorskip("sklearn.callback")
    X, y, X_test = cancer()
    model = PartitionClassifier(SCALED, n_partitions=3).set_callbacks(callback.ProgressBar()).fit(X, y)
    robustfit.save(model, tmp_path / "model.robustfit")
    assert hasattr(model, "_skl_callbacks")
    restored = robustfit.load(tmp_path / "model.robustfit")
    assert not hasattr(restored, "_skl_callbacks")
    assert says(restored, X_test) == says(model, X_test)


def test_a_file_is_not_much_larger_than_a_pickle(tmp_path):
    X, y, _ = cancer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PartitionClassifier(n_partitions=150).fit(X, y)
    robustfit.save(model, tmp_path / "model.robustfit")
    assert (tmp_path / "model.robustfit").stat().st_size < 4 * len(pickle.dumps(model)) + 10_000


# What cannot be saved


def unchanged(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def raises_and_writes_nothing(model, path, error, match):
    before = unchanged(path.parent)
    with pytest.raises(error, match=match) as caught:
        robustfit.save(model, path)
    assert unchanged(path.parent) == before
    return str(caught.value)


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    ("estimator", "place"),
    [
        (make_pipeline(FunctionTransformer(lambda X: X), TREE), r"PartitionClassifier.estimator.steps\[0\]\[1\].func"),
        (make_pipeline(Birch(n_clusters=None), GaussianNB()), r"PartitionClassifier.estimator.steps\[0\]\[1\]"),
        # skops reads both keys as True.
        (
            LogisticRegression(class_weight={False: 1.0, True: 2.0}, max_iter=5000),
            "PartitionClassifier.estimator.class_weight",
        ),
    ],
)
def test_what_skops_cannot_restore_is_named_and_nothing_written(saved, estimator, place, there):
    path, _ = saved
    X, y, _ = cancer()
    model = PartitionClassifier(estimator, n_partitions=2).fit(X, y == 1)
    target = path if there else path.with_name("new.robustfit")
    message = raises_and_writes_nothing(model, target, TypeError, f"^{place} cannot be saved")
    assert "Nothing was written" in message
    assert "fit again" in message


@pytest.mark.parametrize("ensemble", [PartitionClassifier(), PartitionRegressor()])
def test_an_ensemble_that_is_not_fitted_is_refused(ensemble, tmp_path):
    raises_and_writes_nothing(ensemble, tmp_path / "model", NotFittedError, "not fitted yet")


@pytest.mark.parametrize(
    "thing", [None, PartitionClassifier, LogisticRegression(), make_pipeline(PartitionClassifier())]
)
def test_what_is_no_ensemble_is_refused(thing, tmp_path):
    raises_and_writes_nothing(thing, tmp_path / "model", TypeError, "Only a PartitionClassifier")


@pytest.mark.parametrize("call", [lambda p: robustfit.save(fitted("scaled logistic"), p), robustfit.load])
def test_without_skops_the_extra_is_named(monkeypatch, saved, call):
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ImportError, match=r'pip install "robustfit\[persist\]"'):
        call(saved[0])


# Writing


KILLED = """
import os, runpy, signal, sys
module = runpy.run_path(sys.argv[1])
def killed(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(os, sys.argv[2], killed)
module["replace_file"](sys.argv[3], b"half of a new mod")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no way to kill a process at a given line")
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_process_killed_while_saving_leaves_the_old_file_whole(saved, step):
    path, model = saved
    before, X_test = path.read_bytes(), few_rows("scaled logistic")
    command = [sys.executable, "-c", KILLED, _atomic_write.__file__, step, str(path)]
    done = subprocess.run(command, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert says(robustfit.load(path), X_test) == says(model, X_test)
    robustfit.save(model, path)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(saved, step, monkeypatch):
    path, model = saved

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    raises_and_writes_nothing(model, path, OSError, "No space left")


def test_content_reaches_the_disk_before_the_name_does(saved, monkeypatch):
    path, model = saved
    steps = []
    for step in ("fsync", "replace"):
        real = getattr(os, step)
        monkeypatch.setattr(os, step, lambda *args, step=step, real=real: (steps.append((step, args)), real(*args))[1])
    robustfit.save(model, path)
    assert [step for step, _ in steps][:2] == ["fsync", "replace"]
    temporary, target = steps[1][1]
    assert Path(temporary).parent == Path(target).parent == path.parent


@pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")
def test_permissions_and_links_stay(saved):
    path, model = saved
    path.chmod(0o640)
    link = path.with_name("link")
    link.symlink_to(path)
    robustfit.save(model, link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["link", path.name]


def test_places_where_no_file_can_be_are_refused_first(tmp_path, monkeypatch):
    monkeypatch.setattr(_persistence, "dump", lambda model: pytest.fail("the work began"))
    model = fitted("scaled logistic")
    with pytest.raises(FileNotFoundError, match="absent does not exist; make it first"):
        robustfit.save(model, tmp_path / "absent" / "model")
    with pytest.raises(IsADirectoryError, match="name a file in it"):
        robustfit.save(model, tmp_path)
    with pytest.raises(FileExistsError, match="no regular file"):
        robustfit.save(model, os.devnull)


# Reading what is damaged, foreign or of another version


def entries(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("format.json")), archive.read("model.skops")


def forge(path, header, model, *, sign=True, extra=()):
    """Write a file as whoever knows the format can."""
    if sign:
        header = header | {"sha256": _persistence._digest(header, model)}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("format.json", json.dumps(header))
        archive.writestr("model.skops", model)
        for name in extra:
            archive.writestr(name, b"")


def test_the_header_says_what_the_file_is(saved):
    header, model = entries(saved[0])
    assert header["format"] == "robustfit.ensemble"
    assert header["class"] == "PartitionClassifier"
    assert header["versions"]["robustfit"] == robustfit.__version__
    assert {"format_version", "hash_version", "schema_version", "sha256"} < header.keys()
    # The model inside is a file of skops, and can be reviewed with its tools.
    assert set(skops_io.get_untrusted_types(data=model)) <= set(OWN_TYPES)


def test_a_truncated_file_is_refused_at_every_length(saved):
    path, _ = saved
    whole = path.read_bytes()
    for length in {0, 1, 4, 30, *range(0, len(whole), max(1, len(whole) // 60)), len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is no file that robustfit.save wrote, or is truncated"):
            robustfit.load(path)


def test_a_damaged_byte_is_noticed_or_does_no_harm(saved):
    path, model = saved
    whole, X_test = path.read_bytes(), few_rows("scaled logistic")
    before = says(model, X_test)
    for place in np.random.default_rng(0).choice(len(whole), 60, replace=False):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            restored = robustfit.load(path)
        except ValueError:
            continue
        # Dates and attributes of the archive mean nothing.
        assert says(restored, X_test) == before


def write_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other", b"")


@pytest.mark.parametrize(
    "write",
    [
        lambda p: p.write_text("weights"),
        lambda p: p.write_bytes(pickle.dumps({"a": 1})),
        lambda p: skops_io.dump(LogisticRegression(), p),
        write_zip,
        lambda p: forge(p, {"format": "other"}, b"", sign=False),
        lambda p: forge(p, entries(p)[0], b"", extra=["more"]),
        lambda p: forge(p, [], b"", sign=False),
    ],
)
def test_other_files_are_refused(saved, write):
    path, _ = saved
    write(path)
    with pytest.raises(ValueError, match="is no file that robustfit.save wrote") as error:
        robustfit.load(path)
    assert "fit and save again" in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        robustfit.load(tmp_path / "absent")


class Harm:
    """Makes a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("dump", [joblib.dump, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
def test_pickles_are_never_read(tmp_path, dump):
    path, trace = tmp_path / "model.robustfit", tmp_path / "trace"
    dump(Harm(trace), path)
    with pytest.raises(ValueError, match="Pickles and joblib files are never read here"):
        robustfit.load(path)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["format_version", "hash_version", "schema_version"])
@pytest.mark.parametrize("value", [0, 2, None, "1"])
@pytest.mark.parametrize("allow", [False, True])
def test_other_versions_of_the_rules_are_refused(saved, name, value, allow):
    path, _ = saved
    header, model = entries(path)
    forge(path, header | {name: value}, model)
    with pytest.raises(ValueError, match=f"has {name} {value!r}, robustfit .* reads 1 only") as error:
        robustfit.load(path, allow_other_versions=allow)
    assert f"Load it with robustfit {robustfit.__version__}" in str(error.value)


def test_the_versions_are_those_of_the_rules(saved, monkeypatch):
    path, model = saved
    header, _ = entries(path)
    assert {name: header[name] for name in _persistence._EXACT} == {
        "format_version": _persistence.FORMAT_VERSION,
        "hash_version": robustfit.partition.HASH_VERSION,
        "schema_version": robustfit.partition._schema.SCHEMA_VERSION,
    }
    # A model that another version fitted, and that came here as a pickle, keeps that version.
    older = pickle.loads(pickle.dumps(model))
    older.hash_version_ = 0
    robustfit.save(older, path)
    with pytest.raises(ValueError, match="has hash_version 0"):
        robustfit.load(path)


@pytest.mark.parametrize("package", ["robustfit", "scikit-learn"])
def test_another_minor_version_is_refused_unless_allowed(saved, package):
    path, model = saved
    header, payload = entries(path)
    forge(path, header | {"versions": header["versions"] | {package: "0.0.7"}}, payload)
    with pytest.raises(ValueError, match=f"was written with {package} 0.0.7 .here: .*allow_other_versions=True"):
        robustfit.load(path)
    kind = InconsistentVersionWarning if package == "scikit-learn" else UserWarning
    with pytest.warns(kind, match=r"0\.0\.7") as caught:
        restored = robustfit.load(path, allow_other_versions=True)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    X_test = few_rows("scaled logistic")
    assert np.array_equal(restored.votes(X_test), model.votes(X_test))
    # The guarantee is about refitting with the same software: whoever reads the certificate has to know.
    assert f"with {package} " in restored.certify(X_test).conditional_on[-1]
    assert "0.0.7" in restored.certify(X_test).conditional_on[-1]


def test_a_fix_of_scikit_learn_warns_and_one_of_robustfit_does_not(saved):
    path, _ = saved
    header, payload = entries(path)
    for package, kinds in {"scikit-learn": [InconsistentVersionWarning], "robustfit": []}.items():
        minor = ".".join(header["versions"][package].split(".")[:2])
        forge(path, header | {"versions": header["versions"] | {package: f"{minor}.99"}}, payload)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            restored = robustfit.load(path)
        assert [warning.category for warning in caught] == kinds
        assert len(restored.certify(few_rows("scaled logistic")).conditional_on) == len(kinds)


def test_a_file_without_its_versions_is_refused(saved):
    path, _ = saved
    header, payload = entries(path)
    for versions in ({}, None, 3):
        forge(path, header | {"versions": versions}, payload)
        with pytest.raises(ValueError, match="was written with robustfit unknown"):
            robustfit.load(path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda header, model: (header | {"class": "PartitionRegressor"}, model),
        lambda header, model: (header | {"versions": header["versions"] | {"numpy": "1.0"}}, model),
        lambda header, model: (header | {"note": "better"}, model),
        lambda header, model: ({k: v for k, v in header.items() if k != "sha256"}, model),
        lambda header, model: (header | {"sha256": 7}, model),
        lambda header, model: (header, model + b"\0"),
        lambda header, model: (header, model.replace(b'"n_partitions"', b'"n_partitionz"')),
    ],
)
def test_an_edited_file_is_refused(saved, edit):
    path, _ = saved
    forge(path, *edit(*entries(path)), sign=False)
    with pytest.raises(ValueError, match="does not fit its own digest: it was damaged or edited"):
        robustfit.load(path)


def test_a_digest_is_no_signature(saved):
    path, model = saved
    header, payload = entries(path)
    forge(path, header | {"note": "forged"}, payload)
    assert says(robustfit.load(path), few_rows("scaled logistic")) == says(model, few_rows("scaled logistic"))


# Trust


class OwnTree(DecisionTreeClassifier):
    """A learner that nobody but its author knows."""


@pytest.fixture
def own(tmp_path):
    X, y, _ = cancer()
    path = tmp_path / "own"
    robustfit.save(PartitionClassifier(OwnTree(max_depth=2), n_partitions=2).fit(X, y), path)
    return path


def test_types_that_are_not_trusted_are_named(own):
    with pytest.raises(TypeError, match="holds types that are not trusted") as error:
        robustfit.load(own)
    assert untrusted(error.value) == [TREE_TYPE, f"{__name__}.OwnTree"]
    with pytest.raises(TypeError, match="not trusted") as error:
        robustfit.load(own, trusted=[TREE_TYPE])
    assert untrusted(error.value) == [f"{__name__}.OwnTree"]


@pytest.mark.parametrize("trusted", [[OwnTree, TREE_TYPE], (f"{__name__}.OwnTree", TREE_TYPE), {OwnTree, TREE_TYPE}])
def test_types_may_be_trusted_by_name_or_by_themselves(own, trusted):
    assert type(robustfit.load(own, trusted=trusted).estimators_[0]) is OwnTree


@pytest.mark.parametrize("trusted", [True, "sklearn.tree._tree.Tree", OwnTree, None, [1], [None]])
def test_trusting_everything_is_no_option(own, trusted):
    with pytest.raises(TypeError, match="trusted must be a list of types"):
        robustfit.load(own, trusted=trusted)


def test_a_learner_whose_module_is_gone_is_named(own, monkeypatch):
    names = [TREE_TYPE, f"{__name__}.OwnTree"]
    monkeypatch.delattr(sys.modules[__name__], "OwnTree")
    with pytest.raises(ValueError, match="cannot be built .*OwnTree.*Import the modules"):
        robustfit.load(own, trusted=names)


def harmful(node):
    """What skops would read as an ensemble with one attribute that calls a function."""
    schema = {
        "__class__": "PartitionClassifier",
        "__module__": "robustfit.ensemble._partition_classifier",
        "__loader__": "ObjectNode",
        "__id__": 1,
        "content": {
            "__class__": "dict",
            "__module__": "builtins",
            "__loader__": "DictNode",
            "__id__": 2,
            "key_types": json_list(3, [{"__class__": "str", "__module__": "builtins", "__loader__": "TypeNode"}]),
            "content": {"estimator": node},
        },
        "protocol": 2,
        "_skops_version": "0.16.0",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    return buffer.getvalue()


def json_list(number, content):
    content = [{"__id__": 100 * number + place, **entry} for place, entry in enumerate(content)]
    return {
        "__class__": "list",
        "__module__": "builtins",
        "__loader__": "ListNode",
        "__id__": number,
        "content": content,
    }


def text_node(number, text):
    node = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "is_json": True}
    return node | {"__id__": number, "content": json.dumps(text)}


@pytest.mark.parametrize(
    ("module", "function", "loader"),
    [
        ("os", "mkdir", "ConstructorFromReduceNode"),
        ("robustfit.ensemble._atomic_write", "replace_file", "ConstructorFromReduceNode"),
        ("robustfit.cli", "main", "FunctionNode"),
    ],
)
def test_functions_in_a_forged_file_are_not_called(saved, tmp_path, module, function, loader):
    path, _ = saved
    header, _ = entries(path)
    arguments = json_list(10, [text_node(11, str(tmp_path / "trace"))]) | {
        "__class__": "tuple",
        "__loader__": "TupleNode",
    }
    node = {"__class__": function, "__module__": module, "__loader__": loader, "__id__": 9, "content": arguments}
    forge(path, header, harmful(node))
    with pytest.raises(TypeError, match="holds types that are not trusted") as error:
        robustfit.load(path)
    # A name that begins like this library's is not trusted for that.
    assert untrusted(error.value) == [f"{module}.{function}"]
    assert not (tmp_path / "trace").exists()
    # The same file with harmless content would have been built: the test is about that node.
    forge(path, header, harmful(text_node(9, "harmless")))
    assert robustfit.load(path).estimator == "harmless"


def test_another_object_than_an_ensemble_is_refused(saved):
    path, _ = saved
    header, _ = entries(path)
    forge(path, header, skops_io.dumps(LogisticRegression()))
    with pytest.raises(ValueError, match="holds a LogisticRegression, which is no ensemble"):
        robustfit.load(path)


@pytest.mark.parametrize("name", OWN_TYPES)
def test_own_types_are_there_and_plain(name):
    module, _, own_type = name.rpartition(".")
    own_type = getattr(importlib.import_module(module), own_type)
    assert isinstance(own_type, type)
    assert own_type.__module__ == module
    own = [method for c in own_type.__mro__ if c.__module__.startswith("robustfit.") for method in vars(c)]
    assert not {"__setstate__", "__reduce__", "__reduce_ex__", "__new__"} & set(own)
    # A frozen dataclass refuses attributes; building one sets them past that.
    assert "__setattr__" not in own or own_type.__dataclass_params__.frozen
