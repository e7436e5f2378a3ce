"""``SIGKILL`` at a chosen system call: what is on disk is whole, and the same command ends as if undisturbed.

``strace`` kills the process as it enters the k-th call of a kind: ``BAKEOFF_KILLS`` of each kind, 8 unless it is set,
spread over all calls that an undisturbed command makes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from command_line import BAKEOFF, INSTALLED

QUICK = ("tracker=none", "report=none", "name=x", "decision.resamples=200", "metrics.latency_rows=2")
PETS = ("data=csv", "data.path=pets.csv", "data.target=label")
RUN = ("-m", "model=constant,linear", *PETS, *QUICK)
TUNED = ("-m", "model=linear", *PETS, "search=random", "search.trials=4", *QUICK)
INDEXED = (
    "model=extractive", "retriever=hybrid", "embedder=hashing", "data=qa", "data.questions=questions.jsonl",
    "data.corpus=documents.jsonl", "model.min_confidence=0", "variant=v", *QUICK,
)  # fmt: skip
COMPARE = ("compare", "outputs/x", "decision.metric=accuracy")
RENAMES, FLUSHES, REMOVALS, LINKS, FOLDERS = (
    "rename,renameat,renameat2", "fsync,fdatasync", "unlink,unlinkat", "link,linkat,symlink", "mkdir,mkdirat",
)  # fmt: skip
QUESTIONS = 40
KILLS = int(os.environ.get("BAKEOFF_KILLS", "8"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]


@pytest.fixture
def folder(tmp_path: Path, pets: Path) -> Path:
    """A folder with data, and a cache of its own that only borrows what was downloaded."""
    words = [f"The key number {i} lies in drawer {i}, below word {i * 7 % 11}." for i in range(QUESTIONS)]
    documents = [{"id": f"d{i}", "text": text} for i, text in enumerate(words)]
    questions = [
        {"id": f"q{i}", "question": f"where is key number {i}?", "answers": [f"drawer {i}"], "documents": [f"d{i}"]}
        for i in range(QUESTIONS)
    ]
    for name, rows in (("documents", documents), ("questions", questions)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def copied(folder: Path, name: str) -> Path:
    """A copy of a folder's files, with outputs and cache, below it."""
    copy = folder / name
    shutil.copytree(folder, copy, ignore=lambda at, names: [n for n in names if Path(at) == folder and n in OWN])
    return copy


OWN = {"whole", "trace", *(f"kill{i}" for i in range(500))}


def environment(folder: Path) -> dict[str, str]:
    shared = Path(os.environ.get("BAKEOFF_CACHE", Path.home() / ".cache/bakeoff"))
    own = folder / "cache"
    own.mkdir(exist_ok=True)
    for name in ("assets", "wheels"):
        if (shared / name).is_dir() and not (own / name).exists():
            (own / name).symlink_to(shared / name)
    return os.environ | {"BAKEOFF_CACHE": str(own), "BAKEOFF_LEDGER": str(folder / "ledger")}


def run(folder: Path, command: Sequence[str], *before: str) -> subprocess.CompletedProcess[str]:
    program = INSTALLED if before else BAKEOFF
    return subprocess.run(
        [*before, str(program), *command], cwd=folder, env=environment(folder), capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip


def outcome(folder: Path) -> dict[str, Any]:
    """Status, scores and predictions of each run; nothing that is a time."""
    found = {}
    for file in sorted((folder / "outputs/x").glob("*/result.json")):
        content = json.loads(file.read_text())
        timed = ("_ms", "seconds", "throughput", "memory", "cost", "bytes", "usd", "rows_per_s", "per_1k", "fit")
        scores = {k: v["value"] for k, v in content["metrics"].items() if not any(word in k for word in timed)}
        table = pd.read_parquet(file.parent / "predictions.parquet")
        trials = (content.get("search") or {}).get("trials")
        found[file.parent.name] = (content["status"], scores, table[["id", "output"]].to_json(), trials)
    return found


def assert_whole(folder: Path) -> None:
    """Every file that has its final name can be read."""
    for file in folder.rglob("*"):
        if not file.is_file() or ".part" in str(file) or "cache" in file.relative_to(folder).parts:
            continue
        match file.suffix:
            case ".json":
                json.loads(file.read_text())
            case ".parquet":
                pd.read_parquet(file)
            case ".yaml":
                yaml.safe_load(file.read_text())


def calls(folder: Path, command: Sequence[str], kind: str) -> int:
    """How many system calls of a kind an undisturbed command makes."""
    trace = folder / "trace"
    done = run(folder, command, "strace", "-f", "-qq", "-e", f"trace={kind}", "-e", "signal=none", "-o", str(trace))
    assert done.returncode == 0, done.stderr
    return sum("resumed>" not in line for line in trace.read_text(errors="replace").splitlines())


def positions(total: int, kills: int) -> Iterator[int]:
    """Numbers of calls, spread evenly."""
    yield from sorted({1 + round(i * (total - 1) / max(kills - 1, 1)) for i in range(min(kills, total))})


def killed_everywhere(folder: Path, command: Sequence[str], kind: str, numbers: Sequence[int]) -> int:
    """Kill the command at each of these calls, repeat it, and compare. Returns the number of kills."""
    whole = copied(folder, "whole")
    assert run(whole, command).returncode == 0
    expected, kills = outcome(whole), 0
    for i, number in enumerate(numbers):
        tried = copied(folder, f"kill{i}")
        inject = f"inject={kind}:signal=SIGKILL:when={number}"
        done = run(tried, command, "strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={kind}", "-e", inject)
        if done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL):
            kills += 1
            assert_whole(tried)
        again = run(tried, command)
        assert again.returncode == 0, (kind, number, again.stderr)
        assert "Traceback" not in again.stderr
        assert outcome(tried) == expected, (kind, number)
        assert not list((tried / "outputs").rglob("*.part")), (kind, number)
        assert_whole(tried)
        shutil.rmtree(tried)
    shutil.rmtree(whole)
    return kills


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        *((RUN, kind) for kind in (RENAMES, FLUSHES, REMOVALS, FOLDERS)),
        *((TUNED, kind) for kind in (RENAMES, FLUSHES, REMOVALS)),
        *((INDEXED, kind) for kind in (RENAMES, FLUSHES, LINKS)),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1 if value[0] == "-m" else 0],
)
def test_command_killed_at_calls_of_a_kind_ends_as_undisturbed(folder: Path, command: Sequence[str], kind: str) -> None:
    total = calls(copied(folder, "whole"), command, kind)
    shutil.rmtree(folder / "whole")
    if not total:
        pytest.skip("this command makes no such call")
    numbers = list(positions(total, KILLS))
    kills = killed_everywhere(folder, command, kind, numbers)
    print(f"{kills} kills at {kind}, of {total} calls")
    assert kills >= len(numbers) // 2


@pytest.mark.parametrize("kind", [RENAMES, FLUSHES])
def test_comparison_killed_at_calls_of_a_kind_is_made_again(folder: Path, kind: str) -> None:
    assert run(folder, RUN).returncode == 0
    total = calls(copied(folder, "whole"), COMPARE, kind)
    shutil.rmtree(folder / "whole")
    kills = killed_everywhere(folder, COMPARE, kind, list(positions(total, KILLS)))
    print(f"{kills} kills at {kind}, of {total} calls")
    assert kills > 0
