"""Scores on training rows: of a sample, after the run, and of no model whose predictions may cost something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bakeoff as python
from bakeoff import record
from bakeoff.execution import seen_rows
from bakeoff.predictions import Predictions
from bakeoff.task import Development, Examples, Schema
from bakeoff.usage import Usage

VALUES = Schema("regression", "y", {"x": "numeric"})
N = 900


class Repeats:
    """Predicts what it has seen, and remembers for which rows."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def predict(self, X: pd.DataFrame) -> Predictions:
        self.asked += X["x"].tolist()
        return Predictions(2.0 * X["x"].to_numpy(dtype=np.float64))


def development(n_train: int = 800) -> Development:
    x = np.arange(N, dtype=np.float64)
    frame = pd.DataFrame({"x": x})
    rows = Examples(frame, 2 * x, np.array([str(i) for i in range(N)], dtype=object), pd.DataFrame(index=range(N)))
    return Development(VALUES, rows, n_train, np.arange(N))


def scored(model: Any, seconds: float = 0.1, family: str = "classical", n_train: int = 800, **tested: Any) -> Any:
    return seen_rows.scores(model, family, development(n_train), Predictions(np.zeros(100), **tested), seconds)


def test_sample_is_of_training_rows_alone() -> None:
    model = Repeats()
    seen = scored(model)
    assert seen["rows"] == len(set(model.asked)) == 500 and max(model.asked) < 800
    assert seen["metrics"]["rmse"] == 0 and seen["metrics"]["r2"] == 1
    assert not {"latency_p95_ms", "cost_per_1k"} & set(seen["metrics"])


@pytest.mark.parametrize(
    "unlike",
    [
        {"seconds": 1.1},
        {"family": "llm"},
        {"family": "embedding"},
        {"n_train": 19},
        {"usage": Usage(*(np.ones(100) for _ in range(4)), np.zeros(100, dtype=np.bool_))},
    ],
)
def test_no_row_is_predicted_where_that_may_cost_something_or_say_nothing(unlike: dict[str, Any]) -> None:
    model = Repeats()
    assert scored(model, **unlike) is None and model.asked == []


def test_model_that_cannot_predict_its_training_rows_costs_no_run() -> None:
    class Fails:
        def predict(self, X: pd.DataFrame) -> Predictions:
            raise ValueError("no")

    assert scored(Fails()) is None


def test_forest_that_is_no_better_than_a_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    quick = "data=diabetes", "decision.resamples=200", "metrics.latency_rows=20", "tracker=none"
    bake = python.bakeoff(*quick, models=["linear", "random_forest"], incumbent="linear")
    seen = bake["random_forest"].record.details[record.SEEN_ROWS]
    assert seen["metrics"]["rmse"] < 0.5 * bake["linear"].record.details[record.SEEN_ROWS]["metrics"]["rmse"]
    (check,) = [each for each in bake.comparison.checks if each.name == "training_gap"]
    assert check.state == "found" and check.findings[0].startswith("random_forest: rmse")
