"""Components: which classes may be named, what they take, how they are built."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bakeoff.config import components
from bakeoff.errors import ConfigError

LINEAR = {"_target_": "bakeoff.models.Estimator"}


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "pathlib.Path",
        "sklearn",
        "linear",
        "sklearnx.linear_model.Ridge",
        "sklearn.utils._testing.TempMemmap",  # a private part
        "sklearn.__loader__.X",
        "sklearn.base.os.system",  # through a module that an allowed one imports
        "sklearn.base.warnings.catch_warnings",
        "bakeoff.data.files.Path",  # a foreign class that an allowed module imports
        "bakeoff.data.files.tempfile.NamedTemporaryFile",
        "bakeoff.models.persistence.json.JSONDecoder",
        "bakeoff.config.components.instantiate",  # functions
        "bakeoff.models.persistence.load",
        "sklearn.datasets.load_files",
        "sklearn.linear_model.ridge_regression",
        "bakeoff.config.components.LIBRARIES",  # neither class nor function
        "sklearn.linear_model",
    ],
)
def test_what_may_not_be_named_is_refused(target: str) -> None:
    for refuses in (
        lambda: components.locate(target, "here"),
        lambda: components.check_component({"_target_": target}, "here"),
    ):
        with pytest.raises(ConfigError, match="here") as told:
            refuses()
        assert "Allowed: classes of bakeoff, sklearn" in str(told.value) or "cannot be imported" in str(told.value)


@pytest.mark.parametrize(
    "node",
    [
        LINEAR | {"regressor": {"_target_": "os.system"}},
        {
            "_target_": "sklearn.ensemble.VotingClassifier",
            "estimators": [["a", {"inner": {"_target_": "os.system"}}]],
        },
        {"_target_": "sklearn.pipeline.Pipeline", "steps": [["a", {"_target_": "os.system"}]]},
        {
            "_target_": "sklearn.calibration.CalibratedClassifierCV",
            "estimator": {"_target_": "sklearn.svm.SVC", "kernel": {"_target_": "os.system"}},
        },
    ],
)
def test_nested_components_are_held_to_the_same_list(node: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r'^model\..*_target_: "os.system" is not allowed'):
        components.check_component(node, "model")


def test_a_check_imports_nothing_heavy() -> None:
    program = """
import sys
from bakeoff.config import components
from bakeoff.errors import ConfigError
components.check_component({"_target_": "sklearn.linear_model.Ridge", "alpha": 2}, "model")
components.check_component({"_target_": "bakeoff.models.CatBoost", "depth": 4}, "model")
for target in ("os.system", "sklearn.linear_model.ridge_regression"):
    try:
        components.check_component({"_target_": target}, "model")
    except ConfigError:
        pass
    else:
        raise SystemExit(target)
print([name for name in ("sklearn", "catboost", "pandas", "numpy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({}, "model._target_: a component names its class here"),
        ({"_target_": 3}, "model._target_"),
        (LINEAR | {"scal": True}, 'model.scal: Estimator takes no "scal"'),
        (LINEAR | {"scal": True}, 'Did you mean "scale"?'),
        (LINEAR | {"scale": "yes"}, "model.scale: 'yes' is not of type bool."),
        (LINEAR | {"text": "bert"}, "model.text: 'bert' is not of type Literal['auto', 'tfidf', 'lsa']."),
        (LINEAR | {"ngrams": None}, "model.ngrams: None is not of type int."),
        (
            LINEAR | {"regressor": {"_target_": "sklearn.linear_model.Ridge", "alfa": 1}},
            'model.regressor.alfa: Ridge takes no "alfa"',
        ),
        (LINEAR | {"regressor": {"_target_": "sklearn.linear_model.Ridge", "alfa": 1}}, 'Did you mean "alpha"?'),
        ({"_target_": "bakeoff.data.Csv"}, "model.path: Csv needs it. Add model.path=…"),
        (
            {"_target_": "sklearn.pipeline.Pipeline", "steps": [["a", {"_target_": "sklearn.svm.SVC", "c": 1}]]},
            "model.steps.0.1.c",  # as it is written on the command line
        ),
        ({"_target_": "catboost.CatBoostClassifier", "_recursive_": True}, "model._recursive_"),
        ({"_target_": "bakeoff.models.Constant", "seed": 1}, "It takes: nothing."),
        ({"_target_": "sklearn.linear_model.Rigde"}, 'model._target_: there is no "Rigde" in sklearn.linear_model'),
        ({"_target_": "sklearn.linear_model.Rigde"}, 'Did you mean "Ridge"?'),
        ({"_target_": "sklearn.lineal_model.Ridge"}, "cannot be imported: No module named 'sklearn.lineal_model'"),
    ],
)
def test_a_wrong_component_is_told_with_its_key(node: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as told:
        components.check_component(node, "model")
    assert said in str(told.value)


@pytest.mark.parametrize(
    "node",
    [
        LINEAR,
        LINEAR | {"card": {"family": "classical"}, "search_space": {"ngrams": "range(1, 3)"}},
        {"_target_": "catboost.CatBoostClassifier", "depth": 4},
        {"_target_": "bakeoff.models.Estimator", "classifier": None, "scale": False},
    ],
)
def test_a_right_component_is_let_through(node: dict[str, Any]) -> None:
    components.check_component(node, "model")


def test_keys_that_belong_to_somebody_else_are_let_through_when_asked() -> None:
    node = {"_target_": "bakeoff.data.Csv", "path": "a.csv", "target": "label"}
    with pytest.raises(ConfigError, match=r"data\.target"):
        components.check_component(node, "data")
    components.check_component(node, "data", also=("target",))


def test_components_are_made_from_the_inside_out() -> None:
    made = components.instantiate(
        {
            "_target_": "sklearn.pipeline.Pipeline",
            "steps": [["scale", {"_target_": "sklearn.preprocessing.StandardScaler"}],
                      ["fit", {"_target_": "sklearn.linear_model.Ridge", "alpha": 3.0}]],
            "card": {"family": "classical"},
        },
        "model",
    )  # fmt: skip
    assert [type(step).__name__ for _, step in made.steps] == ["StandardScaler", "Ridge"]
    assert made.steps[1][1].alpha == 3.0


def test_plain_values_are_made_as_they_are() -> None:
    assert components.instantiate({"a": [1, {"card": 2}], "b": None}, "x") == {"a": [1, {"card": 2}], "b": None}


def test_a_constructor_that_refuses_is_told_with_its_key() -> None:
    with pytest.raises(ConfigError, match=r"^cost: TimeAndRequests refuses its arguments: usd_per_hour: -1"):
        components.instantiate({"_target_": "bakeoff.cost.TimeAndRequests", "usd_per_hour": -1}, "cost")
