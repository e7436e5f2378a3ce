"""Peak memory of a whole run, in copies of the data: a million rows of a Parquet file, model=linear.

The run takes place in a separate process, after a small run that did the imports; the figure is the peak resident
memory above the level before the run, divided by the size of the data. Needs Linux.

python benchmarks/memory.py [--rows 1000000] [--columns 20]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import _quick
import numpy as np
import pandas as pd

MOST = 3.0

PROGRAM = """
import contextlib, io, re, sys
from pathlib import Path
from bakeoff.cli import main as cli

def now(key):
    return int(re.search(key + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

def run(name):
    try:
        cli.main(["model=linear", "data=parquet", f"data.path={name}.parquet", "data.target=y", f"name={name}"])
    except SystemExit as end:
        assert end.code == 0, end.code

with contextlib.redirect_stdout(io.StringIO()):
    run("small")
before = now("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
with contextlib.redirect_stdout(io.StringIO()):
    run("big")
print(now("VmHWM") - before)
"""


def frame(rows: int, columns: int, classes: bool) -> pd.DataFrame:
    random = np.random.default_rng(0)
    X = {f"x{i}": random.normal(size=rows) for i in range(columns)}
    y = X["x0"] + 0.5 * X["x1"] + random.normal(size=rows)
    return pd.DataFrame({**X, "y": np.where(y > 0, "yes", "no") if classes else y})


def peak(data: pd.DataFrame) -> float:
    """Peak memory above the baseline, in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        data.to_parquet(Path(folder, "big.parquet"))
        data.head(1000).to_parquet(Path(folder, "small.parquet"))
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=folder, stdout=subprocess.PIPE, text=True, check=True
        )
    return float(done.stdout)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--rows", type=int, default=1_000_000)
    ask.add_argument("--columns", type=int, default=20)
    given = _quick.parse(ask, rows=2_000, columns=3)

    print(f"{given.rows:,} rows × {given.columns} numeric columns, model=linear")
    print(f"{'target':14}{'data':>10}{'peak':>10}{'copies':>9}{'at most':>10}")
    for target, classes in (("values", False), ("two classes", True)):
        data = frame(given.rows, given.columns, classes)
        size = int(data.memory_usage(index=False, deep=True).sum())
        used = peak(data)
        verdict = "PASS" if used / size <= MOST else "MISS"
        print(
            f"{target:14}{size / 1e6:7.0f} MB{used / 1e6:7.0f} MB{used / size:9.2f}{MOST:10.1f}  {verdict}", flush=True
        )


if __name__ == "__main__":
    main()
