"""Shared fixtures: the installed command line in a subprocess, and small data that a test may break."""

from __future__ import annotations

import gc
import os
import subprocess
import tempfile
from pathlib import Path

# Each worker, and all that it starts, keeps to one core: where several have as many threads as there are cores, most of
# their time goes into waiting for each other. A search of small models took six times the processor's time.
# Before numpy is imported, which starts a thread for each core.
if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})

import hypothesis
import pandas as pd
import pytest

import shipped_configs
from command_line import BAKEOFF, CommandLine, run_here

# pytest-xdist tells its workers a width; a pipe has none.
os.environ.pop("COLUMNS", None)
# A developer's key would send the runs of all tests to W&B. Tracking has tests of its own, which turn it on: a process
# beside each of a hundred commands takes minutes.
os.environ.pop("WANDB_API_KEY", None)
os.environ["WANDB_MODE"] = "disabled"
# Tests ask the same rows again and again: each has a ledger of looks of its own.
_LEDGERS = tempfile.TemporaryDirectory(prefix="bakeoff-ledgers-")
os.environ["BAKEOFF_LEDGER"] = _LEDGERS.name


# The libraries that tests import are a million objects: looking through them for garbage often is a tenth of the time.
gc.set_threshold(100_000, 50, 100)
shipped_configs.parse_once()
# An example that is slow since the machine has other work is no fault.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def own_ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger of looks at test rows for this test alone."""
    monkeypatch.setenv("BAKEOFF_LEDGER", str(Path(_LEDGERS.name) / str(abs(hash(request.node.nodeid)))))


@pytest.fixture
def bakeoff(tmp_path: Path) -> CommandLine:
    """Run the installed command in an empty folder, as a user would, in a pipe."""

    def run(
        *arguments: str, cwd: Path = tmp_path, timeout: float = 180, **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BAKEOFF), *arguments],
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture
def bakeoff_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Run the command within this process, in an empty folder: for plans and refusals, of which a test tries many."""
    monkeypatch.chdir(tmp_path)
    return run_here


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A small labelled table: 120 rows, two classes that a number tells apart most of the time."""
    rows = range(120)
    frame = pd.DataFrame(
        {
            "weight": [i % 17 + (9 if i % 3 == 0 else 0) for i in rows],
            "home": ["yard" if i % 4 else "flat" for i in rows],
            "seen": [f"pet number {i}" for i in rows],
            "label": ["dog" if i % 3 == 0 else "cat" for i in rows],
        }
    )
    path = tmp_path / "pets.csv"
    frame.to_csv(path, index=False)
    return path
