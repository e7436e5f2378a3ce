"""Sources of rows: files and databases of the user."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from bakeoff.data import delimited, files, typed_files
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import DataNote, NoteRank, Reading

if TYPE_CHECKING:
    import pandas as pd

NO_SQL = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""Texts, quoted names and comments in SQL: what stands in them is no statement."""


@dataclass
class Rows:
    """A table as it was read.

    Attributes:
        frame: all rows, or those that are not for the test.
        test: the rows for the test, where the source brings its own.
        corpus: documents, where it has any.
        is_text: whether every cell is the text of a file, so that types are yet to be found.
        notes: decisions of the reader that nobody declared.
        readings: column → how its cells were read in the rows of a known task, which is how they are read here; None:
            yet to be found.
    """

    frame: pd.DataFrame
    test: pd.DataFrame | None = None
    corpus: pd.DataFrame | None = None
    is_text: bool = False
    notes: tuple[DataNote, ...] = ()
    readings: Mapping[str, Reading] | None = None


class Source(Protocol):
    """Anything that brings rows."""

    @property
    def name(self) -> str:
        """Name of the source in messages, such as ``my.csv``."""

    def read(self) -> Rows:
        """All rows. Raises ``DataError`` or ``ConfigError`` that names the config key at fault."""


@dataclass(frozen=True)
class File:
    """A file with rows, and perhaps a second one with the rows for the test.

    Args:
        path: the file; relative to the working directory, ``~`` expands.
        test_path: a second file, whose rows are the test rows.
    """

    path: str
    test_path: str | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name


@dataclass(frozen=True)
class Csv(File):
    r"""A table in a text file, one row a line: CSV, TSV and the like, compressed or not.

    Args:
        path: the file; relative to the working directory, ``~`` expands.
        test_path: a second file, whose rows are the test rows.
        separator: one character between fields, ``\t`` may be spelled out; None: guessed from the first rows.
        encoding: of the file, by its Python name; None: by its byte order mark, else UTF-8, else cp1252.
    """

    separator: str | None = None
    encoding: str | None = None

    def read(self) -> Rows:
        """All rows of the file or files, each cell as text."""
        separator = None if self.separator is None else self.separator.replace("\\t", "\t")
        if separator is not None and len(separator) != 1:
            raise ConfigError(f'data.separator: "{self.separator}" is not one character, such as "," or ";" or "\\t".')
        if self.encoding is not None:
            files.codecs_name(self.encoding)
        remarks: dict[str, str] = {}

        def read(path: Path, key: str) -> pd.DataFrame:
            cells = delimited.read(path, key, separator, self.encoding)
            for about, remark in cells.remarks.items():
                remarks.setdefault(about, remark)
            return cells.frame

        rows = _both(self.path, self.test_path, read)
        notes = tuple(DataNote(remark, about) for about, remark in remarks.items())
        return replace(rows, is_text=True, notes=notes)


@dataclass(frozen=True)
class Parquet(File):
    """A table in a Parquet file or a folder of them.

    Args:
        path: the file; relative to the working directory, ``~`` expands.
        test_path: a second file, whose rows are the test rows.
    """

    def read(self) -> Rows:
        """All rows of the file or files."""
        return _both(self.path, self.test_path, typed_files.read_parquet)


@dataclass(frozen=True)
class Feather(File):
    """A table in an Arrow IPC file, which is what Feather is.

    Args:
        path: the file; relative to the working directory, ``~`` expands.
        test_path: a second file, whose rows are the test rows.
    """

    def read(self) -> Rows:
        """All rows of the file or files."""
        return _both(self.path, self.test_path, typed_files.read_feather)


@dataclass(frozen=True)
class Excel(File):
    """A table in a sheet of an Excel workbook (.xlsx), with a header in its first row.

    Args:
        path: the file; relative to the working directory, ``~`` expands.
        test_path: a second file, whose rows are the test rows.
        sheet: by its name; None: the only one.
    """

    sheet: str | None = None

    def read(self) -> Rows:
        """All rows of the file or files."""
        notes: list[DataNote] = []

        def read(path: Path, key: str) -> pd.DataFrame:
            frame, sentences = typed_files.read_excel(path, key, self.sheet)
            notes.extend(DataNote(sentence, key, NoteRank.VALUES) for sentence in sentences)
            return frame

        rows = _both(self.path, self.test_path, read)
        return replace(rows, notes=tuple(notes))


@dataclass(frozen=True)
class JsonLines(File):
    """A UTF-8 text file with one JSON object a line, compressed or not.

    Args:
        path: the file; relative to the working directory, ``~`` expands.
        test_path: a second file, whose rows are the test rows.
    """

    def read(self) -> Rows:
        """All rows of the file or files."""
        return _both(self.path, self.test_path, typed_files.read_json_lines)


@dataclass(frozen=True)
class Sql:
    """The result of a query.

    Args:
        url: of the database, as SQLAlchemy reads it, such as ``sqlite:///shop.db``.
        query: that selects the rows.
        test_query: that selects the test rows.
    """

    url: str
    query: str
    test_query: str | None = None

    @property
    def name(self) -> str:
        """Name of the source; not the URL, which may hold a password."""
        return "the result of data.query"

    def read(self) -> Rows:
        """All rows of the result or results."""
        import sqlalchemy as sa

        engine = _engine(self.url)
        try:
            with engine.connect() as connection:
                _keep_from_writing(connection)
                frame = _query(connection, self.query, "data.query")
                test = None if self.test_query is None else _query(connection, self.test_query, "data.test_query")
        except sa.exc.SQLAlchemyError as error:
            masked_url = engine.url.render_as_string(hide_password=True)
            raise DataError(f"data.url: {masked_url} cannot be opened: {_first_line(error)}.") from error
        finally:
            engine.dispose()
        return Rows(frame, test)


class KnownSource:
    """A source whose columns are read as those of a known task were.

    Args:
        source: of the new rows.
        readings: of the known task.

    Attributes:
        columns: names of the columns, once they were read.
    """

    def __init__(self, source: Source, readings: Mapping[str, Reading]) -> None:
        self.source, self.readings = source, readings
        self.columns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the underlying source."""
        return self.source.name

    def read(self) -> Rows:
        """All rows of the source."""
        rows = self.source.read()
        self.columns = tuple(map(str, rows.frame.columns))
        return replace(rows, readings=self.readings)


def _both(path: str, test_path: str | None, read: Callable[[Path, str], pd.DataFrame]) -> Rows:
    """Find both files before the first is read: a typing error shows at once."""
    file = files.existing(path, "data.path")
    test_file = None if test_path is None else files.existing(test_path, "data.test_path")
    return Rows(read(file, "data.path"), None if test_file is None else read(test_file, "data.test_path"))


def _engine(url: str) -> Any:
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
            if parsed.database.startswith("file:"):
                raise ConfigError("data.url: a file: URI may open a database for writing. Write sqlite:///shop.db")
            file = files.existing(parsed.database, "data.url")  # SQLite would make an empty database there
            read_only = {**parsed.query, "mode": "ro", "uri": "true"}
            parsed = parsed.set(database=f"file:{quote(str(file.resolve()))}", query=read_only)
        return sa.create_engine(parsed)
    except sa.exc.NoSuchModuleError as error:
        raise ConfigError(f"data.url: SQLAlchemy knows no such database: {_first_line(error)}.") from None
    except (sa.exc.ArgumentError, ValueError):
        raise ConfigError(
            "data.url: it is not a database URL such as sqlite:///shop.db or postgresql://host/shop."
        ) from None
    except ModuleNotFoundError as error:
        raise ConfigError(
            f'data.url: the driver "{error.name}" is not installed. Run: pip install {error.name}'
        ) from None


def _keep_from_writing(connection: Any) -> None:
    """Let the database refuse statements that write, where it can: SQLite, PostgreSQL, MySQL. None is committed."""
    backend = connection.dialect.name
    if backend == "sqlite":
        connection.connection.driver_connection.set_authorizer(_only_reads)
    elif backend == "postgresql":
        connection.execution_options(postgresql_readonly=True)
    elif backend in ("mysql", "mariadb"):
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.rollback()


def _only_reads(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    """SQLite's authorizer: no ATTACH, VACUUM, PRAGMA or write, and no function that loads code."""
    import sqlite3

    is_read = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
    is_plain_function = action == sqlite3.SQLITE_FUNCTION and second not in ("load_extension", "fts3_tokenizer")
    return sqlite3.SQLITE_OK if is_read or is_plain_function else sqlite3.SQLITE_DENY


def _check_is_one_select(query: str, key: str) -> None:
    """Raise ``ConfigError`` for several statements, and for one that is no query."""
    bare = NO_SQL.sub(" ", query).strip().rstrip("; \n\t")
    first = re.match(r"\(*\s*(\w+)", bare)
    if ";" in bare or not first or first[1].lower() not in ("select", "with", "values"):
        raise ConfigError(
            f"{key}: it must be one SELECT, for sources are only read. It is: {' '.join(query.split()):.80}"
        )


def _query(connection: Any, query: str, key: str) -> pd.DataFrame:
    import pandas as pd
    import sqlalchemy as sa

    from bakeoff.data import numerals

    _check_is_one_select(query, key)
    try:
        result = connection.execute(sa.text(query))
        names, rows = list(result.keys()), [tuple(row) for row in result]
    except sa.exc.SQLAlchemyError as error:
        raise DataError(f"{key}: the database refuses it: {_first_line(error)}.") from error
    frame = pd.DataFrame.from_records(rows, columns=names, coerce_float=True)
    for i, name in enumerate(names):
        # Whole numbers beside missing values became floats, which hold no more than 15 digits of them.
        values = [row[i] for row in rows] if frame.dtypes.iloc[i] == "float64" else []
        present = [value for value in values if value is not None]
        is_whole = all(isinstance(value, int) for value in present)
        if is_whole and any(abs(value) > numerals.LARGEST_EXACT for value in present):
            frame = frame.assign(**{name: pd.Series(values, dtype=object)}) if names.count(name) == 1 else frame
    return frame


def _first_line(error: BaseException) -> str:
    """The gist of a library's message, without the statement and parameters that pandas and SQLAlchemy append."""
    cause = error.__cause__ or error
    cause = getattr(cause, "orig", None) or cause
    return str(cause).strip().splitlines()[0].rstrip(".")
