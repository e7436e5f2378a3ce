"""Time to repeat the same command once all four variants of a tuned bake-off have finished: at most 2 seconds.

python benchmarks/resume.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _quick

BAKEOFF = Path(sys.executable).parent / "bakeoff"
COMMAND = ["-m", "model=rules,linear,nearest_neighbors,catboost", "data=diabetes", "search=tpe", "search.trials=5"]
MOST = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = _quick.parse(parser, rounds=1)
    with tempfile.TemporaryDirectory() as folder:
        took = []
        for _ in range(options.rounds + 1):
            start = time.perf_counter()
            done = subprocess.run([BAKEOFF, *COMMAND], cwd=folder, check=True, capture_output=True, text=True)
            took.append(time.perf_counter() - start)
        assert "4 finished runs were kept" in done.stdout
    first, again = took[0], min(took[1:])
    print(f"first {first:.1f} s, again {again:.2f} s (at most {MOST}): {'PASS' if again <= MOST else 'MISS'}")


if __name__ == "__main__":
    main()
