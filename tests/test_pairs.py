"""Every model that claims to fit some data does: each pair is composed as shipped, fitted on few rows, and asked."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf, open_dict

from bakeoff.config.settings import register
from bakeoff.errors import ConfigError
from bakeoff.execution import runner
from bakeoff.models.base import Context
from bakeoff.request import validation
from bakeoff.request.spec import Request
from bakeoff.task import Task

CONF = Path(__file__).parents[1] / "conf"
MODELS = sorted(file.stem for file in (CONF / "model").glob("*.yaml"))
# Data that come with the package or with scikit-learn; the others are fetched once, and asked in the slow tests.
AT_HAND = ("breast_cancer", "diabetes", "python_docs")
FETCHED = ("sms_spam", "trec", "churn", "credit", "ames")
# For the fast tests, one of a family each: tests/models fits all of them on tables of its own.
SAMPLED = [
    *((model, data) for model in ("linear", "catboost", "embedding") for data in ("breast_cancer", "diabetes")),
    *((model, "python_docs") for model in ("extractive", "faq")),
]
ROWS = 60
SMALLER = {"catboost": ["model.iterations=10"]}


def asked(model: str, data: str) -> Request:
    register()
    overrides = [f"model={model}", f"data={data}", "variant=x", "embedder=hashing", *SMALLER.get(model, ())]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", overrides)
    with open_dict(cfg):
        for key in OmegaConf.missing_keys(cfg):
            OmegaConf.update(cfg, key, "x")
    return validation.read(cfg, Path("x"))


@cache
def task(data: str) -> Task:
    return runner.load_task(asked("constant", data))


def some_rows(y: Any, classes: tuple[str, ...]) -> Any:
    """Positions of a few rows in random order; of classes, as many of each."""
    order = np.random.default_rng(0).permutation(len(y))
    if not classes:
        return order[:ROWS]
    of_each = [order[y[order] == label][: ROWS // len(classes)] for label in classes]
    return np.random.default_rng(1).permutation(np.concatenate(of_each))


def fit_and_ask(model: str, data: str) -> None:
    whole = task(data)
    request = asked(model, data)
    try:
        made: Any = runner.make_model(request, whole.schema)
    except ConfigError as refused:
        pytest.skip(f"does not claim to fit: {refused}")
    if getattr(made, "variants", None):
        pytest.skip("is made of other variants: tests/solutions")
    development = whole.development
    few = development.examples.take(some_rows(development.examples.y, whole.schema.classes))
    valid = few.take(slice(ROWS * 3 // 4, None)) if made.uses_validation else None
    train = few.take(slice(0, ROWS * 3 // 4)) if made.uses_validation else few
    made.fit(train, valid, Context(whole.schema, 0, threads=1, corpus=development.corpus))
    test = whole.test.take(slice(0, 5))
    answers = made.predict(test.X)
    assert answers.output.shape == (5,)
    if whole.schema.kind == "classification":
        assert set(answers.output) <= set(whole.schema.classes)
    if whole.schema.kind == "regression":
        assert np.isfinite(answers.output).all()


@pytest.mark.parametrize(("model", "data"), SAMPLED)
def test_a_model_fits_the_data_that_it_claims_to(model: str, data: str) -> None:
    fit_and_ask(model, data)


@pytest.mark.slow
@pytest.mark.parametrize("data", [*AT_HAND, *FETCHED])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_fits_all_data_that_it_claims_to(model: str, data: str) -> None:
    fit_and_ask(model, data)
