"""People's labels of answers, read from a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff import record
from bakeoff.advice import listed
from bakeoff.config.settings import DecisionSettings
from bakeoff.data import records
from bakeoff.data.records import Record
from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.task import PredictionTable

Floats = NDArray[np.float64]

GRADE = "judge"
"""Name of the grade that labels correct, of its metric, and of its grader."""
KEY = "decision.labels"
ANSWER, ROW, OUTPUT, VARIANT, RATER = "grade", "id", "output", "variant", "rater"
WORDS = {
    "true": 1.0, "yes": 1.0, "correct": 1.0, "right": 1.0, "false": 0.0, "no": 0.0, "incorrect": 0.0, "wrong": 0.0,
}  # fmt: skip
MOST_NAMED = 5


@dataclass(frozen=True)
class Labels:
    """Grades that people gave to answers, from 0 to 1.

    Attributes:
        file: as it was given.
        marks: variant → id of the row → name of the person → grade.
        empty: number of rows of the file without a grade.
    """

    file: str
    marks: Mapping[str, Mapping[str, Mapping[str, float]]]
    empty: int = 0

    @property
    def raters(self) -> list[str]:
        """Names of the people."""
        return sorted({rater for rows in self.marks.values() for marks in rows.values() for rater in marks})

    @property
    def digest(self) -> str:
        """Digest of the grades: equal for the same ones in another file, order or scale, with or without empty rows."""
        content = [
            (variant, row, rater, round(grade, 9))
            for variant, rows in self.marks.items()
            for row, marks in rows.items()
            for rater, grade in marks.items()
        ]
        return hashlib.sha256(json.dumps(sorted(content)).encode()).hexdigest()

    def of(self, variant: str, table: PredictionTable) -> Floats:
        """Mean grade of each of n answers of a variant, shape (n,); NaN where there is none."""
        marks = self.marks.get(variant, {})
        means = {row: float(np.mean(list(of_row.values()))) for row, of_row in marks.items()}
        return np.array([means.get(str(identity), np.nan) for identity in table.ids])


def load_labels(settings: DecisionSettings, tables: Mapping[str, PredictionTable]) -> Labels | None:
    """Read the labels of a comparison; None where none were given.

    Each row has the ``id`` of a test row, the ``variant`` that answered (or its ``output``, for all variants that
    answered so), the ``grade``, and may name the ``rater``.

    Args:
        settings: settings of the verdict.
        tables: variant → its answers.

    Raises:
        ConfigError: the scale is none, or the settings exclude each other.
        DataError: the file is not there, or a row of it is of no known answer, is double, or is off the scale.
    """
    if settings.labels is None:
        return None
    if settings.replicates:
        raise ConfigError(
            f"{KEY}: labels correct the answers of single runs, not means over seeds. Remove one of both."
        )
    graded = {name: table for name, table in tables.items() if GRADE in table.grades}
    if not graded:
        raise DataError(
            f"{KEY}: no run has grades of a judge that labels could correct. Add metrics=judged (questions) or "
            "metrics=judged_texts (texts), and run again."
        )
    file = existing(settings.labels)
    low, high = scale(settings.labels_scale)
    answers = {
        name: {str(i): str(o) for i, o in zip(t.ids, t.predictions.output, strict=True)} for name, t in graded.items()
    }
    marks: dict[str, dict[str, dict[str, float]]] = {}
    empty, columns = 0, dict[str, None]()
    for row in records.read(file, KEY):
        if ANSWER not in row.values and ROW in row.values:
            empty, columns = empty + 1, columns | dict.fromkeys(row.values)
            continue
        grade = _grade(row, low, high)
        rater = str(row.values.get(RATER, ""))
        for variant, identity in _answers_of(row, answers):
            of_row = marks.setdefault(variant, {}).setdefault(identity, {})
            if rater in of_row:
                who = f" by {rater}" if rater else ""
                raise DataError(
                    f"{KEY}: {row.place} labels the answer of {variant} to {identity}{who} a second time. Keep one of "
                    f'them, or name the people in a column "{RATER}".'
                )
            of_row[rater] = grade
    if not marks:
        raise DataError(
            f'{KEY}: no row of {settings.labels} has a "{ANSWER}". Columns that are filled in: {", ".join(columns)}.'
            f"{did_you_mean(ANSWER, columns)}"
        )
    return Labels(settings.labels, marks, empty)


def digest_of_file(settings: DecisionSettings) -> str:
    """Digest of the file of labels, unread; empty where there is none."""
    file = None if settings.labels is None else Path(settings.labels).expanduser()
    return hashlib.sha256(file.read_bytes()).hexdigest() if file is not None and file.is_file() else ""


def existing(path: str) -> Path:
    """The file of labels. Raises ``DataError`` that names the nearest file where there is none."""
    file = Path(path).expanduser()
    if file.is_dir():
        raise DataError(f'{KEY}: "{path}" is a folder. Name a file of labels in it.')
    if not file.is_file():
        near = did_you_mean(file.name, [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else ())
        raise DataError(f'{KEY}: there is no file "{path}" (looked from {Path.cwd()}).{near}')
    return file


def scale(declared: Sequence[float]) -> tuple[float, float]:
    """The least and the greatest grade. Raises ``ConfigError`` where they are none."""
    if len(declared) != 2 or not declared[0] < declared[1]:
        raise ConfigError(
            f"decision.labels_scale: {list(declared)} is no scale. Give its least and its greatest grade: [1,5]"
        )
    return float(declared[0]), float(declared[1])


def _grade(row: Record, low: float, high: float) -> float:
    """The grade of a row, from 0 to 1."""
    value = row.required(ANSWER, KEY)
    text = json.dumps(value).strip('"').strip().lower() if not isinstance(value, str) else value.strip().lower()
    if (low, high) == (0, 1) and text in WORDS:
        return WORDS[text]
    try:
        grade = float(text)
    except ValueError:
        grade = float("nan")
    if not low <= grade <= high:
        words = ", or a word: " + ", ".join(WORDS) if (low, high) == (0, 1) else ""
        raise DataError(
            f'{KEY}: the grade "{text}" of {row.place} is off the scale. Allowed: {low:g} to {high:g}{words}. '
            "Another scale: decision.labels_scale=[1,5]"
        )
    return (grade - low) / (high - low)


def _is_same(output: str, answer: str) -> bool:
    """Return whether a cell holds an answer: spreadsheets change line ends, and formulas are quoted in sheets."""
    return output.split() in (answer.split(), record.csv_cell(answer).split())


def _answers_of(row: Record, answers: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Variant and id of the answers that a row labels."""
    identity = row.text(ROW, KEY)
    known = next((rows for rows in answers.values() if identity in rows), None)
    if known is None:
        ids = list(dict.fromkeys(i for rows in answers.values() for i in rows))
        raise DataError(
            f'{KEY}: {row.place} labels the row "{identity}", which is no test row with a graded answer. Such rows: '
            f"{listed(ids, most=MOST_NAMED)}.{did_you_mean(identity, ids[: records.MOST_COMPARED])}"
        )
    output = None if OUTPUT not in row.values else str(row.values[OUTPUT])
    if VARIANT not in row.values:
        if output is None and len(answers) > 1:
            raise DataError(
                f'{KEY}: {row.place} does not say which answer it labels. Add a column "{VARIANT}" '
                f'({", ".join(answers)}), or "{OUTPUT}" with the text that was graded.'
            )
        same = [
            v
            for v, rows in answers.items()
            if identity in rows and (output is None or _is_same(output, rows[identity]))
        ]
        if not same:
            raise DataError(f"{KEY}: no variant gave the answer that {row.place} labels to {identity}.")
        yield from ((variant, identity) for variant in same)
        return
    variant = row.text(VARIANT, KEY)
    if variant not in answers:
        raise DataError(
            f'{KEY}: {row.place} labels an answer of "{variant}", which has no graded answers here. Variants that '
            f"have: {', '.join(answers)}.{did_you_mean(variant, list(answers))}"
        )
    if identity not in answers[variant]:
        raise DataError(f"{KEY}: {row.place}: {variant} has no answer to {identity}.")
    if output is not None and not _is_same(output, answers[variant][identity]):
        raise DataError(
            f"{KEY}: the answer of {variant} to {identity} is not the one that {row.place} labels: the variant ran "
            "again since. Label its new answers."
        )
    yield variant, identity
