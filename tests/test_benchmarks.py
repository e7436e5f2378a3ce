"""Every benchmark runs: at a tiny size here, whole in `make bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
# These start several processes of their own, train networks, search, or index with a real embedder.
SLOW = {
    "banking77", "deep_overhead", "finetune_gpu", "memory", "plugins_startup", "rag_reuse", "resume",
    "search_workers", "tabular", "tracking_overhead", "xquad",
}  # fmt: skip
ALL = sorted(file.stem for file in FOLDER.glob("[a-z]*.py"))


def test_there_are_some_and_the_slow_ones_are_there() -> None:
    assert set(ALL) > SLOW


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in ALL])
def test_benchmark_runs_at_a_tiny_size(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", str(FOLDER / f"{name}.py"), "--quick"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert done.stdout.strip()
    assert "failed:" not in done.stdout, done.stdout
    assert "nothing was measured" not in done.stdout and "not measured" not in done.stdout
