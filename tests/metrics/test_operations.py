from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from questions import assert_faces_agree, resampled

from bakeoff import metrics
from bakeoff.metrics import MEASUREMENTS
from bakeoff.task import Predictions, PredictionTable, Schema, Usage


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
        "replayed": "minimize",
    }
    assert not set(MEASUREMENTS) & set(metrics.names())


PER_1K = {"calls_per_1k": 1500, "input_tokens_per_1k": 200_000, "output_tokens_per_1k": 4000, "requests_usd_per_1k": 3}


def asked(cost_usd: list[float]) -> PredictionTable:
    spent = {"calls": [1, 2], "input_tokens": [100, 300], "output_tokens": [8, 0], "cost_usd": cost_usd}
    table = timed([np.nan, np.nan])
    return replace(table, predictions=Predictions(table.predictions.output, usage=Usage.from_columns(2, **spent)))


def test_requests_are_counted_per_thousand_answers():
    assert metrics.score(asked([0.001, 0.005]), list(PER_1K)) == pytest.approx(PER_1K)


def test_an_unknown_price_is_never_zero():
    scores = metrics.score(asked([0.001, np.nan]), list(PER_1K))
    assert np.isnan(scores.pop("requests_usd_per_1k"))
    assert not np.isnan(list(scores.values())).any()


def test_a_model_that_asks_nobody_has_no_requests():
    assert not set(PER_1K) & set(metrics.score(timed([0.1])))


def test_no_rows_have_no_price():
    none = asked([0.001, 0.005]).take(np.array([], dtype=int))
    assert np.isnan(list(metrics.score(none, list(PER_1K)).values())).all()


@pytest.mark.parametrize("name", list(PER_1K))
@settings(max_examples=25, deadline=None)
@given(resampled())
def test_resampling_gives_what_the_value_of_each_resample_is(name, sample):
    assert_faces_agree(name, *sample)
