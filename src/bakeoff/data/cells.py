"""Cells of a file as columns of one type: marks of missing values, number formats, declared types, counters."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff import advice
from bakeoff.columns import kinds
from bakeoff.columns.base import Converted, Declared
from bakeoff.data import columns, conversion, counters, dates, numerals, roles
from bakeoff.data.numerals import Guess, NumberFormat
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Rows, Source
from bakeoff.errors import DataError
from bakeoff.task import DataNote, NoteRank, Reading, Schema

LONGEST_CELL = 10_000_000
"""Characters of a cell, twice a Bible: in a longer one a quote or a line end is missing."""


@dataclass
class Cells:
    """All rows of a source, each column of one type, before columns play their parts.

    Attributes:
        frame: n rows.
        is_test: rows that the source brings for the test, shape (n,); None where it brings none.
        readings: column → how its cells were turned into values, where that is not how a program writes them.
        kinds: column → its declared kind.
        left_out: columns that are no features, though nobody declared it.
        notes: decisions that nobody declared.
        explained: columns of texts whose note says what they are read as.
    """

    frame: pd.DataFrame
    is_test: NDArray[np.bool_] | None
    readings: dict[str, Reading] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    notes: list[DataNote] = field(default_factory=list)
    explained: set[str] = field(default_factory=set)


def read(source: Source, settings: DataSettings) -> Cells:
    """Read all rows, and find the type of each column over development and test rows together.

    Raises:
        DataError: the rows cannot be read, a declared column does not exist or holds what it is not declared to hold.
    """
    return typed(source.read(), settings, source.name)


def declared_types(schema: Schema) -> dict[str, str]:
    """The columns of a known task as ``data.columns`` declares them, so that new rows are read as its rows were."""
    declared = {}
    for name, kind in schema.columns.items():
        form = schema.readings[name].date_format if name in schema.readings else None
        word = kinds.get(kind).words[0]
        declared[name] = f"{word}:{form}" if form not in (None, dates.ISO) else word
    return declared


def typed(rows: Rows, settings: DataSettings, where: str) -> Cells:
    """Do what ``read`` does, for rows already read."""
    frame, is_test = roles.stack(rows, where)
    cells = Cells(frame, is_test, notes=[*rows.notes, *roles.unused_columns(rows)])
    roles.refuse_absent(frame, settings, where)
    reader = _Reader(cells, settings, rows, where)
    reader.convert()
    return cells


class _Reader:
    """The conversion of one table."""

    def __init__(self, cells: Cells, settings: DataSettings, rows: Rows, where: str) -> None:
        self.cells, self.settings, self.is_text, self.where = cells, settings, rows.is_text, where
        self.known = rows.readings
        self.mixed: set[str] = set()  # columns of numbers and texts
        self.said: dict[tuple[str, str, NoteRank], list[str]] = defaultdict(list)
        split, forecast = settings.split, settings.forecast
        self.named = {c for c in (settings.id, settings.group, split.column, forecast.series) if c}
        self.parts: dict[str, str] = {}
        self.declared = settings.column_types | dict.fromkeys(settings.text, "text")
        if self.known is not None:  # columns with a role are read as before too, though their type is not declared
            for name in (settings.target, settings.time):
                if name and name in self.known and name not in self.declared:
                    self.parts[name] = "number" if self.known[name].date_format is None else "date"

    def convert(self) -> None:
        settings, frame = self.settings, self.cells.frame
        # Columns are replaced in one new frame: to write one into a frame of one block copies the block.
        columns_of = {name: frame[name] for name in frame.columns}
        used = [name for name in columns_of if name not in settings.ignore]
        for name in used:
            columns_of[name] = self._without_marks(self._unified(columns_of[name]))
            self._refuse_long_cells(columns_of[name])
        self._leave_out(columns_of, used)
        self._bring_together(columns_of, used)
        guesses = {
            name: self._guess(columns_of[name], name) for name in used if self._is_guessed(columns_of[name], name)
        }
        decimal = _decimal_of_file(guesses.values())
        for name in used:
            if name in self.declared | self.parts and name not in self.named:
                columns_of[name] = self._as_declared(columns_of[name], self.declared.get(name) or self.parts[name])
            elif name in guesses:
                columns_of[name] = self._as_guessed(columns_of[name], guesses[name], decimal)
            if self._is_feature(name):
                columns_of[name] = self._kept_apart(columns_of[name])
            if name in self.mixed and columns.is_string(columns_of[name]):
                self._say_texts(columns_of[name], "numbers and texts together", "category")
            if name == settings.id:
                columns_of[name] = conversion.texts(columns_of[name])
        self.cells.frame = pd.DataFrame(columns_of, copy=False)
        for name in used if settings.missing else ():
            reading = self.cells.readings.get(name, Reading())
            marks = tuple(dict.fromkeys((*reading.missing, *settings.missing)))
            self.cells.readings[name] = replace(reading, missing=marks)
        for (text, remedy, rank), names in self.said.items():
            self.cells.notes.append(
                DataNote(text.replace("{columns}", advice.listed(names)), _remedy(remedy, names[0]), rank)
            )

    def _say(self, name: str, text: str, remedy: str, rank: NoteRank = NoteRank.VALUES) -> None:
        """Add a note about a column; columns with the same note share a sentence.

        Args:
            name: of the column.
            text: a sentence with ``{columns}`` for the names.
            remedy: the type to declare where it is to be read otherwise, or ``ignore``; empty where nothing changes it.
            rank: of the note.
        """
        self.said[text, remedy, rank].append(name)

    def _unified(self, values: pd.Series) -> pd.Series:
        """A column of objects as one of a type: numbers and texts together are texts."""
        if not types.is_object_dtype(values.dtype):
            return values
        inferred = types.infer_dtype(values, skipna=True)
        if inferred == "bytes":
            raise columns.unsupported(values, "bytes", self.where)
        if inferred == "integer" and _is_beyond(values):  # which is said where types are found
            return conversion.texts(values)
        if (
            inferred in ("mixed-integer", "mixed")
            and values.dropna().map(lambda v: isinstance(v, str | int | float)).all()
        ):
            name = str(values.name)
            strings = values[values.map(lambda v: isinstance(v, str))]
            are_marks = len(strings) > 0 and strings.str.strip().str.lower().isin(numerals.MARKS).all()
            others = values.drop(strings.index).dropna()
            are_numbers = len(others) and not others.map(_is_no_exact_float).any()
            if are_marks and are_numbers and not self._keeps_texts(name):
                counts = [(str(text), int(rows)) for text, rows in strings.value_counts().items()]
                marks = [(text, rows) for text, rows in counts if text.strip()]
                reading = Reading(missing=tuple(text for text, _ in counts))
                numbers = values.mask(values.index.isin(strings.index)).astype("float64")
                return self._taken(name, Converted(numbers, reading, conversion.remark_on(marks)))
            if name not in (self.settings.id, *self.declared):
                self.mixed.add(name)
            return conversion.texts(values)
        return values

    def _refuse_long_cells(self, values: pd.Series) -> None:
        """Raise ``DataError`` where a cell holds more than a document does, over which everything would take hours."""
        if columns.is_string(values):
            lengths = values.str.len().fillna(0).to_numpy()
        elif types.is_object_dtype(values.dtype):
            lengths = np.array([len(value) if isinstance(value, str) else 0 for value in values])
        else:
            return
        if lengths.max(initial=0) > LONGEST_CELL:
            row = int(lengths.argmax())
            raise DataError(
                f"data: row {row + 1:,} of {self.where} holds {int(lengths[row]):,} characters in column "
                f'"{values.name}"; the most is {LONGEST_CELL:,}. Look for a quote or a line end that is missing there, '
                "or split the text."
            )

    def _is_feature(self, name: str) -> bool:
        """Return whether a column is a feature of no declared type, and nothing else."""
        return name not in {*self.settings.apart, *self.settings.slices, *self.named, *self.declared}

    def _keeps_texts(self, name: str) -> bool:
        """Return whether texts among the numbers of a column are values: labels, names, and declared columns."""
        settings = self.settings
        return name in {settings.target, settings.time, *settings.slices, *self.named, *self.declared, *self.parts}

    def _without_marks(self, values: pd.Series) -> pd.Series:
        """The column with the values listed in ``data.missing`` set to missing."""
        marks = self.settings.missing
        if not marks:
            return values
        if columns.is_string(values) or types.is_object_dtype(values.dtype):
            return values.mask(values.isin(marks))
        numbers = numerals.numbers_among(marks)
        return values.mask(values.isin(numbers)) if numbers and types.is_numeric_dtype(values.dtype) else values

    def _leave_out(self, columns_of: Mapping[str, pd.Series], used: Sequence[str]) -> None:
        """Leave out columns that count the rows or hold nothing."""
        parts = {*self.settings.apart, *self.settings.slices, *self.settings.forecast.known, *self.declared}
        for name in used:
            if name in parts or name in self.named:
                continue
            if columns_of[name].isna().all():
                self.cells.left_out.append(name)
                self._say(name, "{columns}: empty, left out.", "", NoteRank.VALUES)
            elif counters.counts_rows(columns_of[name], self.cells.is_test):
                if counters.is_no_feature(name):
                    self.cells.left_out.append(name)
                    self._say(name, "{columns}: counts the rows, left out.", "number")
                else:
                    self._say(
                        name,
                        "{columns}: counts the rows of the file, and is a feature.",
                        "ignore",
                        NoteRank.VALUES,  # it may give the target away, so that it must not be among "3 more"
                    )

    def _is_guessed(self, values: pd.Series, name: str) -> bool:
        """Return whether to infer the type of a column of texts."""
        if (
            name in self.named
            or name in self.parts
            or name in self.cells.left_out
            or not columns.is_string(conversion.as_str(values))
        ):
            return False
        if name in self.declared:
            return self.known is None and self.declared[name] == "number"
        return True

    def _guess(self, values: pd.Series, name: str) -> Guess:
        marks = (
            name not in (self.settings.target, self.settings.time, *self.settings.slices) and name not in self.declared
        )
        return numerals.guess(conversion.as_str(values), self.settings.decimal, self.settings.thousands, marks)

    def _bring_together(self, columns_of: dict[str, pd.Series], used: Sequence[str]) -> None:
        """Read numbers that training and test rows write in different ways, each in its own."""
        if self.cells.is_test is None or self.known is not None:
            return
        guesses: dict[str, tuple[Guess, Guess]] = {}
        for name in used:
            texts = columns_of[name]
            if name in self.declared or not self._is_guessed(texts, name) or self._guess(texts, name).formats:
                continue
            ours, theirs = (self._guess(texts[part], name) for part in (~self.cells.is_test, self.cells.is_test))
            if ours.formats and theirs.formats and ours.formats[0].affix == theirs.formats[0].affix:
                guesses[name] = ours, theirs
        decimals = [_decimal_of_file(pair[i] for pair in guesses.values()) for i in range(2)]
        for name, pair in guesses.items():
            texts, parts = conversion.as_str(columns_of[name]), (~self.cells.is_test, self.cells.is_test)
            if any(numerals.loses_digits(texts[part]) for part in parts):
                continue
            forms = [_resolved(guess.formats, decimal) for guess, decimal in zip(pair, decimals, strict=True)]
            development, test = (
                conversion.numbers(texts[part], form, guess, self.where)
                for part, form, guess in zip(parts, forms, pair, strict=True)
            )
            examples = [texts[part].dropna().iloc[0] for part in parts]
            self._say(
                name,
                f'{{columns}}: numbers, written otherwise in the test rows ("{examples[1]}") than in the others '
                f'("{examples[0]}"), each read as they are written.',
                "category",
            )
            for text, remedy in (*development.remarks, *test.remarks):
                self._say(name, text, remedy)
            if development.reading is not None:
                self.cells.readings[name] = development.reading
            columns_of[name] = pd.concat([development.values, test.values])[texts.index]

    def _as_guessed(self, values: pd.Series, guess: Guess, decimal: str | None) -> pd.Series:
        name, texts = str(values.name), conversion.as_str(values)
        if guess.formats:
            form = _resolved(guess.formats, decimal)
            if numerals.loses_digits(texts):
                self._say_texts(texts, LONG, "number")
                return texts
            if name == self.settings.target and form.has_unit and self._may_be_labels(texts):
                return texts
            if not self.is_text and form.is_plain:
                if name not in (*self.mixed, self.settings.target):
                    self._say_texts(texts, "numbers written as texts", "number")
                return texts
            return self._taken(name, conversion.numbers(texts, form, guess, self.where))
        if name == self.settings.target:
            return self._target(texts)
        parsed, form_of_dates, marks = dates.recognised(
            texts, name not in self.settings.slices and name != self.settings.time
        )
        if parsed is not None:
            if mixed := columns.mixed_offsets(texts[parsed.notna()]):
                if name == self.settings.time:
                    return texts  # which is refused where its part is read
                text = f'{{columns}}: times with an offset from UTC ("{mixed[0]}") and without ("{mixed[1]}"), '
                self._say(name, text + "all read as UTC.", "category")
            reading = Reading(missing=tuple(text for text, _ in marks), date_format=form_of_dates)
            return self._taken(name, Converted(parsed, reading, conversion.remark_on(marks)))
        looks_like = dates.looks_like(texts)
        if looks_like:
            self._say_texts(texts, f'dates such as "{looks_like}"', "date")
        elif almost := dates.almost(texts):
            self._say_texts(texts, almost, "date")
        elif guess.odd:
            examples = ", ".join(f'"{text}"' for text in guess.odd)
            self._say_texts(texts, f"numbers but for {guess.odd_rows:,} rows ({examples})", "number")
        return texts

    def _say_texts(self, texts: pd.Series, contents: str, remedy: str) -> None:
        """Add one note on the contents of a column of texts and how it is read."""
        name = str(texts.name)
        if name in self.cells.explained:
            return
        self.cells.explained.add(name)
        words = "texts" if name == self.settings.target else columns.words(texts)
        self._say(name, f"{{columns}}: {contents}, read as {words}.", remedy)

    def _kept_apart(self, values: pd.Series) -> pd.Series:
        """A feature of long whole numbers: categories where many would merge as ``float64``, else as it is."""
        name, share = str(values.name), _merged_as_floats(values)
        if not share:
            return values
        if share <= MOST_MERGED:
            self._say(name, f"{{columns}}: {LONG}, of which a few become equal, read as numbers.", "category")
            return values
        self.cells.kinds[name] = "categorical"
        self.cells.explained.add(name)
        self._say(name, f"{{columns}}: {LONG}, read as categories.", "number")
        return conversion.texts(values)

    def _taken(self, name: str, converted: Converted) -> pd.Series:
        """The values of a converted column, of which what there is to say is noted."""
        for text, remedy in converted.remarks:
            self._say(name, text, remedy)
        if converted.reading is not None:
            self.cells.readings[name] = converted.reading
        return converted.values

    def _target(self, texts: pd.Series) -> pd.Series:
        """A target that holds more than numbers: its texts are labels, unless they are marks among many numbers."""
        settings = self.settings
        if settings.kind not in ("auto", "regression"):
            return texts
        guess = numerals.guess(texts, settings.decimal, settings.thousands)
        if not guess.formats or not guess.marks:
            return texts
        numbers, _ = numerals.parse(texts, guess.formats[0])
        if settings.kind == "auto" and numbers.nunique() <= MOST_LABELS:
            return texts
        mark, rows = guess.marks[0]
        raise DataError(
            f'data.target: "{settings.target}" holds numbers, and "{mark}" in {rows:,} rows of {self.where}. Remove '
            "those rows, or add data.kind=classification where it is a label."
        )

    def _may_be_labels(self, texts: pd.Series) -> bool:
        """Return whether targets such as ``5 stars`` may be labels, whose unit is part of their name."""
        return self.settings.kind == "classification" or (
            self.settings.kind == "auto" and texts.nunique() <= MOST_LABELS
        )

    def _as_declared(self, values: pd.Series, declared: str) -> pd.Series:
        name, settings = str(values.name), self.settings
        word, _, form = declared.partition(":")
        kind = kinds.declared(word, f"data.columns.{name}")
        self.cells.kinds[name] = kind.name
        known = None if self.known is None else self.known.get(name, Reading())
        declaration = Declared(form, settings.decimal, settings.thousands, self.where, known)
        return self._taken(name, kind.convert(values, declaration))


MOST_LABELS = 20
LONG = "whole numbers of more digits than a number holds"
MOST_MERGED = 0.01
"""Share of distinct whole numbers that may become equal as floats, as moments in nanoseconds do by chance."""


def _remedy(remedy: str, name: str) -> str:
    """The override that changes how a column is read."""
    if remedy == "ignore":
        return advice.override("data.ignore", [name])
    return advice.override("data.columns", {name: remedy}) if remedy else ""


def _decimal_of_file(guesses: Any) -> str | None:
    """The character before decimals in the columns that leave no doubt; None where none does."""
    for guess in guesses:
        decimals = {form.decimal for form in guess.formats}
        if decimals == {","}:
            return ","
    return None


def _resolved(formats: Sequence[NumberFormat], decimal: str | None) -> NumberFormat:
    """Choose the format that agrees with the other columns of the file, if several fit."""
    if decimal is None:
        return formats[0]
    return next((form for form in formats if form.decimal == decimal and not _is_trivial(form, formats)), formats[0])


def _is_trivial(form: NumberFormat, formats: Sequence[NumberFormat]) -> bool:
    """Return whether plain numbers fit as well, so that the column holds whole numbers, the same in every format."""
    return form.thousands == "" and formats[0].is_plain


def _is_no_exact_float(value: Any) -> bool:
    """Return whether a value is a truth value, or a whole number that loses digits as ``float64``."""
    return isinstance(value, bool) or (isinstance(value, int) and abs(value) > numerals.LARGEST_EXACT)


def _merged_as_floats(values: pd.Series) -> float:
    """Share of distinct whole numbers that another becomes equal to as ``float64``, as models see them."""
    is_of_objects = types.is_object_dtype(values.dtype) and types.infer_dtype(values, skipna=True) == "integer"
    if not is_of_objects and not types.is_integer_dtype(values.dtype):
        return 0.0
    present = values.dropna()
    if not len(present) or max(abs(int(present.min())), abs(int(present.max()))) <= numerals.LARGEST_EXACT:
        return 0.0
    distinct = present.unique()
    return 1 - len(np.unique(np.asarray(distinct, dtype=np.float64))) / len(distinct)


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _is_beyond(values: pd.Series) -> bool:
    largest = max((abs(int(value)) for value in values.dropna() if not _is_infinite(value)), default=0)
    return largest > (2**63 - 1 if values.notna().all() else numerals.LARGEST_EXACT)
