"""Time and size of the long report, and time of the board over many run folders beside MLflow's search_runs.

MLflow, where it is installed, holds the same metrics of the same runs in SQLite.

python benchmarks/report.py [--quick] [--variants 10] [--rows 5000] [--folders 1000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import _quick
import numpy as np
import pandas as pd

from bakeoff import record
from bakeoff.compare import comparison
from bakeoff.config.settings import DecisionSettings
from bakeoff.record import Run
from bakeoff.report import board, page, pages
from bakeoff.task import Predictions, PredictionTable, Schema

METRICS = ["accuracy", "f1", "roc_auc", "log_loss", "brier"]


def schema() -> Schema:
    return Schema("classification", "label", {"text": "text"}, ("no", "yes"), "yes")


def table(n: int, variant: int) -> PredictionTable:
    truth, noise = np.random.default_rng(0), np.random.default_rng(variant + 1)
    target = truth.random(n) < 0.3
    score = np.clip(0.3 * target + noise.normal(0.4, 0.2, n), 0.01, 0.99)
    labels = np.array(["no", "yes"], dtype=object)
    predictions = Predictions(labels[(score > 0.5).astype(int)], proba=np.column_stack([1 - score, score]))
    ids = np.array([f"row {i}" for i in range(n)], dtype=object)
    slices = pd.DataFrame({"region": labels[truth.integers(2, size=n)]})
    return PredictionTable(schema(), ids, labels[target.astype(int)], predictions, noise.lognormal(-7, 0.5, n), slices)


def run(folder: Path, number: int, of_task: PredictionTable) -> Run:
    """A finished run with predictions, as a bake-off leaves it."""
    from bakeoff import metrics

    folder.mkdir(parents=True)
    record.write_predictions(folder, of_task)
    task = {"name": "mails", "schema": {**vars(schema()), "readings": {}}, "split": {}, "notes": [], "leaks": []}
    scores = {name: record.Score(value) for name, value in metrics.score(of_task, METRICS).items()}
    started = f"2026-01-01T00:{number % 60:02}:00+00:00"
    return record.finish(Run(folder, folder.name, "linear", "ok", started, task, "f" * 64, scores))


def report(folder: Path, variants: int, rows: int) -> None:
    runs = [run(folder / f"variant-{i}", i, table(rows, i)) for i in range(variants)]
    texts = ["a message of some length about nothing in particular " * 5] * rows
    pd.DataFrame({"id": table(rows, 0).ids, "text": texts}).to_parquet(folder / record.INPUTS)
    compared = comparison.compare(runs, DecisionSettings(metric="accuracy", resamples=1000), "variant-0")
    start = time.perf_counter()
    written = page.render(pages.build(compared, runs, folder))
    seconds = time.perf_counter() - start
    size = len(written.encode()) / 1e6
    print(f"report of {variants} variants x {rows:,} rows: {seconds:.2f} s, {size:.2f} MB (limits: 3 s, 1 MB)")


def boards(folder: Path, folders: int) -> None:
    of_task = table(50, 0)
    runs = [run(folder / f"bake-{i // 10:04}" / f"variant-{i % 10}", i, of_task) for i in range(folders)]
    start = time.perf_counter()
    entries, _ = board.read(folder)
    board.verdicts(entries, [])
    board.over_time(entries, "f" * 12, "accuracy")
    ours = time.perf_counter() - start
    print(f"board over {folders:,} run folders: {ours:.2f} s (limit: 3 s)")
    if find_spec("mlflow") is None:
        return
    theirs = _mlflow(runs, folder)
    print(f"mlflow.search_runs on the same metrics: {theirs:.2f} s; ratio {ours / theirs:.2f}")


def _mlflow(runs: list[Run], folder: Path) -> float:
    import logging

    import mlflow
    from mlflow.entities import Metric

    logging.getLogger("alembic").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment("mails")
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("mails").experiment_id
    for each in runs:
        at = client.create_run(experiment, run_name=each.variant).info.run_id
        client.log_batch(at, [Metric(name, score.value, 0, 0) for name, score in each.metrics.items()])
    start = time.perf_counter()
    mlflow.search_runs(max_results=len(runs))
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=10)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--folders", type=int, default=1_000)
    options = _quick.parse(parser, variants=3, rows=200, folders=20)
    with tempfile.TemporaryDirectory() as name:
        report(Path(name) / "large", options.variants, options.rows)
        boards(Path(name) / "many", options.folders)


if __name__ == "__main__":
    main()
