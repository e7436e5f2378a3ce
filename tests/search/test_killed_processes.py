"""``kill -9`` of the whole command at random moments: nothing finished is lost, and the end is as if undisturbed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bakeoff.search import study as studies
from command_line import BAKEOFF

COMMAND = (
    "-m", "model=linear,random_forest", "data=breast_cancer", "search=tpe", "search.trials=12",
    "tracker=none", "report=none", "name=k", "decision.resamples=200", "metrics.latency_rows=2",
)  # fmt: skip


def start(folder: Path, before: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    with (folder / "output.txt").open("ab") as output:
        return subprocess.Popen(
            [*before, str(BAKEOFF), *COMMAND], cwd=folder, stdout=output, stderr=output, start_new_session=True
        )


def trials(run: Path) -> list[tuple[Any, ...]]:
    if not (run / studies.JOURNAL).is_file() or not (run / studies.JOURNAL).stat().st_size:
        return []
    storage = studies._storage(run, None)
    return [(t.number, t.state.name, t.params, t.values) for t in storage.get_all_trials(0)]


def outcome(folder: Path) -> dict[str, Any]:
    found = {}
    for result in sorted((folder / "outputs/k").glob("*/result.json")):
        content = json.loads(result.read_text())
        answers = pd.read_parquet(result.parent / "predictions.parquet")
        proba = [column for column in answers if column.startswith("proba:")]
        best, predictions = content["search"]["best"], answers[["id", "output", *proba]].to_json()
        found[result.parent.name] = (content["status"], best, trials(result.parent), predictions)
    return found


@pytest.mark.slow
def test_a_bake_off_killed_at_random_moments_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    began = time.monotonic()
    assert start(whole).wait(600) == 0, (whole / "output.txt").read_text()
    seconds = time.monotonic() - began
    expected = outcome(whole)
    assert len(expected) == 2 and all(len(of_run[2]) == 12 for of_run in expected.values())
    generator = random.Random(5)
    kills = 0
    for number in range(int(os.environ.get("BAKEOFF_ROUNDS", "15"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        finished: dict[str, list[tuple[Any, ...]]] = {}
        for _ in range(3):
            process = start(folder)
            try:
                process.wait(generator.uniform(0.15, 0.7) * seconds)
                break
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                kills += 1
            for run in (folder / "outputs/k").glob("*/"):
                after = trials(run) if not run.name.startswith(".") else []
                assert all(trial in after for trial in finished.get(run.name, [])), "a finished trial is lost"
                finished[run.name] = [trial for trial in after if trial[1] in ("COMPLETE", "PRUNED")]
        assert start(folder).wait(600) == 0, (folder / "output.txt").read_text()
        assert outcome(folder) == expected, number
        assert not list(folder.rglob("*.part"))
        assert "Traceback" not in (folder / "output.txt").read_text()
    print(kills, "kills")
    assert kills > 0


@pytest.mark.slow
def test_a_search_on_storage_with_slow_fsync_loses_no_finished_trial(tmp_path: Path) -> None:
    """As on NFS or a volume in a cloud: every flush takes a fifth of a second, and the command is killed in one."""
    if shutil.which("strace") is None:
        pytest.skip("strace, which slows the flushes down, is not installed")
    slow = ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=200000"]
    (tmp_path / "whole").mkdir()
    assert start(tmp_path / "whole").wait(600) == 0
    folder = tmp_path / "slow"
    folder.mkdir()
    finished: list[tuple[Any, ...]] = []
    for trials_before_the_kill in (3, 7):
        process = start(folder, slow)
        deadline = time.monotonic() + 200
        while len(trials(folder / "outputs/k/linear")) < trials_before_the_kill and time.monotonic() < deadline:
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        after = trials(folder / "outputs/k/linear")
        assert all(trial in after for trial in finished), "a finished trial is lost"
        finished = [trial for trial in after if trial[1] in ("COMPLETE", "PRUNED")]
        assert finished
    assert start(folder).wait(600) == 0
    assert outcome(folder) == outcome(tmp_path / "whole")
