"""Checks of searches: budgets, constraints, and whether they were long and wide enough."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from bakeoff import advice, record
from bakeoff.compare.checks.base import Evidence, check
from bakeoff.config import search_space
from bakeoff.errors import ConfigError
from bakeoff.record import Run
from bakeoff.request.spec import Request

PARTS = "parts"
LEAST_TRIALS, LAST, EDGE = 20, 0.1, 0.02
"""Trials from which the best one says something, the last share of them in which it is late, and the share of a space
that is its edge."""


@check("same_budget", "Was every variant tuned with the same budget?")
def same_budget(evidence: Evidence) -> list[str]:
    """Unequal budgets favour whoever had the larger one."""
    budgets = {run.variant: _shared_budget(run.search) for run in evidence.runs if run.search}
    untuned = [
        run.variant
        for run in evidence.runs
        if not run.search and run.family != "rules" and not run.details.get(PARTS)  # solutions: their parts are listed
    ]
    is_one_budget = len({json.dumps(budget, sort_keys=True) for budget in budgets.values()}) < 2
    if is_one_budget and not (budgets and untuned):
        return []
    listed = [f"{name} {_budget(budget)}" for name, budget in budgets.items()]
    return [f"The variants were not tuned with the same budget: {advice.listed([*listed, *map(_not_tuned, untuned)])}."]


@check("met_constraints", "Do the settings that a search chose meet its constraints?")
def met_constraints(evidence: Evidence) -> list[str]:
    """A setting that breaks a constraint cannot be shipped as it is."""
    return [
        f"{run.variant}: no trial met search.constraints; the one nearest to them was taken."
        for run in evidence.runs
        if run.search and not run.search["best"]["is_feasible"]
    ]


@check("search_ended", "Had every search stopped improving when it ended?", severity="note")
def search_ended(evidence: Evidence) -> list[str]:
    """A search that findings its best setting at the very end had probably not finished."""
    findings = []
    for run in evidence.runs:
        trials, best = (run.search or {}).get("trials"), ((run.search or {}).get("best") or {}).get("trial")
        if trials is not None and best is not None and trials >= LEAST_TRIALS and best >= trials * (1 - LAST):
            findings.append(f"{run.variant}: trial {best + 1} of {trials} is its best. Add search.trials={2 * trials}.")
    return findings


@check("edge_of_space", "Do the best settings lie within their search spaces?", severity="note")
def edge_of_space(evidence: Evidence) -> list[str]:
    """A best value at the edge of its range says that a better one may lie beyond."""
    findings = []
    for run in evidence.runs:
        if not run.search or (run.search.get("trials") or 0) < LEAST_TRIALS:
            continue
        for key, value, bound in _at_the_edge(run):
            name = key.removeprefix("model.")
            findings.append(
                f"{run.variant}: the best {name}, {value:.4g}, lies at the edge of its space ({bound:.4g})."
            )
    return findings


def _at_the_edge(run: Run) -> list[tuple[str, float, float]]:
    """Dimensions of the search whose best value is a bound, or within a twentieth of it: key, value, bound."""
    best = (run.search or {}).get("best") or {}
    trials, config = record.read_frame(run.folder, record.TRIALS), record.read_config(run.folder)
    if trials is None or config is None or best.get("trial") is None:
        return []
    row = trials[trials["number"] == best["trial"]]
    try:
        dimensions = Request.from_config(config, run.folder).dimensions()
        spaces = {dimension.key: search_space.distribution(dimension) for dimension in dimensions}
    except ConfigError:  # recorded by a version with other components
        return []
    at_edge = []
    for key, space in spaces.items():
        column = f"param:{key}"
        low, high = getattr(space, "low", None), getattr(space, "high", None)
        if column not in row or not len(row) or low is None or high is None or not high > low:
            continue
        try:
            value = float(row[column].iloc[0])
        except (TypeError, ValueError):
            continue
        place = _place(value, float(low), float(high), bool(getattr(space, "log", False)))
        if place <= EDGE or place >= 1 - EDGE:
            at_edge.append((key, value, float(low if place <= EDGE else high)))
    return at_edge


def _place(value: float, low: float, high: float, is_log: bool) -> float:
    """Place of a value between its bounds: 0 at the lower, 1 at the upper."""
    if is_log:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low)


def _shared_budget(search: Mapping[str, Any]) -> Mapping[str, Any]:
    """The budget of a search, or the one that it raced for: validation rows decided how much of it each got."""
    racing = search.get("racing")
    shared: Mapping[str, Any] = racing["total"] if racing else search["budget"]
    return shared


def _budget(budget: Mapping[str, Any]) -> str:
    return " or ".join(f"{value:g} {key}" for key, value in budget.items() if value is not None) or "unlimited"


def _not_tuned(name: str) -> str:
    return f"{name} not at all"
