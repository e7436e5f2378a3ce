"""Searches as a user asks for them on the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd

from command_line import INSTALLED, CommandLine

FAST = ("data=diabetes", "metrics.latency_rows=5", "decision.resamples=500")


def result(folder: Path) -> dict:
    return json.loads((folder / "result.json").read_text())


def test_every_variant_gets_its_own_study_and_the_same_budget(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff(
        "-m", "model=linear,nearest_neighbors,rules", *FAST, "search=tpe", "search.trials=6", "incumbent=rules"
    )
    assert done.returncode == 0, done.stderr
    for variant in ("linear", "nearest_neighbors"):
        folder = tmp_path / "outputs/diabetes" / variant
        trials = pd.read_parquet(folder / "trials.parquet")
        assert len(trials) == 6
        best = result(folder)
        assert best["search"]["budget"]["trials"] == 6
        assert best["search"]["best"]["values"] == [trials["rmse"].min()]
        assert (folder / "study.journal").is_file()
    assert result(tmp_path / "outputs/diabetes/rules")["search"] is None, "there is nothing to search over"
    assert "trials" in done.stdout


def test_value_sweeps_join_the_space_when_a_search_is_on(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff(
        "-m",
        "model=linear",
        "model.regressor.alpha=interval(5, 6)",
        "seed=1",
        *FAST,
        "search=random",
        "search.trials=4",
    )
    assert done.returncode == 0, done.stderr
    trials = pd.read_parquet(tmp_path / "outputs/diabetes/linear-seed=1/trials.parquet")
    assert trials["param:model.regressor.alpha"].astype(float).between(5, 6).all()


def test_a_config_group_can_be_searched_over(bakeoff: CommandLine, tmp_path: Path) -> None:
    space = 'search.space={model: "choice(linear, nearest_neighbors)"}'
    done = bakeoff("model=linear", "name=either", *FAST, "search=random", "search.trials=8", space)
    assert done.returncode == 0, done.stderr
    trials = pd.read_parquet(tmp_path / "outputs/either/linear/trials.parquet")
    assert set(trials["param:model"]) == {"linear", "nearest_neighbors"}
    is_linear = trials["param:model"] == "linear"
    assert (trials["param:model.regressor.alpha"].notna() == is_linear).all()
    assert (trials["param:model.regressor.n_neighbors"].notna() == ~is_linear).all()
    best = trials.loc[trials["rmse"].idxmin(), "param:model"]
    fitted = result(tmp_path / "outputs/either/linear")["parameters"]["regressor"]["_target_"]
    assert ("Ridge" in fitted) == (best == "linear")


def test_plan_prints_the_space(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff("plan", "-m", "model=catboost,linear", "data=churn", "search=tpe", "search.total.trials=20")
    assert done.returncode == 0, done.stderr
    assert "catboost: model.depth = range(4, 10)" in done.stdout
    assert done.stdout.count("10 trials") == 2
    assert not (tmp_path / "outputs").exists()


def test_wrong_searches_are_refused(bakeoff_here: CommandLine) -> None:
    for arguments, said in [
        (["search=tpee"], 'Did you mean "tpe"?'),
        (["search=tpe", "search.trials=null"], "never end"),
        (["search=tpe", "search.objectives=[rmsee]"], 'Did you mean "rmse"?'),
        (["search=tpe", "model.depth=range(1, 5)"], 'model.depth: Estimator takes no "depth"'),
        (["search=tpe", "search.space={model.ngrams: often}"], "model.ngrams"),
        (["search=tpe", "search.workers=2"], "hydra/launcher=joblib"),
        (["search=tpe", "search.sampler.n_startup_trials=many"], "search.sampler.n_startup_trials"),
        (["search=tpe", "search.storage=postgresql://nobody@127.0.0.1:9/none"], "search.storage"),
        (["search=tpe", "search.validation.kind=kfold", "search.validation.folds=1"], "search.validation.folds"),
        (["search=tpe", "search.constraints={rmse: '< 3'}"], "search.constraints.rmse"),
        (["model.regressor.alpha=interval(1, 5)"], "Add search=tpe"),
    ]:  # fmt: skip
        done = bakeoff_here("model=linear", "data=diabetes", *arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert said in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def test_a_search_whose_trials_all_fail_tells_why(bakeoff: CommandLine, tmp_path: Path) -> None:
    space = "model.classifier.n_neighbors=choice(100000, 200000)"
    done = bakeoff("model=nearest_neighbors", "data=breast_cancer", "search=tpe", "search.trials=3", space)
    assert done.returncode == 1
    told = result(tmp_path / "outputs/breast_cancer/nearest_neighbors")["error"]["message"]
    assert "none of 3 trials has a value" in told
    assert "n_neighbors" in told


def test_a_killed_search_resumes_without_repeating_a_trial(bakeoff: CommandLine, tmp_path: Path) -> None:
    command = [
        "model=random_forest", "model.regressor.n_estimators=200", "data=diabetes", "search=tpe", "search.trials=6",
        "name=killed", "variant=slow", *FAST[1:],
    ]  # fmt: skip
    process = subprocess.Popen([str(INSTALLED), *command], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    folder = tmp_path / "outputs/killed/slow"
    journal = folder / "study.journal"
    wait_until(lambda: journal.is_file() and journal.read_text().count('"op_code":6') >= 3)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "result.json").exists()
    resumed = bakeoff(*command)
    assert resumed.returncode == 0, resumed.stderr
    trials = pd.read_parquet(folder / "trials.parquet")
    finished = trials[trials["state"] == "COMPLETE"]
    assert len(finished) == 6
    parameters = [c for c in trials.columns if c.startswith("param:")]
    assert not finished.duplicated(parameters).any()
    lost = trials[trials["state"] == "FAIL"]
    assert len(lost) <= 1, "at most the trial in flight is lost"
    for number in lost["number"]:
        retried = trials[trials["retry_of"] == number]
        assert len(retried) == 1
        given = lost.loc[lost["number"] == number, parameters].iloc[0].dropna()
        assert (retried.iloc[0][given.index] == given).all()

    written = {file: file.stat().st_mtime_ns for file in (folder / "result.json", journal)}
    again = bakeoff(*command)
    assert {file: file.stat().st_mtime_ns for file in written} == written, "no model is touched"
    assert "1 finished run was kept" in again.stdout
    other = bakeoff(*command, "search.validation.kind=kfold")
    assert other.returncode == 2
    assert "search.validation.kind: holdout → kfold" in other.stderr
    longer = bakeoff(*command, "search.trials=7")
    assert longer.returncode == 0, longer.stderr
    assert len(pd.read_parquet(folder / "trials.parquet").query("state == 'COMPLETE'")) == 7


def wait_until(holds, seconds: float = 90) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
