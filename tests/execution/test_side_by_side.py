"""Several processes on one name: no crash, no wrong count, one verdict, whatever they are asked."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from bakeoff import unfinished
from bakeoff.search import study as studies
from command_line import BAKEOFF

QUICK = ("tracker=none", "report=none", "name=x", "decision.resamples=200", "metrics.latency_rows=2")
TUNED = ("-m", "model=constant,linear", "data=breast_cancer", "search=random", "search.trials=4", *QUICK)
LONGER = ("-m", "model=linear,nearest_neighbors", "data=breast_cancer", "search=random", "search.trials=6", *QUICK)
OTHER_DATA = ("-m", "model=constant,linear", "data=diabetes", *QUICK)
AGAIN = (
    "-m",
    "model=constant,linear",
    "data=breast_cancer",
    "search=random",
    "search.trials=4",
    "resume=false",
    *QUICK,
)
COMPARE = ("compare", "outputs/x")


def at_once(folder: Path, commands: Sequence[Sequence[str]], gap: float) -> list[tuple[int, str, str]]:
    """Start commands one shortly after the other; exit code, output and errors of each."""
    running = []
    for i, command in enumerate(commands):
        streams = [(folder / f"{i}.{end}").open("w") for end in ("out", "err")]
        running.append(subprocess.Popen([str(BAKEOFF), *command], cwd=folder, stdout=streams[0], stderr=streams[1]))
        time.sleep(gap)
    codes = [process.wait(600) for process in running]
    return [(code, *((folder / f"{i}.{end}").read_text() for end in ("out", "err"))) for i, code in enumerate(codes)]


def check(folder: Path, trials: int) -> None:
    """Every run is whole, each study has exactly its trials, and nothing is left behind."""
    bakeoff = folder / "outputs/x"
    for result in bakeoff.glob("*/result.json"):
        content = json.loads(result.read_text())
        assert content["status"] == "ok", content["error"]
        assert len(pd.read_parquet(result.parent / "predictions.parquet")) > 0
        if content["search"]:
            storage = studies._storage(result.parent, None)
            states = [trial.state.name for trial in storage.get_all_trials(0)]
            assert content["search"]["trials"] == len(states), states
            assert set(states) <= {"COMPLETE", "PRUNED"}
            assert len(states) in (trials, 6), states
    assert not list(bakeoff.rglob("*.part"))
    done = subprocess.run([str(BAKEOFF), *COMPARE], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def verdicts(ended: Sequence[tuple[int, str, str]]) -> set[str]:
    return {line for _, out, _ in ended for line in out.splitlines() if line.startswith("Verdict")}


def sound(ended: Sequence[tuple[int, str, str]]) -> None:
    for code, _, errors in ended:
        assert "Traceback" not in errors, errors
        assert code in (0, 2), errors
        assert code == 0 or re.search("another request|other data|no such folder|holds no runs", errors), errors


def test_two_equal_commands_at_once_share_one_bake_off(tmp_path: Path) -> None:
    ended = at_once(tmp_path, [TUNED, TUNED], gap=0.3)
    assert [code for code, _, _ in ended] == [0, 0], ended
    assert len(verdicts(ended)) == 1
    check(tmp_path, 4)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 4])
def test_equal_commands_at_once_many_times(tmp_path: Path, processes: int) -> None:
    generator = random.Random(processes)
    for number in range(int(os.environ.get("BAKEOFF_ROUNDS", "100"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        ended = at_once(folder, [TUNED] * processes, gap=generator.choice([0, 0.1, 0.3, 1, 2]))
        assert [code for code, _, _ in ended] == [0] * processes, ended
        assert len(verdicts(ended)) == 1, number
        check(folder, 4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "commands",
    [(TUNED, LONGER), (TUNED, OTHER_DATA), (AGAIN, AGAIN, AGAIN), (TUNED, COMPARE, COMPARE), (AGAIN, COMPARE, TUNED)],
)
def test_different_commands_at_once_never_mix(tmp_path: Path, commands: Sequence[Sequence[str]]) -> None:
    generator = random.Random(len(commands))
    for number in range(int(os.environ.get("BAKEOFF_ROUNDS", "10"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        ended = at_once(folder, commands, gap=generator.choice([0, 0.5, 2]))
        sound(ended)
        check(folder, 4)


def test_temporary_files_of_dead_processes_are_removed_and_of_live_ones_kept(tmp_path: Path) -> None:
    mine = tmp_path / f"{unfinished.prefix('comparison.json')}abc123.part"
    dead = subprocess.Popen(["true"])
    dead.wait()
    theirs = tmp_path / mine.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-")
    elsewhere = tmp_path / ".result.json-another-host-17-abc_.part"
    old, older = tmp_path / ".inputs.parquet-x1y2z3.part", tmp_path / ".model-another-host-17-qwe.part"
    for file in (mine, theirs, elsewhere, old):
        file.write_text("half")
    older.mkdir()
    os.utime(older, (0, 0))
    unfinished.remove_left(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([mine.name, elsewhere.name])
