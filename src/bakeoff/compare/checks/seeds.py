"""Checks of seeds: noise of retraining, which intervals over test rows do not show."""

from __future__ import annotations

from bakeoff.advice import listed
from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.replicates import SEED, recipe

RANDOM, ENSEMBLES = ("boosting", "deep", "finetuned"), ("sklearn.ensemble.", "sklearn.neural_network.")
"""Families, and modules of estimators, whose models differ from seed to seed."""

USUAL = "0.002 to 0.006"
"""Usual standard deviation of an F1 or an accuracy from seed to seed, as tests/compare/test_seeds.py measures it."""


@check("one_seed", "Was every variant that learns at random fitted with several seeds?", severity="note")
def one_seed(evidence: Evidence) -> list[str]:
    """The interval of a gain draws test rows again, not seeds: a lucky seed ships against an unlucky one."""
    if evidence.is_confirmation:  # the final word is on the fitted models
        return []
    by_recipe: dict[str, list[str]] = {}
    for run in evidence.runs:
        if run.family in RANDOM or any(module in str(run.parameters) for module in ENSEMBLES):
            by_recipe.setdefault(recipe(run.variant), []).append(run.variant)
    alone = [names[0] for names in by_recipe.values() if len(names) == 1]
    if len(evidence.runs) < 2 or not alone:
        return []
    return [
        f"{listed(alone)}: one seed. Retraining alone usually moves F1 or accuracy by {USUAL} (standard deviation), "
        "which is not in the interval. Add seeds=5"
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
        "Judge them as one: decision.replicates=true, which seeds=5 sets"
        for names in by_recipe.values()
        if len(names) > 1
    ]
