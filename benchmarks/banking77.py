"""77 things that customers want of a bank (Casanueva et al. 2020): linear, embedding and knn on the whole test, a small
language model on a sample of it.

It runs the installed command line and shows what that prints. The second command joins the bake-off of the first, so
that its table is of the rows that all have answered; the figures at the end are of all rows that each has answered. The
folder holds train.csv and test.csv with the columns text and category. What --outputs names is kept, and not run again.

python benchmarks/banking77.py [FOLDER] [--rows 200] [--outputs FOLDER]
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import _quick

from bakeoff import record

BAKEOFF = Path(sys.executable).parent / "bakeoff"
BANKING77 = Path(__file__).parents[2] / "shared" / "bench" / "banking77"
TRAINED = ["-m", "model=linear,embedding,knn"]
# 77 labels are more than log-probabilities of a first token tell apart; a grammar allows no other answer.
ASKED = ["-m", "model=llm", "model.method=generate", "model.shots_by=nearest", "model.shots=0,8"]
LEAST = 0.90


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("data", nargs="?", type=Path, default=BANKING77, help="the folder with train.csv and test.csv")
    ask.add_argument(
        "--rows", type=int, default=200, help="test rows that the language model answers; 0: do not ask it"
    )
    ask.add_argument("--outputs", type=Path, help="where to run; a temporary folder otherwise")
    given = _quick.parse(ask, rows=0, data=_quick.texts())
    if not (given.data / "test.csv").is_file():
        print(f"There is no {given.data / 'test.csv'}: nothing was measured.")
        return

    data = given.data.resolve()
    task = [
        "data=csv", f"data.path={data}/train.csv", f"data.test_path={data}/test.csv", "data.target=category",
        "data.text=[text]", "decision.metric=accuracy", "name=banking77",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.outputs or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        run(folder, *TRAINED, *task)
        if given.rows:
            run(folder, *ASKED, f"test_rows={given.rows}", *task)
        show(folder / "outputs" / "banking77")


def run(folder: Path, *arguments: str) -> None:
    """Print a command and run it. A failed variant shows up in its table."""
    print(f"$ {shlex.join(['bakeoff', *arguments])}", flush=True)
    subprocess.run([BAKEOFF, *arguments], cwd=folder, check=False)
    print(flush=True)


def show(folder: Path) -> None:
    """Print the accuracy of each variant, and whether that of the embedding meets its target."""
    for found in record.read_runs(folder):
        if found.status != "ok":
            print(f"{found.variant:44}{found.status}: {(found.error or {}).get('message')}")
            continue
        rows = len(record.read_predictions(found))
        accuracy, f1 = found.metrics["accuracy"], found.metrics["f1_macro"]
        interval = f"[{accuracy.low:.3f}, {accuracy.high:.3f}]"
        line = f"{found.variant:44}{rows:6,} rows   accuracy {accuracy.value:.3f} {interval}"
        verdict = ""
        if found.variant == "embedding":
            verdict = f"   at least {LEAST}  {'PASS' if (accuracy.value or 0) >= LEAST else 'MISS'}"
        print(f"{line}   f1_macro {f1.value:.3f}{verdict}")


if __name__ == "__main__":
    main()
