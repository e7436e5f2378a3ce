"""Shared option of all benchmarks: ``--quick`` runs at a tiny size as a smoke test. Its figures mean nothing."""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any


def parse(parser: argparse.ArgumentParser, **tiny: Any) -> argparse.Namespace:
    """Parse the command line; with ``--quick``, options have the tiny values."""
    parser.add_argument("--quick", action="store_true", help="a tiny size: does it run?")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(tiny)
    return options


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()  # removed when the process ends


def texts() -> Path:
    """A folder with train.csv and test.csv, columns text and category: three categories, separable by words."""
    folder = Path(_folder().name)
    words = {
        "card": "my card was declined",
        "cash": "the cash machine kept my money",
        "rate": "which exchange rate applies",
    }
    for name, rows in (("train", 20), ("test", 8)):
        lines = [f'"{text}, case {name} {i}",{category}' for i in range(rows) for category, text in words.items()]
        (folder / f"{name}.csv").write_text("\n".join(["text,category", *lines]) + "\n")
    return folder


def squad() -> Path:
    """A file in the format of SQuAD: twelve paragraphs with a question each."""
    places = ("Oslo", "Lima", "Cairo", "Quito", "Rabat", "Hanoi", "Tunis", "Accra", "Sofia", "Delhi", "Seoul", "Paris")
    articles = []
    for i, place in enumerate(places):
        context = f"The archive of {place} was founded in {1800 + i}. It holds {100 + i} letters and many maps."
        answer = {"text": str(1800 + i), "answer_start": context.index(str(1800 + i))}
        question = {"id": f"q{i}", "question": f"When was the archive of {place} founded?", "answers": [answer]}
        articles.append({"title": place, "paragraphs": [{"context": context, "qas": [question]}]})
    file = Path(_folder().name, "squad.json")
    file.write_text(json.dumps({"version": "1.1", "data": articles}))
    return file
