"""What every model that forecasts must do, and the table of lags by which models of numbers do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from bakeoff import data
from bakeoff.config import components, wiring
from bakeoff.config.settings import register, typed
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Rows
from bakeoff.errors import ConfigError
from bakeoff.models import Constant, persistence
from bakeoff.models.base import Context, Model
from bakeoff.models.forecast import lags, seasonal_naive
from bakeoff.models.forecast.lags import LagForecaster
from bakeoff.models.tabular import estimator
from bakeoff.task import Schema, Series, Task

CONF = Path(__file__).parents[3] / "conf"
MODELS = ("seasonal_naive", "linear", "catboost", "mlp", "lstm", "gru")
SMALLER = {
    "catboost": {"iterations": 60},
    "mlp": {"hidden": [32], "epochs": 15, "learning_rate": 0.01},
    "lstm": {"hidden": 32, "epochs": 30, "learning_rate": 0.01, "batch_size": 16},
    "gru": {"hidden": 32, "epochs": 30, "learning_rate": 0.01, "batch_size": 16},
}
NOT_OF_SERIES = ("constant", "rules", "knn", "retrieve")
CASES = [(name, several) for name in MODELS for several in (False, True)]


@dataclass
class Given:
    """Rows that a test made."""

    frame: pd.DataFrame
    name: str = "my.csv"

    def read(self) -> Rows:
        return Rows(self.frame.copy())


def sales(shop: str, size: float, seed: int) -> pd.DataFrame:
    """Daily sales with a week, a trend, holidays that halve them, and noise."""
    random = np.random.default_rng(seed)
    days = np.arange(240)
    holiday = random.random(240) < 0.1
    sold = (10 + 3 * np.sin(2 * np.pi * days / 7) + days / 40) * np.where(holiday, 0.5, 1) + random.normal(0, 0.3, 240)
    times = pd.date_range("2024-01-01", periods=240)
    return pd.DataFrame({"day": times, "shop": shop, "sold": size * sold, "holiday": holiday})


def load(several: bool = False, other_from: int = 240, **forecast: Any) -> Task:
    frame = pd.concat([sales("a", 1, 0), sales("b", 50, 1)]) if several else sales("a", 1, 0)
    frame["sold"] += np.where(frame["day"] >= pd.Timestamp("2024-01-01") + pd.Timedelta(days=other_from), 7.5, 0.0)
    asked = {"horizon": 7, "window": 21, "stride": 7, "train_stride": 2, "known": ["holiday"], **forecast}
    settings = {"name": "sales", "kind": "forecast", "target": "sold", "time": "day"}
    settings |= {"forecast": asked | {"series": "shop"}} if several else {"forecast": asked, "ignore": ["shop"]}
    return data.load(Given(frame), typed(DataSettings, settings, "data"))


def make(name: str, task: Task) -> Model:
    register()
    smaller = [f"model.{key}={value}" for key, value in SMALLER.get(name, {}).items()]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", [f"model={name}", "data=csv", "embedder=hashing", *smaller])
    content: Any = {
        key: OmegaConf.to_container(cfg[key], resolve=True) for key in ("model", *wiring.GROUPS) if cfg[key]
    }
    made = estimator.adapt(components.instantiate(wiring.assembled_from(content, "model"), "model"))
    return lags.adapted(made, task.schema)


def fitted(name: str, task: Task, memo: dict[Any, Any] | None = None) -> Model:
    model = make(name, task)
    model.check(task.schema)
    rows = task.development
    valid = rows.valid if model.uses_validation else None
    model.fit(rows.train, valid, Context(task.schema, seed=0, threads=1, memo=memo))
    return model


Case = tuple[str, Task, Model]


@pytest.fixture(params=CASES, ids=lambda p: f"{p[0]}-{'several' if p[1] else 'one'}", scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    name, several = request.param
    task = load(several)
    return name, task, fitted(name, task)


def test_answers_are_the_values_of_the_horizon(case: Case) -> None:
    _, task, model = case
    answers = model.predict(task.test.X)
    assert answers.output.shape == task.test.y.shape == (len(task.test), 7)
    assert answers.output.dtype == np.float64
    assert np.isfinite(answers.output).all()


def test_one_origin_alone_gets_the_same_answer(case: Case) -> None:
    _, task, model = case
    alone = model.predict(task.test.X.iloc[2:3]).output
    np.testing.assert_allclose(alone, model.predict(task.test.X).output[2:3], rtol=1e-6)


def test_a_saved_model_forecasts_the_same(case: Case, tmp_path: Path) -> None:
    _, task, model = case
    persistence.save(model, tmp_path)
    loaded = persistence.load(tmp_path)
    np.testing.assert_allclose(loaded.predict(task.test.X).output, model.predict(task.test.X).output, rtol=1e-9)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]


def test_what_lies_ahead_cannot_be_seen(case: Case) -> None:
    """Data that are other from the first test moment on give the same model, and the same first forecasts."""
    name, task, model = case
    begins = 240 - 7 * (len(task.test) // len(task.schema.series.scales))  # type: ignore[union-attr]
    other = load(task.schema.series.name is not None, other_from=begins)  # type: ignore[union-attr]
    first = slice(0, len(task.schema.series.scales))  # type: ignore[union-attr]
    assert (other.test.y[first] != task.test.y[first]).all()
    again = fitted(name, other).predict(other.test.X).output
    np.testing.assert_array_equal(again[first], model.predict(task.test.X).output[first])
    assert (again[-1] != model.predict(task.test.X).output[-1]).any()


def test_forecasting_before_fitting_is_refused(case: Case) -> None:
    name, task, _ = case
    with pytest.raises(RuntimeError, match="before fit"):
        make(name, task).predict(task.test.X)


def test_models_that_learn_beat_the_last_season(case: Case) -> None:
    name, task, model = case
    scale = np.array(list(task.schema.series.scales.values())).mean()  # type: ignore[union-attr]
    error = np.abs(model.predict(task.test.X).output - task.test.y).mean() / scale
    naive = np.abs(fitted("seasonal_naive", task).predict(task.test.X).output - task.test.y).mean() / scale
    assert error == naive if name == "seasonal_naive" else error < 0.9 * naive


@pytest.mark.parametrize("name", ["linear", "catboost"])
def test_in_a_search_the_table_of_lags_is_made_once(name: str) -> None:
    task, memo = load(), {}
    valid = task.development.valid
    answers = []
    for _ in range(2):
        model = fitted(name, task, memo)
        answers.append(model.predict(valid.X).output)
    tables = memo[LagForecaster]
    assert tables["asked"][0] is valid.X
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_allclose(answers[0], fitted(name, task).predict(valid.X).output)


@pytest.mark.parametrize("name", NOT_OF_SERIES)
def test_what_does_not_forecast_says_so(name: str) -> None:
    task = load()
    with pytest.raises(ConfigError, match="this task is forecast"):
        make(name, task).check(task.schema)


def test_a_model_of_classes_alone_cannot_forecast() -> None:
    task = load()
    model = lags.adapted(estimator.Estimator(classifier=object()), task.schema)
    with pytest.raises(ConfigError, match=r"model\.regressor: sold asks for regression"):
        model.check(task.schema)


def test_a_season_longer_than_the_window_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.season: a season of 30 moments is longer than the window of 21"):
        seasonal_naive.SeasonalNaive(season=30).check(load().schema)
    with pytest.raises(ConfigError, match=r"model\.season: 0 is less than 1|model\.season: -1 is less than 1"):
        seasonal_naive.SeasonalNaive(season=-1).check(load().schema)


@pytest.mark.parametrize("season", [1, 5, 7, 21])
def test_the_seasonal_naive_forecast_repeats_the_last_season(season: int) -> None:
    task = load()
    model = seasonal_naive.SeasonalNaive(season)
    model.fit(task.development.train, None, Context(task.schema, 0, 1))
    X = pd.DataFrame([np.repeat(np.arange(21.0), 2)])
    X = pd.concat([X, pd.DataFrame(np.zeros((1, task.development.train.X.shape[1] - 42)))], axis=1)
    expected = [20 - season + 1 + step % season for step in range(7)]
    assert model.predict(X).output.tolist() == [expected]


def test_the_table_of_lags_holds_what_its_columns_say() -> None:
    task = load()
    made = lags.table(task.test.X, task.schema)
    X, frame = task.test.X, made.frame
    row, step = 3, 5
    here = frame.iloc[row * 7 + step - 1]

    def value(at: int) -> Any:
        return (X[f"sold[{at}]"].iloc[row] - made.level[row]) / made.scale[row]

    assert here["step"] == step
    assert here["lag 7 × 1"] == pytest.approx(value(step - 7))
    assert here["lag 7 × 3"] == pytest.approx(value(step - 21))
    assert here["origin - 0"] == pytest.approx(value(0))
    assert here["origin - 2"] == pytest.approx(value(-2))
    assert here["holiday, ahead"] == X[f"holiday[+{step}]"].iloc[row]
    assert here["holiday, lag 7 × 1"] == X[f"holiday[{step - 7}]"].iloc[row]
    assert made.level[row] == pytest.approx(np.mean([X[f"sold[{s}]"].iloc[row] for s in range(-6, 1)]))


def test_a_window_shorter_than_a_season_still_makes_a_table() -> None:
    task = load(window=3, season=7, known=[])
    model = fitted("linear", task)
    assert model.predict(task.test.X).output.shape == task.test.y.shape


def test_a_model_that_denies_lag_features_is_not_wrapped() -> None:
    class Plain(Constant):
        supports_lag_features = False

    class Lagging(Constant):
        supports_lag_features = True

    schema = Schema("forecast", "y", {}, series=Series(4, 2, 2, ("y",), (), "1 h", 3600.0, None, {"": 1.0}))
    assert isinstance(lags.adapted(Plain(), schema), Plain)
    assert isinstance(lags.adapted(Lagging(), schema), LagForecaster)
