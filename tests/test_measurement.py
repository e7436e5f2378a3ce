"""What running costs: single answers are timed evenly and for no longer than asked, memory at its peak."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.measurement import WARM_UP, PeakMemory, latency
from bakeoff.task import Predictions

ROWS = pd.DataFrame({"x": range(50)})


class Patient:
    """Answers each row after a while, and remembers which rows it was asked."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[int] = []

    def predict(self, X: pd.DataFrame) -> Predictions:
        assert len(X) == 1
        self.asked += X["x"].tolist()
        time.sleep(self.seconds)
        return Predictions(np.zeros(1))


def timed(model: Any, rows: int, seconds: float = 10.0) -> np.ndarray:
    return latency(model, ROWS, rows, seconds)


def test_so_many_rows_are_timed_evenly_over_all() -> None:
    model = Patient()
    took = timed(model, 5)
    assert took.shape == (50,)
    assert np.flatnonzero(~np.isnan(took)).tolist() == [0, 12, 24, 36, 49]
    assert model.asked == [0] * WARM_UP + [0, 12, 24, 36, 49]


@pytest.mark.parametrize("rows", [50, 51, 1000])
def test_all_rows_are_timed_once_where_more_are_asked_for(rows: int) -> None:
    model = Patient()
    assert not np.isnan(timed(model, rows)).any()
    assert model.asked[WARM_UP:] == list(range(50))


def test_no_row_is_timed_where_none_is_asked_for() -> None:
    model = Patient()
    assert np.isnan(timed(model, 0)).all()
    assert model.asked == []


def test_timing_ends_when_its_time_is_up() -> None:
    start = time.perf_counter()
    took = timed(Patient(0.02), 50, seconds=0.1)
    assert 1 <= (~np.isnan(took)).sum() <= 7
    assert time.perf_counter() - start < 1


def test_a_slow_model_is_timed_at_least_once() -> None:
    assert (~np.isnan(timed(Patient(0.02), 50, seconds=0))).sum() == 1


def test_the_time_is_that_of_the_answer() -> None:
    took = timed(Patient(0.02), 3)
    measured = took[~np.isnan(took)]
    assert measured.min() >= 0.02
    assert np.median(measured) < 0.2


def test_the_peak_of_memory_is_seen_even_when_it_is_given_back() -> None:
    with PeakMemory() as memory:
        block = np.ones(25_000_000)  # 200 MB
        time.sleep(0.1)
        del block
    assert 150 < memory.megabytes < 300


def test_a_block_that_does_little_needs_little() -> None:
    with PeakMemory() as memory:
        time.sleep(0.02)
    assert 0 <= memory.megabytes < 20


def test_an_error_passes_and_the_sampling_ends() -> None:
    memory = PeakMemory()
    with pytest.raises(ValueError, match="so"), memory:
        raise ValueError("so")
    assert not memory._thread.is_alive()
