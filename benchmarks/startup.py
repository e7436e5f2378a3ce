"""Startup time of `bakeoff --help` and `bakeoff plan`, vs an interpreter that does nothing.

python benchmarks/startup.py [--times 10]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _quick

BAKEOFF = str(Path(sys.executable).parent / "bakeoff")
NOTHING = ("python -c pass", [sys.executable, "-c", "pass"], None)
ASKED = (
    ("bakeoff --help", [BAKEOFF, "--help"], 0.15),
    ("bakeoff plan", [BAKEOFF, "plan"], 1.0),
)


def best(command: list[str], times: int) -> float:
    """Seconds of the fastest of several starts: the others were slowed down by other load."""
    took = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(times):
            start = time.perf_counter()
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            took.append(time.perf_counter() - start)
    return min(took)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--times", type=int, default=10)
    given = _quick.parse(ask, times=1)

    nothing = best(NOTHING[1], given.times)
    print(f"{'command':18}{'ms':>8}{'ratio':>9}{'at most':>11}")
    print(f"{NOTHING[0]:18}{nothing * 1000:8.0f}{'1.0×':>9}")
    for name, command, most in ASKED:
        seconds = best(command, given.times)
        verdict = "PASS" if seconds <= most else "MISS"
        print(f"{name:18}{seconds * 1000:8.0f}{seconds / nothing:8.1f}×{most * 1000:8.0f} ms  {verdict}", flush=True)


if __name__ == "__main__":
    main()
