"""How near forecasts are, whatever the unit of the series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import metrics
from bakeoff.compare.statistics import bootstrap
from bakeoff.task import Predictions, PredictionTable, Schema, Series, origin
from bakeoff.tasks import kinds


def asked(horizon: int, scales: dict[str, float], name: str | None = None) -> Schema:
    series = Series(2, horizon, 1, ("y",), (), "1 day", 86_400.0, name, scales)
    return Schema("forecast", "y", {}, series=series)


def answered(schema: Schema, target: Any, output: Any, ids: Any = None) -> PredictionTable:
    target, output = np.asarray(target, dtype=float), np.asarray(output, dtype=float)
    n = len(target)
    names = np.array([origin("", str(i)) for i in range(n)] if ids is None else ids, dtype=object)
    slices = pd.DataFrame(index=range(n))
    return PredictionTable(schema, names, target, Predictions(output), np.full(n, np.nan), slices)


@pytest.fixture
def table() -> PredictionTable:
    random = np.random.default_rng(0)
    target = random.normal(10, 3, (40, 6))
    return answered(asked(6, {"": 2.0}), target, target + random.normal(0, 1, target.shape))


def test_each_metric_by_hand() -> None:
    two = answered(asked(2, {"": 0.5}), [[1, 3], [0, -2]], [[2, 3], [0, 2]])
    found = metrics.score(two)
    assert found["mae"] == pytest.approx((1 + 0 + 0 + 4) / 4)
    assert found["rmse"] == pytest.approx(np.sqrt((1 + 16) / 4))
    assert found["mase"] == pytest.approx((1 + 0 + 0 + 4) / 4 / 0.5)
    assert found["smape"] == pytest.approx((2 / 3 + 0 + 0 + 2) / 4)


def test_errors_of_a_series_are_scaled_by_its_own_scale() -> None:
    schema = asked(1, {"north": 1.0, "far south": 100.0}, name="shop")
    ids = [origin("north", "2024-01-01"), origin("far south", "2024-01-01")]
    assert metrics.score(answered(schema, [[0], [0]], [[1], [100]], ids))["mase"] == 1.0


def test_a_series_that_never_changed_leaves_mase_undefined() -> None:
    found = metrics.score(answered(asked(1, {"": 0.0}), [[1]], [[2]]))
    assert np.isnan(found["mase"])
    assert found["mae"] == 1


def test_mase_is_over_the_series_that_have_a_scale() -> None:
    schema = asked(1, {"a": 2.0, "closed": 0.0}, name="shop")
    ids = [origin("a", "1"), origin("closed", "1"), origin("a", "2")]
    assert metrics.score(answered(schema, [[0], [0], [0]], [[2], [5], [4]], ids))["mase"] == 1.5


def test_all_can_be_resampled_at_once_and_by_rows(table: PredictionTable) -> None:
    drawn = np.random.default_rng(1).integers(0, 3, (5, len(table))).astype(np.float32)
    for name in ("mae", "rmse", "mase", "smape"):
        metric = metrics.get(name)
        one_by_one = [metric.value(table.take(np.repeat(np.arange(len(table)), row.astype(int)))) for row in drawn]
        np.testing.assert_allclose(metric.resample(table, drawn), one_by_one, err_msg=name)


def test_the_bootstrap_takes_forecasts_as_they_are(table: PredictionTable) -> None:
    draws = bootstrap({"a": table}, [metrics.get("mase")], resamples=200)["a"]["mase"]
    assert draws.min() < metrics.score(table)["mase"] < draws.max()


def test_a_forecast_has_no_metrics_of_single_values(table: PredictionTable) -> None:
    assert set(metrics.score(table)) == {"mae", "rmse", "mase", "smape", "latency_p50_ms", "latency_p95_ms"}


@pytest.mark.parametrize(("horizon", "parts"), [(1, ["1"]), (3, ["1", "2", "3"]), (48, ["1–4", "5–8", "45–48"])])
def test_scores_are_told_for_steps_ahead(horizon: int, parts: list[str]) -> None:
    target = np.zeros((5, horizon))
    output = np.tile(np.arange(1.0, horizon + 1), (5, 1))
    found = kinds.get("forecast").breakdown(answered(asked(horizon, {"": 1.0}), target, output))["steps ahead"]
    assert [name for name in found if name in parts] == parts
    assert len(found) <= 12
    sizes = [part.target.shape[1] for part in found.values()]
    assert sum(sizes) == horizon
    errors = [metrics.score(part, ["mae"])["mae"] for part in found.values()]
    assert errors == sorted(errors)
    assert np.average(errors, weights=sizes) == pytest.approx(output.mean())
