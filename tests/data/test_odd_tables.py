"""Odd tables of any kind: no traceback, and no value that changes without a note that names its column."""

from __future__ import annotations

import csv
import io
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakeoff import data
from bakeoff.data import cells
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Csv, JsonLines, Parquet, Source
from bakeoff.errors import BakeoffError

Table = dict[str, list[Any]]
TARGET = "the target"
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp"))

NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1000, 1000).map(lambda x: f"{x:.2f}"),
    st.integers(0, 9999).map(lambda i: f"{i:05d}"),
    st.integers(10**15, 10**21).map(str),
    st.integers(0, 10**7).map(lambda i: f"{i:,}"),
    st.integers(0, 10**7).map(lambda i: f"{i:,}".replace(",", ".")),
    st.floats(0, 1000).map(lambda x: f"{x:.2f}".replace(".", ",")),
    st.floats(0, 100).map(lambda x: f"{x:.1f}%"),
    st.integers(0, 10**6).map(lambda i: f"${i:,}"),
    st.sampled_from(["9E3", "1e5", "+7", ".5", "5.", " 12 ", "(3.50)", "1'000", "inf", "0x1A", "1_000", "٣"]),
)
DATES = st.dates().map(str) | st.dates().map(lambda d: d.strftime("%d.%m.%Y")) | st.datetimes().map(str)
TEXTS = st.text(LETTERS, max_size=12) | st.sampled_from(
    ["True", "false", "yes", "No", "null", "NA", "None", "a b", " "]
)
MARKS = st.sampled_from(["", "", "NA", "-", "n/a", "None", "nan", "?"])
CELLS = st.sampled_from([NUMBERS, DATES, TEXTS, st.integers(0, 3).map(str)])
NAMES = st.text(LETTERS, min_size=1, max_size=8) | st.sampled_from(
    ["id", "Unnamed: 0", "a, b", "ns=1", "{x}", "no", '"']
)


@st.composite
def columns_of(draw: st.DrawFn, n: int) -> list[str]:
    """Cells of one kind, of any cardinality, with marks of missing values among them or a cell of another kind."""
    if draw(st.integers(0, 9)) == 0:
        first = draw(st.integers(0, 2))
        return [str(i + first) for i in range(n)]
    kind = draw(CELLS)
    if draw(st.booleans()):  # one way of writing for all cells, as in most files
        kind = draw(st.sampled_from(kind.branches)) if hasattr(kind, "branches") else kind
    pool = draw(st.lists(kind, min_size=1, max_size=draw(st.sampled_from([2, 8, n]))))
    column = [pool[draw(st.integers(0, len(pool) - 1))] for _ in range(n)]
    if draw(st.booleans()):
        mark, other = draw(MARKS), draw(st.one_of(MARKS, TEXTS))
        for i in draw(st.sets(st.integers(0, n - 1), max_size=n)):
            column[i] = mark if i % 5 else other
    return column


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of texts, some of whose rows repeat others."""
    n = draw(st.integers(5, 30))
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    table: Table = {name: draw(columns_of(n)) for name in names}
    table[TARGET] = draw(
        st.sampled_from([["a", "b"], ["1", "2", "NA"], ["0.5", "7", "1e3"]]).map(lambda v: (v * n)[:n])
    )
    if draw(st.booleans()):
        copies = draw(st.lists(st.integers(0, n - 1), max_size=5))
        table = {name: [*column, *(column[i] for i in copies)] for name, column in table.items()}
    return table


def written(table: Table, folder: Path, separator: str, encoding: str) -> Csv:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    file = folder / "odd.csv"
    file.write_bytes(text.getvalue().encode(encoding))
    return Csv(str(file), separator=separator, encoding=encoding)


def is_kept(before: Any, after: Any) -> bool:
    """Whether a value is what was written: the same text, the same number, the same moment, or missing like it."""
    if before is None or before == "":
        return bool(pd.isna(after)) or before == after
    if isinstance(before, bool) or isinstance(after, str):
        return str(after) == str(before) or (isinstance(before, float) and after == str(int(before)))
    if isinstance(after, pd.Timestamp):
        moment = pd.Timestamp(before)
        return bool((moment.tz_convert("UTC").tz_localize(None) if moment.tz else moment) == after)
    try:
        return math.isclose(float(before), float(after), rel_tol=0) or (math.isnan(float(before)) and math.isnan(after))
    except (TypeError, ValueError):
        return False


def check(source: Source, table: Table) -> None:
    """Nothing changes unseen, and a task of it is made or refused in words."""
    asked = DataSettings(name="odd", target=TARGET)
    try:
        read = cells.read(source, asked)
    except BakeoffError as error:
        assert str(error)
        return
    said = "\n".join(note.text for note in read.notes)
    for name, column in table.items():
        if name in read.left_out:
            assert name in said
            continue
        after = list(read.frame[name])
        changed = [(b, a) for b, a in zip(column, after, strict=True) if not is_kept(b, a)]
        assert not changed or name in said, (name, changed[:3])
    try:
        task = data.load(source, asked)
    except BakeoffError as error:
        assert str(error)
    else:
        assert np.isfinite(len(task.test))
        for name in set(table) - {TARGET} - set(task.schema.columns):
            assert any(name in note.text for note in task.notes), name


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(tables(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_no_value_of_a_text_file_changes_unseen(table: Table, separator: str, encoding: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(written(table, Path(folder), separator, encoding), table)


JSON_CELLS = st.sampled_from(
    [
        st.integers(-(10**20), 10**20),
        st.integers(0, 5),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        TEXTS,
        NUMBERS,
        DATES,
    ]
)


@st.composite
def typed_tables(draw: st.DrawFn) -> Table:
    """A table of JSON values, one or two kinds a column."""
    n = draw(st.integers(5, 30))
    table: Table = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)):
        kinds = draw(st.lists(JSON_CELLS, min_size=1, max_size=2))
        pool = draw(st.lists(st.one_of(st.none(), *kinds), min_size=1, max_size=n))
        table[name] = [pool[draw(st.integers(0, len(pool) - 1))] for _ in range(n)]
    table[TARGET] = (draw(st.sampled_from([["a", "b"], [1, 2], [0.5, 7.25], [True, False]])) * n)[:n]
    return table


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(typed_tables(), st.booleans())
def test_no_value_of_a_typed_file_changes_unseen(table: Table, is_parquet: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "odd.jsonl"
        if is_parquet:
            file = Path(folder) / "odd.parquet"
            try:
                pd.DataFrame(table).to_parquet(file, index=False)
            except Exception:  # Arrow holds no column of two types
                return
            check(Parquet(str(file)), {name: list(column) for name, column in pd.read_parquet(file).items()})
            return
        rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
        file.write_text("\n".join(json.dumps(row) for row in rows))
        check(JsonLines(str(file)), table)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables(), st.sampled_from([",", ";"]))
def test_many_more_odd_tables(table: Table, separator: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(written(table, Path(folder), separator, "utf-8"), table)
