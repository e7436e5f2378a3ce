"""People's labels of answers: which files are taken, what they correct, and when a judge alone is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bakeoff import record
from bakeoff.compare import people
from bakeoff.compare.comparison import Comparison, compare
from bakeoff.compare.ledger import FILE, Ledger
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import ConfigError, DataError
from bakeoff.record import Run, Score
from bakeoff.task import Gold, Predictions, PredictionTable, Schema
from command_line import CommandLine

N = 400
SCHEMA = Schema("qa", "answers", {"question": "text"})
DESCRIBED = {
    "name": "questions",
    "schema": {"kind": "qa", "target": "answers", "columns": {"question": "text"}, "classes": [], "positive": None},
}
SETTINGS = DecisionSettings(metric="judge", smallest_difference="0", resamples=1_000)


def right(seed: int, share: float) -> np.ndarray:
    return np.random.default_rng(seed).random(N) < share


def answer(variant: str, row: int) -> str:
    """A text that tells variant and row; some look like formulas to a spreadsheet."""
    return f"={variant} {row}" if row % 10 == 5 else f"{variant} {row}"


def variant(folder: Path, is_right: np.ndarray, lenience: float, validated: bool = False) -> Run:
    """A variant whose wrong answers the judge passes with a chance of ``lenience``."""
    random = np.random.default_rng(len(folder.name))
    grades = np.where(is_right, 1.0, (random.random(N) < lenience).astype(float))
    target = np.empty(N, dtype=object)
    target[:] = [Gold(("yes",))] * N
    output = np.array([answer(folder.name, i) for i in range(N)], dtype=object)
    ids = np.array([f"q{i}" for i in range(N)], dtype=object)
    frame = pd.DataFrame(index=range(N))
    table = PredictionTable(SCHEMA, ids, target, Predictions(output), np.full(N, 0.1), frame, {"judge": grades})
    folder.mkdir(parents=True)
    record.write_predictions(folder, table)
    details = {"judge": {"validated": validated}}
    return Run(folder, folder.name, "rag", "ok", "", DESCRIBED, "same", metrics={"judge": Score(0.5)}, details=details)


OLD, NEW = right(1, 0.7), right(2, 0.7)


@pytest.fixture
def two(tmp_path: Path) -> list[Run]:
    """Two variants that people find equally good; the judge is 30 points softer on wrong answers of the new one."""
    return [variant(tmp_path / "old", OLD, 0.1), variant(tmp_path / "newer", NEW, 0.4)]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def by_people(path: Path, n: int = 100) -> Path:
    """Labels of the answers of both variants to the same ``n`` questions, drawn by chance."""
    chosen = np.random.default_rng(3).permutation(N)[:n]
    truths = {"old": OLD, "newer": NEW}
    return write(
        path,
        [
            {
                "id": f"q{i}",
                "variant": name,
                "output": answer(name, i),
                "grade": "yes" if truth[i] else "no",
            }
            for i in chosen
            for name, truth in truths.items()
        ],
    )


def with_labels(path: Path, **changed: object) -> DecisionSettings:
    return replace(SETTINGS, labels=str(path), **changed)


def test_judge_that_nobody_validated_gives_no_verdict_unless_told_to(two: list[Run]) -> None:
    refused = compare(two, SETTINGS, "old")
    assert refused.verdict == "inconclusive"
    assert "the judge is not validated" in refused.reason
    assert "labels=labels.csv" in refused.reason
    assert "decision.trust_judge=true" in refused.reason
    assert refused.variants[0].metrics["judge"].value is not None
    trusted = compare(two, replace(SETTINGS, trust_judge=True), "old")
    assert (trusted.verdict, trusted.winner) == ("ship", "newer")
    assert trusted.reason.endswith("Nobody validated the judge (decision.trust_judge=true).")
    other = compare(two, replace(SETTINGS, metric="token_f1"), "old")
    assert "validated" not in other.reason


def test_judge_validated_on_other_answers_decides_and_says_so(tmp_path: Path) -> None:
    runs = [variant(tmp_path / "old", OLD, 0.1, True), variant(tmp_path / "newer", NEW, 0.4, True)]
    compared = compare(runs, SETTINGS, "old")
    assert compared.verdict == "ship"
    assert "softer on a variant is not corrected" in compared.reason


def corrected(two: list[Run], path: Path) -> Comparison:
    return compare(two, with_labels(path), "old")


def test_labels_of_people_correct_a_judge_that_is_softer_on_one_variant(two: list[Run], tmp_path: Path) -> None:
    compared = corrected(two, by_people(tmp_path / "labels.csv"))
    assert compared.verdict != "ship"
    (difference,) = [d for d in compared.differences if d.metric == "judge"]
    assert difference.low < 0 < difference.high
    scores = {v.name: v.metrics["judge"] for v in compared.variants}
    for name, truth in (("old", OLD), ("newer", NEW)):
        low, high = scores[name].low, scores[name].high
        assert low is not None
        assert high is not None
        assert low < truth.mean() < high
    text = " ".join(compared.notes)
    assert "newer: people labelled 100 of its answers; judge 0.8" in text
    assert "They agree at kappa" in text


def test_labels_show_a_variant_that_people_find_better(tmp_path: Path) -> None:
    truth = right(5, 0.95)
    runs = [variant(tmp_path / "old", OLD, 0.3), variant(tmp_path / "best", truth, 0.3)]
    rows = [
        {"id": f"q{i}", "variant": name, "grade": int(of[i])}
        for i in range(0, N, 2)
        for name, of in (("old", OLD), ("best", truth))
    ]
    compared = compare(runs, with_labels(write(tmp_path / "labels.csv", rows)), "old")
    assert (compared.verdict, compared.winner) == ("ship", "best")
    assert compared.reason.startswith("best beats old on judge: 0.9")


def test_too_few_labels_give_no_verdict(two: list[Run], tmp_path: Path) -> None:
    compared = corrected(two, by_people(tmp_path / "labels.csv", 12))
    assert compared.verdict == "inconclusive"
    assert "people labelled 12 answers of both, and 20 are needed" in compared.reason
    assert "is not corrected: people labelled 12 of its answers" in " ".join(compared.notes)


def test_several_people_agree_by_krippendorff(two: list[Run], tmp_path: Path) -> None:
    rows = [
        {"id": f"q{i}", "variant": name, "rater": who, "grade": float(truth[i] != (who == "eve" and i % 9 == 0))}
        for i in range(60)
        for name, truth in (("old", OLD), ("newer", NEW))
        for who in ("ann", "bob", "eve")
        if not (who == "bob" and i % 4 == 0)
    ]
    text = " ".join(corrected(two, write(tmp_path / "labels.csv", rows)).notes)
    assert "3 people agree with each other at Krippendorff's alpha 0.8" in text
    assert "over 120 answers" in text


def test_labels_by_output_alone_and_empty_grades(two: list[Run], tmp_path: Path) -> None:
    frame = pd.read_csv(by_people(tmp_path / "labels.csv", 60)).drop(columns="variant")
    frame.loc[:19, "grade"] = None
    frame.to_csv(tmp_path / "blind.csv", index=False)
    text = " ".join(corrected(two, tmp_path / "blind.csv").notes)
    assert "old: people labelled 50 of its answers" in text
    assert "20 rows have no grade yet" in text


GOOD = {"id": "q1", "variant": "old", "grade": "1"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{**GOOD, "id": "q999"}], r'labels the row "q999", which is no test row with a graded answer.*Did you mean'),
        ([{**GOOD, "variant": "odl"}], r'an answer of "odl".*Variants that have: old, newer\..*Did you mean "old"'),
        ([GOOD, GOOD], r"labels the answer of old to q1 a second time.*\"rater\""),
        ([{**GOOD, "grade": "4"}], r'the grade "4" of .* is off the scale\. Allowed: 0 to 1.*labels_scale=\[1,5\]'),
        ([{**GOOD, "grade": "maybe"}], r'the grade "maybe" .* is off the scale'),
        ([{**GOOD, "grade": "nan"}], r"off the scale|no row of .* has a"),
        ([{**GOOD, "output": "other words"}], "is not the one that .* labels: the variant ran again since"),
        ([{"id": "q1", "grade": "1"}], r'does not say which answer it labels\. Add a column "variant" \(old, newer\)'),
        ([{"id": "q1", "grade": "1", "output": "nobody said it"}], "no variant gave the answer"),
        ([{"row": "q1", "variant": "old", "grade": "1"}], r'has no "id"'),
        ([{"id": "q1", "variant": "old", "grade": None}], 'has a "grade".*filled in: id, variant'),
        ([{"id": "q1", "variant": "old", "grades": "yes"}], 'id, variant, grades.*Did you mean "grades"'),
    ],
)
def test_wrong_file_is_refused_with_what_is_allowed(
    two: list[Run], tmp_path: Path, rows: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(DataError, match=f"(?s)decision.labels.*{message}"):
        corrected(two, write(tmp_path / "labels.csv", rows))


def test_file_that_is_not_there_names_the_nearest(two: list[Run], tmp_path: Path) -> None:
    by_people(tmp_path / "labels.csv")
    with pytest.raises(DataError, match=r'there is no file ".*lables\.csv".*Did you mean "labels\.csv"'):
        corrected(two, tmp_path / "lables.csv")
    with pytest.raises(DataError, match="is a folder"):
        corrected(two, tmp_path)


def test_grades_on_another_scale(two: list[Run], tmp_path: Path) -> None:
    rows = [
        {"id": f"q{i}", "variant": name, "grade": 5 if truth[i] else 1}
        for i in range(50)
        for name, truth in (("old", OLD), ("newer", NEW))
    ]
    path = write(tmp_path / "labels.csv", rows)
    compared = compare(two, with_labels(path, labels_scale=[1, 5]), "old")
    assert "people labelled 50 of its answers" in " ".join(compared.notes)
    with pytest.raises(ConfigError, match="is no scale"):
        compare(two, with_labels(path, labels_scale=[5, 1]), "old")


def test_refused_judge_takes_no_look_and_more_labels_are_another(two: list[Run], tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE)
    compare(two, SETTINGS, "old", ledger)
    first = compare(two, with_labels(by_people(tmp_path / "few.csv", 60)), "old", ledger)
    again = compare(two, with_labels(by_people(tmp_path / "few.csv", 60)), "old", ledger)
    more = compare(two, with_labels(by_people(tmp_path / "more.csv", 100)), "old", ledger)
    assert (first.looks.number, again.looks.number, more.looks.number) == (1, 1, 2)


def test_same_labels_in_another_file_order_and_scale_take_no_other_look(two: list[Run], tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE)
    first = by_people(tmp_path / "labels.csv", 60)
    compare(two, with_labels(first), "old", ledger)
    frame = pd.read_csv(first).iloc[::-1].assign(note="read twice")
    frame["grade"] = [5 if grade == "yes" else 1 for grade in frame["grade"]]
    empty = pd.DataFrame([{"id": "q399", "variant": "old"}])
    pd.concat([frame, empty]).to_csv(tmp_path / "other.csv", index=False, sep=";")
    settings = with_labels(tmp_path / "other.csv", labels_scale=[1, 5])
    assert compare(two, settings, "old", ledger).looks.count == 1


def test_labels_beside_another_deciding_metric_say_what_they_correct(two: list[Run], tmp_path: Path) -> None:
    settings = with_labels(by_people(tmp_path / "labels.csv"), metric="token_f1")
    notes = " ".join(compare(two, settings, "old").notes)
    assert "The labels correct judge alone, and the verdict is by token_f1" in notes


def test_metric_of_another_grader_that_is_a_language_model_is_not_trusted_either(two: list[Run]) -> None:
    details = {"style": {"validated": False}}
    runs = [replace(run, details=details) for run in two]
    tables = {run.variant: record.read_predictions(run) for run in two}
    styled = {name: replace(table, grades={"style": table.grades["judge"]}) for name, table in tables.items()}
    needs = ["grade:style"]
    assert "(style) that nobody validated" in people.distrust(needs, runs, styled, SETTINGS)
    assert people.distrust(needs, runs, styled, replace(SETTINGS, trust_judge=True)) == ""
    assert people.distrust(["grade:similarity"], runs, styled, SETTINGS) == ""


def test_labels_as_a_user_gives_them(bakeoff: CommandLine, tmp_path: Path) -> None:
    for run in (variant(tmp_path / "outputs/qa/old", OLD, 0.1), variant(tmp_path / "outputs/qa/newer", NEW, 0.4)):
        record.finish(replace(run, started=f"2026-01-0{1 if run.variant == 'old' else 2}"))
    by_people(tmp_path / "labels.csv")
    command = ("compare", "outputs/qa", "incumbent=old", "decision.metric=judge")
    alone = bakeoff(*command)
    assert "NOT ENOUGH EVIDENCE – the judge is not validated" in alone.stdout, alone.stderr
    labelled = bakeoff(*command, "labels=labels.csv")
    assert "newer: people labelled 100 of its answers" in labelled.stdout, labelled.stderr
    assert "not validated" not in labelled.stdout
    wrong = bakeoff(*command, "labels=lables.csv")
    assert wrong.returncode == 2
    assert 'there is no file "lables.csv"' in wrong.stderr
    assert 'Did you mean "labels.csv"?' in wrong.stderr


def test_sheet_is_blind_and_its_labels_are_taken(bakeoff: CommandLine, tmp_path: Path) -> None:
    for run in (variant(tmp_path / "outputs/qa/old", OLD, 0.1), variant(tmp_path / "outputs/qa/newer", NEW, 0.4)):
        record.finish(replace(run, started=f"2026-01-0{1 if run.variant == 'old' else 2}"))
    done = bakeoff("labels", "outputs/qa", "rows=40")
    assert "labels.csv: 80 answers of old, newer to 40 test rows drawn by chance" in done.stdout, done.stderr
    sheet = pd.read_csv(tmp_path / "labels.csv")
    assert list(sheet.columns) == ["id", "reference", "output", "grade"]
    assert sheet["id"].nunique() == 40
    again = bakeoff("labels", "outputs/qa")
    assert (again.returncode, "is there already, and may hold labels" in again.stderr) == (2, True)
    truths = {"old": OLD, "newer": NEW}
    assert sheet["output"].str.startswith("'=").any()
    assert not sheet["output"].str.startswith("=").any()
    words = sheet["output"].str.lstrip("'=").str.split()
    sheet["grade"] = ["yes" if truths[name][int(row)] else "no" for name, row in words]
    sheet.to_csv(tmp_path / "labels.csv", index=False)
    compared = bakeoff("compare", "outputs/qa", "incumbent=old", "decision.metric=judge", "labels=labels.csv")
    assert "newer: people labelled 40 of its answers" in compared.stdout, compared.stderr
