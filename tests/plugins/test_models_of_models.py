"""Models as parameters of a model: in a mapping, in a list, in a dataclass, and within one another."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from installing import declare

from bakeoff import plugins
from bakeoff.config import components
from bakeoff.models import KNN, Constant, Context, Model, ModelReport, persistence
from bakeoff.models.base import nested
from bakeoff.retrieval import Hashing
from bakeoff.testing import check_model
from bakeoff.testing.contract import composed
from bakeoff.testing.models import assert_same, assert_same_parameters
from bakeoff.testing.tasks import mixed

PLACES = ["stages[0].model", "by_segment.pro", "by_segment.plus", "by_segment.other", "fallbacks[0]"]


@pytest.fixture
def toy(site: Path) -> dict[str, Any]:
    """The config of a cascade that a plugin brings."""
    shutil.copytree(Path(__file__).parent / "bakeoff_cascade", site / "bakeoff_cascade")
    declare(site, "bakeoff-cascade", {"bakeoff.plugins": {"cascade": "bakeoff_cascade"}})
    importlib.invalidate_caches()
    plugins.forget()
    node: dict[str, Any] = composed("model=toy_cascade", "data=csv")["model"]
    return node


def made(node: dict[str, Any]) -> Model:
    model: Model = components.instantiate(node, "model")
    return model


def test_a_cascade_holds_to_the_contract(toy: dict[str, Any]) -> None:
    held = check_model("toy_cascade", {"mixed": mixed})
    assert "mixed: a saved model predicts the same" in held
    assert "mixed: a search can end a fit" in held, "what CatBoost reports goes through"


def test_nested_models_are_found_by_their_place(toy: dict[str, Any]) -> None:
    model = made(toy)
    assert list(nested(model)) == PLACES
    assert list(nested(nested(model)["by_segment.plus"])) == ["by_segment.other"]
    assert nested(Constant()) == {} == nested(3)


def test_capabilities_are_those_of_the_parts(toy: dict[str, Any]) -> None:
    model = made(toy)
    assert model.uses_validation, "CatBoost wants to stop early"
    assert model.predict_batch_size == 64, "that of a part of a part"
    assert not model.supports_lag_features
    del toy["by_segment"]["pro"], toy["by_segment"]["plus"]
    simple = made(toy)
    assert not simple.uses_validation
    assert simple.predict_batch_size is None


def test_a_saved_cascade_has_a_folder_for_each_part_and_is_read_back(toy: dict[str, Any], tmp_path: Path) -> None:
    schema, rows = mixed()
    model = made(toy)
    model.fit(rows.take(slice(0, 90)), rows.take(slice(90, None)), Context(schema, seed=0, threads=1))
    persistence.save(model, tmp_path)
    classes = {
        str(file.parent.relative_to(tmp_path)): json.loads(file.read_text())["class"].rpartition(".")[2]
        for file in tmp_path.rglob("model.json")
    }
    assert classes == {
        ".": "Cascade", "models/0": "Rules", "models/1": "CatBoost", "models/2": "Cascade",
        "models/2/models/0": "KNN", "models/3": "Constant", "models/4": "Estimator",
    }  # fmt: skip
    loaded = persistence.load(tmp_path)
    assert_same(loaded.predict(rows.X), model.predict(rows.X))
    assert_same_parameters(model, loaded)


def test_a_model_that_is_used_twice_is_saved_once(tmp_path: Path, toy: dict[str, Any]) -> None:
    schema, rows = mixed()
    model: Any = made(toy)
    model.by_segment["other"] = model.fallbacks[0]
    model.fit(rows.take(slice(0, 90)), None, Context(schema, seed=0, threads=1))
    persistence.save(model, tmp_path)
    loaded: Any = persistence.load(tmp_path)
    assert loaded.by_segment["other"] is loaded.fallbacks[0]
    assert_same(loaded.predict(rows.X), model.predict(rows.X))


def test_a_cascade_is_described_at_any_depth(toy: dict[str, Any]) -> None:
    toy["fallbacks"] = []  # an estimator of scikit-learn describes itself in a file of its own
    described = components.describe(made(toy))
    assert described["by_segment"]["plus"]["by_segment"]["other"]["embedder"]["_target_"] == "bakeoff.retrieval.Hashing"
    assert components.describe(made(described)) == described


class Told(Constant):
    """A constant that says what it was asked."""

    def report(self) -> ModelReport:
        """Say it."""
        return ModelReport({"rows": 3}, ("a note",), ({"epoch": 0, "train_loss": 1.0},))

    def warm_up(self, X: pd.DataFrame) -> None:
        """Remember how many rows there were."""
        self.warmed_ = len(X)

    def estimate_requests(self, train: Any, X: pd.DataFrame, context: Context) -> list[Any]:
        """A request a row."""
        return [f"request {i}" for i in range(len(X))]


def test_reports_warm_up_and_requests_reach_every_part(toy: dict[str, Any]) -> None:
    schema, rows = mixed()
    model: Any = made(toy)
    model.by_segment, model.fallbacks = {"other": Told()}, [Told()]
    report = model.report()
    assert report.details == {"by_segment.other": {"rows": 3}, "fallbacks[0]": {"rows": 3}}
    assert report.notes == ("by_segment.other: a note", "fallbacks[0]: a note")
    assert [row["model"] for row in report.curves] == ["by_segment.other", "fallbacks[0]"]
    context = Context(schema, seed=0, threads=1)
    assert len(model.estimate_requests(rows, rows.X, context)) == 2 * len(rows)
    model.fit(rows, None, context)
    model.warm_up(rows.X.iloc[:1])
    assert [part.warmed_ for part in (model.by_segment["other"], *model.fallbacks)] == [1, 1]


def test_a_class_that_only_looks_like_a_model_is_refused_before_any_fit(site: Path) -> None:
    from bakeoff.errors import ConfigError
    from bakeoff.models.tabular.estimator import adapt

    class Duck:
        uses_validation = supports_lag_features = False
        check = fit = predict = save = load = warm_up = report = lambda self: None

    with pytest.raises(ConfigError, match=r"nor a subclass of bakeoff\.models\.Model\. Subclass that"):
        adapt(Duck())


def test_a_number_of_rows_is_no_reason_to_skip_the_warm_up() -> None:
    schema, rows = mixed()
    model = KNN(Hashing(), k=3)
    model.fit(rows, None, Context(schema, seed=0, threads=1))
    asked: list[int] = []
    predict = model.predict
    model.predict = lambda X: (asked.append(len(X)), predict(X))[1]  # type: ignore[method-assign]
    model.warm_up(rows.X)
    assert asked == [1] and model.predict_batch_size == 256
    assert np.isfinite(predict(rows.X).confidence).all()  # type: ignore[type-var]
