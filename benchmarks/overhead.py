"""Overhead of the framework per run, imports excluded: a constant model on 100 rows vs the same work by hand.

The command line is run several times in one process, each time on a file and under a name of its own, so that the
imports are done and nothing is reused from the previous run.

python benchmarks/overhead.py [--times 5]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
import time
from pathlib import Path

import _quick
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from bakeoff.cli import main as cli

MOST = 0.5


def write(path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = {f"x{i}": random.normal(size=100) for i in range(5)}
    pd.DataFrame({**columns, "y": random.normal(size=100)}).to_csv(path, index=False)


def by_framework(path: Path) -> float:
    """Seconds of a whole run: from the command line to the verdict, with all that is recorded."""
    start = time.process_time()
    asked = ["model=constant", "data=csv", f"data.path={path.name}", "data.target=y", f"name={path.stem}"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            cli.main(asked)
        except SystemExit as end:
            assert end.code == 0, end.code
    return time.process_time() - start


def by_hand(path: Path) -> float:
    """Seconds of the same work in a script."""
    start = time.process_time()
    frame = pd.read_csv(path)
    X, y = frame.drop(columns="y"), frame["y"]
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    answers = DummyRegressor().fit(X_train, y_train).predict(X_test)
    for score in (root_mean_squared_error, mean_absolute_error, r2_score):
        score(y_test, answers)
    return time.process_time() - start


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--times", type=int, default=5)
    given = _quick.parse(ask, times=1)

    framework, hand = [], []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # tracking may still write there
        before = Path.cwd()
        os.chdir(folder)
        for i in range(given.times + 1):
            path = Path(f"rows{i}.csv")
            write(path, seed=i)
            framework.append(by_framework(path))
            hand.append(by_hand(path))
        os.chdir(before)
    ours, theirs = min(framework[1:]), min(hand[1:])
    print(f"first run, with imports  {framework[0]:7.3f} s")
    print(f"a later run              {ours:7.3f} s")
    print(f"the same by hand         {theirs:7.3f} s")
    verdict = "PASS" if ours - theirs <= MOST else "MISS"
    print(f"overhead                 {ours - theirs:7.3f} s   at most {MOST} s  {verdict}")


if __name__ == "__main__":
    main()
