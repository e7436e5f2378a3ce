"""Time and memory of the statistics of a comparison, each part in a process of its own, beside what is asked of it.

1. ``classes``: all metrics of 150 classes x 4,500 rows with their intervals, at most 3 CPU s.
2. ``scipy``: 20 variants x 10,000 rows x 10,000 resamples x 3 metrics, 20 times as fast as scipy.stats.bootstrap, whose
   time is extrapolated from one variant; at most 1.5 GB.
3. ``folder``: a new question to a kept folder (three variants on churn), at most 1 CPU s beyond imports.
4. ``rows``: differences of 10 variants on many rows; memory must not grow with the resamples.

python benchmarks/intervals.py [PART] [--quick] [--resamples 10000] [--rows 1000000]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _quick
import numpy as np
from bootstrap import table


def cpu() -> float:
    """CPU seconds of this process and its threads."""
    return time.process_time()


def peak_gb() -> float:
    """Peak resident memory of this process, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def judged(text: str, is_met: bool) -> None:
    print(f"{text}   {'PASS' if is_met else 'MISS'}", flush=True)


def classes(options: argparse.Namespace) -> None:
    """All metrics of many classes."""
    from bakeoff import metrics
    from bakeoff.compare import scores

    made = table(options.few_rows, 150, 0)
    values = metrics.score(made)
    scores.of_table(made, values, 20, 0.95)  # imports
    start = cpu()
    scores.of_table(made, values, options.resamples, 0.95)
    seconds = cpu() - start
    judged(f"150 classes x {options.few_rows:,} rows, {len(values)} metrics: {seconds:.1f} CPU s (3)", seconds <= 3)


def scipy(options: argparse.Namespace) -> None:
    """Many variants against scipy.stats.bootstrap, which takes one statistic of one variant at a time."""
    from scipy.stats import bootstrap as of_scipy

    from bakeoff.compare.statistics import bootstrap
    from bakeoff.metrics import get

    tables = {f"variant {i}": table(options.some_rows, 2, i) for i in range(20)}
    names = ("accuracy", "f1", "log_loss")
    bootstrap(tables, [get(name) for name in names], 20)  # imports
    start = cpu()
    bootstrap(tables, [get(name) for name in names], options.resamples)
    ours = cpu() - start
    memory = peak_gb()
    first = tables["variant 0"]
    truth, output = (column == first.schema.positive for column in (first.target, first.predictions.output))
    proba = first.predictions.proba
    assert proba is not None
    surprise = -np.log(proba[np.arange(len(first)), truth.astype(int)])

    def f1(truth: np.ndarray, output: np.ndarray, axis: int) -> np.ndarray:
        return 2 * (truth & output).sum(axis=axis) / (truth.sum(axis=axis) + output.sum(axis=axis))

    samples = (((truth == output,), np.mean), ((truth, output), f1), ((surprise,), np.mean))
    start = cpu()
    for data, statistic in samples:
        of_scipy(
            data, statistic, n_resamples=options.resamples, paired=True, vectorized=True, batch=100, method="percentile"
        )
    theirs = (cpu() - start) * len(tables)
    judged(
        f"20 variants x {options.some_rows:,} rows x {options.resamples:,} resamples x 3 metrics: {ours:.1f} CPU s, "
        f"SciPy {theirs:.0f} s: {theirs / ours:.0f} times (20), {memory:.2f} GB (1.5)",
        theirs >= 20 * ours and memory <= 1.5,
    )


def folder(options: argparse.Namespace) -> None:
    """A new question to a folder of finished runs."""
    from bakeoff.cli import main as cli

    def run(*words: str) -> float:
        start = cpu()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            cli.main(list(words))
        return cpu() - start

    quick = ("report=none", "tracker=none", "metrics.latency_rows=20")
    run("-m", "model=constant,linear,nearest_neighbors", "data=churn", "name=kept", *quick)
    run("compare", "outputs/kept", "incumbent=linear")  # imports
    seconds = run("compare", "outputs/kept", "incumbent=nearest_neighbors", "decision.metric=accuracy")
    judged(f"a new question to a kept folder: {seconds:.2f} CPU s (1)", seconds <= 1)


def rows(options: argparse.Namespace) -> None:
    """Differences on many rows."""
    from bakeoff.compare import panels
    from bakeoff.metrics import get

    tables = {f"variant {i}": table(options.rows, 0, i) for i in range(10)}
    before = peak_gb()
    start = cpu()
    (panel,) = panels.panels("variant 0", tables, [get("mae")], min(1_000, options.resamples))
    for name in panel.challengers:
        panel.uncertainty(name, get("mae")).interval(0.95)
    judged(
        f"10 variants x {options.rows:,} rows, 1,000 resamples: {cpu() - start:.0f} CPU s, {peak_gb() - before:.2f} GB "
        f"beside {before:.2f} GB of predictions (1)",
        peak_gb() - before <= 1,
    )


PARTS = {"classes": classes, "scipy": scipy, "folder": folder, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=list(PARTS))
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--few-rows", type=int, default=4_500)
    parser.add_argument("--some-rows", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = _quick.parse(parser, resamples=100, few_rows=300, some_rows=200, rows=2_000)
    if options.part:
        PARTS[options.part](options)
        return
    for part in PARTS:
        if options.quick and part == "folder":
            continue  # a whole bake-off
        with tempfile.TemporaryDirectory() as scratch:
            environment = {**os.environ, "BAKEOFF_LEDGER": scratch}
            command = [sys.executable, str(Path(__file__).resolve()), part, *sys.argv[1:]]
            subprocess.run(command, cwd=scratch, env=environment, check=True)


if __name__ == "__main__":
    main()
