"""Time of the paired bootstrap, and its ratio to a plain loop over resamples that calls each metric's value.

The loop's time is extrapolated from a few resamples. Labels are also compared with a loop in NumPy alone, which makes a
confusion matrix of each resample.

python benchmarks/bootstrap.py [--quick] [--resamples 10000] [--looped 2]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import _quick
import numpy as np
import pandas as pd

from bakeoff.compare.statistics import bootstrap
from bakeoff.metrics import Metric, applicable, applies_to, get
from bakeoff.task import Predictions, PredictionTable, Schema

LABELS = ["accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "mcc"]
RANKS = ["roc_auc", "average_precision"]
LATENCY = ["latency_p50_ms", "latency_p95_ms"]


@dataclass(frozen=True)
class Case:
    """Benchmark case: the number of variants, the task with n rows, and the metrics (None: all that apply)."""

    title: str
    classes: int
    rows: int
    variants: int
    metrics: list[str] | None = None


CASES = [
    Case("2 classes, labels", 2, 10_000, 10, [*LABELS, "f1"]),
    Case("2 classes, probabilities", 2, 10_000, 10, ["log_loss", "brier", "expected_calibration_error"]),
    Case("2 classes, ranks", 2, 10_000, 10, RANKS),
    Case("2 classes, latency", 2, 10_000, 10, LATENCY),
    Case("2 classes, all", 2, 10_000, 10),
    Case("150 classes, labels", 150, 4_500, 1, LABELS),
    Case("150 classes, all", 150, 4_500, 1),
    Case("150 classes, all", 150, 22_500, 1),
    Case("800 classes, all", 800, 300, 1),
    Case("regression, all", 0, 10_000, 10),
]


def table(n: int, n_classes: int, variant: int) -> PredictionTable:
    truth, noise = np.random.default_rng(0), np.random.default_rng(variant + 1)
    seconds = np.where(np.arange(n) < 100, noise.lognormal(-7, 0.5, n), np.nan)
    if n_classes:
        schema = Schema("classification", "label", {}, tuple(f"class {i:03}" for i in range(n_classes)))
        schema = schema if n_classes > 2 else Schema(schema.kind, "label", {}, schema.classes, schema.classes[1])
        labels, codes = np.array(schema.classes, dtype=object), truth.integers(n_classes, size=n)
        scores = np.exp(noise.normal(size=(n, n_classes)) + 2 * np.eye(n_classes)[codes])
        proba = scores / scores.sum(axis=1, keepdims=True)
        target, predictions = labels[codes], Predictions(labels[proba.argmax(axis=1)], proba)
    else:
        schema, target = Schema("regression", "price", {}), truth.normal(size=n)
        predictions = Predictions(target + noise.normal(scale=0.8, size=n))
    return PredictionTable(schema, np.arange(n), target, predictions, seconds, pd.DataFrame(index=range(n)))


def loop_over_values(tables: Mapping[str, PredictionTable], metrics: Sequence[Metric], resamples: int) -> float:
    """Seconds to compute each metric's value on each resampled table."""
    draws = np.random.default_rng(0)
    start = time.perf_counter()
    for _ in range(resamples):
        for each in tables.values():
            resampled = each.take(draws.integers(len(each), size=len(each)))
            for metric in metrics:
                metric.value(resampled)
    return time.perf_counter() - start


def loop_in_numpy(tables: Mapping[str, PredictionTable], resamples: int) -> float:
    """Seconds for the resamples in plain NumPy: one confusion matrix each, and the metrics of ``LABELS`` from it."""
    draws = np.random.default_rng(0)
    start = time.perf_counter()
    for each in tables.values():
        k = len(each.schema.classes)
        truth = np.searchsorted(each.schema.classes, each.target.astype(str))
        output = np.searchsorted(each.schema.classes, each.predictions.output.astype(str))
        cells = truth * k + output
        for _ in range(resamples):
            matrix = np.bincount(cells[draws.integers(len(cells), size=len(cells))], minlength=k * k).reshape(k, k)
            hits, true, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
            recall, precision = hits / np.maximum(true, 1), hits / np.maximum(predicted, 1)
            f1 = 2 * hits / np.maximum(true + predicted, 1)
            n = len(cells)
            spread = np.sqrt(float(n**2 - true @ true) * float(n**2 - predicted @ predicted))
            _ = hits.sum() / n, recall.mean(), precision.mean(), f1.mean(), (hits.sum() * n - true @ predicted) / spread
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--looped", type=int, default=2, help="resamples of the loop, to extrapolate its time from")
    parser.add_argument("--threads", type=int, default=None)
    options = _quick.parse(parser, resamples=100, looped=1)
    resamples, looped = options.resamples, options.looped

    print(f"{resamples:,} resamples")
    print(
        f"{'':26}{'rows':>7}{'variants':>9}{'metrics':>9}{'bootstrap':>12}{'loop':>12}{'ratio':>10}{'NumPy loop':>12}"
    )
    for case in CASES:
        rows = max(50, case.rows // 50) if options.quick else case.rows
        tables = {f"variant {i}": table(rows, case.classes, i) for i in range(case.variants)}
        first = tables["variant 0"]
        named = applicable(first.schema) if case.metrics is None else [get(name) for name in case.metrics]
        metrics = [metric for metric in named if applies_to(metric, first)]
        loop_over_values({"": first.take(np.arange(50))}, metrics, 1)  # imports
        loop = loop_over_values({"": first}, metrics, looped) * resamples / looped * case.variants
        numpy_loop = ""
        if case.metrics and set(LABELS) <= set(case.metrics):
            seconds = loop_in_numpy({"": first}, 10 * looped) * resamples / looped / 10 * case.variants
            numpy_loop = f"{seconds:10.1f} s"
        start = time.perf_counter()
        bootstrap(tables, metrics, resamples, threads=options.threads)
        ours = time.perf_counter() - start
        print(
            f"{case.title:26}{rows:7,}{case.variants:9}{len(metrics):9}{ours:10.2f} s{loop:10.0f} s"
            f"{loop / ours:9,.0f}×{numpy_loop:>12}",
            flush=True,
        )


if __name__ == "__main__":
    main()
