"""Environment of a run: command, versions, platform, processors, git state; and its drift since then."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distributions, requires, version
from pathlib import Path
from typing import Any

from bakeoff import secrets

COMMAND = "BAKEOFF_COMMAND"  # an environment variable: workers that are processes of their own inherit it
LONGEST_DIFF = 1_000_000  # maximum recorded characters of a diff
GIT_SECONDS = 10
# Of the packages that bakeoff does not declare itself, those whose version may change a result.
BESIDES = ("bakeoff", "peft", "torch", "transformers")


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Installed versions of the packages that bakeoff declares, extras included."""
    return dict(_versions())


@cache
def _versions() -> Mapping[str, str]:
    declared = {re.split(r"[^\w.-]", text)[0] for text in _requirements() if "dev" not in text.partition(";")[2]}
    by_package = {}
    for package in sorted({*declared, *BESIDES}):
        try:
            by_package[package] = version(package)
        except PackageNotFoundError:
            continue
    return by_package


@cache
def installed() -> str:
    """List every installed distribution with its version in pip's format, one per line."""
    packages = {(name.lower(), f"{name}=={version}") for name, version in map(_name_and_version, distributions())}
    return "".join(f"{line}\n" for _, line in sorted(packages))


def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """Name and version as the first lines of the metadata give them: parsing all of it takes a quarter of a run."""
    head = (distribution.read_text("METADATA") or "").partition("\n\n")[0]
    name, number = (re.search(rf"^{key}: *(.+?) *$", head, re.MULTILINE) for key in ("Name", "Version"))
    if name is None or number is None:
        return distribution.metadata["Name"], distribution.version
    return name[1], number[1]


def command() -> str:
    """The command line as typed, with secrets masked."""
    line = os.environ.get(COMMAND) or shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return secrets.hide(secrets.without_secrets(line))


def git() -> dict[str, Any] | None:
    """Commit of the working directory, whether files under version control were changed, and their diff.

    None outside a git checkout.
    """
    state = _git("status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if state is None:
        return None
    lines = state.splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid")), None)
    changed = any(not line.startswith("#") for line in lines)
    diff = (_git("diff", "HEAD", "--no-ext-diff", "--no-color") or "") if changed else ""
    return {"commit": commit, "changed": changed, "diff": diff[:LONGEST_DIFF], "cut": len(diff) > LONGEST_DIFF}


@cache
def processor() -> str:
    """Name of the CPU, as far as the system reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.machine()


@cache
def gpus() -> list[str]:
    """Names of the GPUs with their driver; empty where NVIDIA's tool finds none."""
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def describe() -> dict[str, Any]:
    """Describe the environment for the record, without reading the user's files."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": processor(),
        "cores": cores(),
        "gpus": gpus(),
        "versions": versions(),
    }


def drift(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """List differences between two recorded environments, one per line, as far as both record them."""
    differences = []
    for key in ("python", "platform", "cpu", "cores", "gpus"):
        if key in then and then[key] != now.get(key):
            differences.append(f"{key}: {_shown(then[key])} → {_shown(now.get(key))}")
    for group, nothing in (("versions", "not installed"), ("assets", "not used")):
        before, after = then.get(group), now.get(group)
        if before is None or after is None:
            continue
        for name in sorted(before.keys() | after.keys()):
            old, new = before.get(name, nothing), after.get(name, nothing)
            if old != new:
                differences.append(f"{name}: {old[:16]} → {new[:16]}")
    before, after = then.get("git"), now.get("git")
    if before and after:
        if before.get("commit") != after.get("commit"):
            differences.append(f"git commit: {_short(before)} → {_short(after)}")
        if before.get("diff_sha256") != after.get("diff_sha256"):
            differences.append("git: the changes that were not committed are others")
    return differences


@cache
def _requirements() -> tuple[str, ...]:
    try:
        return tuple(requires("bakeoff") or ())
    except PackageNotFoundError:
        return ()


def _git(*arguments: str) -> str | None:
    try:
        return subprocess.run(
            ["git", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=GIT_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _shown(value: Any) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _short(state: Mapping[str, Any]) -> str:
    return f"{str(state.get('commit'))[:12]}{' with changes' if state.get('changed') else ''}"
