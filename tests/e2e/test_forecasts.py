"""Forecasts as a user asks for them on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bakeoff import record
from command_line import CommandLine

FAST = ("metrics.latency_rows=5", "decision.resamples=500")


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    """Two years of daily sales: a week, a trend, and noise."""
    days = np.arange(730)
    sold = 20 + 6 * np.sin(2 * np.pi * days / 7) + days / 60 + np.random.default_rng(0).normal(0, 1, 730)
    path = tmp_path / "sales.csv"
    times = pd.date_range("2022-01-03", periods=730).strftime("%Y-%m-%d")
    pd.DataFrame({"day": times, "sold": sold, "open": days % 7 != 6}).to_csv(path, index=False)
    return path


ASKED = ("data=series", "data.path=sales.csv", "data.time=day", "data.target=sold", "data.forecast.horizon=14")


@pytest.mark.usefixtures("sales")
def test_tuned_forecasts_come_to_a_verdict_and_are_recorded_by_step(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff(
        "-m", "model=seasonal_naive,linear", *ASKED, "data.forecast.known=[open]", "data.slices=[open]", *FAST,
        "search=tpe", "search.trials=3", "search.validation.kind=kfold", "search.validation.folds=3",
        "incumbent=seasonal_naive",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Verdict: NOT ENOUGH EVIDENCE" in done.stdout  # 10 test rows are too few for any other
    run = record.read_run(tmp_path / "outputs/sales/linear")
    table = record.read_predictions(run)
    assert table.target.shape == table.predictions.output.shape == (10, 14)
    assert table.schema.series is not None
    assert table.schema.series.known == ("open=True", "weekday", "month")
    error = np.abs(table.predictions.output - table.target).mean()
    assert run.metrics["mae"].value == pytest.approx(error)
    assert run.metrics["mase"].value == pytest.approx(error / table.schema.series.scales[""])
    steps = run.slices["steps ahead"]
    assert [*steps][:2] == ["1–2", "3–4"]
    assert np.mean([part["metrics"]["mae"] for part in steps.values()]) == pytest.approx(error)
    assert sum(part["rows"] for part in run.slices["open"].values()) == 10
    trials = pd.read_parquet(run.folder / "trials.parquet")
    assert set(trials["state"]) <= {"COMPLETE", "PRUNED"}
    assert [column for column in trials if column.startswith("param:")] == ["param:model.regressor.alpha"]


@pytest.mark.slow
@pytest.mark.usefixtures("sales")
@pytest.mark.parametrize("validation", ["holdout", "kfold"])
def test_a_search_tunes_a_forecaster_on_what_comes_before_the_test(
    validation: str, bakeoff: CommandLine, tmp_path: Path
) -> None:
    done = bakeoff(
        "model=linear", *ASKED, *FAST, "search=tpe", "search.trials=3", f"search.validation.kind={validation}",
        "search.validation.folds=3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "outputs/sales/linear/result.json").read_text())
    trials = pd.read_parquet(tmp_path / "outputs/sales/linear/trials.parquet")
    assert found["search"]["best"]["values"] == [trials["mase"].min()]


@pytest.mark.usefixtures("sales")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("model=constant",),
            "Constant serves classification, regression and multilabel, and this task is forecast",
        ),
        (("data.forecast.horizon=300",), "data.forecast.horizon: 300 moments ahead do not fit into a test part of 146"),
    ],
)
def test_what_cannot_be_forecast_is_refused_before_any_work(
    arguments: tuple[str, ...], message: str, bakeoff: CommandLine, tmp_path: Path
) -> None:
    done = bakeoff("model=seasonal_naive", *ASKED, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "outputs").glob("*/[!.]*"))
