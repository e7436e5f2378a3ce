"""Simulated bake-offs in which nothing can be learned: noise must not ship more often than the error rate allows.

One test a kind of task, over every metric that may decide for it: noise against noise, and noise against the constants.
``python tests/compare/test_false_ship.py [SETS] [WORD]`` prints the worst pairs of each task whose name has the word.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from bakeoff import metrics
from bakeoff.compare import gains, panels
from bakeoff.compare.decision import decide, threshold
from bakeoff.compare.statistics import interval
from bakeoff.record import Score
from bakeoff.task import Gold, Predictions, PredictionTable, Schema, Series
from bakeoff.usage import Usage

ALPHA, SETS, ROWS, RESAMPLES = 0.05, 1_000, 150, 400

BINARY = Schema("classification", "label", {}, ("no", "yes"), "yes")
MULTI = Schema("classification", "label", {}, ("a", "b", "c", "d"))
VALUES = Schema("regression", "price", {})
PATHS = Schema("forecast", "y", {}, series=Series(4, 2, 2, ("y",), (), "1 h", 3600.0, None, {"": 1.0}))
QUESTIONS = Schema("qa", "answers", {})
QUERIES = Schema("retrieval", "documents", {})

Scenario = Callable[[np.random.Generator], dict[str, PredictionTable]]


def table(schema: Schema, target: np.ndarray, predictions: Predictions, rng: np.random.Generator) -> PredictionTable:
    n = len(target)
    counted = {"calls": 1, "input_tokens": 300, "output_tokens": 20, "cost_usd": 0.001}
    usage = {name: mean * rng.lognormal(sigma=0.5, size=n) for name, mean in counted.items()}
    grades = {"similarity": rng.random(n), "judge": rng.random(n)}
    seconds, ids = rng.lognormal(-5, 0.5, n), np.array([f"0 {i}" for i in range(n)], dtype=object)
    predictions = replace(predictions, usage=Usage.from_columns(n, **usage))
    return PredictionTable(schema, ids, target, predictions, seconds, pd.DataFrame(index=range(n)), grades)


def labels(schema: Schema, shares: list[float]) -> Scenario:
    """The constants, and three classifiers that guess: as often as the classes occur, evenly, and rarely the last."""
    classes = np.array(schema.classes, dtype=object)
    k = len(classes)
    rare = np.array([*[0.9 / (k - 1)] * (k - 1), 0.1])

    def draw(rng: np.random.Generator) -> dict[str, PredictionTable]:
        target = classes[rng.choice(k, ROWS, p=shares)]
        tables = {}
        for name, p in {"as often": shares, "evenly": [1 / k] * k, "rarely": rare}.items():
            proba = rng.dirichlet(np.array(p) * 3 + 0.01, ROWS)
            outputs = classes[rng.choice(k, ROWS, p=p)]
            tables[name] = table(schema, target, Predictions(outputs, proba), rng)
        for label in (classes[0], classes[-1]):
            outputs, proba = np.full(ROWS, label, dtype=object), np.tile(shares, (ROWS, 1))
            tables[f"constant {label}"] = table(schema, target, Predictions(outputs, proba), rng)
        return tables

    return draw


def values(rng: np.random.Generator) -> dict[str, PredictionTable]:
    target = 10 + rng.gamma(2.0, 1.0, ROWS)
    guesses = {"one": rng.permutation(target), "other": rng.permutation(target), "constant": np.full(ROWS, 12.0)}
    return {name: table(VALUES, target, Predictions(outputs), rng) for name, outputs in guesses.items()}


def paths(rng: np.random.Generator) -> dict[str, PredictionTable]:
    target = 10 + rng.normal(size=(ROWS, 2))
    guesses = {"one": rng.permutation(target), "other": rng.permutation(target), "constant": np.full((ROWS, 2), 10.0)}
    return {name: table(PATHS, target, Predictions(outputs), rng) for name, outputs in guesses.items()}


def documents(schema: Schema) -> Scenario:
    """Gold answers and documents; the predictions are those of other questions, or the same for all."""
    pool = np.array(["red fox", "blue fox", "green tea", "old oak", "", "a fox"], dtype=object)

    def draw(rng: np.random.Generator) -> dict[str, PredictionTable]:
        target = np.empty(ROWS, dtype=object)
        for i in range(ROWS):
            answers = (str(pool[rng.integers(4)]),) if rng.random() < 0.8 else ()
            target[i] = Gold(answers, {f"d{d}": grade for grade, d in enumerate(rng.choice(20, 2, replace=False), 1)})

        def guessed(p: list[float]) -> Predictions:
            found, cited = np.empty(ROWS, dtype=object), np.empty(ROWS, dtype=object)
            for i in range(ROWS):
                found[i] = tuple(f"d{d}" for d in rng.permutation(20)[:10])
                cited[i] = found[i][: rng.integers(3)]
            evidence = pool[rng.choice(6, ROWS)]
            return Predictions(pool[rng.choice(6, ROWS, p=p)], retrieved=found, cited=cited, evidence=evidence)

        likely = [0.2, 0.2, 0.2, 0.2, 0.1, 0.1]
        always = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        drawn = {"one": likely, "other": likely, "constant": always}
        return {name: table(schema, target, guessed(p), rng) for name, p in drawn.items()}

    return draw


def ships(draw: Scenario, schema: Schema, sets: int) -> dict[tuple[str, str, str], tuple[int, int]]:
    """How often a challenger ships, with each variant as the incumbent in turn.

    Returns:
        Metric, incumbent, challenger → number of ships, and of the simulated bake-offs of that pair.
    """
    deciding = [m for m in metrics.applicable(schema) if m.can_decide and m.name in metrics.own()]
    shipped: dict[tuple[str, str, str], tuple[int, int]] = {}
    for number in range(sets):
        tables = draw(np.random.default_rng([number, len(schema.classes)]))
        incumbent = list(tables)[number % len(tables)]
        rivals = {n: t for n, t in tables.items() if n == incumbent or not n.startswith("constant")}
        (panel,) = panels.panels(incumbent, rivals, deciding, RESAMPLES, seed=number % 20)
        for metric in deciding:
            if metric.name not in panel.values[incumbent]:
                continue
            value = panel.values[incumbent][metric.name]
            score = Score(value, *interval(panel.draws[incumbent][metric.name]))
            margin = threshold(None, metric, incumbent, score).value
            for challenger in panel.challengers:
                if not panel.has(challenger, metric.name):
                    continue
                gained = gains.gains(metric, [panel], 0.95, [challenger])
                is_shipped = decide(metric, incumbent, value, gained, margin, ROWS).verdict == "ship"
                count, of = shipped.get((metric.name, incumbent, challenger), (0, 0))
                shipped[metric.name, incumbent, challenger] = count + is_shipped, of + 1
    return shipped


TASKS = {
    "two even classes": (labels(BINARY, [0.55, 0.45]), BINARY),
    "two uneven classes": (labels(BINARY, [0.85, 0.15]), BINARY),
    "four classes": (labels(MULTI, [0.4, 0.3, 0.2, 0.1]), MULTI),
    "regression": (values, VALUES),
    "forecast": (paths, PATHS),
    "questions": (documents(QUESTIONS), QUESTIONS),
    "queries": (documents(QUERIES), QUERIES),
}


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_noise_ships_no_more_often_than_alpha(task: str) -> None:
    counted = ships(*TASKS[task], SETS)
    assert counted
    too_many = [
        f"{count} of {of}: {' < '.join(case)}"
        for case, (count, of) in counted.items()
        if count > binom.ppf(0.99, of, ALPHA)
    ]
    assert not too_many, "\n".join(too_many)


if __name__ == "__main__":
    number, word = int(sys.argv[1]) if len(sys.argv) > 1 else SETS, sys.argv[2] if len(sys.argv) > 2 else ""
    for each, (scenario, schema) in TASKS.items():
        if word in each:
            result = ships(scenario, schema, number)
            by_metric: dict[str, tuple[int, int]] = {}
            for (name, *_), (count, of) in result.items():
                sums = by_metric.get(name, (0, 0))
                by_metric[name] = sums[0] + count, sums[1] + of
            worst, (count, of) = max(by_metric.items(), key=lambda item: item[1][0] / item[1][1])
            print(
                f"{each}: {len(by_metric)} metrics, {number} bake-offs; most of one metric {count / of:.4f} ({worst})"
            )
            for case, (count, of) in sorted(result.items(), key=lambda item: -item[1][0] / item[1][1])[:3]:
                print(f"    {' < '.join(case)}: {count} of {of}", flush=True)
