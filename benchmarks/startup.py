"""Startup time of `bakeoff --help` and `bakeoff plan`, vs an interpreter that does nothing.

CPU seconds, user and system, of the fastest of several starts, with modules compiled before, as an installation does.

python benchmarks/startup.py [--times 10]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import _quick

BAKEOFF = str(Path(sys.executable).parent / "bakeoff")
NOTHING = ("python -c pass", [sys.executable, "-c", "pass"], None)
ASKED = (
    ("bakeoff --help", [BAKEOFF, "--help"], 0.15),
    ("bakeoff plan", [BAKEOFF, "plan"], 1.0),
)


def best(command: list[str], times: int) -> float:
    """CPU seconds of the fastest of several starts: the others were slowed down by other load."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(times + 1):  # the first compiles what is not yet
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            measured.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(measured[1:])


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
