"""Prices and values of recorded runs: one question, one set of prices, wherever it is asked."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bakeoff as python
from bakeoff import record
from bakeoff.cli.compare import compare
from bakeoff.cli.report import report
from bakeoff.compare import money
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError
from bakeoff.execution.refresh import refresh
from bakeoff.task import Usage
from recorded_runs import rewrite

QUICK = ("data=diabetes", "decision.resamples=200", "metrics.latency_rows=20", "tracker=none", "report=none")
FOLDER = Path("outputs/diabetes")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def costs(folder: Path = FOLDER) -> dict[str, float]:
    """Variant → cost per 1,000, as leaderboard.csv has it; none where it has no such column."""
    rows = list(csv.DictReader((folder / record.LEADERBOARD).read_text().splitlines()))
    return {row["variant"]: float(row["cost_per_1k"]) for row in rows if row.get("cost_per_1k")}


def test_prices_asked_for_last_hold_wherever_the_bakeoff_is_read_next(capsys: pytest.CaptureFixture[str]) -> None:
    python.bakeoff(*QUICK, models=["constant"])
    python.bakeoff(*QUICK, "cost.usd_per_hour=100", models=["linear"])
    dear = costs()
    compare([str(FOLDER), "cost.usd_per_hour=1"])
    asked = {name: value / 100 for name, value in dear.items()}
    assert costs() == pytest.approx(asked)
    compare([str(FOLDER)])
    assert costs() == pytest.approx(asked), "compared again"
    report([str(FOLDER)])
    assert costs() == pytest.approx(asked), "its report"
    bake = python.load(FOLDER)
    assert isinstance(bake, python.Bakeoff)
    assert bake.leaderboard["cost_per_1k"].to_dict() == pytest.approx(asked), "loaded"
    of_runs = {name: run.metrics.loc["cost_per_1k", "value"] for name, run in bake.items()}
    assert of_runs == pytest.approx(asked), "its runs, which recorded other prices"
    rows = pd.concat([python_inputs(), pd.Series(python_targets(), name="progression")], axis=1)
    rows.to_csv("new.csv", index=False)
    new = refresh(FOLDER / "linear", ["data=csv", "data.path=new.csv"], conf_dir()).folder
    capsys.readouterr()
    assert (record.read_config(new / "refreshed") or {})["cost"]["usd_per_hour"] == 1, "and a refresh"


def python_inputs() -> pd.DataFrame:
    inputs = record.read_inputs(FOLDER)
    assert inputs is not None
    return inputs.reset_index(drop=True)


def python_targets() -> list[float]:
    return pd.read_parquet(FOLDER / "linear" / record.PREDICTIONS)["target"].tolist()


def test_bakeoff_without_prices_is_priced_when_asked() -> None:
    python.bakeoff(*QUICK, "cost=none", models=["constant"])
    assert costs() == {}
    python.bakeoff(*QUICK, models=["linear"])
    assert set(costs()) == {"constant", "linear"}, "all by the models of the last command"
    compare([str(FOLDER), "cost=none"])
    assert costs() == {}
    compare([str(FOLDER), "cost.usd_per_hour=7"])
    assert set(costs()) == {"constant", "linear"}


def test_values_can_be_asked_for_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    python.bakeoff(*QUICK, models=["constant", "linear"])
    with pytest.raises(ConfigError, match=r"business\.over: these runs have no business model"):
        compare([str(FOLDER), "business.over=2"])
    with pytest.raises(ConfigError, match=r'no option "error_cost" of business.*Did you mean "error_costs"'):
        compare([str(FOLDER), "business=error_cost"])
    compare([str(FOLDER), "business=error_costs", "decision.metric=net_value_per_1k"])
    assert "net value per 1k" in capsys.readouterr().out
    compare([str(FOLDER), "business.over=0", "business.under=0"])
    rows = csv.DictReader((FOLDER / record.LEADERBOARD).read_text().splitlines())
    assert {float(row["value_per_1k"]) for row in rows} == {0.0}


def test_runs_priced_differently_are_said_not_to_compare() -> None:
    def run(name: str, cost: Mapping[str, Any] | None) -> record.Run:
        return record.Run(Path(name), name, "", "ok", "", cost=cost)

    alike = [run("a", {"_target_": "x", "usd_per_hour": 1.0}), run("b", {"_target_": "x", "usd_per_hour": 1.0})]
    assert money.of_difference(alike) == []
    (note,) = money.of_difference([*alike, run("c", {"_target_": "x", "usd_per_hour": 9.0})])
    assert "cost.usd_per_hour is 1.0 for a, b; 9.0 for c. Give cost.usd_per_hour=…" in note
    assert "not there for c" in money.of_difference([alike[0], run("c", None)])[0]


def test_trial_is_billed_for_the_search_that_its_setting_will_be_billed_for() -> None:
    run = python.run(
        *QUICK, "search=random", "search.trials=8", "search.objectives=[cost_per_1k]", "cost.answers_per_fit=1",
        "decision.metric=rmse", model="linear",
    )  # fmt: skip
    assert run.trials is not None
    billed = float(run.metrics.loc["cost_per_1k", "value"])
    assert run.trials["cost_per_1k"].median() > 0.4 * billed, "one of eight trials alone would be an eighth"


def test_solution_is_billed_for_the_requests_that_it_learned_from() -> None:
    free = ("cost.usd_per_hour=0", "cost.answers_per_fit=1000")
    part = python.bakeoff(*QUICK, *free, "record_validation=true", models=["constant", "linear"])["linear"]
    for name in (record.PREDICTIONS, record.VALIDATION):  # as if each prediction had taken a request of 10 cents
        table = record.read_predictions(part.record, name)
        n = len(table)
        usage = Usage.from_columns(n, calls=np.ones(n), cost_usd=np.full(n, 0.1))
        record.write_predictions(part.folder, replace(table, predictions=replace(table.predictions, usage=usage)), name)
    rewrite(part.folder, json.loads((part.folder / record.RESULT).read_text()))
    bake = python.bakeoff(*QUICK, *free, "model.members=[constant,linear]", models=["ensemble"])
    run = next(run for name, run in bake.items() if name.startswith("ensemble"))
    learned = run.record.details["parts"]["linear"]["learning_usd"]
    assert learned == pytest.approx(0.1 * n)
    per_prediction = float(run.record.metrics["cost_per_1k"].value or 0) / 1000
    assert per_prediction == pytest.approx(0.1 + learned / 1000)
    assert bake.leaderboard.loc[run.variant, "cost_per_1k"] == pytest.approx(1000 * per_prediction)
