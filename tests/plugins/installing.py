"""Plugins installed into a folder, as pip leaves them: a package and its metadata, found through PYTHONPATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from command_line import INSTALLED

COUNTING = {
    "bakeoff.plugins": {"counting": "bakeoff_counting"},
    "bakeoff.api": {"counting": "2"},
    "bakeoff.metrics": {"count_error": "bakeoff_counting.judging:count_error"},
    "bakeoff.kinds": {"counting": "bakeoff_counting:COUNTING"},
    "bakeoff.sections": {"missed": "bakeoff_counting.judging:missed"},
    "bakeoff.checks": {"few_baskets": "bakeoff_counting.judging:few_baskets"},
    "bakeoff.verbs": {"count": "bakeoff_counting.judging:hello"},
}


def declare(folder: Path, distribution: str, points: dict[str, dict[str, str]], version: str = "0.1") -> None:
    """Write the metadata of a distribution with these entry points."""
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n\nA plugin.\n")
    lines = [
        line for group, of in points.items() for line in (f"[{group}]", *(f"{k} = {v}" for k, v in of.items()), "")
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def install_counting(folder: Path) -> None:
    shutil.copytree(Path(__file__).parent / "bakeoff_counting", folder / "bakeoff_counting")
    declare(folder, "bakeoff-counting", COUNTING)


def bakeoff(folder: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line where the plugins in a folder are installed."""
    env = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "400"}
    return subprocess.run([str(INSTALLED), *arguments], cwd=cwd, env=env, capture_output=True, text=True)
