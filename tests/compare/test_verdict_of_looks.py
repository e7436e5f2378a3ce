"""Verdicts of a later look at the same test rows: wider, said, and repeatable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bakeoff import record
from bakeoff.compare import folders
from bakeoff.compare.comparison import compare
from bakeoff.compare.ledger import FILE, Ledger
from bakeoff.compare.looks import digest
from bakeoff.config.settings import DecisionSettings
from bakeoff.record import Run, Score
from bakeoff.task import Predictions, PredictionTable, Schema
from command_line import CommandLine

SCHEMA = Schema("classification", "label", {"text": "text"}, ("ham", "spam"), "spam")
NAMES = np.array(SCHEMA.classes, dtype=object)
SETTINGS = DecisionSettings(metric="accuracy", smallest_difference="0", resamples=1_000)
TRUTH = (np.arange(400) % 3 == 0).astype(int)


def table(wrong: int, start: int) -> PredictionTable:
    """Predictions that are wrong in some rows, from one row on."""
    output = TRUTH.copy()
    output[start : start + wrong] = 1 - output[start : start + wrong]
    frame = pd.DataFrame(index=range(len(TRUTH)))
    return PredictionTable(SCHEMA, np.arange(400), NAMES[TRUTH], Predictions(NAMES[output]), np.full(400, 0.01), frame)


def variant(folder: Path, wrong: int, start: int) -> Run:
    described = {
        "name": "mails",
        "schema": {
            "kind": "classification",
            "target": "label",
            "columns": {"text": "text"},
            "classes": ["ham", "spam"],
            "positive": "spam",
        },
    }
    folder.mkdir(parents=True)
    record.write_predictions(folder, table(wrong, start))
    return Run(folder, folder.name, "rules", "ok", "", described, "same", metrics={"accuracy": Score(0.5)})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / FILE)


def test_challenger_that_ships_at_the_first_look_does_not_after_twenty_others(tmp_path: Path, ledger: Ledger) -> None:
    old, better = variant(tmp_path / "old", 60, 0), variant(tmp_path / "better", 45, 25)
    fresh = compare([old, better], SETTINGS, "old", Ledger(tmp_path / "other" / FILE))
    assert (fresh.verdict, fresh.looks.number) == ("ship", 1)
    assert "Look" not in fresh.reason
    for i in range(20):
        compare([old, variant(tmp_path / f"v{i}", 60, i + 5)], SETTINGS, "old", ledger)
    late = compare([old, better], SETTINGS, "old", ledger)
    assert (late.verdict, late.looks.number) == ("inconclusive", 21)
    assert "Look 21 at these test rows: intervals are at 99.97%" in late.reason
    assert "Had nobody looked at these test rows before, better would ship" in late.reason
    (first,), (later,) = ([d for d in c.differences if d.metric == c.metric] for c in (fresh, late))
    assert later.low < 0 < first.low, "the interval beside a score is that of the verdict"
    again = compare([old, better], SETTINGS, "old", ledger)
    assert again == late, "a comparison that is repeated is the same comparison"
    off = compare([old, better], replace(SETTINGS, ledger=False), "old", ledger)
    assert off.verdict == "ship"
    assert "decision.ledger=false" in off.reason
    (spent,) = [check for check in late.checks if check.name == "looks_spent"]
    assert "21 looks were taken" in spent.findings[0]


def test_first_variants_keep_their_level_when_others_join_them(tmp_path: Path, ledger: Ledger) -> None:
    old, better = variant(tmp_path / "old", 60, 0), variant(tmp_path / "better", 45, 25)
    assert compare([old, better], SETTINGS, "old", ledger).verdict == "ship"
    joined = compare([old, better, variant(tmp_path / "new", 58, 20)], SETTINGS, "old", ledger)
    assert (joined.verdict, joined.winner, joined.looks.numbers) == ("ship", "better", {"better": 1, "new": 2})
    assert "Look 2 at these test rows: new: interval at 98.72%, and 0.019 of 0.05 is left" in joined.reason


def test_looks_are_written_beside_the_verdict_and_read_back(tmp_path: Path, ledger: Ledger) -> None:
    old, better = variant(tmp_path / "old", 60, 0), variant(tmp_path / "better", 45, 25)
    compared = compare([old, better], SETTINGS, "old", ledger)
    folders.write(compared, tmp_path)
    assert folders.known_looks([tmp_path]) == [compared.looks]


def test_digest_is_of_answers_and_not_of_seconds() -> None:
    known = table(45, 25)
    assert digest(known) == digest(replace(known, seconds=np.full(400, 9.0)))
    assert digest(known) != digest(table(45, 26))
    assert digest(known) == digest(known.take(np.arange(400)[::-1]))
    rounded = replace(known.predictions, proba=np.full((400, 2), 0.1 + 0.2))
    exact = replace(known.predictions, proba=np.full((400, 2), 0.3))
    assert digest(replace(known, predictions=rounded)) == digest(replace(known, predictions=exact))


def test_same_bake_off_under_another_name_is_no_new_look(bakeoff: CommandLine, pets: Path) -> None:
    same = ("-m", f"data=csv data.path={pets} data.target=label", "model=constant,linear decision.resamples=500")
    arguments = [word for part in same for word in part.split()]
    first = bakeoff(*arguments, "name=one").stdout
    again = bakeoff(*arguments, "name=two").stdout
    assert "Look" not in first + again
    verdict = [line for line in first.splitlines() if line.startswith("Verdict")]
    assert verdict == [line for line in again.splitlines() if line.startswith("Verdict")]
    other = bakeoff("compare", "outputs/two", "decision.metric=accuracy").stdout
    assert "Look 2 at these test rows" in other
