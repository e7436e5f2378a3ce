"""1,190 questions on 240 paragraphs (XQuAD, Artetxe et al. 2020): what retrievers find, and what answers are worth.

It runs the installed command line and shows what that prints; the table at the end gives each figure with its 95 %
interval. Every question is a test row, for nothing is learnt from questions. Other languages are searched only.
The language model answers a sample. What --outputs names is kept, and what it holds is not run again.

python benchmarks/xquad.py [SQUAD.json] [--others SQUAD.de.json SQUAD.zh.json …] [--rows 100] [--outputs FOLDER]
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
FOLDER = Path(__file__).parents[2] / "shared" / "bench" / "xquad"
XQUAD, OTHERS = FOLDER / "xquad.en.json", [FOLDER / f"xquad.{language}.json" for language in ("de", "zh", "ar")]
RETRIEVED = ["-m", "model=retrieve", "retriever=bm25,dense,hybrid", "decision.metric=recall_at_1"]
EXTRACTED = ["-m", "model=extractive", "retriever=bm25,dense,hybrid", "name=answers"]
# All questions have an answer here, so that abstaining wins nothing. A small model is lost in JSON with sources, so it
# is asked for the answer alone, and the passage is cited that holds most of it.
ANSWERED = ["-m", "model=rag", "retriever=hybrid", "model.min_confidence=0", "name=answers"]
PLAINLY = ["prompt=answer_plainly", "model.citations=matched", "retriever.top_k=1,3"]
SHOWN = {
    "retrieval": ("recall_at_1", "recall_at_5", "mrr"),
    "answers": ("token_f1", "exact_match", "citation_recall", "coverage"),
}


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("squad", nargs="?", type=Path, default=XQUAD, help="a file in the format of SQuAD")
    ask.add_argument("--others", nargs="*", type=Path, default=OTHERS, help="other languages: searched only")
    ask.add_argument("--rows", type=int, default=100, help="questions that the language model answers; 0: none")
    ask.add_argument("--outputs", type=Path, help="where to run; a temporary folder otherwise")
    given = _quick.parse(ask, rows=0, squad=_quick.squad(), others=[])
    for file in (given.squad, *given.others):
        if not file.is_file():
            print(f"There is no {file}: nothing was measured.")
            return

    with tempfile.TemporaryDirectory() as temporary:
        folder = given.outputs or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        task = _task(given.squad)
        run(folder, *RETRIEVED, "name=retrieval", *task)
        run(folder, *EXTRACTED, *task)
        if given.rows:
            run(folder, *ANSWERED, *PLAINLY, f"test_rows={given.rows}", *task)
        for other in given.others:
            run(folder, *RETRIEVED, f"name={other.stem}", *_task(other))
        for name, metrics in SHOWN.items():
            show(folder / "outputs" / name, metrics)
        for other in given.others:
            show(folder / "outputs" / other.stem, SHOWN["retrieval"])


def _task(file: Path) -> list[str]:
    return ["data=squad", f"data.path={file.resolve()}", "data.split.test=1"]


def run(folder: Path, *arguments: str) -> None:
    """Print a command and run it. A failed variant shows up in its table."""
    print(f"$ {shlex.join(['bakeoff', *arguments])}", flush=True)
    subprocess.run([BAKEOFF, *arguments], cwd=folder, check=False)
    print(flush=True)


def show(folder: Path, metrics: tuple[str, ...]) -> None:
    """Metrics of each variant on all rows that it answered."""
    print(f"{folder.name:44}{'rows':>6}" + "".join(f"{name:>24}" for name in metrics))
    for found in record.read_runs(folder):
        if found.status != "ok":
            print(f"{found.variant:44}{found.status}: {(found.error or {}).get('message')}")
            continue
        scores = [found.metrics[name] for name in metrics]
        shown = [f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]" for score in scores]
        print(f"{found.variant:44}{len(record.read_predictions(found)):6,}" + "".join(f"{text:>24}" for text in shown))


if __name__ == "__main__":
    main()
