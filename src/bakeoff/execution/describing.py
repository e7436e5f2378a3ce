"""Descriptions in the record of a run: surroundings, assets, parameters, and the task."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bakeoff import assets, environment
from bakeoff.config import component
from bakeoff.data import fingerprint, leaks
from bakeoff.request.spec import Request
from bakeoff.task import Task

_leaks: dict[tuple[str, bool], list[dict[str, str]]] = {}  # fingerprint → leaks of the last task


def surroundings(request: Request) -> tuple[dict[str, Any], str]:
    """Describe the environment for the record, and take the diff of the working directory."""
    git = environment.git() if request.record_git else None
    diff = git.pop("diff") if git else ""
    if git:
        git["diff_sha256"] = hashlib.sha256(diff.encode()).hexdigest() if diff else None
    return {"command": environment.command(), **environment.describe(), "git": git}, diff


def assets_used(request: Request, known: Sequence[str]) -> dict[str, str]:
    """List the pinned files that the run used, with hashes: those named in its config, and others loaded meanwhile.

    What an earlier variant of the same process has loaded is not resolved again.
    """
    names = assets.named(component.write([request.source, request.model, request.parts, request.metrics.graders]))
    used = dict.fromkeys([*names, *(name for name in assets.resolved() if name not in known)])
    return {name: assets.ASSETS[name].sha256 for name in used}


def parameters_of(request: Request) -> dict[str, Any]:
    """Parameters of the model and its parts, as a record holds them."""
    parameters: dict[str, Any] = component.write({**request.model.arguments, **request.parts})
    return parameters


def describe(task: Task, request: Request) -> Mapping[str, Any]:
    """Name, schema, split, notes and leaks of a task, for the record."""
    accepts_copies = request.data.duplicates == "independent"
    key = (task.fingerprint, accepts_copies)
    if key not in _leaks:
        _leaks.clear()
        found = leaks.find(task, request.data.id, request.data.time, accepts_copies)
        _leaks[key] = leaks.as_json(found)
    return {
        "name": task.name,
        "schema": asdict(task.schema) | {"columns": dict(task.schema.columns)},
        "split": dict(task.split),
        "notes": [asdict(note) for note in task.notes],
        "leaks": _leaks[key],
        "test": fingerprint.of_test(task.schema, task.test),
        "sealed": None if task.sealed is None else fingerprint.of_test(task.schema, task.sealed),
    }


def fixed_parameters(request: Request) -> list[str]:
    """Note on parameters that the request gives, and the search leaves alone; none without such."""
    return (
        [f"Not searched, because the request gives it: {', '.join(request.search.fixed)}."]
        if request.search.fixed
        else []
    )
