"""Importing robustfit loads what it needs and nothing else, and every public name is there."""

import importlib
import importlib.metadata
import json
import os
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import robustfit

ROOT = Path(robustfit.__file__).parents[1]
OPTIONAL = ["cvxpy", "jinja2", "matplotlib", "pandas", "pandera", "polars", "pyarrow", "rich", "skops", "typer"]
ROOMS = sorted(module.name for module in pkgutil.iter_modules(robustfit.__path__) if module.ispkg)
# The command line is built with typer and rich.
LIBRARY = [room for room in ROOMS if room != "cli"]

# Optional packages cannot be imported, and who asks for one is written down.
BLOCKED = f"""
import importlib, json, sys

asked = []


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {OPTIONAL!r}:
            return None
        frame = sys._getframe(1)
        while frame.f_globals.get("__name__", "").startswith("importlib"):
            frame = frame.f_back
        if frame.f_globals.get("__name__", "").partition(".")[0] == "robustfit":
            asked.append([frame.f_globals["__name__"], name])
        raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Blocker())
"""
FIT = """
import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

X = np.random.default_rng(0).normal(size=(90, 3))
y = (X[:, 0] > 0).astype(int)
for rows in (X, sp.csr_array(X), X.astype(object)):
    model = robustfit.PartitionClassifier(n_partitions=3).fit(rows, y)
    certificate = model.certify(rows[:5])
    assert type(certificate).from_json(certificate.to_json()).radius.shape == (5,)
texts = ["offer now" if label else "meeting at noon" for label in y]
learner = make_pipeline(TfidfVectorizer(), LogisticRegression())
robustfit.PartitionClassifier(learner, n_partitions=2).fit(texts, y).certify(texts)
certificate = robustfit.PartitionRegressor(n_partitions=5).fit(X, X[:, 0]).certify(X[:5])
low, high = certificate.interval(1)
assert type(certificate).from_json(certificate.to_json()).interval(1)[0].tolist() == low.tolist()
"""


TABLE = """
try:
    robustfit.Certificate.from_votes([[0, 1]], ["a", "b"]).to_frame()
except ImportError as error:
    message = str(error)
"""


def run(code):
    """What a fresh process prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def asked():
    """Which optional package robustfit asked for at which step, in a process that has none."""
    stages = {
        "front door": "import robustfit",
        "rooms": "".join(f"import robustfit.{room}\n" for room in LIBRARY),
        "fit": FIT,
        "table": TABLE,
    }
    code = BLOCKED + "found = {}\n"
    for name, step in stages.items():
        code += f"{step}\nfound[{name!r}] = list(asked)\nasked.clear()\n"
    return run(code + "print(json.dumps(found | {'message': message}))")


def test_importing_robustfit_asks_for_nothing_optional(asked):
    assert asked["front door"] == []


def test_every_room_of_the_library_can_be_imported_without_anything_optional(asked):
    assert len(LIBRARY) >= 3
    assert asked["rooms"] == []


def test_fitting_and_certifying_need_nothing_optional(asked):
    assert asked["fit"] == []


def test_tables_say_what_they_need(asked):
    assert [package for _, package in asked["table"]] == ["pandas"]
    assert "to_frame() needs pandas" in asked["message"]
    assert "pip install" in asked["message"]


def test_importing_robustfit_loads_none_of_these_where_they_are_installed():
    loaded = run(f"import json, sys, robustfit\nprint(json.dumps([n for n in {OPTIONAL!r} if n in sys.modules]))")
    # scikit-learn loads pandas and rich by itself where it finds them, and pandas loads pyarrow.
    assert not {"cvxpy", "jinja2", "matplotlib", "polars", "skops", "typer"} & set(loaded)


@pytest.fixture(scope="module")
def effects():
    """What importing robustfit does to a process that has imported what it is built on."""
    code = f"""
import contextlib, io, json, logging, os, sys, warnings
import joblib, narwhals.stable.v2, scipy.sparse, sklearn.dummy, sklearn.linear_model, sklearn.metrics, threadpoolctl
import sklearn.utils.metadata_routing
import numpy as np


def state():
    numbers = np.random.get_state()[1].tolist()
    loggers = [len(logging.root.handlers), len(logging.getLogger("robustfit").handlers)]
    return repr([warnings.filters, loggers, dict(os.environ), sys.path, numbers, np.geterr()])


loaded, before, out = set(sys.modules), state(), io.StringIO()
with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
    import robustfit
optional = [name for name in {OPTIONAL!r} if name in sys.modules and name not in loaded]
print(json.dumps({{"optional": optional, "unchanged": before == state(), "printed": out.getvalue()}}))
"""
    return run(code)


def test_importing_robustfit_loads_nothing_optional_that_scikit_learn_would_not(effects):
    assert effects["optional"] == []


def test_importing_robustfit_has_no_side_effects(effects):
    assert effects["unchanged"]
    assert effects["printed"] == ""


@pytest.mark.parametrize("name", ["robustfit", *(f"robustfit.{room}" for room in LIBRARY)])
def test_public_names_exist_and_are_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        value = getattr(module, public)
        if callable(value):
            assert value.__doc__, public
            assert value.__module__.startswith("robustfit."), public


@pytest.mark.parametrize("name", ["robustfit", *(f"robustfit.{room}" for room in LIBRARY)])
def test_star_imports_bring_the_public_names_only(name):
    namespace = {}
    exec(f"from {name} import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(importlib.import_module(name).__all__)


def test_the_names_of_the_front_door():
    for name in ("Certificate", "CertificateError", "IntervalCertificate", "PartitionClassifier", "PartitionRegressor"):
        assert name in robustfit.__all__


def test_the_version_is_the_one_that_is_packaged():
    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    if "version" in declared:
        assert declared["version"] == robustfit.__version__
    try:
        installed = importlib.metadata.version("robustfit")
    except importlib.metadata.PackageNotFoundError:
        return
    assert installed == robustfit.__version__
