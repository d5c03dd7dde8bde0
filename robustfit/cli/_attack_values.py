"""Values of an attack's settings, as texts and as what they stand for."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from robustfit.cli._attack_scene import Scene
from robustfit.cli._columns import features
from robustfit.cli._errors import UsageError, check_name
from robustfit.cli._learners import make_learner, make_model


def read_plain(text: str, scene: Scene) -> Any:
    """Read a number, true, false or none; anything else is a text."""
    words = {"true": True, "false": False, "none": None}
    if text.casefold() in words:
        return words[text.casefold()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _label(text: str, scene: Scene) -> Any:
    """Read a label: one of the target's as it is shown, or else a new one of the same type."""
    return _known(text, scene.labels, scene)


def _labels(text: str, scene: Scene) -> Any:
    return [_label(part, scene) for part in _parts(text)]


def _groups(text: str, scene: Scene) -> Any:
    groups = scene.table.groups
    return [part if groups is None else _known(part, groups, scene) for part in _parts(text)]


def _known(text: str, values: NDArray[Any], scene: Scene) -> Any:
    shown = {str(value): value for value in values.tolist()}
    if text in shown:
        return shown[text]
    return text if values.dtype.kind == "O" else read_plain(text, scene)


def _rows(text: str, scene: Scene) -> Any:
    """Read numbers of rows of the file, and return these rows."""
    positions = scene.table.positions
    place = {str(number): index for index, number in enumerate(positions.tolist())}
    wanted = _parts(text)
    strange = [number for number in wanted if number not in place]
    if strange:
        raise UsageError(
            f"target={text}: there is no row {strange[0]!r}. Rows with a target are numbered from {positions[0]} to "
            f"{positions[-1]}, in the order of the file."
        )
    return scene.X.iloc[[place[number] for number in wanted]]


def read_row(text: str, scene: Scene) -> Any:
    """Read the number of one row of the file, and return its numbers."""
    rows = _rows(text, scene)
    if len(rows) > 1:
        raise UsageError(f"target={text}: this attack has one target. Give one number.")
    return rows.to_numpy()[0]


def _columns(text: str, scene: Scene) -> Any:
    return [_column(part, scene) for part in _parts(text)]


def _column(text: str, scene: Scene) -> Any:
    return check_name(text, scene.table.names, "column to learn from")


def _one_hot(text: str, scene: Scene) -> Any:
    """Read groups of columns, ``red+green,north+south``, and return their positions."""
    return [[scene.table.names.index(_column(name, scene)) for name in group.split("+")] for group in _parts(text)]


def _conditions(text: str, scene: Scene) -> Any:
    """Read ``column:value`` pairs, where a value may be a range ``low..high`` or a choice ``this|that``."""
    conditions = {}
    for part in _parts(text):
        column, sign, value = part.partition(":")
        if not sign:
            raise UsageError(f"values={text}: write column:value, and several with commas between.")
        conditions[_column(column, scene)] = _condition(value, column in scene.texts, scene)
    return conditions


def _condition(text: str, is_text: bool, scene: Scene) -> Any:
    if "|" in text:
        return [_condition(part, is_text, scene) for part in text.split("|")]
    if is_text:
        return text
    low, sign, high = text.partition("..")
    return (read_plain(low, scene), read_plain(high, scene)) if sign else read_plain(text, scene)


def _sizes(text: str, scene: Scene) -> Any:
    """Read one number, or several as in 28x28."""
    numbers = tuple(read_plain(part, scene) for part in text.split("x"))
    return numbers[0] if len(numbers) == 1 else numbers


def _words(text: str, scene: Scene) -> Any:
    return text.split()


def _nothing(text: str, scene: Scene) -> None:
    if text.casefold() != "none":
        raise UsageError(
            f"{text!r} stands for an object, which no text can say. Leave the setting out, or run the attack in "
            "Python, with generate(X, y, budget=…)."
        )


def read_learner(text: str, scene: Scene) -> Any:
    """Read the name of a learner; where columns are not numbers or lack some, it prepares them for itself."""
    if scene.is_numeric:
        return make_pipeline(StandardScaler(), make_model(text, scene.task, scene.seed)[1])
    if scene.is_prose:
        return make_pipeline(TfidfVectorizer(), make_model(text, scene.task, scene.seed)[1])
    pipeline = make_learner(text, scene.task, scene.numbers, scene.texts, scene.seed)[1]
    return make_pipeline(FunctionTransformer(_prepared), *(step for _, step in pipeline.steps))


def _prepared(frame: Any) -> Any:
    return features(frame)[0]


def read_linear(text: str, scene: Scene) -> Any:
    """Read the name of a linear learner that can be differentiated; columns must be numbers."""
    return _LINEAR[scene.task][check_name(text, _LINEAR[scene.task], f"linear learner for {scene.task}")]()


_LINEAR: dict[str, dict[str, Callable[[], Any]]] = {
    "classification": {
        "svm": lambda: LinearSVC(loss="hinge", max_iter=10_000),
        "logistic": lambda: LogisticRegression(max_iter=1000),
        "ridge": RidgeClassifier,
    },
    "regression": {"ridge": Ridge, "lasso": Lasso},
}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


READERS: dict[str, Callable[[str, Scene], Any]] = {
    "base_label": _label,
    "column": _column,
    "columns": _columns,
    "defence": read_learner,
    "estimator": read_learner,
    "feasible_set": _nothing,
    "features": _nothing,
    "groups": _groups,
    "image_shape": _sizes,
    "label": _label,
    "labels": _labels,
    "one_hot_groups": _one_hot,
    "shape": _sizes,
    "source": _label,
    "source_label": _label,
    "target": _rows,
    "target_label": _label,
    "target_model": _nothing,
    "values": _conditions,
    "words": _words,
}
