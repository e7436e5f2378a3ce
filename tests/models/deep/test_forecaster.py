"""A recurrent network over windows: what it reads, what it begins with, and that it trains as those for texts do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError, DataError
from bakeoff.models.base import Context
from bakeoff.models.deep.forecaster import AHEAD, SEEN, SeriesReader
from bakeoff.models.deep.mlp import MLP
from bakeoff.models.deep.reading import Cells
from bakeoff.models.deep.recurrent import Recurrent
from bakeoff.models.deep.trainer import Trainer
from bakeoff.models.forecast.lags import LagForecaster
from bakeoff.models.forecast.seasonal_naive import SeasonalNaive
from bakeoff.models.tabular.catboost import CatBoost
from bakeoff.task import Examples, Schema, Series

CELLS = Cells("lstm", 4, 1, False, 0.0)
WEEK, HORIZON = 7, 5


def schema(window: int = 21, horizon: int = HORIZON, known: tuple[str, ...] = ("open",), **other: Any) -> Schema:
    name, scales = other.get("name"), other.get("scales", {"": 2.0})
    series = Series(window, horizon, WEEK, ("sold", "rain"), known, "1 day", 86_400.0, name, scales)
    return Schema("forecast", "sold", {"rain": "numeric", "open": "numeric"}, series=series)


def rows(asked: Schema, n: int = 60) -> Examples:
    """Origins of a series with a week, rain that does nothing, and days on which nothing is sold."""
    of = asked.series
    assert of is not None
    random = np.random.default_rng(0)
    days = np.arange(of.window + of.horizon + n)
    is_open = random.random(len(days)) > 0.2
    sold = (10 + 3 * np.sin(2 * np.pi * days / WEEK)) * is_open + random.normal(0, 0.2, len(days))
    rain = random.random(len(days))
    found = []
    for first in range(n):
        seen = slice(first, first + of.window)
        ahead = slice(first + of.window, first + of.window + of.horizon)
        past = np.column_stack([sold[seen], rain[seen]]).ravel()
        found.append(np.concatenate([past, *([is_open[ahead]] * len(of.known)), sold[ahead]]))
    values = np.array(found)
    X = pd.DataFrame(values[:, : -of.horizon])
    if of.name is not None:
        X[of.name] = np.where(np.arange(n) % 2, "a", "b")
    return Examples(X, values[:, -of.horizon :], np.arange(n), X.iloc[:, :0])


def lstm(**arguments: Any) -> Recurrent:
    small: dict[str, Any] = {"hidden": 8, "epochs": 4, "learning_rate": 0.02, "batch_size": 16}
    return Recurrent(**{**small, **arguments})


def parts(examples: Examples) -> tuple[Examples, Examples]:
    return examples.take(slice(0, 45)), examples.take(slice(45, None))


def context(asked: Schema, **further: Any) -> Context:
    return Context(asked, seed=1, threads=1, **further)


def test_the_window_is_read_week_by_week_and_each_day_ahead_beside_its_like() -> None:
    asked = schema(window=23)
    examples = rows(asked)
    read = SeriesReader.learn(examples, asked, CELLS).rows(examples.X, "asked")
    assert read.dense[SEEN].shape == (60, 3, WEEK * 2)
    assert read.dense[AHEAD].shape == (60, HORIZON, 3 * 2 + 1)
    sold = examples.X.iloc[4, 0:46:2].to_numpy()
    relative = (sold - sold[-WEEK:].mean()) / 2.0
    np.testing.assert_allclose(read.dense[SEEN][4][:, ::2].ravel(), relative[2:], rtol=1e-5)
    for weeks in (1, 2, 3):
        like = relative[len(sold) - WEEK * weeks :][:HORIZON]
        np.testing.assert_allclose(read.dense[AHEAD][4][:, 2 * (weeks - 1)], like, rtol=1e-5)


def test_before_it_has_learnt_it_is_the_last_season_and_what_is_usual() -> None:
    asked = schema()
    examples = rows(asked)
    reader = SeriesReader.learn(examples, asked, CELLS)
    naive = SeasonalNaive()
    naive.fit(examples, None, context(asked))
    said = reader.predictions(np.zeros((60, HORIZON), dtype=np.float32), examples.X).output
    expected = naive.predict(examples.X).output
    np.testing.assert_allclose(said - expected, (examples.y - expected).mean())
    again = reader.predictions(reader.known(examples, "training").target, examples.X).output
    np.testing.assert_allclose(again, examples.y, atol=1e-5)


def test_what_is_known_ahead_is_made_use_of() -> None:
    asked = schema()
    examples = rows(asked, 300)
    train, valid = examples.take(slice(0, 240)), examples.take(slice(240, None))
    model, naive = lstm(epochs=12, hidden=16), SeasonalNaive()
    model.fit(train, valid, context(asked))
    naive.fit(train, None, context(asked))
    error, of_naive = (np.abs(m.predict(valid.X).output - valid.y).mean() for m in (model, naive))
    assert error < 0.5 * of_naive


@pytest.mark.parametrize(
    "asked",
    [
        schema(known=()),
        schema(horizon=1),
        schema(window=3),
        schema(window=1),
        schema(horizon=30),
        schema(scales={"": 0.0}),
        schema(name="shop", scales={"a": 1.0}),
    ],
    ids=["nothing known", "one step", "less than a season", "one moment", "long", "repeats itself", "a series unseen"],
)
def test_it_takes_series_of_any_shape(asked: Schema) -> None:
    examples = rows(asked, 20)
    model = lstm(epochs=1)
    model.check(asked)
    model.fit(examples, None, context(asked))
    answers = model.predict(examples.X.iloc[:3]).output
    assert answers.shape == (3, asked.series.horizon)  # type: ignore[union-attr]
    assert np.isfinite(answers).all()


def test_gaps_beside_the_target_are_no_obstacle() -> None:
    asked = schema()
    examples = rows(asked)
    examples.X.iloc[::2, 1::2] = np.nan
    model = lstm(epochs=1)
    model.fit(*parts(examples), context(asked))
    assert np.isfinite(model.predict(examples.X).output).all()


def test_an_interrupted_fit_of_a_forecast_goes_on_to_the_very_same_network(tmp_path: Path) -> None:
    asked = schema()
    examples = rows(asked)
    whole = lstm()
    whole.fit(*parts(examples), context(asked))

    def interrupt(epoch: int, loss: float) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lstm().fit(*parts(examples), context(asked, folder=tmp_path / "here", report=interrupt))
    reported: list[int] = []
    resumed = lstm()
    resumed.fit(
        *parts(examples), context(asked, folder=tmp_path / "here", report=lambda epoch, loss: reported.append(epoch))
    )
    assert min(reported) > 0, "epochs before the checkpoint are not repeated"
    assert "went on from the last checkpoint" in " ".join(resumed.report().notes)
    np.testing.assert_array_equal(resumed.predict(examples.X).output, whole.predict(examples.X).output)


def test_it_stops_early_and_tells_of_its_epochs() -> None:
    asked = schema()
    model = lstm(epochs=60, learning_rate=0.1, trainer=Trainer(patience=2, schedule="constant"))
    model.fit(*parts(rows(asked)), context(asked))
    losses = [row["valid_loss"] for row in model.report().curves]
    assert len(losses) < 60
    assert len(losses) - int(np.argmin(losses)) == 3
    details = model.report().details
    assert details["training"]["stopped_early"]
    assert (details["moments_a_step"], details["steps_of_the_window"]) == (WEEK, 3)


def test_batch_size_and_learning_rate_of_a_forecast_are_found_on_request() -> None:
    asked = schema()
    model = lstm(epochs=1, batch_size="auto", learning_rate="auto")
    model.fit(*parts(rows(asked)), context(asked))
    assert model.report().details["training"]["batch_size"] >= 8


def test_weights_of_a_network_for_another_series_are_refused(tmp_path: Path) -> None:
    asked = schema()
    model = lstm(epochs=1)
    model.fit(rows(asked), None, context(asked))
    model.save(tmp_path)
    state = json.loads((tmp_path / "state.json").read_text())
    state["schema"]["series"]["season"] = state["schema"]["series"]["season"] - 2
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(DataError, match="weights of another model"):
        Recurrent.load(tmp_path)


def test_a_forecast_is_not_written_as_onnx_and_says_so() -> None:
    pytest.importorskip("onnx")
    with pytest.raises(ConfigError, match=r"model\.onnx: a network that forecasts is not written as ONNX"):
        lstm(onnx=True).check(schema())


def test_a_model_that_forecasts_by_way_of_lags_is_heard() -> None:
    asked = schema()
    model = LagForecaster(MLP(hidden=[4], epochs=2))
    model.fit(*parts(rows(asked)), context(asked))
    assert [row["epoch"] for row in model.report().curves] == [0, 1]
    assert model.report().details["training"]["epochs"] == 2
    assert model.report().notes == ()
    silent = LagForecaster(CatBoost(iterations=2))
    silent.fit(*parts(rows(asked)), context(asked))
    assert silent.report().curves == silent.report().notes == ()
