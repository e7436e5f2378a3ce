"""Seeds as replicates of one recipe: the mean decides, and intervals hold rows and seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bakeoff.compare import gains, panels
from bakeoff.compare.decision import decide
from bakeoff.compare.replicates import by_first, recipe
from bakeoff.metrics import get
from bakeoff.task import Predictions, PredictionTable, Schema

BINARY = Schema("classification", "label", {}, ("no", "yes"), "yes")
ACCURACY = get("accuracy")
NAMES = np.array(BINARY.classes, dtype=object)


def retrained(seeds: int, better_by: float, rng: np.random.Generator, rows: int = 2_000) -> dict[str, PredictionTable]:
    """Two recipes on the same rows; the accuracy of each seed differs from that of its recipe by 0.015."""
    y, hardness = rng.integers(2, size=rows), rng.random(rows)
    tables = {}
    for name, mean in (("old", 0.85), ("new", 0.85 + better_by)):
        for seed in range(seeds):
            share = mean + 0.015 * rng.standard_normal()
            is_right = np.where(rng.random(rows) < 0.8, hardness, rng.random(rows)) < share
            output = Predictions(NAMES[np.where(is_right, y, 1 - y)])
            nothing = pd.DataFrame(index=range(rows))
            tables[f"{name}-seed={seed}"] = PredictionTable(
                BINARY, np.arange(rows), NAMES[y], output, np.full(rows, np.nan), nothing
            )
    return tables


def ships(seeds: int, better_by: float, sets: int) -> int:
    shipped = 0
    for number in range(sets):
        tables = retrained(seeds, better_by, np.random.default_rng([5, number]))
        recipes = by_first(list(tables))
        (panel,) = panels.panels("old-seed=0", tables, [ACCURACY], 200, recipes=recipes)
        assert panel.challengers == ("new-seed=0",)
        gained = gains.gains(ACCURACY, [panel], 0.95)
        shipped += decide(ACCURACY, "old", 0.85, gained, 0.0, panel.rows).verdict == "ship"
    return shipped


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("catboost-seed=3", "catboost"),
        ("svm", "svm"),
        ("mlp-seed=1-model.depth=2", "mlp-model.depth=2"),
        ("seed=2", "seed=2"),
    ],
)
def test_recipe_is_the_name_without_the_seed(variant: str, expected: str) -> None:
    assert recipe(variant) == expected


def test_difference_is_that_of_the_means_and_its_interval_holds_the_seeds() -> None:
    tables = retrained(4, 0.0, np.random.default_rng(3))
    recipes = by_first(list(tables))
    (panel,) = panels.panels("old-seed=0", tables, [ACCURACY], 200, recipes=recipes)
    value = {name: ACCURACY.value(table) for name, table in tables.items()}
    means = [np.mean([v for name, v in value.items() if name.startswith(which)]) for which in ("new", "old")]
    assert panel.difference("new-seed=0", "accuracy") == pytest.approx(means[0] - means[1])
    (single,) = panels.panels("old-seed=0", {n: tables[n] for n in recipes}, [ACCURACY], 200)
    (wide, narrow) = (p.uncertainty("new-seed=0", ACCURACY).standard_error for p in (panel, single))
    assert wide > narrow


def test_a_recipe_rarely_ships_against_itself() -> None:
    assert ships(1, 0.0, 40) >= 6, "one seed is judged as if it were the recipe"
    assert ships(4, 0.0, 40) <= 4


@pytest.mark.slow
def test_a_recipe_ships_against_itself_in_two_and_a_half_percent_and_a_better_one_often() -> None:
    assert ships(5, 0.0, 400) <= 0.025 * 400 + 2 * np.sqrt(400 * 0.025)
    assert ships(5, 0.04, 100) >= 80
