"""Same name, same thing: finished runs over changed data, fixed values in a search, two commands at one folder."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bakeoff as api
from bakeoff import record
from bakeoff.errors import ConfigError
from command_line import INSTALLED, CommandLine

QUICK = ("decision.resamples=200", "metrics.latency_rows=2", "tracker=none", "record_git=false")


def write(path: Path, noise: bool = False, more: int = 0) -> None:
    random = np.random.default_rng(7)
    a = random.normal(size=200 + more)
    label = random.random(len(a)) < 0.5 if noise else a > 0
    pd.DataFrame({"a": a, "b": random.normal(size=len(a)), "y": np.where(label, "yes", "no")}).to_csv(path, index=False)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mine.csv")
    return tmp_path / "mine.csv"


def request(path: Path, *more: str) -> tuple[str, ...]:
    return ("data=csv", f"data.path={path.name}", "data.target=y", "name=mine", *QUICK, *more)


def f1(variant: str) -> float | None:
    return record.read_run(Path("outputs/mine") / variant).metrics["f1"].value


def test_a_finished_run_is_kept_only_while_its_data_are_the_same(mine: Path, capsys: pytest.CaptureFixture) -> None:
    api.run(*request(mine), model="linear")
    good, started = f1("linear"), record.read_run(Path("outputs/mine/linear")).started
    write(mine)
    api.run(*request(mine), model="linear")
    assert record.read_run(Path("outputs/mine/linear")).started == started, "the same content is the same data"
    write(mine, noise=True)
    api.run(*request(mine), model="linear")
    assert good is not None and good > 0.9
    assert f1("linear") != good
    write(mine, noise=True, more=50)
    with pytest.raises(
        ConfigError, match=r"(?s)other data than data\.path=mine\.csv \(200 rows then, 250 now\): linear"
    ):
        api.run(*request(mine), model="constant")
    assert not Path("outputs/mine/constant").exists(), "nothing ran"


def test_data_of_another_task_are_refused_before_anything_runs(mine: Path) -> None:
    api.run(*request(mine), model="constant")
    pd.DataFrame({"c": range(100), "y": ["yes", "no"] * 50}).to_csv(mine.parent / "other.csv", index=False)
    with pytest.raises(ConfigError, match=r"new columns: c; missing columns: a, b; 200 rows then, 100 now\): constant"):
        api.run(*request(mine.parent / "other.csv"), model="linear")


def test_a_search_begun_on_other_data_is_forgotten_with_its_finished_run(mine: Path) -> None:
    search = ("search=random", "search.trials=2")
    api.run(*request(mine, *search), model="nearest_neighbors")
    write(mine, noise=True)
    run = api.run(*request(mine, *search), model="nearest_neighbors")
    assert len(pd.read_parquet(run.folder / record.TRIALS)) == 2


def test_an_explicit_value_stays_fixed_in_a_search(bakeoff: CommandLine, mine: Path) -> None:
    fixed = "model.classifier.n_neighbors=5"
    done = bakeoff("model=nearest_neighbors", fixed, "search=random", "search.trials=3", *request(mine))
    assert done.returncode == 0, done.stderr
    assert "model.classifier.n_neighbors stays as given, out of the search." in done.stdout
    run = record.read_run(Path("outputs/mine/nearest_neighbors-classifier.n_neighbors=5"))
    assert run.parameters["classifier"]["n_neighbors"] == 5
    trials = pd.read_parquet(run.folder / record.TRIALS)
    assert "param:model.classifier.n_neighbors" not in trials
    assert "param:model.classifier.weights" in trials


def test_a_value_that_is_fixed_and_searched_at_once_is_refused(mine: Path) -> None:
    space = "search.space={model.depth: 'range(4, 8)'}"
    with pytest.raises(ConfigError, match=r"search\.space: model\.depth is given a value and searched at once"):
        api.run(*request(mine, "model.depth=10", "search=tpe", "search.trials=3", space), model="catboost")


@pytest.mark.parametrize("sweep", ["range(5,5)", "range(9,2)"])
def test_a_sweep_without_values_is_refused(mine: Path, sweep: str) -> None:
    with pytest.raises(ConfigError, match=r"model\.classifier\.n_neighbors: .* holds no value"):
        api.run(*request(mine, f"model.classifier.n_neighbors={sweep}"), model="nearest_neighbors")


def test_two_equal_searches_at_once_do_the_trials_of_one(mine: Path) -> None:
    command = [str(INSTALLED), "model=nearest_neighbors", "search=random", "search.trials=4", *request(mine)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(2)
    ]
    ended = [(*process.communicate(timeout=180), process.returncode) for process in both]
    assert [code for _, _, code in ended] == [0, 0], ended
    assert len(pd.read_parquet("outputs/mine/nearest_neighbors/trials.parquet")) == 4
    assert sum("another process (pid " in err and "; waiting for its end." in err for _, err, _ in ended) == 1
    assert sum("1 finished run was kept" in out for out, _, _ in ended) == 1
    assert json.loads(Path("outputs/mine/nearest_neighbors/result.json").read_text())["search"]["trials"] == 4
