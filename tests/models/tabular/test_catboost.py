"""CatBoost: early stopping, extra parameters, text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError, DataError
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


PRICES = Schema("regression", "y", {"x": "numeric"})


def prices(seed: int, n: int = 200) -> Examples:
    random = np.random.default_rng(seed)
    X = pd.DataFrame({"x": random.standard_normal(n)})
    return Examples(X, np.exp(10 + X["x"].to_numpy()), np.arange(n) + 1000 * seed, X.iloc[:, :0])


def test_refit_learns_from_the_validation_rows_with_the_trees_that_stopping_kept() -> None:
    train, valid = prices(0, 60), prices(1, 200)
    whole = Examples(
        pd.concat([train.X, valid.X]),
        np.concatenate([train.y, valid.y]),
        np.arange(260),
        pd.DataFrame(index=range(260)),
    )
    once, again = (CatBoost(iterations=60, early_stopping_rounds=5, refit=refit) for refit in (False, True))
    for model in (once, again):
        model.fit(train, valid, Context(PRICES, 0, 1))
        model.fit_to_all(whole, Context(PRICES, 0, 1))
    assert once.booster_.tree_count_ == again.booster_.tree_count_
    new = prices(2)
    error_once, error_again = (np.mean((m.predict(new.X).output - new.y) ** 2) for m in (once, again))
    assert error_again < error_once


def test_the_logarithm_of_a_target_is_learnt_and_predictions_are_on_its_own_scale(tmp_path: Path) -> None:
    model = CatBoost(iterations=200, target_transform="log")
    model.check(PRICES)
    model.fit(prices(0), None, Context(PRICES, 0, 1))
    new = prices(2)
    predicted = model.predict(new.X).output
    assert np.median(np.abs(np.log(predicted) - np.log(new.y))) < 0.1
    model.save(tmp_path)
    assert np.array_equal(CatBoost.load(tmp_path).predict(new.X).output, predicted)


def test_the_logarithm_of_a_target_that_is_not_positive_is_refused() -> None:
    rows = prices(0)
    rows.y[3] = 0.0
    with pytest.raises(DataError, match="log needs targets above 0, and the least of these is 0"):
        CatBoost(target_transform="log").fit(rows, None, Context(PRICES, 0, 1))
    with pytest.raises(ConfigError, match="log is for regression"):
        CatBoost(target_transform="log").check(NOISE)
    with pytest.raises(ConfigError, match=r"no transform 'logs'\. Allowed: none, log\."):
        CatBoost(target_transform="logs").check(PRICES)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_of_columns_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match=r"model\.rsm"):
        CatBoost(rsm=share).check(NOISE)


def test_a_share_of_columns_among_the_extras_is_taken_where_nothing_contradicts_it() -> None:
    model = CatBoost(iterations=5, extra={"rsm": 0.5})
    model.check(NOISE)
    model.fit(noise(0), None, Context(NOISE, 0, 1))
    assert model.booster_.get_params()["rsm"] == 0.5
    with pytest.raises(ConfigError, match=r"model\.extra\.rsm: .* Write model\.rsm=0\.5"):
        CatBoost(rsm=0.7, extra={"rsm": 0.5}).check(NOISE)
    with pytest.raises(ConfigError, match=r"model\.extra\.rsm: 1\.5 is no share"):
        CatBoost(extra={"rsm": 1.5}).check(NOISE)
