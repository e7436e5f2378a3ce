"""Checks of seeds: noise of retraining, which intervals over test rows do not show."""

from __future__ import annotations

from bakeoff.advice import listed
from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.replicates import SEED, recipe

RANDOM = ("boosting", "deep", "finetuned")
"""Families whose models differ from seed to seed."""


@check("one_seed", "Was every variant that learns at random fitted with several seeds?", severity="note")
def one_seed(evidence: Evidence) -> list[str]:
    """The interval of a gain draws test rows again, not seeds: a lucky seed ships against an unlucky one."""
    by_recipe: dict[str, list[str]] = {}
    for run in evidence.runs:
        if run.family in RANDOM:
            by_recipe.setdefault(recipe(run.variant), []).append(run.variant)
    alone = [names[0] for names in by_recipe.values() if len(names) == 1]
    if len(evidence.runs) < 2 or not alone:
        return []
    return [
        f"{listed(alone)}: one seed. Retraining noise is not in the interval; add seed=0,1,2 decision.replicates=true"
    ]


@check("rival_seeds", "Is every variant a recipe of its own?")
def rival_seeds(evidence: Evidence) -> list[str]:
    """Variants that differ in their seed alone compete for the best luck."""
    if evidence.replicates:
        return []
    by_recipe: dict[str, list[str]] = {}
    for run in evidence.runs:
        if SEED.search(run.variant):
            by_recipe.setdefault(recipe(run.variant), []).append(run.variant)
    return [
        f"{listed(names)} differ in their seed alone: the best of them is the luckiest. "
        "Judge them as one: decision.replicates=true"
        for names in by_recipe.values()
        if len(names) > 1
    ]
