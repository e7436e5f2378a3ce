"""A bake-off computes its intervals once: a comparison reads what the runs left, where it is what it would compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bakeoff
from bakeoff import record
from bakeoff.compare import comparison, draws
from bakeoff.compare.statistics import bootstrap
from bakeoff.metrics import get
from bakeoff.record import Run, Score
from bakeoff.task import Predictions, PredictionTable, Schema

SCHEMA = Schema("regression", "price", {"rooms": "numeric"})
NAMES = ("mae", "r2")


def table(n: int = 60) -> PredictionTable:
    random = np.random.default_rng(0)
    target = random.normal(size=n)
    output = Predictions(target + random.normal(size=n))
    return PredictionTable(SCHEMA, np.arange(n), target, output, np.full(n, np.nan), pd.DataFrame(index=range(n)))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    values = bootstrap({"": table()}, [get(name) for name in NAMES], 100)[""]
    record.write_predictions(tmp_path, table())
    draws.write(tmp_path, table(), values, 0.95, 100)
    return Run(tmp_path, "x", "", "ok", "", metrics={name: Score(get(name).value(table())) for name in NAMES})


def values_of(given: PredictionTable) -> dict[str, float]:
    return {name: get(name).value(given) for name in NAMES}


def test_draws_of_the_same_predictions_are_read_as_they_were_written(run: Run) -> None:
    expected = bootstrap({"": table()}, [get(name) for name in NAMES], 100)[""]
    found = draws.read(run, table(), values_of(table())).draws
    assert {name: list(found[name]) for name in found} == {name: list(expected[name]) for name in expected}


def test_draws_do_not_apply_to_fewer_rows_or_at_a_cost(run: Run) -> None:
    fewer = table().take(np.arange(50))
    assert not draws.read(run, fewer, values_of(fewer)).draws
    assert not draws.read(run, replace(table(), cost=np.ones(60)), values_of(table())).draws


def test_draws_do_not_apply_once_predictions_were_rewritten(run: Run) -> None:
    other = replace(table(), predictions=Predictions(table().target))
    record.write_predictions(run.folder, other)
    assert not draws.read(run, other, values_of(other)).draws


def test_draws_of_a_metric_that_changed_its_meaning_are_left_out(run: Run) -> None:
    assert list(draws.read(run, table(), values_of(table()) | {"mae": 7.0}).draws) == ["r2"]


def test_a_damaged_file_is_as_none(run: Run) -> None:
    (run.folder / record.BOOTSTRAP).write_bytes(b"PAR1")
    assert not draws.read(run, table(), values_of(table())).draws


def test_every_interval_of_a_bake_off_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bake = bakeoff.bakeoff(
        "data=breast_cancer", "tracker=none", "decision.resamples=200", "metrics.latency_rows=5",
        models=["constant", "linear"], incumbent="constant",
    )  # fmt: skip
    compared = {variant.name: variant.metrics for variant in bake.comparison.variants}
    for name, done in bake.items():
        scores = {metric: score for metric, score in done.record.metrics.items() if score.low is not None}
        assert "cost_per_1k" in scores
        assert {metric: compared[name][metric] for metric in scores} == scores
        mark(done.folder)
    settings = comparison.DecisionSettings(resamples=200)
    again = comparison.compare(record.read_runs(bake.folder), settings, "constant")
    for variant in again.variants:
        assert all(s.low == s.high == 7.0 for s in variant.metrics.values() if s.low is not None)
    wider = comparison.compare(record.read_runs(bake.folder), replace(settings, confidence=0.99), "constant")
    for variant in wider.variants:
        assert not any(s.low == s.high == 7.0 for s in variant.metrics.values())


def mark(folder: Path) -> None:
    """Record intervals from 7 to 7, so that an interval shows whether it was read."""
    done = record.read_run(folder)
    scores = {name: s if s.low is None else Score(s.value, 7.0, 7.0) for name, s in done.metrics.items()}
    record.finish(replace(done, metrics=scores))
