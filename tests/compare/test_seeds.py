"""Recipes retrained with other seeds on a real data set: the noise of retraining, and how often a recipe ships.

``python tests/compare/test_seeds.py [SETS]`` prints the standard deviation of F1 and accuracy over seeds, and how often
five seeds of a recipe ship against five others of the same, and one against one.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from bakeoff.compare import gains, panels
from bakeoff.compare.decision import decide
from bakeoff.compare.replicates import by_first
from bakeoff.data.samples import Sample
from bakeoff.metrics import get
from bakeoff.task import Predictions, PredictionTable, Schema

SEEDS, TRAINING, SETS, ALPHA = 30, 3_000, 400, 0.025
CHURN = Schema("classification", "churn", {}, ("No", "Yes"), "Yes")
F1, ACCURACY = get("f1"), get("accuracy")
RECIPES = {
    "random_forest": lambda seed: RandomForestClassifier(60, random_state=seed, n_jobs=1),
    "catboost": lambda seed: CatBoostClassifier(150, random_seed=seed, verbose=0, thread_count=1, subsample=0.7),
    "mlp": lambda seed: MLPClassifier((32,), random_state=seed, max_iter=40),
}


def retrained(recipe: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Targets of the test rows of churn, and the predictions of each seed."""
    frame = Sample("churn").read().frame.sample(frac=1, random_state=0)
    X = StandardScaler().fit_transform(pd.get_dummies(frame.drop(columns="churn")).fillna(0).astype(float))
    y = frame["churn"].to_numpy(dtype=object)
    fitted = (RECIPES[recipe](seed).fit(X[:TRAINING], y[:TRAINING].astype(str)) for seed in range(SEEDS))
    return y[TRAINING:], [np.asarray(model.predict(X[TRAINING:]), dtype=object).ravel() for model in fitted]


def table(target: np.ndarray, output: np.ndarray) -> PredictionTable:
    n = len(target)
    return PredictionTable(
        CHURN, np.arange(n), target, Predictions(output), np.full(n, np.nan), pd.DataFrame(index=range(n))
    )


def ships(target: np.ndarray, outputs: list[np.ndarray], seeds: int, sets: int) -> int:
    """How often so many seeds ship against as many others of the same recipe, on test rows that are drawn anew."""
    shipped = 0
    for number in range(sets):
        rng = np.random.default_rng([11, number])
        rows, drawn = rng.integers(len(target), size=len(target)), rng.choice(len(outputs), 2 * seeds, replace=False)
        names = [f"{name}-seed={i}" for name in ("old", "new") for i in range(seeds)]
        tables = {
            name: table(target[rows], outputs[seed][rows]) for name, seed in zip(names, drawn.tolist(), strict=True)
        }
        (panel,) = panels.panels(names[0], tables, [F1], 200, recipes=by_first(names))
        gained = gains.gains(F1, [panel], 0.95)
        shipped += decide(F1, "old", panel.value(names[0], "f1"), gained, 0.0, panel.rows).verdict == "ship"
    return shipped


def spread(target: np.ndarray, outputs: list[np.ndarray]) -> tuple[float, float]:
    """Standard deviation of F1 and accuracy from seed to seed."""
    tables = [table(target, output) for output in outputs]
    f1, accuracy = (float(np.std([metric.value(t) for t in tables], ddof=1)) for metric in (F1, ACCURACY))
    return f1, accuracy


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_five_seeds_of_a_recipe_ship_against_five_others_in_two_and_a_half_percent(recipe: str) -> None:
    target, outputs = retrained(recipe)
    assert max(spread(target, outputs)) > 0.001, "there is noise to be seen"
    assert ships(target, outputs, 5, SETS) <= binom.ppf(0.99, SETS, ALPHA)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SETS
    print(f"{'':<16}{'sd of F1':>10}{'sd of accuracy':>16}{'ships, 1 seed':>15}{'5 seeds':>9}{'required':>10}")
    for each in RECIPES:
        truth, answers = retrained(each)
        of_f1, of_accuracy = spread(truth, answers)
        alone, five = (ships(truth, answers, seeds, count) / count for seeds in (1, 5))
        print(f"{each:<16}{of_f1:>10.4f}{of_accuracy:>16.4f}{alone:>15.3f}{five:>9.3f}{'≤ 0.025':>10}", flush=True)
