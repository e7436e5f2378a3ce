"""What running costs: single answers are timed one by one and for no longer than asked, memory at its peak."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.execution.measurement import WARM_UP, PeakMemory, latency
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
    return latency(model, ROWS, np.arange(rows), seconds)


def test_rows_are_timed_in_the_order_that_is_given() -> None:
    model = Patient()
    took = latency(model, ROWS, np.array([30, 2, 49]), 10.0)
    assert took.shape == (50,)
    assert np.flatnonzero(~np.isnan(took)).tolist() == [2, 30, 49]
    assert model.asked == [0] * WARM_UP + [30, 2, 49]


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
