"""Raw rows of a file, each with its place, so that errors can point at it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.data import delimited, files, typed_files
from bakeoff.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

MOST_COMPARED = 10_000
"""Number of names searched for the nearest one: comparing a name with millions would take minutes."""


@dataclass(frozen=True)
class Record:
    """A row.

    Attributes:
        place: where it stands, such as ``line 7 of questions.jsonl``.
        values: its cells by name, without those that are empty.
    """

    place: str
    values: Mapping[str, Any]

    def text(self, name: str, key: str) -> str:
        """The cell of that name as text. Raises ``DataError`` that names the config key, the place and the nearest."""
        return plain(self.required(name, key), f'{key}: "{name}" of {self.place}')

    def required(self, name: str, key: str) -> Any:
        """The cell of that name. Raises ``DataError`` that names the config key, the place and the nearest."""
        if name not in self.values:
            raise DataError(
                f'{key}: {self.place} has no "{name}". It has: {", ".join(self.values)}.'
                f"{did_you_mean(name, self.values)}"
            )
        return self.values[name]

    def only(self, names: Sequence[str], key: str) -> str | None:
        """Find which of several names for the same thing the row uses. Raises ``DataError`` when it uses two."""
        used = [name for name in names if name in self.values]
        if len(used) > 1:
            raise DataError(f'{key}: {self.place} has both "{used[0]}" and "{used[1]}". Keep one of them.')
        return used[0] if used else None

    def first(self, names: Sequence[str]) -> str:
        """The first of several names that the row uses; the very first if it uses none."""
        return next((name for name in names if name in self.values), names[0])

    def others(self, names: Iterable[str]) -> dict[str, Any]:
        """The cells of other names; lists and objects as JSON."""
        known = set(names)
        return {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
            for name, value in self.values.items()
            if name not in known
        }


def record(place: str, values: Mapping[str, Any]) -> Record:
    """A row without its empty cells."""
    return Record(place, {str(name): value for name, value in values.items() if not _is_empty(value)})


def plain(value: Any, where: str) -> str:
    """A string, or a number as one. Raises ``DataError`` for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise DataError(f"{where} is {json.dumps(value, ensure_ascii=False, default=str)}, and not a string.")


def nearest(name: str, known: Sequence[str]) -> str:
    """`` Did you mean "x"?`` for the known name nearest to this one, or an empty string."""
    return did_you_mean(name, known[:MOST_COMPARED])


def read(path: Path, key: str) -> list[Record]:
    """All rows of a table, by the ending of its name.

    Args:
        path: a file that exists.
        key: the config key that named it.

    Raises:
        DataError: the file is empty, is not what its ending says, or has another ending.
    """
    ending = files.endings(path.name)[0]
    if ending not in READERS:
        raise DataError(f'{key}: "{path.name}" ends in none of {", ".join(READERS)}.')
    try:
        records = [record(place, values) for place, values in READERS[ending](path, key)]
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(f"{key}: {path.name} is not utf-8: it holds the byte 0x{byte:02x}. Convert the file.") from None
    except OSError as error:
        raise DataError(f"{key}: {path.name} cannot be read: {error.strerror or error}.") from error
    if not records:
        raise DataError(f"{key}: {path.name} holds no rows.")
    return records


def parsed(text: str, place: str, key: str) -> Any:
    """The value of a JSON text. Raises ``DataError`` that names the place, also for half a surrogate pair in it."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column" if error.lineno > 1 else "column"
        raise DataError(f"{key}: {place} is not JSON: {error.msg} at {where} {error.colno}.") from None
    if "\\ud" in text.lower():
        _refuse_half_pairs(value, place, key)
    return value


def read_json(path: Path, key: str) -> Any:
    """The value of a JSON file. Raises ``DataError`` that names the place."""
    return parsed(read_text(path, key), path.name, key)


def read_text(path: Path, key: str) -> str:
    """The text of a file in any encoding of Unicode, without its byte order mark. Raises ``DataError``."""
    try:
        with files.opened_text(path, key, _unicode(path, key)) as content:
            return content.read()
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"{key}: {path.name} cannot be read: {error}.") from None


def _refuse_half_pairs(value: Any, place: str, key: str, within: str = "") -> None:
    """Raise ``DataError`` for an escape such as ``\\ud83d`` alone: half a character, which no file can hold."""
    if isinstance(value, str):
        half = next((letter for letter in value if "\ud800" <= letter <= "\udfff"), None)
        if half is not None:
            holder = f'"{_escaped(within)}" of {place}' if within else place
            raise DataError(
                f"{key}: {holder} holds \\u{ord(half):04x} alone, half a surrogate pair. Take it out, or write the "
                "whole pair."
            )
    elif isinstance(value, list):
        for i, item in enumerate(value):
            _refuse_half_pairs(item, place, key, f"{within}[{i}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            path = f"{within}.{name}" if within else str(name)
            _refuse_half_pairs(name, place, key, path)
            _refuse_half_pairs(item, place, key, path)


def _escaped(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _json_lines(path: Path, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with files.opened_text(path, key, _unicode(path, key)) as lines:
        for number, line in enumerate(lines, 1):
            place = f"line {number} of {path.name}"
            if line.strip():
                values = parsed(line, place, key)
                if not isinstance(values, dict):
                    raise DataError(f'{key}: {place} is not a JSON object such as {{"id": "…", "text": "…"}}.')
                yield place, values


def _csv(path: Path, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    # Everything stays text: an id "007" is no number.
    return _rows(delimited.read(path, key, encoding=_unicode(path, key)).frame, path)


def _unicode(path: Path, key: str) -> str:
    """The encoding of a text file: a guess at another than Unicode would have to be said, and is refused here."""
    encoding, _ = files.encoding_of(path, key, None)
    if encoding == "cp1252":
        wrong = files.wrong_byte(path, key, "utf-8")
        raise DataError(
            f"{key}: {path.name} is not utf-8: it holds the byte 0x{wrong[1] if wrong else 0:02x}. Convert the file."
        )
    return encoding


def _feather(path: Path, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return _rows(typed_files.read_feather(path, key), path)


def _parquet(path: Path, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        for i, field in enumerate(table.schema):
            table = table.set_column(i, field.name, _whole_again(table.column(i)))
        rows = table.to_pylist(maps_as_pydicts="strict")
    except pa.ArrowException as error:
        raise DataError(f"{key}: {path.name} cannot be read as Parquet: {error}.") from error
    return ((f"row {i} of {path.name}", row) for i, row in enumerate(rows, 1))


def _whole_again(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Restore the integers of a column that pandas made floats because of a missing value; else return the column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(column.type):
        return column
    is_number = pc.is_finite(column)
    numbers = column.filter(is_number)
    if len(numbers) in (0, len(column)) or pc.any(pc.is_inf(column)).as_py():
        return column
    if not pc.all(pc.and_(pc.equal(numbers, pc.floor(numbers)), pc.less(pc.abs(numbers), 2.0**53))).as_py():
        return column
    return pc.if_else(is_number, column, None).cast(pa.int64())


def _rows(frame: Any, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    names = [str(name).strip() for name in frame.columns]
    for i, row in enumerate(frame.itertuples(index=False, name=None), 1):
        yield f"row {i} of {path.name}", dict(zip(names, row, strict=True))


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


READERS = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    ".feather": _feather,
}
"""Ending of a file name, without that of a compression → what reads it."""
