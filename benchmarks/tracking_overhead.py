"""Overhead of offline tracking in a run with one-second trials: a search with tracker=wandb vs one with tracker=none.

Both sides run in turn in this one process, through the command line. A trial fits a small network with as many passes
over the data as take one second of processor time: real work, which the tracking process could slow down. Reported are

- the share of the command spent on tracking: handing runs over, and waiting at the end (offline: for nothing),
- the whole command with tracking vs without: in wall-clock time, which on a busy machine varies by far more than the
  limit, and in processor time of the command itself,
- the processor time of the tracking process, at lower priority and partly after the command had ended.

python benchmarks/tracking_overhead.py [--trials 20] [--times 3]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _quick
import numpy as np
import pandas as pd
import psutil
from sklearn.neural_network import MLPRegressor

from bakeoff.cli import main as cli
from bakeoff.tracking import beside

MOST = 0.01
ARGUMENTS: dict[str, Any] = {"hidden_layer_sizes": [32], "tol": 0.0, "n_iter_no_change": 1_000_000, "random_state": 0}
MODEL = """\
# A network that takes a second to fit.
_target_: bakeoff.models.Estimator
regressor:
  _target_: sklearn.neural_network.MLPRegressor
  hidden_layer_sizes: [32]
  tol: 0.0
  n_iter_no_change: 1000000
  random_state: 0
  max_iter: {passes}
  alpha: 0.0001
card: {{family: deep, summary: takes a second}}
search_space:
  regressor.alpha: tag(log, interval(1e-6, 1e-2))
"""


def frame(rows: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({**{f"x{i}": random.normal(size=rows) for i in range(5)}, "y": random.normal(size=rows)})


def passes_in_a_second() -> int:
    """Number of passes over the training rows that take one second."""
    rows = frame().head(240)
    few = 1000
    for _ in range(2):  # the first is for what is slow once
        start = time.process_time()
        MLPRegressor(**ARGUMENTS, max_iter=few).fit(rows.drop(columns="y"), rows["y"])
        seconds = time.process_time() - start
    return max(1, int(few / seconds))


def timed(call: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    """Wrap a function so that it adds up the seconds it takes."""

    def run(*arguments: Any) -> Any:
        start = time.perf_counter()
        try:
            return call(*arguments)
        finally:
            spent.append(time.perf_counter() - start)

    return run


def command(name: str, tracker: str, trials: int) -> tuple[float, float]:
    """Wall-clock and processor seconds of a whole command."""
    asked = ["model=second", "--config-dir", "conf", "data=csv", "data.path=rows.csv", "data.target=y", "search=random"]
    asked += [f"search.trials={trials}", "metrics.latency_rows=5", f"name={name}", f"tracker={tracker}"]
    start, own = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            cli.main(asked)
        except SystemExit as end:
            assert end.code == 0, end.code
    return time.perf_counter() - start, time.process_time() - own


def seconds_beside(folder: Path) -> float:
    """Processor seconds of the tracking process and its children, once everything is sent."""
    used: dict[int, float] = {}
    while not (folder / "tracking.json").is_file():
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                used[child.pid] = sum(child.cpu_times()[:2])
        time.sleep(0.05)
    return sum(used.values())


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--trials", type=int, default=20)
    ask.add_argument("--times", type=int, default=3)
    given = _quick.parse(ask, trials=2, times=1)
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        os.environ.pop(name, None)
    warnings.simplefilter("ignore")

    calls: list[float] = []
    beside.after_run = timed(beside.after_run, calls)  # type: ignore[assignment]
    beside.after_comparison = timed(beside.after_comparison, calls)  # type: ignore[assignment]
    shares, ratios, own, processor = [], [], [], []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        before = Path.cwd()
        os.chdir(folder)
        Path("conf/model").mkdir(parents=True)
        Path("conf/model/second.yaml").write_text(MODEL.format(passes=passes_in_a_second()))
        frame().to_csv("rows.csv", index=False)
        command("warm", "none", trials=1)
        for i in range(given.times):
            without = command(f"without{i}", "none", given.trials)
            calls.clear()
            tracked = command(f"tracked{i}", "wandb", given.trials)
            shares.append(sum(calls) / tracked[0])
            ratios.append(tracked[0] / without[0])
            own.append(tracked[1] / without[1])
            processor.append(seconds_beside(Path("outputs") / f"tracked{i}"))
            print(f"{given.trials} trials: {without[0]:6.2f} s without, {tracked[0]:6.2f} s with tracking", flush=True)
        os.chdir(before)
    share = max(shares)
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    print(f"whole command, with / without   {middle:6.3f}     from {low:.3f} to {high:.3f}")
    print(f"its own processor time          {statistics.median(own):6.3f}     from {min(own):.3f} to {max(own):.3f}")
    print(f"processor time beside           {statistics.median(processor):6.2f} s")
    print(f"spent on tracking               {share:6.2%}     at most {MOST:.0%}  {'PASS' if share <= MOST else 'MISS'}")


if __name__ == "__main__":
    main()
