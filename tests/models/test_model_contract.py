"""What every shipped model must do, for each kind of task."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from sklearn.datasets import load_diabetes, load_iris

from bakeoff import config, parts
from bakeoff.errors import ConfigError
from bakeoff.models import estimator
from bakeoff.models.base import Context, Model
from bakeoff.task import Examples, Predictions, Schema

CONF = Path(__file__).parents[2] / "conf"
# Those that answer questions, that ask an LLM, or that begin with a large encoder, have tests in files of their own.
OF_QUESTIONS = {"extractive", "faq", "rag", "retrieve"}
OF_SERIES = {"seasonal_naive"}
MODELS = sorted(
    {path.stem for path in (CONF / "model").glob("*.yaml")} - OF_QUESTIONS - OF_SERIES - {"llm", "finetune", "setfit"}
)
# To those that read rows as text, numbers are words like others: a flower of 5.1 cm is not near one of 5.2.
READERS = {"embedding", "knn"}
# So that a small test stays small; all else is as shipped.
SMALLER: dict[str, dict[str, Any]] = {
    "random_forest": {"classifier.n_estimators": 20, "regressor.n_estimators": 20},
    "hist_gradient_boosting": {"classifier.max_iter": 20, "regressor.max_iter": 20},
    "catboost": {"iterations": 30},
    "mlp": {"hidden": [32], "text_dimensions": 4, "epochs": 20, "learning_rate": 0.02, "batch_size": 32},
    "lstm": {"max_tokens": 40, "embedding": 16, "hidden": 16, "epochs": 12, "learning_rate": 0.04, "batch_size": 16},
    "gru": {"max_tokens": 40, "embedding": 16, "hidden": 16, "epochs": 12, "learning_rate": 0.04, "batch_size": 16},
}
RULES: dict[str, list[dict[str, Any]]] = {
    "text": [{"name": "offer", "keywords": ["free", "win"], "output": "spam"}],
    "iris": [{"name": "small", "where": {"petal length (cm)": "< 2.5"}, "output": "0"}],
    "diabetes": [{"name": "heavy", "where": {"bmi": "> 0.05"}, "output": 220}],
    "mixed": [{"name": "early", "where": {"joined": "< 2020-06-01"}, "output": "stays"}],
}


def examples(X: pd.DataFrame, y: Any) -> Examples:
    return Examples(X, np.asarray(y), np.arange(len(X)), X.iloc[:, :0])


def text() -> tuple[Schema, Examples]:
    spam = [f"win a free prize number {i}, call now" for i in range(20)]
    ham = [f"see you at home at {i} tonight, love" for i in range(40)]
    X = pd.DataFrame({"message": [*spam, *ham]})
    schema = Schema("classification", "label", {"message": "text"}, ("ham", "spam"), "spam")
    return schema, examples(X, np.array(["spam"] * 20 + ["ham"] * 40, dtype=object))


def iris() -> tuple[Schema, Examples]:
    bunch = load_iris(as_frame=True)
    schema = Schema("classification", "kind", dict.fromkeys(bunch.data, "numeric"), ("0", "1", "2"))
    return schema, examples(bunch.data, bunch.target.astype(str).to_numpy(dtype=object))


def diabetes() -> tuple[Schema, Examples]:
    bunch = load_diabetes(as_frame=True)
    schema = Schema("regression", "progression", dict.fromkeys(bunch.data, "numeric"))
    return schema, examples(bunch.data.iloc[:200], bunch.target.to_numpy(dtype=float)[:200])


def mixed() -> tuple[Schema, Examples]:
    random = np.random.default_rng(0)
    n = 120
    X = pd.DataFrame(
        {
            "age": np.where(random.random(n) < 0.1, np.nan, random.integers(18, 80, n)),
            "plan": pd.Series(random.choice(["basic", "plus", "pro"], n)).where(random.random(n) > 0.1),
            "street": [f"{random.choice(['Oak', 'Elm', 'Main'])} Street {i % 60}" for i in range(n)],
            "joined": pd.Series(pd.date_range("2020-01-01", periods=n, freq="3D")).where(random.random(n) > 0.1),
            "note": [f"call number {i} about the {'bill' if i % 2 else 'phone'}" for i in range(n)],
        }
    )
    y = np.where((X["plan"] == "pro") | (X["age"] > 60), "stays", "leaves").astype(object)
    kinds = {"age": "numeric", "plan": "categorical", "street": "categorical", "joined": "date", "note": "text"}
    return Schema("classification", "y", kinds, ("leaves", "stays"), "leaves"), examples(X, y)  # type: ignore[arg-type]


TASKS = {"text": text, "iris": iris, "diabetes": diabetes, "mixed": mixed}


def make(name: str, task: str) -> Model:
    node = dict(composed(name))
    if name == "rules":
        node["rules"] = RULES[task]
    config.check_component(node, "model")
    return estimator.adapt(config.instantiate(node, "model"))


@cache
def composed(name: str) -> dict[str, Any]:
    """The model's config with the parts that it takes; the embedder is one that needs no download."""
    smaller = [f"model.{key}={value}" for key, value in SMALLER.get(name, {}).items()]
    config.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", [f"model={name}", "data=csv", "embedder=hashing", *smaller])
    content: Any = {key: OmegaConf.to_container(cfg[key], resolve=True) for key in ("model", *parts.GROUPS) if cfg[key]}
    made: dict[str, Any] = parts.assembled(content["model"], content)
    return made


def fitted(name: str, task: str, threads: int = 1) -> tuple[Model, Schema, Examples]:
    schema, rows = TASKS[task]()
    model = make(name, task)
    model.check(schema)
    order = np.random.default_rng(1).permutation(len(rows))
    valid = rows.take(order[: len(rows) // 5]) if model.uses_validation else None
    model.fit(rows.take(order[len(rows) // 5 :]), valid, Context(schema, seed=3, threads=threads))
    return model, schema, rows


def assert_sound(predictions: Predictions, schema: Schema, n: int) -> None:
    assert predictions.output.shape == (n,)
    if schema.kind == "regression":
        assert predictions.output.dtype == np.float64
        assert np.isfinite(predictions.output).all()
        return
    assert set(predictions.output) <= set(schema.classes)
    assert predictions.proba is not None
    assert predictions.proba.shape == (n, len(schema.classes))
    assert predictions.proba.min() >= 0
    np.testing.assert_allclose(predictions.proba.sum(axis=1), 1, atol=1e-6)


def assert_same(a: Predictions, b: Predictions) -> None:
    if a.output.dtype == np.float64:
        np.testing.assert_allclose(a.output, b.output, rtol=1e-6)
    else:
        assert a.output.tolist() == b.output.tolist()
    if a.proba is not None:
        assert b.proba is not None
        np.testing.assert_allclose(a.proba, b.proba, atol=1e-6)


@pytest.fixture(
    params=[(name, task) for name in MODELS for task in TASKS], ids=lambda p: f"{p[0]}-{p[1]}", scope="module"
)
def case(request: pytest.FixtureRequest) -> tuple[str, str, Model, Schema, Examples]:
    name, task = request.param
    return (name, task, *fitted(name, task))


Case = tuple[str, str, Model, Schema, Examples]


def test_answers_have_the_shape_of_the_question(case: Case) -> None:
    _, _, model, schema, rows = case
    assert_sound(model.predict(rows.X), schema, len(rows))


def test_a_single_row_gets_the_same_answer_as_among_others(case: Case) -> None:
    _, _, model, schema, rows = case
    alone = model.predict(rows.X.iloc[5:6])
    assert_sound(alone, schema, 1)
    together = model.predict(rows.X)
    proba = None if together.proba is None else together.proba[5:6]
    assert_same(alone, Predictions(together.output[5:6], proba))


def test_a_saved_model_predicts_the_same(case: Case, tmp_path: Path) -> None:
    _, _, model, _, rows = case
    model.save(tmp_path)
    loaded = type(model).load(tmp_path)
    assert_same(loaded.predict(rows.X), model.predict(rows.X))
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]


def test_values_missing_only_at_prediction_are_no_obstacle(case: Case) -> None:
    _, _, model, schema, rows = case
    X = rows.X.copy()
    for name, kind in schema.columns.items():
        X.loc[X.index[:3], name] = "" if kind == "text" else None
    assert_sound(model.predict(X.iloc[:3]), schema, 3)


def test_the_order_of_columns_does_not_matter(case: Case) -> None:
    _, _, model, _, rows = case
    assert_same(model.predict(rows.X[rows.X.columns[::-1]]), model.predict(rows.X))


def test_the_same_seed_gives_the_same_model(case: Case) -> None:
    name, task, model, _, rows = case
    again, *_ = fitted(name, task)
    np.testing.assert_array_equal(again.predict(rows.X).output, model.predict(rows.X).output)


@pytest.mark.parametrize("name", sorted(OF_QUESTIONS | OF_SERIES))
def test_what_answers_questions_or_forecasts_refuses_a_table(name: str) -> None:
    with pytest.raises(ConfigError, match="this task is classification"):
        make(name, "iris").check(iris()[0])


@pytest.mark.parametrize("name", [*MODELS, "llm"])
def test_what_answers_tables_refuses_to_rank_documents(name: str) -> None:
    with pytest.raises(ConfigError, match="this task is retrieval"):
        make(name, "iris").check(Schema("retrieval", "answers", {"question": "text"}))


@pytest.mark.parametrize("name", MODELS)
def test_categories_never_seen_are_no_obstacle(name: str) -> None:
    model, schema, rows = fitted(name, "mixed")
    assert_sound(model.predict(rows.X.head(4).assign(plan="gold", street="Nowhere 1", note="?")), schema, 4)


@pytest.mark.parametrize("name", MODELS)
def test_a_class_that_training_lacks_keeps_its_column(name: str) -> None:
    schema, rows = iris()
    model = make(name, "iris")
    keep = np.flatnonzero(rows.y != "1")
    model.fit(rows.take(keep), None, Context(schema, seed=0, threads=1))
    answers = model.predict(rows.X.iloc[keep])
    assert_sound(answers, schema, len(keep))
    assert answers.proba is not None
    assert answers.proba[:, 1].max() < 0.3


@pytest.mark.parametrize("name", MODELS)
def test_predicting_before_fitting_is_refused(name: str) -> None:
    with pytest.raises(RuntimeError, match="before fit"):
        make(name, "iris").predict(iris()[1].X)


@pytest.mark.parametrize("name", MODELS)
def test_two_threads_answer_as_well_as_one(name: str) -> None:
    model, schema, rows = fitted(name, "iris", threads=2)
    assert_sound(model.predict(rows.X), schema, len(rows))


LEARNERS = [m for m in MODELS if m not in ("constant", "rules")]


@pytest.mark.parametrize(
    "name, task", [(m, task) for m in LEARNERS for task in ("iris", "text") if task == "text" or m not in READERS]
)
def test_models_that_learn_learn(name: str, task: str) -> None:
    model, _, rows = fitted(name, task)
    assert (model.predict(rows.X).output == rows.y).mean() > 0.9


@pytest.mark.parametrize("name", MODELS)
def test_fitting_writes_nothing_to_the_working_directory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fitted(name, "iris")
    assert list(tmp_path.iterdir()) == []
