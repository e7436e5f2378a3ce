"""Files and databases that cannot be read, and what is said about them."""

from pathlib import Path

import pandas as pd
import pytest

from bakeoff.data.sources import Csv, JsonLines, Parquet, Source, Sql
from bakeoff.errors import BakeoffError, ConfigError, DataError


def said(source: Source, error: type[BakeoffError] = DataError) -> str:
    with pytest.raises(error) as raised:
        source.read()
    return str(raised.value)


def written(tmp_path: Path, content: str | bytes, name: str = "my.csv") -> str:
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file)


def test_paths_are_relative_and_a_tilde_expands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Csv("my.csv").read().frame.equals(Csv("~/my.csv").read().frame)


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, "a,b\n1,2\n", "orders.csv")
    message = said(Csv(str(tmp_path / "order.csv")))
    assert message == f'data.path: there is no file "order.csv" in {tmp_path}. Did you mean "orders.csv"?'
    assert said(Csv(str(tmp_path / "orders.csv"), str(tmp_path / "oders.csv"))).startswith("data.test_path: ")
    assert "there is no folder" in said(Parquet(str(tmp_path / "nowhere" / "a.parquet")))


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert said(Csv(written(tmp_path, content))).startswith("data.path: my.csv is empty.")
    assert said(JsonLines(written(tmp_path, content, "a.jsonl"))).startswith("data.path: a.jsonl is empty.")


@pytest.mark.parametrize(
    ("content", "line", "fields"),
    [
        ("a,b\n1,2\n3,4,5\n", 3, 3),
        ("a,b\n1,2\n3\n", 3, 1),
        ("a,b\n1,2,3\n4,5,6\n", 2, 3),
        ('a,b\n"x\ny",2\n3\n', 4, 1),
        ("a,b\n\n1,\n3\n", 4, 1),
    ],
)
def test_a_ragged_row_is_named_by_its_line(tmp_path: Path, content: str, line: int, fields: int) -> None:
    assert f"line {line} of my.csv has {fields} fields, the header has 2" in said(Csv(written(tmp_path, content)))


def test_an_empty_last_field_is_not_ragged(tmp_path: Path) -> None:
    frame = Csv(written(tmp_path, "a,b\n1,\n3,4\n")).read().frame
    assert frame["b"].isna().tolist() == [True, False]


def test_an_unclosed_quote_is_reported(tmp_path: Path) -> None:
    assert said(Csv(written(tmp_path, 'a,b\n1,"2\n3,4\n'))).startswith("data.path: ")


def test_a_wrong_encoding_names_key_and_byte(tmp_path: Path) -> None:
    path = written(tmp_path, "text,label\ncafé,a\n".encode("latin-1"))
    assert said(Csv(path)) == (
        "data.path: my.csv is not utf-8: byte 14 is 0xe9. Set data.encoding, e.g. data.encoding=latin-1."
    )
    assert Csv(path, encoding="latin-1").read().frame["text"][0] == "café"
    assert said(Csv(path, encoding="latin-one"), ConfigError).startswith('data.encoding: "latin-one" is unknown')
    assert "byte 13" in said(JsonLines(written(tmp_path, '{"text": "café"}'.encode("latin-1"), "b.jsonl")))


def test_a_binary_file_is_no_csv(tmp_path: Path) -> None:
    pd.DataFrame({"x": range(100)}).to_parquet(tmp_path / "a.parquet")
    assert said(Csv(str(tmp_path / "a.parquet"))).startswith("data.path: a.parquet is not utf-8: byte ")


def test_fields_longer_than_the_csv_module_allows_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "text,label\n" + "long " * 50_000 + ",\nshort,a\n")
    assert Csv(path).read().frame["label"].isna().tolist() == [True, False]


def test_a_separator_is_one_character(tmp_path: Path) -> None:
    path = written(tmp_path, "a\tb\n1\t2\n")
    assert list(Csv(path, separator="\\t").read().frame) == ["a", "b"]
    assert said(Csv(path, separator=""), ConfigError).startswith("data.separator: ")


def test_broken_json_is_named_by_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a": 1}\n\n{"a": 2\n', "a.jsonl")
    assert said(JsonLines(path)).startswith("data.path: line 3 of a.jsonl is not JSON")
    assert "line 1 of a.jsonl is not a JSON object" in said(JsonLines(written(tmp_path, "[1]\n", "a.jsonl")))


def test_json_strings_of_digits_stay_strings(tmp_path: Path) -> None:
    frame = JsonLines(written(tmp_path, '{"zip": "00123"}\n', "a.jsonl")).read().frame
    assert frame["zip"][0] == "00123"


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    message = said(Parquet(written(tmp_path, "not parquet at all", "a.parquet")))
    assert message.startswith("data.path: a.parquet cannot be read as Parquet: ")


def test_a_named_index_in_parquet_is_a_column(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1, 2]}, index=pd.Index([7, 8], name="key")).to_parquet(tmp_path / "a.parquet")
    assert list(Parquet(str(tmp_path / "a.parquet")).read().frame) == ["key", "x"]


@pytest.mark.parametrize(
    ("url", "error", "part"),
    [
        ("no url", ConfigError, "data.url: it is not a database URL"),
        ("nosuchdb://localhost/x", ConfigError, "data.url: SQLAlchemy knows no such database"),
        ("oracle://localhost/x", ConfigError, "is not installed. Run: pip install"),
        ("sqlite:////nowhere/at/all.db", DataError, "data.url: there is no folder"),
    ],
)
def test_a_wrong_database_is_refused(url: str, error: type[BakeoffError], part: str) -> None:
    assert part in said(Sql(url, "select 1"), error)


def test_a_wrong_query_shows_what_the_database_says() -> None:
    assert "data.query: the database refuses it: no such table: orders" in said(
        Sql("sqlite://", "select * from orders")
    )
    assert said(Sql("sqlite://", "select 1 as a", "selct")).startswith("data.test_query: ")
