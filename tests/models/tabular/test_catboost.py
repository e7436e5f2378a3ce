"""CatBoost: early stopping, extra parameters, text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError
from bakeoff.models.base import Context
from bakeoff.models.tabular.catboost import CatBoost
from bakeoff.task import Examples, Schema

NOISE = Schema("classification", "y", {"x": "numeric"}, ("a", "b"))


def noise(seed: int) -> Examples:
    random = np.random.default_rng(seed)
    X = pd.DataFrame({"x": random.standard_normal(200)})
    return Examples(X, random.choice(np.array(["a", "b"], dtype=object), 200), np.arange(200), X.iloc[:, :0])


def trees(valid: Examples | None, **parameters: Any) -> int:
    model = CatBoost(iterations=100, **parameters)
    model.fit(noise(0), valid, Context(NOISE, 0, 1))
    return int(model.booster_.tree_count_)


def test_boosting_stops_when_validation_says_so() -> None:
    assert trees(noise(1), early_stopping_rounds=10) < 50


def test_without_validation_rows_all_trees_are_grown() -> None:
    assert trees(None) == 100


def test_a_search_hears_of_every_tenth_round_and_may_end_the_fit() -> None:
    class Hopeless(Exception):
        pass

    heard = []

    def report(step: int, loss: float) -> None:
        heard.append((step, loss))
        if step == 30:
            raise Hopeless

    with pytest.raises(Hopeless):
        CatBoost(iterations=100).fit(noise(0), noise(1), Context(NOISE, 0, 1, report))
    assert [step for step, _ in heard] == [10, 20, 30]
    assert all(0.5 < loss < 0.9 for _, loss in heard)


def test_an_extra_parameter_reaches_catboost() -> None:
    model = CatBoost(iterations=5, extra={"subsample": 0.5, "bootstrap_type": "Bernoulli"})
    model.check(NOISE)
    model.fit(noise(0), None, Context(NOISE, 0, 1))
    assert model.booster_.get_params()["subsample"] == 0.5


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"extra": {"subsampel": 0.5}}, ["model.extra.subsampel", 'Did you mean "subsample"?']),
        ({"extra": {"eta": 0.5}}, ["model.extra.eta", "model.learning_rate"]),
        ({"extra": {"snapshot_file": "elsewhere"}}, ["model.extra.snapshot_file", "this is not an extra"]),
        ({"depth": 20}, ["model.depth: 20", "from 1 to 16"]),
        ({"iterations": 0}, ["model.iterations: 0"]),
    ],
)
def test_a_wrong_parameter_is_told_before_fitting(parameters: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        CatBoost(**parameters).check(NOISE)
    for part in told:
        assert part in str(caught.value)


def test_text_helps_to_predict_values() -> None:
    X = pd.DataFrame({"text": [f"a {'large' if i % 2 else 'small'} house, number {i}" for i in range(100)]})
    y = np.where(np.arange(100) % 2, 100.0, 10.0)
    schema = Schema("regression", "price", {"text": "text"})
    model = CatBoost(iterations=50)
    model.fit(Examples(X, y, np.arange(100), X.iloc[:, :0]), None, Context(schema, 0, 1))
    assert np.abs(model.predict(X).output - y).mean() < 10
