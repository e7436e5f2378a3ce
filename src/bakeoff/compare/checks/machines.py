"""Checks of where, when and by what the variants ran."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING

from bakeoff.compare.checks.base import Evidence, check
from bakeoff.cost import PARTS_SECONDS

if TYPE_CHECKING:
    from bakeoff.record import Run


@check("same_machine", "Do all latencies and fit times come from the same kind of machine?")
def same_machine(evidence: Evidence) -> list[str]:
    """Seconds of one machine say nothing about those of another, nor do the costs that are made of them."""
    machines = {run.variant: _machine(run) for run in evidence.runs if run.environment}
    if len(set(machines.values())) < 2:
        return []
    return [f"Seconds were measured on different machines: {', '.join(f'{k} on {v}' for k, v in machines.items())}."]


@check("same_version", "Were all variants made by the same version of bakeoff?")
def same_version(evidence: Evidence) -> list[str]:
    """A fix in a newer version may be the reason why a variant is better."""
    of = {run.variant: run.environment.get("versions", {}).get("bakeoff") for run in evidence.runs if run.environment}
    if len(set(of.values())) < 2:
        return []
    return [f"Runs are of different versions of bakeoff: {', '.join(f'{k} {v}' for k, v in of.items())}."]


@check("timed_alone", "Was every variant timed while no other ran?")
def timed_alone(evidence: Evidence) -> list[str]:
    """Variants that share a machine slow each other down."""
    spans = sorted(
        (start, start + timedelta(seconds=_seconds(run)), run.variant, _machine(run))
        for run in evidence.runs
        if run.environment and (start := _started(run)) is not None
    )
    beside = [
        f"{a} and {b}"
        for (_, end, a, machine), (begin, _, b, other) in combinations(spans, 2)
        if begin < end and machine == other
    ]
    caution = "the latencies and fit times of who ran at the same time say little"
    return [f"{', '.join(beside)} ran side by side: {caution}."] if beside else []


def _machine(run: Run) -> str:
    here = run.environment
    gpus = "".join(f", {gpu}" for gpu in here.get("gpus", ()))
    return f"{here.get('cpu')} with {here.get('cores')} cores{gpus}"


def _seconds(run: Run) -> float:
    """Seconds since the run started, which is when its data were loaded."""
    return sum(seconds for step, seconds in run.seconds.items() if step not in ("data", PARTS_SECONDS))


def _started(run: Run) -> datetime | None:
    try:
        return datetime.fromisoformat(run.started)
    except ValueError:
        return None
