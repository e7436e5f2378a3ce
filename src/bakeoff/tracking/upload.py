"""Upload offline files of a bake-off to Weights & Biases. Sent files are marked and not sent again."""

from __future__ import annotations

import netrc
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bakeoff import record
from bakeoff.errors import ConfigError
from bakeoff.tracking import beside
from bakeoff.tracking import wandb as of_wandb
from bakeoff.tracking.process import FAILED, Worker, track

SENT = ".synced"  # W&B's own mark beside a file that was sent
TARGET = "bakeoff.tracking.WandbTracker"


@dataclass(frozen=True)
class Uploaded:
    """Result of an upload: files sent now, files sent before, and W&B's message on files that failed."""

    now: tuple[Path, ...]
    before: tuple[Path, ...]
    failed: tuple[Path, ...] = ()
    said: str = ""


def find(name: str) -> Path:
    """Find the folder of a bake-off by its name in ``outputs`` or by path. Raises ``ConfigError``."""
    for folder in (Path("outputs") / name, Path(name)):
        if folder.is_dir():
            return folder
    raise ConfigError(f"sync: there is neither a bake-off outputs/{name} nor a folder {name}.")


def complete(folder: Path) -> list[str]:
    """Track offline what a command had no time to track. Returns failures, one per line."""
    trouble = []
    worker = Worker()
    last: Mapping[str, Any] | None = None
    for run in record.read_runs(folder):
        node = (record.read_config(run.folder) or {}).get("tracker") or {}
        if node.get("_target_") != TARGET or not (run.folder / record.RESULT).is_file():
            continue
        last = node
        trouble += _tracked(run.folder, node, worker)
    if last is not None and (folder / record.COMPARISON).is_file():
        trouble += _tracked(folder, last, worker, is_comparison=True)
    worker.rest()
    return trouble


def upload(folder: Path) -> Uploaded:
    """Upload every offline file that was not yet sent.

    Raises:
        ConfigError: there is no key to send with.
    """
    files = sorted((folder / of_wandb.FOLDER).glob("offline-run-*/run-*.wandb"))
    before = tuple(file for file in files if _is_sent(file))
    waiting = [file for file in files if file not in before]
    if not waiting:
        return Uploaded((), before)
    if not has_key():
        raise ConfigError("sync: there is no key for W&B. Set WANDB_API_KEY, or run: wandb login")
    output = _send(waiting)
    failed = [file for file in waiting if not _is_sent(file)]
    if len(waiting) > 1 and failed:
        # One broken file holds up the others.
        output = "\n".join(_send([file]) for file in failed)
        failed = [file for file in failed if not _is_sent(file)]
    return Uploaded(tuple(file for file in waiting if file not in failed), before, tuple(failed), output)


def _send(files: Sequence[Path]) -> str:
    """Upload files with W&B, and return its output."""
    environment = {k: v for k, v in os.environ.items() if k not in ("WANDB_MODE", "WANDB_DIR")}
    process = subprocess.run(
        [sys.executable, "-P", "-m", "wandb", "beta", "sync", "--yes", *(str(file) for file in files)],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    return (process.stdout + process.stderr).strip()


def has_key() -> bool:
    """Return whether W&B has an API key, from the environment or from ``wandb login``."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _tracked(folder: Path, node: Mapping[str, Any], worker: Worker, is_comparison: bool = False) -> list[str]:
    item = beside.item(folder, {**node, "mode": "offline"}, is_comparison)
    assert item is not None
    reply = track(replace(item, tracker=dict(node)), worker)
    return [f"{folder}: {reply['error']}"] if reply["status"] == FAILED else []


def _is_sent(file: Path) -> bool:
    return file.with_name(file.name + SENT).exists()
