import numpy as np
import pandas as pd
import pytest

from bakeoff import metrics
from bakeoff.metrics import MEASUREMENTS
from bakeoff.task import Predictions, PredictionTable, Schema


def timed(seconds: list[float]) -> PredictionTable:
    n = len(seconds)
    y = np.zeros(n)
    schema = Schema("regression", "y", {})
    return PredictionTable(schema, np.arange(n), y, Predictions(y), np.array(seconds), pd.DataFrame(index=range(n)))


def test_latency_is_of_the_timed_rows_in_milliseconds():
    table = timed([np.nan, 0.010, 0.020, 0.030, np.nan])
    expected = {"latency_p50_ms": 20.0, "latency_p95_ms": 29.0}
    assert metrics.score(table, list(expected)) == pytest.approx(expected)


def test_latency_of_rows_that_were_never_timed_is_undefined():
    table = timed([np.nan, np.nan])
    assert np.isnan(list(metrics.score(table, ["latency_p50_ms", "latency_p95_ms"]).values())).all()


def test_a_leaderboard_knows_which_way_every_measurement_is_better():
    assert {name: m.direction for name, m in MEASUREMENTS.items()} == {
        "throughput_rows_per_s": "maximize",
        "fit_seconds": "minimize",
        "model_bytes": "minimize",
        "peak_memory_mb": "minimize",
    }
    assert not set(MEASUREMENTS) & set(metrics.names())
