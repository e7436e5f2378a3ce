"""A model of models: options of the group ``model`` as parameters, in mappings and in lists, through the whole way."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from installing import declare, write

import bakeoff
from bakeoff import plugins, record
from bakeoff.config.settings import register
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError
from bakeoff.models import persistence
from bakeoff.request import validation
from bakeoff.request.spec import Request

MODELS = '''
from dataclasses import dataclass, field
import numpy as np
from bakeoff.models import Model
from bakeoff.models import persistence
from bakeoff.task import Predictions

@dataclass(eq=False)
class Mean(Model):
    """Averages the probabilities of its parts.

    Args:
        parts: models by name.
        more: further models.
        weight: of the first.
    """

    parts: dict[str, Model]
    more: list[Model] = field(default_factory=list)
    weight: float = 0.5

    @property
    def _all(self):
        return [*self.parts.values(), *self.more]

    def check(self, schema):
        for model in self._all:
            model.check(schema)

    def fit(self, train, valid, context):
        self.schema_ = context.schema
        for model in self._all:
            model.fit(train, valid if model.uses_validation else None, context)

    def predict(self, X):
        probas = [model.predict(X).proba for model in self._all]
        weights = [self.weight, *[(1 - self.weight) / (len(probas) - 1)] * (len(probas) - 1)]
        proba = sum(w * p for w, p in zip(weights, probas))
        return Predictions(np.array(self.schema_.classes, dtype=object)[proba.argmax(axis=1)], proba)

    def save(self, folder):
        persistence.write(folder, self, self.schema_)

    @classmethod
    def load(cls, folder):
        saved = persistence.read(cls, folder)
        saved.model.schema_ = saved.schema
        return saved.model
'''
CONFIG = """
# The mean of some models.
defaults:
  - linear@parts.first
  - /model@parts.second: nearest_neighbors
  - _self_

_target_: bakeoff_mean.models.Mean
weight: 0.5
card: {family: classical, licence: MIT, source: open, hosting: local, data_leaves_network: false}
search_space: {weight: 'interval(0, 1)'}
"""
FAST = ("tracker=none", "decision.resamples=200", "metrics.latency_rows=2", "record_git=false")


@pytest.fixture(autouse=True)
def mean(site: Path) -> None:
    write(site / "bakeoff_mean", {"__init__.py": "", "models.py": MODELS, "conf/model/mean.yaml": CONFIG})
    declare(site, "bakeoff-mean", {"bakeoff.plugins": {"mean": "bakeoff_mean"}})
    importlib.invalidate_caches()
    plugins.forget()


def request(*overrides: str) -> Request:
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", ["variant=x", "data=diabetes", "model=mean", *overrides])
    return validation.read(cfg, Path("outputs/x/x"))


def test_options_of_the_group_model_are_composed_into_parameters() -> None:
    r = request("model@model.parts.second=catboost", "model.parts.first.ngrams=1", "model.parts.second.depth=3")
    first, second = r.model.arguments["parts"]["first"], r.model.arguments["parts"]["second"]
    assert (first.target, first.arguments["ngrams"]) == ("bakeoff.models.Estimator", 1)
    assert (second.target, second.arguments["depth"]) == ("bakeoff.models.CatBoost", 3)


def test_search_spaces_of_all_parts_are_gathered_and_those_of_the_other_kind_left_out() -> None:
    keys = {d.key for d in request("search=tpe", "search.trials=3").dimensions("classifier")}
    assert {"model.weight", "model.parts.first.regressor.alpha", "model.parts.second.regressor.n_neighbors"} <= keys
    assert "model.parts.first.classifier.C" not in keys


def test_a_nested_llm_reaches_its_model_and_its_card_wins() -> None:
    local = request("llm=openai")
    assert local.parts == {}, "nothing in it takes an LLM"
    r = request("model@model.parts.second=llm", "llm=openai", "prompt=classify")
    assert set(r.parts) == {"llm", "prompt", "embedder"}
    assert r.assembled_model.arguments["parts"]["second"].arguments["llm"].target == r.parts["llm"].target
    assert (local.card["hosting"], local.card["data_leaves_network"]) == ("local", False)
    assert (r.card["hosting"], r.card["data_leaves_network"], r.card["family"]) == ("api", True, "classical")


def test_a_parameter_of_a_part_is_part_of_the_identity_and_what_is_said_of_it_is_not() -> None:
    same = request().identity
    assert request("model.parts.first.card.licence=other").identity == same
    assert request("model.parts.first.ngrams=1").identity != same


def test_a_wrong_parameter_of_a_part_is_refused_with_its_key() -> None:
    with pytest.raises(ConfigError, match=r"model\.parts\.first\.ngrams: 'many' is not of type int"):
        request("model.parts.first.ngrams=many")


def test_a_model_of_models_is_searched_fitted_saved_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bake = bakeoff.bakeoff(
        "model@model.parts.second=constant,nearest_neighbors", "model.parts.first.classifier.C=2",
        "search=random", "search.trials=2", "data=breast_cancer", "name=x", *FAST, models=["mean"],
    )  # fmt: skip
    names = {path.parent.name for path in Path("outputs/x").glob("*/result.json")}
    part = "mean-parts.first.classifier.C=2-parts.second="
    assert names == {f"{part}constant", f"{part}nearest_neighbors"}, "a choice of a part makes a variant"
    run = bake[f"{part}nearest_neighbors"]
    trials = pd.read_parquet(run.folder / record.TRIALS)
    assert "param:model.parts.second.classifier.n_neighbors" in trials
    assert "param:model.parts.first.classifier.C" not in trials, "it was given"
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(5, 30)), columns=list(record.schema_of(
        record.read_run(run.folder)).columns))  # fmt: skip
    loaded = persistence.load(run.folder / record.MODEL)
    assert list(loaded.predict(X).output) == list(run.model.predict(X).output)
    fitted = record.read_fitted(run.folder)
    assert fitted is not None
    second = fitted["model"]["parts"]["second"]["classifier"]
    assert second["n_neighbors"] == loaded.parts["second"].classifier.n_neighbors  # type: ignore[attr-defined]
