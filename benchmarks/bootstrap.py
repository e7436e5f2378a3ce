"""Time of the paired bootstrap, a group of metrics at a time, and its ratio to a loop over scikit-learn.

python benchmarks/bootstrap.py [--rows 10000] [--variants 10] [--resamples 10000] [--looped 3]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bakeoff.compare.statistics import bootstrap
from bakeoff.metrics import Metric, applicable, get
from bakeoff.task import Predictions, PredictionTable, Schema

BINARY = Schema("classification", "label", {}, ("ham", "spam"), "spam")
VALUES = Schema("regression", "price", {})
GROUPS = {
    "labels": (BINARY, ["accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "mcc", "f1"]),
    "probabilities": (BINARY, ["log_loss", "brier", "expected_calibration_error"]),
    "ranks": (BINARY, ["roc_auc", "average_precision"]),
    "latency": (BINARY, ["latency_p50_ms", "latency_p95_ms"]),
    "all of classification": (BINARY, [m.name for m in applicable(BINARY)]),
    "all of regression": (VALUES, [m.name for m in applicable(VALUES)]),
}


def table(schema: Schema, n: int, variant: int) -> PredictionTable:
    truth, noise = np.random.default_rng(0), np.random.default_rng(variant + 1)
    signal = truth.normal(size=n)
    seconds = np.where(np.arange(n) < 200, noise.lognormal(-7, 0.5, n), np.nan)
    answer = signal + noise.normal(scale=0.8, size=n)
    if schema.kind == "regression":
        target, predictions = signal, Predictions(answer)
    else:
        labels = np.array(schema.classes, dtype=object)
        p = 1 / (1 + np.exp(-2 * answer))
        target = labels[(signal > 0).astype(int)]
        predictions = Predictions(labels[(p > 0.5).astype(int)], np.column_stack([1 - p, p]))
    return PredictionTable(schema, np.arange(n), target, predictions, seconds, pd.DataFrame(index=range(n)))


def looped(tables: Sequence[PredictionTable], metrics: Sequence[Metric], resamples: int) -> float:
    """Seconds that a loop over resamples, variants and metrics takes."""
    draws = np.random.default_rng(0)
    start = time.perf_counter()
    for _ in range(resamples):
        rows = draws.integers(len(tables[0]), size=len(tables[0]))
        for each in tables:
            drawn = each.take(rows)
            for metric in metrics:
                metric.value(drawn)
    return time.perf_counter() - start


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--rows", type=int, default=10_000)
    ask.add_argument("--variants", type=int, default=10)
    ask.add_argument("--resamples", type=int, default=10_000)
    ask.add_argument("--looped", type=int, default=3, help="resamples of the loop, from which its time is extrapolated")
    ask.add_argument("--threads", type=int, default=None)
    given = ask.parse_args()

    print(f"{given.resamples:,} resamples × {given.variants} variants × {given.rows:,} rows")
    print(f"{'metrics':24}{'number':>7}{'bootstrap':>12}{'loop':>12}{'ratio':>9}")
    for group, (schema, names) in GROUPS.items():
        metrics = [get(name) for name in names]
        tables = {f"variant {i}": table(schema, given.rows, i) for i in range(given.variants)}
        looped(list(tables.values())[:1], metrics, 1)  # imports and caches
        one = list(tables.values())[:2]
        loop = looped(one, metrics, given.looped) * given.resamples / given.looped * len(tables) / len(one)
        start = time.perf_counter()
        bootstrap(tables, metrics, given.resamples, threads=given.threads)
        ours = time.perf_counter() - start
        print(f"{group:24}{len(metrics):7}{ours:10.1f} s{loop:10.0f} s{loop / ours:8.0f}×", flush=True)


if __name__ == "__main__":
    main()
