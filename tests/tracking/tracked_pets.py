"""A small tracked bake-off, and readers of what was tracked."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import time
from pathlib import Path

import pandas as pd
from offline_file import Kept, read

from bakeoff.tracking.base import Item
from bakeoff.tracking.process import Reply, Worker, track
from command_line import INSTALLED

WITHOUT = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "WANDB_PROJECT", "WANDB_ENTITY")
WANDB = {"_target_": "bakeoff.tracking.WandbTracker"}


def clean_environment(**more: str) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in WITHOUT} | more


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(INSTALLED), *arguments], cwd=folder, env=clean_environment(**environment), capture_output=True, text=True,
        timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def write_pets(folder: Path) -> None:
    rows = range(120)
    pd.DataFrame(
        {
            "weight": [i % 17 + (9 if i % 3 == 0 else 0) for i in rows],
            "home": ["yard" if i % 4 else "flat" for i in rows],
            "label": ["dog" if i % 3 == 0 else "cat" for i in rows],
        }
    ).to_csv(folder / "pets.csv", index=False)


PETS = ("data=csv", "data.path=pets.csv", "data.target=label", "data.slices=[home]", "name=pets",
        "decision.resamples=100", "metrics.latency_rows=3")  # fmt: skip


def tell(
    folder: Path, worker: Worker | None = None, mode: str = "offline", timeout: float = 100, **settings: object
) -> Reply:
    """Track one folder, in a process as ever."""
    is_comparison = (folder / "comparison.json").is_file()
    mine = worker or Worker()
    try:
        return track(Item(str(folder), WANDB | settings, timeout, 0, mode, is_comparison), mine)
    finally:
        if worker is None:
            mine.rest()


def kept(bakeoff: Path) -> dict[str, Kept]:
    """Contents of the offline files of a bake-off, by run name; wandb may still be writing the last of them."""
    end = time.monotonic() + 10
    while True:
        try:
            found = [read(file) for file in sorted((bakeoff / "wandb").glob("offline-run-*/run-*.wandb"))]
            if all(each.run is not None for each in found):
                return {each.run.display_name: each for each in found}
        except (AssertionError, struct.error):  # half a record
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, "wandb has not written its runs"
        time.sleep(0.1)


def result(run: Path) -> dict:
    return json.loads((run / "result.json").read_text())


def written(folder: Path) -> dict:
    """Contents of ``tracking.json``."""
    return json.loads((folder / "tracking.json").read_text())
