"""Tables in text files, one row a line: every cell as the text that stands there."""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.data import files
from bakeoff.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 1 << 16
"""Characters from which the separator is guessed."""
END = "\x00"
_NAMED_SEPARATOR = re.compile(r"\ufeff?\"?sep=([^\r\n])\"?\r?\n", re.IGNORECASE)
"""A first line by which Excel is told the separator."""
BLOCK = 1 << 24
"""Bytes that are parsed at a time; a row must fit into it."""


@dataclass(frozen=True)
class Dialect:
    """Field separator and text encoding of a file, and whether a line before the header names the separator."""

    separator: str
    encoding: str
    is_named: bool = False


@dataclass(frozen=True)
class Cells:
    """A table whose cells are all text, empty ones missing.

    Attributes:
        frame: n rows of ``str`` columns.
        remarks: what was guessed about the file, key → sentence.
    """

    frame: pd.DataFrame
    remarks: dict[str, str]


def read(path: Path, key: str, separator: str | None = None, encoding: str | None = None) -> Cells:
    """Read a table of text, with a header in its first line.

    Args:
        path: a file that exists; it may be compressed.
        key: the config key that named it.
        separator: one character; None: guessed.
        encoding: None: by byte order mark, UTF-8, or cp1252.

    Raises:
        DataError: the file is empty, damaged, no text, or has two columns of one name or a row of another length.
        ConfigError: the encoding is unknown.
    """
    encoding, remark = files.encoding_of(path, key, encoding)
    remarks = {"data.encoding": remark} if remark else {}
    sample = _sample(path, key, encoding)
    if not sample.strip():
        raise DataError(f"{key}: {path.name} is empty. It must hold a header and at least one row.")
    named = _NAMED_SEPARATOR.match(sample)
    if named is not None:
        sample, separator = sample[named.end() :], separator or named[1]
    if separator is None:
        usual = "\t" if files.endings(path.name)[0] in (".tsv", ".tab") else ","
        separator = guess_separator(sample, usual)
        if separator != usual:
            separator_name = "tabs" if separator == "\t" else f'"{separator}"'
            remarks["data.separator"] = f"The fields of {path.name} are separated by {separator_name}."
    dialect = Dialect(separator, encoding, named is not None)
    header = _header(path, key, dialect)
    table = _parsed(path, key, dialect, header)
    return Cells(_frame(table), remarks)


def guess_separator(sample: str, usual: str) -> str:
    """The separator that splits most rows of the sample into as many fields as the header."""
    best, best_share = usual, 0.0
    for separator in dict.fromkeys((usual, *SEPARATORS)):
        widths = [len(row) for row in _rows(io.StringIO(sample, newline=""), separator) if row]
        widths = widths[:-1] if len(widths) > 2 and len(sample) >= SAMPLE else widths
        share = Counter(widths)[widths[0]] / len(widths) if widths and widths[0] > 1 else 0.0
        if share > best_share + 0.1:
            best, best_share = separator, share
    return best


def _sample(path: Path, key: str, encoding: str) -> str:
    with files.opened_text(path, key, encoding) as text:
        return text.read(SAMPLE)


def _rows(lines: Any, separator: str) -> Any:
    """The rows of a text, an unclosed quote included."""
    csv.field_size_limit(sys.maxsize)  # a text may be longer than the 128 KiB that the module allows by default
    return csv.reader(lines, delimiter=separator)


def _header(path: Path, key: str, dialect: Dialect) -> list[str]:
    """The names of the columns; one without a name is called as pandas calls it, ``Unnamed: 0``."""
    with files.opened_text(path, key, dialect.encoding) as text:
        header = next(itertools.islice((row for row in _rows(text, dialect.separator) if row), dialect.is_named, None))
    names = Counter(name.strip() for name in header)
    repeated = next((name for name, count in names.items() if count > 1 and name), None)
    if repeated is not None:
        spaced = "" if header.count(repeated) > 1 else ", but for white space around the name"
        raise DataError(f'{key}: {path.name} has two columns "{repeated}"{spaced}. Rename one.')
    return [name or f"Unnamed: {i}" for i, name in enumerate(header)]


def _parsed(path: Path, key: str, dialect: Dialect, header: Sequence[str]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow

    names = [str(i) for i in range(len(header))]
    reading = {
        "column_names": names,
        "encoding": dialect.encoding.replace("utf-8-sig", "utf-8"),
        "block_size": BLOCK,
        "skip_rows": int(dialect.is_named),
    }
    parsing = arrow.ParseOptions(delimiter=dialect.separator, newlines_in_values=True)
    converting = arrow.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
    )
    n_quotes, n_escaped = _quotes(path, key)
    if n_escaped:
        _refuse_escapes(path, key, dialect)
    if n_quotes % 2:  # one never closes and would swallow the rest, or is part of a text
        return _named(_slowly(path, key, dialect, header), header, path, key)
    try:
        with files.opened(path, key) as stream:
            table = arrow.read_csv(stream, arrow.ReadOptions(**reading), parsing, converting)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        table = _slowly(path, key, dialect, header)  # which knows what is wrong, or that nothing is
    else:
        table = table.slice(1)  # the header
    return _named(table, header, path, key)


def _quotes(path: Path, key: str) -> tuple[int, int]:
    """Number of quotes in a file, and of those behind a backslash."""
    quotes, escaped, last = 0, 0, b""
    with files.opened(path, key) as stream:
        while chunk := stream.read(files.CHUNK):
            quotes += chunk.count(b'"')
            escaped += (last + chunk).count(b'\\"')
            last = chunk[-1:]
    return quotes, escaped


def _refuse_escapes(path: Path, key: str, dialect: Dialect) -> None:
    """Raise ``DataError`` where a backslash before a quote cannot be part of a text: the field would end there."""
    with files.opened_text(path, key, dialect.encoding) as text:
        reader = csv.reader(text, delimiter=dialect.separator, strict=True)
        line = 1
        try:
            for fields in reader:
                line = reader.line_num + 1
                del fields
        except csv.Error:
            raise DataError(
                f'{key}: line {line} of {path.name} writes a quote within quotes as \\", where CSV doubles it: "". '
                f"Convert it, in pandas: pd.read_csv({path.name!r}, escapechar='\\\\').to_csv('new.csv', index=False)"
            ) from None


def _named(table: pa.Table, header: Sequence[str], path: Path, key: str) -> pa.Table:
    if not len(table):
        raise DataError(f"{key}: {path.name} holds no rows. It must hold a header and at least one row.")
    return table.rename_columns(list(header))


def _slowly(path: Path, key: str, dialect: Dialect, header: Sequence[str]) -> pa.Table:
    """Parse row by row: empty fields beyond the last column are ignored, any other row of another length is refused."""
    import pyarrow as pa

    width = len(header)
    rows: list[list[str]] = []
    with files.opened_text(path, key, dialect.encoding) as text:
        # A last line of our own: it comes back as a row, unless a quote before it is never closed.
        reader = _rows(itertools.chain(text, [END]), dialect.separator)
        last = line = 1
        try:
            if dialect.is_named:
                next(reader)
                line = 2
            for fields in reader:
                if fields == [END]:
                    break
                if fields and (len(fields) < width or any(fields[width:])):
                    raise DataError(
                        f"{key}: line {line} of {path.name} has {len(fields)} fields, the header has {width}. "
                        f"Quote fields that hold a {dialect.separator!r}, or set data.separator."
                    )
                if fields:
                    rows.append(fields[:width])
                last, line = line, reader.line_num + 1
            else:
                raise DataError(f"{key}: {path.name} ends within quotes, which open in line {last} or after it.")
        except csv.Error as error:
            raise DataError(f"{key}: line {line} of {path.name} cannot be read as CSV: {error}.") from error
    columns = zip(*rows[1:], strict=True) if len(rows) > 1 else itertools.repeat((), width)
    return pa.table(
        {str(i): pa.array([cell or None for cell in cells], pa.string()) for i, cells in enumerate(columns)}
    )


def _frame(table: pa.Table) -> pd.DataFrame:
    import pandas as pd

    # Column by column, so that no second copy of the table exists at once.
    return pd.DataFrame({name: table.column(name).to_pandas() for name in table.column_names}, copy=False)
