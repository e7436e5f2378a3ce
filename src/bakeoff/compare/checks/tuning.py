"""Checks of searches: budgets, constraints, and whether they were long and wide enough."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bakeoff import advice
from bakeoff.compare.checks.base import Evidence, check

LEAST_TRIALS, LAST = 20, 0.1
"""Trials from which the place of the best one says something, and the last share of them in which it is late."""


@check("same_budget", "Was every variant tuned with the same budget?")
def same_budget(evidence: Evidence) -> list[str]:
    """Unequal budgets favour whoever had the larger one."""
    budgets = {run.variant: run.search["budget"] for run in evidence.runs if run.search}
    untuned = [run.variant for run in evidence.runs if not run.search and run.family != "rules"]
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
    """A search that found its best setting at the very end had probably not finished."""
    found = []
    for run in evidence.runs:
        trials, best = (run.search or {}).get("trials"), ((run.search or {}).get("best") or {}).get("trial")
        if trials is not None and best is not None and trials >= LEAST_TRIALS and best >= trials * (1 - LAST):
            found.append(f"{run.variant}: trial {best + 1} of {trials} is its best. Add search.trials={2 * trials}.")
    return found


def _budget(budget: Mapping[str, Any]) -> str:
    return " or ".join(f"{value:g} {key}" for key, value in budget.items() if value is not None) or "unlimited"


def _not_tuned(name: str) -> str:
    return f"{name} not at all"
