"""A cache of the test's own, and processes that share it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PREAMBLE = """
import json, os, signal, sys
from pathlib import Path
from counted import Counted, corpus
from bakeoff.retrieval.retrievers import BM25, Dense, Hybrid
"""


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("BAKEOFF_CACHE", str(folder))
    return folder


@pytest.fixture
def start(cache):
    """Start a process of its own, as another run would be; it prints JSON."""
    started = []

    def run(program: str) -> subprocess.Popen[str]:
        found = subprocess.Popen(
            [sys.executable, "-c", PREAMBLE + program],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(found)
        return found

    yield run
    for process in started:
        process.kill()
        process.communicate()
