"""Where rows come from: files and databases of the user."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bakeoff.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Rows:
    """A table as it was read, the rows for the test where the source brings its own, and documents where it has any."""

    frame: pd.DataFrame
    test: pd.DataFrame | None = None
    corpus: pd.DataFrame | None = None


class Source(Protocol):
    """Anything that brings rows."""

    @property
    def name(self) -> str:
        """What messages call it, such as ``my.csv``."""

    def read(self) -> Rows:
        """All rows. Raises ``DataError`` or ``ConfigError`` that names the config key at fault."""


@dataclass(frozen=True)
class Csv:
    r"""A table in a text file, one row a line.

    Args:
        path: the file; relative to the working directory, ``~`` expands.
        test_path: a second file, whose rows are the test rows.
        separator: one character between fields; ``\t`` may be spelled out.
        encoding: of the file, by its Python name.
        decimal: the character before the decimals of a number.
    """

    path: str
    test_path: str | None = None
    separator: str = ","
    encoding: str = "utf-8"
    decimal: str = "."

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name

    def read(self) -> Rows:
        """All rows of the file or files."""
        separator = self.separator.replace("\\t", "\t")
        if len(separator) != 1:
            raise ConfigError(f'data.separator: "{self.separator}" is not one character, such as "," or ";" or "\\t".')
        if len(self.decimal) != 1 or self.decimal == separator:
            raise ConfigError(f'data.decimal: "{self.decimal}" is not one character other than the separator.')
        return _both(
            self.path, self.test_path, lambda path, key: _read_csv(path, key, separator, self.encoding, self.decimal)
        )


@dataclass(frozen=True)
class Parquet:
    """A table in a Parquet file or a folder of them.

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

    def read(self) -> Rows:
        """All rows of the file or files."""
        return _both(self.path, self.test_path, _read_parquet)


@dataclass(frozen=True)
class JsonLines:
    """A UTF-8 text file with one JSON object a line.

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

    def read(self) -> Rows:
        """All rows of the file or files."""
        return _both(self.path, self.test_path, _read_json_lines)


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
        """Not the URL: it may hold a password."""
        return "the result of data.query"

    def read(self) -> Rows:
        """All rows of the result or results."""
        import sqlalchemy as sa

        engine = _engine(self.url)
        try:
            with engine.connect() as connection:
                frame = _query(connection, self.query, "data.query")
                test = None if self.test_query is None else _query(connection, self.test_query, "data.test_query")
        except sa.exc.SQLAlchemyError as error:
            shown = engine.url.render_as_string(hide_password=True)
            raise DataError(f"data.url: {shown} cannot be opened: {_first_line(error)}.") from error
        finally:
            engine.dispose()
        return Rows(frame, test)


def _both(path: str, test_path: str | None, read: Any) -> Rows:
    """Find both files before the first is read: a typing error shows at once."""
    file = _existing(path, "data.path")
    test_file = None if test_path is None else _existing(test_path, "data.test_path")
    return Rows(read(file, "data.path"), None if test_file is None else read(test_file, "data.test_path"))


def _existing(path: str, key: str) -> Path:
    file = Path(path).expanduser()
    if file.exists():
        return file
    if not file.parent.is_dir():
        raise DataError(f'{key}: there is no folder "{file.parent}" (looked from {Path.cwd()}).')
    others = [p.name for p in file.parent.iterdir()]
    raise DataError(
        f'{key}: there is no file "{file.name}" in {file.parent.resolve()}.{did_you_mean(file.name, others)}'
    )


def _read_csv(path: Path, key: str, separator: str, encoding: str, decimal: str) -> pd.DataFrame:
    import pandas as pd

    try:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # rows that are all longer than the header
                frame = pd.read_csv(
                    path, sep=separator, encoding=encoding, decimal=decimal, index_col=False, low_memory=False
                )
        except pd.errors.EmptyDataError:
            raise DataError(f"{key}: {path.name} is empty. It must hold a header and at least one row.") from None
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            _refuse_ragged(path, key, separator, encoding)
            raise DataError(f"{key}: {path.name} cannot be read as CSV: {_first_line(error)}.") from error
        if frame.iloc[:, -1].isna().any():
            _refuse_ragged(path, key, separator, encoding)  # pandas fills a short row up with missing values
    except LookupError:
        raise ConfigError(f'data.encoding: "{encoding}" is unknown. Try utf-8, latin-1, cp1252 or utf-16.') from None
    except UnicodeError as error:
        raise _undecodable(path, key, encoding, "Set data.encoding, e.g. data.encoding=latin-1.") from error
    except OSError as error:
        raise DataError(f"{key}: {path.name} cannot be read: {error.strerror}.") from error
    return frame


def _refuse_ragged(path: Path, key: str, separator: str, encoding: str) -> None:
    """Raise ``DataError`` for the first row that has not as many fields as the header."""
    # The csv module gives up on some files that pandas reads (fields over 128 KiB): then nothing is refused.
    with path.open(encoding=encoding, newline="") as lines, contextlib.suppress(csv.Error):
        reader = csv.reader(lines, delimiter=separator)
        header = next(reader)
        line = reader.line_num + 1
        for fields in reader:
            trailing = fields[len(header) :]
            if fields and (len(fields) < len(header) or any(trailing)):
                raise DataError(
                    f"{key}: line {line} of {path.name} has {len(fields)} fields, the header has {len(header)}. "
                    f"Quote fields that hold a {separator!r}, or set data.separator."
                )
            line = reader.line_num + 1


def _read_parquet(path: Path, key: str) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    # Each of these saves up to a copy of the whole table: Arrow's columns become pandas' own one by one, the file is
    # not held in memory beside them, and what decoding needed is given back at once.
    one_by_one = {"split_blocks": True, "self_destruct": True}
    try:
        frame = pd.read_parquet(path, engine="pyarrow", to_pandas_kwargs=one_by_one, pre_buffer=False)
        pa.default_memory_pool().release_unused()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{key}: {path.name} cannot be read as Parquet: {_first_line(error)}.") from error
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _read_json_lines(path: Path, key: str) -> pd.DataFrame:
    import pandas as pd

    records = []
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    records.append(_json_object(line, number, path, key))
    except UnicodeError as error:
        raise _undecodable(path, key, "utf-8", "JSON lines must be UTF-8: convert the file.") from error
    except OSError as error:
        raise DataError(f"{key}: {path.name} cannot be read: {error.strerror}.") from error
    if not records:
        raise DataError(f"{key}: {path.name} is empty. It must hold one JSON object a line.")
    return pd.DataFrame(records)


def _json_object(line: str, number: int, path: Path, key: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{key}: line {number} of {path.name} is not JSON: {error.msg} at column {error.colno}."
        ) from None
    if not isinstance(record, dict):
        raise DataError(
            f'{key}: line {number} of {path.name} is not a JSON object such as {{"text": "…", "label": "…"}}.'
        )
    return record


def _undecodable(path: Path, key: str, encoding: str, remedy: str) -> DataError:
    """The error for a file that is not in the declared encoding, with the position of the first wrong byte."""
    try:
        path.read_bytes().decode(encoding)
    except UnicodeDecodeError as error:
        where, byte = error.start, error.object[error.start]
        return DataError(f"{key}: {path.name} is not {encoding}: byte {where} is 0x{byte:02x}. {remedy}")
    return DataError(f"{key}: {path.name} is not {encoding}. {remedy}")


def _engine(url: str) -> Any:
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url)
        if (
            parsed.get_backend_name() == "sqlite"
            and parsed.database
            and not re.match(r":memory:|file:", parsed.database)
        ):
            _existing(parsed.database, "data.url")  # SQLite would make an empty database there
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


def _query(connection: Any, query: str, key: str) -> pd.DataFrame:
    import pandas as pd
    import sqlalchemy as sa

    try:
        return pd.read_sql(sa.text(query), connection)
    except (sa.exc.SQLAlchemyError, pd.errors.DatabaseError) as error:
        raise DataError(f"{key}: the database refuses it: {_first_line(error)}.") from error


def _first_line(error: BaseException) -> str:
    """The gist of a library's message, without the statement and parameters that pandas and SQLAlchemy append."""
    cause = error.__cause__ or error
    cause = getattr(cause, "orig", None) or cause
    return str(cause).strip().splitlines()[0].rstrip(".")
