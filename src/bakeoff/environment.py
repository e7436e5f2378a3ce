"""Where a run took place: versions, platform, git state."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = (
    "bakeoff",
    "catboost",
    "hydra-core",
    "numpy",
    "omegaconf",
    "optuna",
    "pandas",
    "peft",
    "pyarrow",
    "pytorch-lightning",
    "scikit-learn",
    "scipy",
    "skrub",
    "sqlalchemy",
    "torch",
    "transformers",
)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Installed versions by package; those that are not installed are left out."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def git() -> dict[str, Any] | None:
    """Commit of the working directory and whether it has uncommitted changes; None outside a git checkout."""
    try:
        state = subprocess.run(
            ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    commit = next((line.split()[-1] for line in state if line.startswith("# branch.oid")), None)
    return {"commit": commit, "changed": any(not line.startswith("#") for line in state)}


def describe() -> dict[str, Any]:
    """All of it, for the record."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": cores(),
        "versions": versions(),
        "git": git(),
    }
