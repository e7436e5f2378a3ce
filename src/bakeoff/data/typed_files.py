"""Files whose cells have types of their own: Parquet, Feather, Excel, and one JSON object a line."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import advice
from bakeoff.data import files
from bakeoff.errors import AssetError, ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_parquet(path: Path, key: str) -> pd.DataFrame:
    """Read a Parquet file or a folder of them; a named index becomes a column, unless it is one already.

    Raises:
        DataError: it is no Parquet.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    # Each of these saves up to a copy of the whole table: Arrow's columns become pandas' own one by one, the file is
    # not held in memory beside them, and what decoding needed is given back at once.
    one_by_one = {"split_blocks": True, "self_destruct": True}
    try:
        frame = pd.read_parquet(path, engine="pyarrow", to_pandas_kwargs=one_by_one, pre_buffer=False)
        pa.default_memory_pool().release_unused()
        if rounded := _rounded(frame, parquet.ParquetDataset(path).schema):
            _restore(frame, rounded, parquet.read_table(path, columns=[str(name) for name in rounded]))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{key}: {path.name} cannot be read as Parquet: {_first_line(error)}.") from error
    return _with_index(frame, path, key)


def read_feather(path: Path, key: str) -> pd.DataFrame:
    """Read an Arrow IPC file. Raises ``DataError`` where it is none."""
    import pyarrow as pa
    from pyarrow import feather

    try:
        table = feather.read_table(str(path))
        frame = table.to_pandas()
        if rounded := _rounded(frame, table.schema):
            _restore(frame, rounded, table.select([str(name) for name in rounded]))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{key}: {path.name} cannot be read as Feather: {_first_line(error)}.") from error
    return _with_index(frame, path, key)


MERGED = re.compile(rb'<mergeCell ref="([A-Z]+(\d+))(:[A-Z]+\d+)"')
"""Merged cells below a worksheet's data: the first with its row, and the last."""

HIDDEN_ROW = re.compile(rb'<row [^>]*\bhidden="(?:1|true)"[^>]*>')
HIDDEN_COLUMN = re.compile(rb'<col [^>]*\bhidden="(?:1|true)"[^>]*>')

CALCULATED_TEXT = re.compile(rb'<c r="([A-Z]+\d+)"[^>]*\bt="str"')
"""Cells with a formula whose result is a text, which may be empty."""


def read_excel(path: Path, key: str, sheet: str | None) -> tuple[pd.DataFrame, list[str]]:
    """Read a sheet of a workbook, cells as Excel holds them: numbers, dates, booleans or text.

    Returns:
        The rows, and sentences on those that are hidden in the workbook.

    Raises:
        AssetError: openpyxl is not installed.
        ConfigError: there is no such sheet, or several and none is named.
        DataError: it is no workbook, is empty, or has two columns of one name.
    """
    import pandas as pd

    try:
        import openpyxl
    except ModuleNotFoundError:
        raise AssetError(
            f'{key}: {path.name} is an Excel workbook, and openpyxl is not installed. Run: pip install "bakeoff[excel]"'
        ) from None
    try:
        with zipfile.ZipFile(path) as archive:
            files.refuse_bomb(archive, path, key)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except DataError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers do
        raise DataError(f"{key}: {path.name} cannot be read as an Excel workbook: {_first_line(error)}.") from error
    try:
        names = book.sheetnames
        if sheet is None and len(names) > 1:
            raise ConfigError(f"data.sheet: {path.name} has {len(names)} sheets: {', '.join(names)}. Name one.")
        if sheet is not None and sheet not in names:
            raise ConfigError(
                f'data.sheet: there is no sheet "{sheet}" in {path.name}. Sheets: {", ".join(names)}.'
                f"{did_you_mean(sheet, names)}"
            )
        rows = _rows(book[sheet or names[0]], path, key)
        hidden = _hidden(path, book[sheet or names[0]], rows)
    finally:
        book.close()
    if any(cell is None for row in rows for cell in row):
        _refuse_unseen_values(path, key, sheet or names[0], rows)
    rows = [row for row in rows if any(cell is not None for cell in row)]
    if not rows:
        raise DataError(f"{key}: {path.name} is empty. It must hold a header and at least one row.")
    width = max(i + 1 for row in rows for i, cell in enumerate(row) if cell is not None)
    header = [
        f"Unnamed: {i}" if cell is None else str(cell) for i, cell in enumerate([*rows[0], *[None] * width][:width])
    ]
    _refuse_twins([name.strip() for name in header], path, key)
    return pd.DataFrame([row[:width] for row in rows[1:]], columns=header, dtype=object), hidden


def _rows(sheet: Any, path: Path, key: str) -> list[list[Any]]:
    """All rows of a sheet. Raises ``DataError`` where its XML is damaged, or expands beyond measure."""
    try:
        return [list(row) for row in sheet.iter_rows(values_only=True)]
    except (
        SyntaxError,
        ValueError,
        TypeError,
        LookupError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DataError(f"{key}: {path.name} cannot be read as an Excel workbook: {_first_line(error)}.") from error


def _hidden(path: Path, sheet: Any, values: list[list[Any]]) -> list[str]:
    """Sentences on rows and columns that Excel does not show, filtered out or hidden, and on a hidden sheet."""
    with zipfile.ZipFile(path) as archive:
        content = archive.read(sheet._worksheet_path)
    rows = [int(number[1]) for tag in HIDDEN_ROW.findall(content) if (number := re.search(rb'\br="(\d+)"', tag))]
    rows = [row for row in rows if row <= len(values) and any(cell is not None for cell in values[row - 1])]
    names = []
    for tag in HIDDEN_COLUMN.findall(content):
        first, last = (int(re.search(rb'\b%s="(\d+)"' % end, tag)[1]) for end in (b"min", b"max"))  # type: ignore[index]
        names += [str(name) for name in (values[0] if values else [])[first - 1 : last] if name is not None]
    sentences = (
        [f"The sheet {sheet.title} of {path.name} is hidden, and is read."] if sheet.sheet_state != "visible" else []
    )
    if rows:
        sentences.append(
            f"{path.name} hides {len(rows):,} rows, row {rows[0]} first, by a filter or by hand: they are read like "
            "the others."
        )
    if names:
        sentences.append(f"{path.name} hides {advice.listed(names)}: read like the other columns.")
    return sentences


def _refuse_unseen_values(path: Path, key: str, sheet: str, values: list[list[Any]]) -> None:
    """Raise ``DataError`` where an empty cell is merged, or holds a formula that was never calculated."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True)
    try:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(book[sheet]._worksheet_path)
        merged, empty = MERGED.findall(content), {cell.decode() for cell in CALCULATED_TEXT.findall(content)}
        below = [first + last for first, row, last in merged if int(row) > 1]
        if below:
            raise DataError(
                f"{key}: the cells {below[0].decode()} of {path.name} are merged, so all but the first are empty. "
                "Unmerge them, and fill in what belongs there."
            )
        for row, cells in zip(values, book[sheet].iter_rows(), strict=False):
            for value, cell in zip(row, cells, strict=False):
                if value is None and str(cell.value or "").startswith("=") and cell.coordinate not in empty:
                    raise DataError(
                        f"{key}: cell {cell.coordinate} of {path.name} holds the formula {cell.value}, which was never "
                        "calculated. Open the workbook in a spreadsheet program and save it there."
                    )
    finally:
        book.close()


def read_json_lines(path: Path, key: str) -> pd.DataFrame:
    """Read one JSON object a line. Raises ``DataError`` that names the line that is none."""
    import pandas as pd

    records = []
    encoding, _ = files.encoding_of(path, key, None)
    if encoding == "cp1252":
        wrong = files.wrong_byte(path, key, "utf-8")
        where, byte = wrong if wrong is not None else (0, 0)
        raise DataError(
            f"{key}: {path.name} is not utf-8: byte {where} is 0x{byte:02x}. JSON lines must be UTF-8: "
            "convert the file."
        )
    with files.opened_text(path, key, encoding) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                records.append(_json_object(line, number, path, key))
    if not records:
        raise DataError(f"{key}: {path.name} is empty. It must hold one JSON object a line.")
    names = list(dict.fromkeys(name for record in records for name in record))
    # Objects, not inferred types: an integer beside a missing value stays the integer that it is.
    return pd.DataFrame(
        {name: pd.Series([record.get(name) for record in records], dtype=object) for name in names}, copy=False
    )


def _json_object(line: str, number: int, path: Path, key: str) -> dict[str, Any]:
    def refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _refuse_twins([name for name, _ in pairs], path, key, f"line {number} of ")
        return dict(pairs)

    try:
        record = json.loads(line, object_pairs_hook=refuse_twins)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{key}: line {number} of {path.name} is not JSON: {error.msg} at column {error.colno}."
        ) from None
    except (RecursionError, ValueError) as error:
        raise DataError(f"{key}: line {number} of {path.name} cannot be read: {_first_line(error)}.") from None
    if not isinstance(record, dict):
        raise DataError(
            f'{key}: line {number} of {path.name} is not a JSON object such as {{"text": "…", "label": "…"}}.'
        )
    return record


def _refuse_twins(names: list[str], path: Path, key: str, place: str = "") -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f'{key}: {place}{path.name} has two columns "{twice}". Rename one.')


def _rounded(frame: pd.DataFrame, schema: pa.Schema) -> list[Any]:
    """Columns of whole numbers beside missing values, which pandas makes floats, that may have lost digits by it."""
    import numpy as np
    import pyarrow as pa

    from bakeoff.data import numerals

    whole = {field.name for field in schema if pa.types.is_integer(field.type)}
    floats = [name for name in frame.columns if str(name) in whole and frame[name].dtype == "float64"]
    return [name for name in floats if np.nanmax(np.abs(frame[name].to_numpy()), initial=0) >= numerals.LARGEST_EXACT]


def _restore(frame: pd.DataFrame, names: list[Any], exact: pa.Table) -> None:
    """Put whole numbers with all of their digits in the place of floats, row by row whatever the index."""
    for name in names:
        frame[name] = exact.column(str(name)).to_pandas(integer_object_nulls=True).to_numpy()


def _with_index(frame: pd.DataFrame, path: Path, key: str) -> pd.DataFrame:
    """Turn the named index of a frame into columns, unless a column of that name exists."""
    if frame.columns.nlevels > 1:
        raise DataError(
            f"{key}: the columns of {path.name} have names of {frame.columns.nlevels} levels, such as "
            f"{frame.columns[0]}. Give each one name, in pandas: frame.columns = frame.columns.map('_'.join)"
        )
    names = [name for name in frame.index.names if name is not None]
    if not names:
        return frame.reset_index(drop=True)
    twice = [name for name in names if name in frame.columns]
    return frame.reset_index(level=twice, drop=True).reset_index(drop=len(twice) == len(names))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
