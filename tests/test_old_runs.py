"""Run folders that version 0.1 wrote (tests/fixtures/runs_0_1) are compared, loaded, predicted from and repeated."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bakeoff as python
from bakeoff import record
from bakeoff.execution import rerun, runner
from command_line import CommandLine

FIXTURES = Path(__file__).parent / "fixtures" / "runs_0_1"
BAKE_OFFS = {"table": 115, "questions": 95, "forecast": 50}  # and their test rows
RUNS = sorted(path.parent.relative_to(FIXTURES) for path in FIXTURES.glob("*/*/result.json"))
# Metrics whose definition has changed since, and by how much at most: Unicode's punctuation; parts of long texts.
REDEFINED = {"token_f1": 0.01, "semantic_similarity": 1e-6}
OF_RANKINGS = ("recall_at_", "precision_at_", "ndcg_at_", "mrr", "map", "hit_")  # twin documents are retrieved since
WITHOUT_DOWNLOADS = [run for run in RUNS if run.parts[0] != "forecast"]


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that may be written to, as the outputs of the current directory."""
    shutil.copytree(FIXTURES, tmp_path / "outputs")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs"


def test_the_fixtures_hold_no_path_and_no_user_of_the_machine_that_wrote_them() -> None:
    files = [file for file in FIXTURES.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 1_000_000
    for file in files:
        content = file.read_bytes()
        for word in (b"/work", b"/tmp/", b"/home/", b"/root", b"/Users/"):
            assert word not in content, file


@pytest.mark.parametrize("name", BAKE_OFFS)
def test_old_bake_off_loads_with_its_scores_and_predictions(outputs: Path, name: str) -> None:
    bake = python.load(outputs / name)
    assert bake.comparison.test_rows == len(bake.predictions) == BAKE_OFFS[name]
    assert str(bake.verdict)
    for variant, run in bake.items():
        compared = {v.name: v.metrics for v in bake.comparison.variants}[variant]
        for metric, score in run.record.metrics.items():
            if metric not in ("cost_per_1k",) and score.low is not None:
                tolerance = REDEFINED.get(metric, 1e-9)
                assert compared[metric].value == pytest.approx(score.value, rel=tolerance), metric


def test_old_bake_off_is_compared_on_the_command_line(outputs: Path, bakeoff: CommandLine) -> None:
    done = bakeoff("compare", str(outputs / "table"), "incumbent=rules", cwd=outputs.parent)
    assert done.returncode == 0, done.stderr
    assert "Verdict:" in done.stdout
    for variant in ("linear", "catboost", "rules"):
        assert f"\n{variant} " in done.stdout


@pytest.mark.parametrize("run", WITHOUT_DOWNLOADS, ids=str)
def test_old_model_predicts_what_it_predicted(outputs: Path, run: Path) -> None:
    done = python.load(outputs / run)
    assert isinstance(done, python.Run)
    task = runner.load_task(rerun.recorded(outputs / run, outputs / "again" / "x"))
    recorded = record.read_predictions(done.record)
    assert task.fingerprint == done.record.fingerprint
    assert np.array_equal(task.test.ids.astype(str), recorded.ids.astype(str))
    assert np.array_equal(done.model.predict(task.test.X).output, recorded.predictions.output)


def test_old_forecast_model_loads(outputs: Path) -> None:
    run = python.load(outputs / "forecast" / "linear-test_rows=50")
    assert isinstance(run, python.Run)
    assert run.predictions["output"].map(len).eq(run.record.task["schema"]["series"]["horizon"]).all()  # type: ignore[index]
    assert callable(run.model.predict)


@pytest.mark.parametrize("run", WITHOUT_DOWNLOADS, ids=str)
def test_old_run_repeats_to_the_same(outputs: Path, run: Path) -> None:
    repeated = rerun.rerun(outputs / run)
    assert repeated.run.status == "ok", repeated.run.error
    assert repeated.same_data
    assert repeated.equal_rows == repeated.rows == BAKE_OFFS[run.parts[0]]
    differing = [m for m in repeated.metrics if not m.agrees and not m.name.startswith((*REDEFINED, *OF_RANKINGS))]
    assert not differing


def test_old_trials_are_read(outputs: Path) -> None:
    bake = python.load(outputs / "table")
    assert isinstance(bake, python.Bakeoff)
    assert set(bake.trials["variant"]) == {"linear", "catboost"}
    assert isinstance(bake["linear"].trials, pd.DataFrame)
