"""Extremes of size: few rows, few positives, many classes, more columns than rows, one value of the target."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bakeoff
from bakeoff.errors import DataError

QUICK = ("metrics.latency_rows=2", "tracker=none", "record_git=false", "decision.resamples=500")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def bake(frame: pd.DataFrame, *overrides: str, models: tuple[str, ...] = ("constant", "linear")) -> bakeoff.Bakeoff:
    made = bakeoff.bakeoff(*QUICK, *overrides, data=frame, target="y", models=list(models), incumbent="constant")
    assert {made[name].status for name in models} == {"ok"}
    return made


def findings(made: bakeoff.Bakeoff) -> dict[str, Any]:
    return {checked.name: checked.findings for checked in made.comparison.checks if checked.findings}


def extrapolates(made: bakeoff.Bakeoff) -> bool:
    """Whether the reason names a number of further rows, which few rows cannot support."""
    return "more test rows would" in made.verdict.reason


def test_twenty_rows_give_no_verdict_and_no_extrapolation() -> None:
    rng = np.random.default_rng(0)
    y = np.array(["no", "yes"] * 10)
    made = bake(pd.DataFrame({"a": rng.normal(size=20) + (y == "yes"), "b": rng.random(20), "y": y}))
    assert made.verdict.word == "inconclusive"
    assert not extrapolates(made)
    assert "enough_rows" in findings(made)


@pytest.mark.parametrize(("n", "positives"), [(3000, 5), (20_000, 20)])
def test_a_handful_of_positives_gives_no_extrapolation(n: int, positives: int) -> None:
    rng = np.random.default_rng(1)
    y = np.zeros(n, dtype=int)
    y[rng.choice(n, positives, replace=False)] = 1
    made = bake(pd.DataFrame({"a": rng.normal(size=n) + 2 * y, "b": rng.random(n), "y": y}), "data.positive='1'")
    assert made.verdict.word == "inconclusive"
    assert not extrapolates(made)


def test_three_positives_of_three_thousand_are_one_in_each_part() -> None:
    y = np.array(["no"] * 2997 + ["yes"] * 3)
    made = bake(pd.DataFrame({"a": np.random.default_rng(2).normal(size=3000), "y": y}))
    assert (made["linear"].predictions["target"] == "yes").sum() == 1
    assert made.verdict.word != "ship"


def test_a_class_of_two_rows_cannot_be_split_and_is_named() -> None:
    with pytest.raises(DataError, match=r'class "rare" has 2 distinct rows; a stratified split into 3 parts needs 3'):
        bake(pd.DataFrame({"a": range(100), "y": ["common"] * 98 + ["rare"] * 2}))


def test_more_columns_than_rows_are_no_obstacle() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(60, 300))).add_prefix("x").assign(y=["a", "b"] * 30)
    made = bake(frame, models=("constant", "linear"))
    assert made.verdict.word != "ship", "noise is noise in hundreds of columns too"


@pytest.mark.parametrize("model", ["linear", "catboost"])
def test_a_target_of_one_value_is_learned_and_ships_nothing(model: str) -> None:
    frame = pd.DataFrame({"a": np.random.default_rng(4).normal(size=200), "y": 3.5})
    made = bake(frame, "data.kind=regression", models=("constant", model))
    assert made[model].metrics.loc["rmse", "value"] == pytest.approx(0, abs=1e-9)
    assert made.verdict.word != "ship"


def test_lists_of_many_classes_are_cut() -> None:
    rng = np.random.default_rng(5)
    labels = [f"c{i:04d}" for i in range(120)] * 5
    made = bake(pd.DataFrame({"a": rng.normal(size=600), "y": labels}), models=("constant",))
    [finding] = findings(made)["enough_rows"]
    assert "and 110 more" in finding
    assert len(finding) < 300


@pytest.mark.slow
def test_eight_hundred_classes_take_less_than_a_minute() -> None:
    rng = np.random.default_rng(6)
    labels = np.array([f"c{i:04d}" for i in range(800)] * 5)
    frame = pd.DataFrame({"a": rng.normal(size=4000), "b": rng.normal(size=4000), "y": labels})
    start = time.perf_counter()
    bakeoff.bakeoff(
        "tracker=none", data=frame, target="y", models=["constant", "nearest_neighbors"], incumbent="constant"
    )
    assert time.perf_counter() - start < 60
