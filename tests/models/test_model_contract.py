"""What every shipped model must do, for each kind of task: the contract that plugins are held to, and some more."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.config import components, wiring
from bakeoff.errors import ConfigError
from bakeoff.models.base import Context, Model
from bakeoff.models.tabular import estimator
from bakeoff.task import Examples, Schema
from bakeoff.testing import check_model
from bakeoff.testing.contract import composed
from bakeoff.testing.models import assert_sound
from bakeoff.testing.tasks import QUESTIONS, SERIES, TASKS, corpus, iris

CONF = Path(__file__).parents[2] / "conf"
# Those that ask an LLM, or that begin with a large encoder, have more tests in files of their own.
OF_QUESTIONS = ("extractive", "faq", "rag", "retrieve")
OF_SERIES = ("seasonal_naive",)
OF_TEXTS = ("central", "lead")  # held to the contract in a file of their own
OF_PARTS = (  # tests/solutions
    "cascade", "ensemble", "calibrated", "threshold", "segmented", "per_segment", "abstaining", "distilled",
)  # fmt: skip
MODELS = sorted(
    {path.stem for path in (CONF / "model").glob("*.yaml")}
    - {*OF_QUESTIONS, *OF_SERIES, *OF_TEXTS, *OF_PARTS, "llm", "decision", "finetune", "setfit"}
)
TABLES = [task for task in TASKS if task != "errands"]  # several labels a row: test_multilabel_models.py
PRUNED = ("catboost", "gru", "lstm", "mlp")
NETWORKS = ("gru", "lstm", "mlp")
# To those that read rows as text, numbers are words like others: a flower of 5.1 cm is not near one of 5.2.
READERS = ("embedding", "knn")
LEARNERS = [option for option in MODELS if option not in ("constant", "rules")]
LLM = ("llm=smollm2", "llm.context_tokens=1024", "llm.parallel=4", "llm.threads=1")  # one server for all tests
RECURRENT = (
    "model.max_tokens=40", "model.embedding=16", "model.hidden=16", "model.epochs=12", "model.learning_rate=0.04",
    "model.batch_size=16",
)  # fmt: skip
# So that a small test stays small; all else is as shipped.
SMALLER: dict[str, tuple[str, ...]] = {
    "random_forest": ("model.classifier.n_estimators=20", "model.regressor.n_estimators=20"),
    "hist_gradient_boosting": ("model.classifier.max_iter=20", "model.regressor.max_iter=20"),
    "catboost": ("model.iterations=30",),
    "mlp": (
        "model.hidden=[32]", "model.text_dimensions=4", "model.epochs=20", "model.learning_rate=0.02",
        "model.batch_size=32",
    ),
    "lstm": RECURRENT,
    "gru": RECURRENT,
}  # fmt: skip
RULES = {
    "text": "{name: offer, keywords: [free, win], output: spam}",
    "iris": r"{name: small, where: {petal length \(cm\): '< 2.5'}, output: '0'}",
    "diabetes": "{name: heavy, where: {bmi: '> 0.05'}, output: 220}",
    "mixed": "{name: early, where: {joined: '< 2020-06-01'}, output: stays}",
}


def settings(option: str, task: str) -> tuple[str, ...]:
    return (f"model.rules=[{RULES[task]}]",) if option == "rules" else SMALLER.get(option, ())


@cache
def node(option: str, overrides: tuple[str, ...]) -> dict[str, Any]:
    content = composed(f"model={option}", "data=csv", "embedder=hashing", *overrides)
    return wiring.assembled_from(content, "model").to_config()


def make(option: str, task: str = "iris") -> Model:
    return estimator.adapt(components.instantiate(dict(node(option, settings(option, task))), "model"))


def fitted(option: str, task: str, threads: int = 1) -> tuple[Model, Schema, Examples]:
    schema, rows = TASKS[task]()
    model = make(option, task)
    order = np.random.default_rng(1).permutation(len(rows))
    valid = rows.take(order[: len(rows) // 5]) if model.uses_validation else None
    model.fit(rows.take(order[len(rows) // 5 :]), valid, Context(schema, seed=3, threads=threads))
    return model, schema, rows


@pytest.mark.parametrize(("option", "task"), [(option, task) for option in MODELS for task in TABLES])
def test_models_of_tables_hold_to_the_contract(option: str, task: str) -> None:
    fewer = ["model.epochs=3"] if option in NETWORKS else []
    held = check_model(option, {task: TASKS[task]}, [*settings(option, task), *fewer])
    assert (f"{task}: a search can end a fit" in held) == (option in PRUNED)


@pytest.mark.parametrize(
    ("option", "task"), [("extractive", "qa"), ("faq", "qa"), ("retrieve", "qa"), ("retrieve", "retrieval")]
)
def test_models_of_questions_hold_to_the_contract(option: str, task: str) -> None:
    check_model(option, {task: QUESTIONS[task]}, corpus=corpus())


def test_a_language_model_holds_to_the_contract(smollm2: Path) -> None:
    schema, rows = TASKS["text"]()
    few = rows.take(np.arange(0, len(rows), 5))
    check_model("llm", {"text": lambda: (schema, few)}, [*LLM, "prompt=classify_terse", "model.max_tokens=3"])


def test_answers_from_passages_hold_to_the_contract(smollm2: Path) -> None:
    schema, rows = QUESTIONS["qa"]()
    few = rows.take(np.arange(6))
    short = [*LLM, "model.max_tokens=8", "model.citations=matched", "retriever=bm25", "prompt=answer_from_passages"]
    check_model("rag", {"qa": lambda: (schema, few)}, short, corpus())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "smaller"), [("finetune", ["model.tune=head"]), ("setfit", ["model.pairs=8", "model.max_tokens=16"])]
)
def test_encoders_that_learn_on_hold_to_the_contract(option: str, smaller: list[str]) -> None:
    schema, rows = TASKS["text"]()
    few = rows.take(np.arange(0, len(rows), 5))
    check_model(option, {"text": lambda: (schema, few)}, ["model.epochs=1", *smaller])


@pytest.mark.parametrize("option", [*OF_SERIES, "linear"])
def test_models_of_series_hold_to_the_contract(option: str) -> None:
    check_model(option, SERIES)


@pytest.mark.parametrize("option", [*OF_QUESTIONS, *OF_SERIES, *OF_TEXTS])
def test_what_answers_questions_or_forecasts_refuses_a_table(option: str) -> None:
    with pytest.raises(ConfigError, match="this task is classification"):
        make(option).check(iris()[0])


@pytest.mark.parametrize("option", [*MODELS, "llm"])
def test_what_answers_tables_refuses_to_rank_documents(option: str) -> None:
    with pytest.raises(ConfigError, match="this task is retrieval"):
        make(option).check(Schema("retrieval", "answers", {"question": "text"}))


@pytest.mark.parametrize("option", MODELS)
def test_a_class_that_training_lacks_is_improbable(option: str) -> None:
    schema, rows = iris()
    model = make(option)
    keep = np.flatnonzero(rows.y != "1")
    model.fit(rows.take(keep), None, Context(schema, seed=0, threads=1))
    answers = model.predict(rows.X.iloc[keep])
    assert_sound(answers, schema, len(keep))
    assert answers.proba is not None
    assert answers.proba[:, 1].max() < 0.3


@pytest.mark.parametrize("option", MODELS)
def test_two_threads_answer_as_well_as_one(option: str) -> None:
    model, schema, rows = fitted(option, "iris", threads=2)
    answers = model.predict(rows.X)
    assert_sound(answers, schema, len(rows))
    assert answers.proba is not None
    if option in LEARNERS and option not in READERS:
        assert (answers.output == rows.y).mean() > 0.9


@pytest.mark.parametrize("option", LEARNERS)
def test_models_that_learn_learn(option: str) -> None:
    model, _, rows = fitted(option, "text")
    assert (model.predict(rows.X).output == rows.y).mean() > 0.9
