"""One fitted copy of a model per segment, and a fallback for all other rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from bakeoff.errors import ConfigError
from bakeoff.models import CatBoost, Constant, Estimator, PromptedLLM, persistence
from bakeoff.models.base import Context, Model
from bakeoff.solutions import Ensemble, PerSegment, Segmented, language
from bakeoff.task import Examples, Schema
from bakeoff.testing import check_model
from bakeoff.testing.tasks import diabetes, errands, mixed, text

COLUMNS = {"region": "categorical", "x": "numeric"}
LABELS = Schema("classification", "label", COLUMNS, ("no", "yes"), "yes")
NUMBERS = Schema("regression", "price", COLUMNS)


def table(n: int = 400, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    region = np.where(np.arange(n) % 2 == 0, "north", "south").astype(object)
    region[:8] = ["tiny"] * 5 + [None] * 3
    return pd.DataFrame({"region": region, "x": random.normal(size=n)})


def slope(X: pd.DataFrame) -> Any:
    """The relation is reversed in the south."""
    return (X["x"] * np.where(X["region"] == "south", -1.0, 1.0)).to_numpy()


def labelled(X: pd.DataFrame) -> Examples:
    y = np.where(slope(X) > 0, "yes", "no").astype(object)
    return Examples(X, y, np.arange(len(X)), X.iloc[:, :0])


def linear() -> Estimator:
    return Estimator(classifier=LogisticRegression(), regressor=Ridge())


def fitted(model: Model, rows: Examples, schema: Schema = LABELS, valid: Examples | None = None) -> Any:
    model.check(schema)
    model.fit(rows, valid, Context(schema, 0, 1))
    return model


def per_segment(base: Model | None = None, by: Any = "region", min_rows: int = 50) -> PerSegment:
    return PerSegment(base or linear(), by, min_rows)


def test_labels_whose_relation_differs_by_segment_are_predicted_where_one_model_fails() -> None:
    train, test = labelled(table()), labelled(table(seed=1))
    accuracy = {
        name: (fitted(model, train).predict(test.X).output == test.y).mean()
        for name, model in {"single": linear(), "segments": per_segment()}.items()
    }
    assert accuracy["segments"] > 0.95 and accuracy["single"] < 0.75


def test_numbers_whose_relation_differs_by_segment_are_predicted_where_one_model_fails() -> None:
    X, new = table(), table(seed=1)
    train = Examples(X, slope(X), np.arange(len(X)), X.iloc[:, :0])
    error = {
        name: np.abs(fitted(model, train, NUMBERS).predict(new).output - slope(new)).mean()
        for name, model in {"single": linear(), "segments": per_segment()}.items()
    }
    assert error["segments"] < 0.1 * error["single"]


def test_small_unseen_and_missing_segments_are_answered_by_the_model_of_all_rows() -> None:
    train = labelled(table())
    model, alone = fitted(per_segment(), train), fitted(linear(), train)
    new = pd.DataFrame({"region": ["north", "tiny", "west", None, "south"], "x": [1.0, 1.0, 1.0, 1.0, 1.0]})
    predictions = model.predict(new)
    assert predictions.stage.tolist() == ["region=north", "fallback", "fallback", "fallback", "region=south"]
    assert predictions.output[[0, 4]].tolist() == ["yes", "no"]
    np.testing.assert_allclose(predictions.proba[1:4], alone.predict(new.iloc[1:4]).proba)
    report = model.report()
    assert report.details["segments"]["region=tiny"] == {
        "rows": 5, "part": "fallback", "reason": "fewer than 50 training rows",
    }  # fmt: skip
    assert report.details["segments"]["region=north"] == {"rows": 196, "part": "own"}
    assert report.details["rows_without_segment"] == 3
    assert "2 of 3 segments by region have a model fitted to their rows" in report.notes[0]
    assert "region=tiny (5): fewer than 50 training rows" in report.notes[0]


def test_segment_of_one_class_is_answered_by_the_fallback_and_one_that_lacks_a_class_keeps_its_column() -> None:
    schema = Schema("classification", "label", COLUMNS, ("a", "b", "c"))
    X = table().assign(region=np.repeat(["one", "two"], 200))
    y = np.where(np.arange(400) < 200, "c", np.where(X["x"] > 0, "a", "b")).astype(object)
    model = fitted(per_segment(), Examples(X, y, np.arange(400), X.iloc[:, :0]), schema)
    predictions = model.predict(X)
    assert set(predictions.stage[:200]) == {"fallback"} and set(predictions.stage[200:]) == {"region=two"}
    assert predictions.proba.shape == (400, 3)
    np.testing.assert_allclose(predictions.proba.sum(axis=1), 1.0)
    assert (predictions.proba[200:, 2] == 0).all()
    assert model.report().details["segments"]["region=one"]["reason"] == "the same label in all training rows"


def test_segment_without_anything_to_learn_from_is_answered_by_the_fallback_and_says_why() -> None:
    X = table().assign(x=lambda X: np.where(X["region"] == "south", 1.0, X["x"]))
    y = np.where(np.random.default_rng(1).random(len(X)) > 0.5, "yes", "no").astype(object)
    model = fitted(per_segment(CatBoost(iterations=5)), Examples(X, y, np.arange(len(X)), X.iloc[:, :0]))
    assert set(model.parts_) == {"region=north"}
    assert "each feature has one value" in model.report().details["segments"]["region=south"]["reason"]


def test_saved_model_predicts_the_same(tmp_path: Path) -> None:
    model, new = fitted(per_segment(), labelled(table())), table(seed=2)
    persistence.save(model, tmp_path)
    loaded = persistence.load(tmp_path)
    np.testing.assert_allclose(loaded.predict(new).proba, model.predict(new).proba)  # type: ignore[arg-type]
    assert loaded.report().details["segments"] == model.report().details["segments"]


def test_segments_of_several_columns_and_of_whole_numbers_that_are_read_with_a_gap() -> None:
    schema = Schema("classification", "label", {**COLUMNS, "plan": "numeric"}, ("no", "yes"), "yes")
    X = table().assign(region="a/b", plan=np.arange(400) // 2 % 2)
    train = Examples(X, np.where(X["x"] > 0, "yes", "no").astype(object), np.arange(400), X.iloc[:, :0])
    model = fitted(per_segment(by=["region", "plan"]), train, schema)
    new = pd.DataFrame({"region": ["a/b"] * 3, "plan": [1.0, 0.0, np.nan], "x": [0.0] * 3})
    assert model.predict(new).stage.tolist() == ["region=a/b, plan=1", "region=a/b, plan=0", "fallback"]


def test_segmented_knows_whole_numbers_that_are_read_with_a_gap() -> None:
    schema = Schema("classification", "label", {"plan": "numeric"}, ("no", "yes"), "yes")
    solution = Segmented(["plan"], segments={"1": "a", "2.0": "b"}, fallback="c")
    solution.schema_ = schema
    assert [solution._key(value) for value in solution.segments] == ["1", "2"]
    assert solution._segment(pd.DataFrame({"plan": [1.0, 2.0, np.nan]})).tolist() == ["1", "2", "missing"]


def test_languages_make_segments_and_unsure_texts_go_to_the_fallback() -> None:
    pytest.importorskip("gcld3")
    german, spanish = (
        "Wie kann ich mein Konto in diesem Monat noch schließen?",
        "¿Cómo puedo cerrar mi cuenta este mes?",
    )
    X = pd.DataFrame({"text": [f"{message} {word}" for message in (german, spanish) for word in ("rot", "azul") * 20]})
    y = np.array(["yes", "no"] * 20 + ["no", "yes"] * 20, dtype=object)
    schema = Schema("classification", "label", {"text": "text"}, ("no", "yes"), "yes")
    model = fitted(per_segment(by="language", min_rows=20), Examples(X, y, np.arange(80), X.iloc[:, :0]), schema)
    assert set(model.parts_) <= {"language=de", "language=es"} and model.parts_
    assert model.predict(pd.DataFrame({"text": ["42"]})).stage.tolist() == ["fallback"]
    assert language.UNSURE not in str(model.segments_)


@dataclass(eq=False)
class Counted(Constant):
    """A constant that counts fits and the rows of each, and wants validation rows."""

    uses_validation = True

    def __post_init__(self) -> None:
        self.fits: list[tuple[int, int | None]] = []
        self.refits: list[int] = []

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        self.fits.append((len(train), None if valid is None else len(valid)))
        super().fit(train, valid, context)

    def fit_to_all(self, rows: Examples, context: Context) -> None:
        self.refits.append(len(rows))


def test_each_copy_is_fitted_once_to_the_rows_of_its_segment() -> None:
    train = labelled(table())
    valid = labelled(table(40, seed=3).query("region != 'south'"))
    model = fitted(per_segment(Counted()), train, valid=valid)
    assert model.uses_validation
    assert model.base.fits == [(400, len(valid))]
    assert model.parts_["region=north"].fits == [(196, 16)]
    assert model.parts_["region=south"].fits == [(196, None)], "no validation row is in the south"
    assert set(model.parts_) == {"region=north", "region=south"}
    model.fit_to_all(train, Context(LABELS, 0, 1))
    assert model.base.refits == [400] and model.parts_["region=south"].refits == [196]


@pytest.mark.parametrize(
    ("base", "task", "overrides"),
    [
        ("linear", mixed, ["model.by=[plan]", "model.min_rows=20"]),
        ("catboost", mixed, ["model.by=[plan]", "model.min_rows=20", "model.base.iterations=5"]),
        ("linear", text, ["model.by=[message]"]),
        ("linear", diabetes, ["model.by=sex", "model.min_rows=20"]),
        ("linear", errands, ["model.by=[text]"]),
    ],
)
def test_per_segment_holds_to_the_contract_of_models(base: str, task: Any, overrides: list[str]) -> None:
    column = next(iter(task()[0].columns)) if task in (text, errands) else None
    by = [f"model.by=[{column}]"] if column else []
    check_model("per_segment", {task.__name__: task}, [f"model@model.base={base}", *overrides, *by])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (PerSegment(linear()), "model.by: name the columns"),
        (PerSegment(linear(), "regoin"), 'Did you mean "region"'),
        (PerSegment(linear(), "region", 0), "model.min_rows: 0 is less than 1"),
        (PerSegment(LinearSVC(), "region"), "model.base: LinearSVC is no model of its own"),  # type: ignore[arg-type]
        (PerSegment(Ensemble(["a", "b"]), "region"), "model.base: Ensemble learns nothing"),
        (PerSegment(PromptedLLM(None, None, None), "region"), "model=segmented"),  # type: ignore[arg-type]
        (PerSegment(Estimator(regressor=Ridge()), "region"), "there is only a regressor"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(model: PerSegment, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        model.check(LABELS)
