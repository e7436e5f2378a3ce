"""Data files made to do harm, or damaged: each ends in one sentence, soon, and none runs code."""

from __future__ import annotations

import gzip
import pickle
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bakeoff import data
from bakeoff.data import cells
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Csv, JsonLines, Parquet, Source
from bakeoff.errors import DataError

LABELS = ["a", "b", "c"] * 30


def refusal(source: Source) -> str:
    with pytest.raises(DataError) as raised:
        data.load(source, DataSettings(name="mine", target="y"))
    return str(raised.value)


def test_bomb_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.csv.gz", "wb", 1) as stream:
        stream.write(b"x,y\n")
        for _ in range(110):
            stream.write(b"1,a\n2,b\n" * 250_000)
    start = time.process_time()
    assert "unpacks to more than 0.2 GB, over 100 times its size" in refusal(Csv(str(tmp_path / "bomb.csv.gz")))
    assert time.process_time() - start < 3, "the encoding is checked as far as the limit, and no more"


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_line_without_end_is_refused(tmp_path: Path, ending: str) -> None:
    path, length = tmp_path / f"huge.{ending}", cells.LONGEST_CELL + 1
    if ending == "csv":
        path.write_text("x,y\n1,b\n" + "A" * length + ",a\n" + "2,b\n" * 100)
    else:
        path.write_text('{"x": "1", "y": "b"}\n{"x": "' + "A" * length + '", "y": "a"}\n')
    message = refusal((Csv if ending == "csv" else JsonLines)(str(path)))
    assert message.startswith(f'data: row 2 of huge.{ending} holds 10,000,001 characters in column "x"')


def test_json_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.jsonl").write_text('{"x": ' + "[" * 100_000 + "]" * 100_000 + ', "y": "a"}\n')
    assert "line 1 of deep.jsonl" in refusal(JsonLines(str(tmp_path / "deep.jsonl")))


class Intruder:
    """A pickle of it makes a folder where it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.mkdir, (self.folder,)  # type: ignore[return-value]


def test_pickle_in_the_metadata_of_parquet_is_not_loaded(tmp_path: Path) -> None:
    intrusion = tmp_path / "intruded"
    pickled = pickle.dumps(Intruder(intrusion))
    pickle.loads(pickled)
    assert intrusion.is_dir(), "the pickle works"
    intrusion.rmdir()
    metadata = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": pickled}
    schema = pa.schema([pa.field("x", pa.binary(), metadata=metadata), pa.field("y", pa.string())])
    rows = pa.table([pa.array([b"a"] * len(LABELS)), pa.array(LABELS)], schema=schema)
    pq.write_table(rows, tmp_path / "ext.parquet", store_schema=True)
    assert 'column "x" of ext.parquet holds bytes' in refusal(Parquet(str(tmp_path / "ext.parquet")))
    assert not intrusion.exists()


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ([{"a": i} for i in range(90)], "holds a dict"),
        ([[i] * 3 for i in range(90)], "holds"),
        ([b"\0\xff"] * 90, "holds bytes"),
    ],
    ids=["struct", "list", "bytes"],
)
def test_nested_values_of_parquet_are_refused(tmp_path: Path, values: list[Any], part: str) -> None:
    pq.write_table(pa.table({"x": values, "y": LABELS}), tmp_path / "nested.parquet")
    message = refusal(Parquet(str(tmp_path / "nested.parquet")))
    assert f'column "x" of nested.parquet {part}' in message and "add it to data.ignore" in message


def test_time_to_read_grows_no_faster_than_the_columns(tmp_path: Path) -> None:
    seconds = []
    for width in (20, 60, 240):  # the first warms up
        table = pd.DataFrame({f"c{i}": [j % (i + 2) for j in range(60)] for i in range(width)} | {"y": ["a", "b"] * 30})
        table.to_csv(tmp_path / f"{width}.csv", index=False)
        start = time.process_time()
        data.load(Csv(str(tmp_path / f"{width}.csv")), DataSettings(name="mine", target="y"))
        seconds.append(time.process_time() - start)
    assert seconds[2] < 8 * seconds[1], "four times as many columns"


def test_thousand_classes_of_three_rows_are_read(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [i * 0.5 for i in range(3000)], "y": [f"class{i // 3}" for i in range(3000)]})
    table.to_csv(tmp_path / "classes.csv", index=False)
    task = data.load(Csv(str(tmp_path / "classes.csv")), DataSettings(name="mine", target="y"))
    assert len(task.schema.classes or ()) == 1000
