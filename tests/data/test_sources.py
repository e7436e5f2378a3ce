"""Files and databases that cannot be read, and what is said about them."""

import bz2
import gzip
import io
import lzma
import os
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from bakeoff.data import files
from bakeoff.data.sources import Csv, Excel, Feather, JsonLines, Parquet, Source, Sql
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


def test_backslashes_before_quotes_are_refused_where_they_end_a_field(tmp_path: Path) -> None:
    content = 't,y\n"he said ""hi""",1\n"and \\"bye\\" then",2\n'
    message = said(Csv(written(tmp_path, content)))
    assert message.startswith('data.path: line 3 of my.csv writes a quote within quotes as \\"')
    assert "pd.read_csv('my.csv', escapechar='\\\\')" in message
    fine = 't,y\n"a path C:\\dir\\",1\nfive \\"inch,2\n"json ""x\\""y""",3\n'
    assert Csv(written(tmp_path, fine)).read().frame["t"].tolist() == [
        "a path C:\\dir\\",
        'five \\"inch',
        'json "x\\"y"',
    ]


def test_a_wrong_encoding_names_key_and_byte(tmp_path: Path) -> None:
    path = written(tmp_path, "text,label\ncafé,a\n".encode("latin-1"))
    assert said(Csv(path, encoding="utf-8")) == (
        "data.path: my.csv is not utf-8: byte 14 is 0xe9. Set data.encoding, e.g. data.encoding=latin-1."
    )
    rows = Csv(path).read()
    assert rows.frame["text"][0] == "café"
    assert [str(note) for note in rows.notes] == [
        'my.csv is not UTF-8, and is read as cp1252, such as "café". (data.encoding)'
    ]
    assert "byte 14 is 0x81" in said(Csv(written(tmp_path, b"text,label\ncaf\x81,a\n", "c.csv"))), (
        "neither UTF-8 nor cp1252"
    )
    assert Csv(path, encoding="latin-1").read().frame["text"][0] == "café"
    assert said(Csv(path, encoding="latin-one"), ConfigError).startswith('data.encoding: "latin-one" is unknown')
    assert "byte 13" in said(JsonLines(written(tmp_path, '{"text": "café"}'.encode("latin-1"), "b.jsonl")))


def test_a_file_of_two_encodings_is_refused_unless_one_is_declared(tmp_path: Path) -> None:
    lines = [f"café {i},1\n".encode("utf-8" if i < 20 else "cp1252") for i in range(40)]
    path = written(tmp_path, b"t,y\n" + b"".join(lines))
    assert "mixes encodings: 20 of its letters are UTF-8, and 20 bytes are not, first in line 22" in said(Csv(path))
    assert Csv(path, encoding="cp1252").read().frame["t"].tolist()[::39] == ["cafÃ© 0", "café 39"]
    french = "t,y\n" + "«CAFÉ» où l'été,1\n" + "à l'opéra déjà été,2\n" * 10
    assert "CAFÉ" in Csv(written(tmp_path, french.encode("cp1252"))).read().frame["t"][0]


@pytest.mark.parametrize("text", ["« QUALITÉ »".replace(" ", "\u00a0"), "“CAFÉ”", "“CAFÉ” “QUALITÉ”… « ÉTÉ »"])
def test_capital_letters_before_marks_are_no_letters_of_utf8(tmp_path: Path, text: str) -> None:
    assert Csv(written(tmp_path, f"t,y\n{text},1\nabc,2\n".encode("cp1252"))).read().frame["t"][0] == text


@pytest.mark.parametrize("form", ["parquet", "feather"])
def test_numbers_stay_beside_a_named_index_and_floats_stay_floats(tmp_path: Path, form: str) -> None:
    n = 30
    long = [2**60 + i if i % 3 else None for i in range(n)]
    frame = pd.DataFrame(
        {"wide": [3e16, *map(float, range(n - 1))], "inf": [float("inf"), *map(float, range(n - 1))]},
        index=pd.Index([f"k{i}" for i in range(n)], name="key"),
    ).assign(long=pd.array(long, dtype="Int64"))
    table = pa.table(frame.reset_index()).replace_schema_metadata(
        pa.Table.from_pandas(frame.drop(columns="long")).schema.metadata
    )
    file = tmp_path / f"a.{form}"
    if form == "parquet":
        pq.write_table(table, file)
        read = Parquet(str(file)).read().frame
    else:
        feather.write_feather(table, str(file))
        read = Feather(str(file)).read().frame
    assert read["key"].tolist() == frame.index.tolist()
    assert read["wide"].tolist() == frame["wide"].tolist() and read["wide"].dtype == read["inf"].dtype == "float64"
    assert [None if pd.isna(value) else value for value in read["long"]] == long


def test_real_numbers_of_a_database_stay_floats(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.execute("create table t (x numeric)")
        database.executemany("insert into t values (?)", [(0.5,), (3e16,), (None,)])
        database.commit()
    assert Sql(f"sqlite:///{tmp_path / 'a.db'}", "select x from t").read().frame["x"].dtype == "float64"


def test_a_binary_file_is_no_csv(tmp_path: Path) -> None:
    pd.DataFrame({"x": range(100)}).to_parquet(tmp_path / "a.parquet")
    assert said(Csv(str(tmp_path / "a.parquet"))).startswith("data.path: a.parquet is a Parquet file")


def test_fields_longer_than_the_csv_module_allows_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "text,label\n" + "long " * 50_000 + ",\nshort,a\n")
    assert Csv(path).read().frame["label"].isna().tolist() == [True, False]


def test_a_separator_is_one_character(tmp_path: Path) -> None:
    path = written(tmp_path, "a\tb\n1\t2\n")
    assert list(Csv(path, separator="\\t").read().frame) == ["a", "b"]
    assert said(Csv(path, separator=""), ConfigError).startswith("data.separator: ")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_separator_is_found_and_said(tmp_path: Path, separator: str) -> None:
    lines = [["text, short; long", "amount", "label"], ["a; b, c", "1,5", "x"], ["d | e", "2,25", "y"]]
    text = "\n".join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    rows = Csv(written(tmp_path, text)).read()
    assert rows.frame.to_numpy().tolist() == lines[1:]
    assert [note.key for note in rows.notes] == ([] if separator == "," else ["data.separator"])


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_first_line_that_names_the_separator_is_no_header(tmp_path: Path, separator: str) -> None:
    rows = "\r\n".join(f"{i}{separator}a,b" if separator != "," else f"{i},a" for i in range(3))
    (tmp_path / "a.csv").write_text(f"sep={separator}\r\nx{separator}y\r\n{rows}\r\n", encoding="utf-8-sig")
    frame = Csv(str(tmp_path / "a.csv")).read().frame
    assert list(frame.columns) == ["x", "y"] and list(frame["x"]) == ["0", "1", "2"]
    (tmp_path / "a.csv").write_text(f'sep={separator}\nx{separator}y\n1{separator}"\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 3"):
        Csv(str(tmp_path / "a.csv")).read()


def test_commas_in_a_text_beside_semicolons_are_no_separators(tmp_path: Path) -> None:
    rows = Csv(written(tmp_path, "text;label\nhi, you, there;a\nno commas;b\none, more;a\n")).read()
    assert rows.frame["text"].tolist() == ["hi, you, there", "no commas", "one, more"]


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "my.csv.gz": gzip.compress,
    "my.csv.bz2": bz2.compress,
    "my.csv.xz": lzma.compress,
    "my.csv.zst": lambda content: pa.Codec("zstd").compress(content, asbytes=True),
    "my.csv.zip": lambda content: zipped({"inside.csv": content}),
}


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("name", PACKED)
def test_a_compressed_file_with_an_empty_last_cell_is_read(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, PACKED[name]("a,y\n1,\n2,é\n".encode()), name)
    assert Csv(path).read().frame.fillna("missing").to_numpy().tolist() == [["1", "missing"], ["2", "é"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_an_encoding_with_a_mark_is_found(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, '"score, raw",y\n1.5,käse\n'.encode(encoding))
    frame = Csv(path).read().frame
    assert list(frame) == ["score, raw", "y"]
    assert frame.to_numpy().tolist() == [["1.5", "käse"]]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (zipped({"a.csv": b"a\n1\n", "b.csv": b"a\n1\n"}), "holds 2 files"),
        (zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "is an Excel workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "is an old Excel workbook (.xls)"),
        (b"%PDF-1.7 ...", "is a PDF"),
        (b"SQLite format 3\x00...", "is a SQLite database"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 1000, mtime=0)[:-20], "is damaged"),
        (b"a,y,y\n1,2,3\n", 'has two columns "y"'),
        (b"a,y\n", "holds no rows"),
    ],
)
def test_what_is_no_table_of_text_is_named(tmp_path: Path, content: bytes, part: str) -> None:
    message = said(Csv(written(tmp_path, content)))
    assert message.startswith("data.path: my.csv ") and part in message


def test_every_cell_is_the_text_that_stands_there(tmp_path: Path) -> None:
    cells = [["0004", "1e5", "True", "NA", " x ", "1,000"], ["5", "nan", "TRUE", "null", "a\nb", "2"]]
    text = "a,b,c,d,e,f\n" + "\n".join(",".join(f'"{cell}"' for cell in row) for row in cells)
    rows = Csv(written(tmp_path, text)).read()
    assert rows.is_text and rows.frame.to_numpy().tolist() == cells


def test_a_feather_file_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": ["a", None]})
    frame.to_feather(tmp_path / "a.feather")
    assert Feather(str(tmp_path / "a.feather")).read().frame.equals(frame)
    assert "cannot be read as Feather" in said(Feather(written(tmp_path, "no", "b.feather")))


def test_an_excel_sheet_is_read(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame({"n": [1, 2], "zip": ["0042", "7"], "day": pd.to_datetime(["2024-01-01", "2024-02-03"])})
    with pd.ExcelWriter(tmp_path / "book.xlsx") as book:
        frame.to_excel(book, sheet_name="one", index=False)
        frame.assign(n=[3, 4]).to_excel(book, sheet_name="two", index=False)
    path = str(tmp_path / "book.xlsx")
    assert "has 2 sheets: one, two. Name one." in said(Excel(path), ConfigError)
    assert 'Did you mean "two"?' in said(Excel(path, sheet="tow"), ConfigError)
    read = Excel(path, sheet="two").read().frame
    assert read["n"].tolist() == [3, 4] and read["zip"].tolist() == ["0042", "7"]
    assert "cannot be read as an Excel workbook" in said(Excel(written(tmp_path, "no", "b.xlsx")))


def test_excel_cells_that_are_empty_for_a_reason_are_refused(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    for name, change, part in (
        ("formula", lambda sheet: sheet.__setitem__("B3", "=A2*2"), "cell B3 of formula.xlsx holds the formula =A2*2"),
        ("merged", lambda sheet: sheet.merge_cells("B2:B3"), "the cells B2:B3 of merged.xlsx are merged"),
        ("title", lambda sheet: sheet.merge_cells("A1:B1"), None),
        ("empty", lambda sheet: sheet.__setitem__("B3", None), None),
    ):
        book = openpyxl.Workbook()
        for row in (["x", "y"], [1, "a"], [2, "b"]):
            book.active.append(row)
        change(book.active)
        book.save(tmp_path / f"{name}.xlsx")
        source = Excel(str(tmp_path / f"{name}.xlsx"))
        if part is None:
            assert len(source.read().frame) == 2
        else:
            assert part in said(source)


def test_rows_and_columns_that_excel_hides_are_read_and_said(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["x", "z", "y"], [1, 5, "a"], [2, 5, "b"], [3, 5, "a"]):
        book.active.append(row)
    book.save(tmp_path / "shown.xlsx")
    assert not Excel(str(tmp_path / "shown.xlsx")).read().notes
    for number in (3, 4, 9):
        book.active.row_dimensions[number].hidden = True
    book.active.column_dimensions["B"].hidden = True
    book.create_sheet("other")
    book.active.sheet_state = "hidden"
    book.save(tmp_path / "hidden.xlsx")
    read = Excel(str(tmp_path / "hidden.xlsx"), sheet="Sheet").read()
    assert [note.text for note in read.notes] == [
        "The sheet Sheet of hidden.xlsx is hidden, and is read.",
        "hidden.xlsx hides 2 rows, row 3 first, by a filter or by hand: they are read like the others.",
        "hidden.xlsx hides z: read like the other columns.",
    ]
    assert read.frame["x"].tolist() == [1, 2, 3]


def test_parquet_with_names_of_two_levels_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    frame.to_parquet(tmp_path / "levels.parquet")
    assert "have names of 2 levels, such as ('a', 'b')" in said(Parquet(str(tmp_path / "levels.parquet")))


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


def test_an_index_that_is_a_column_too_stays_that_column(tmp_path: Path) -> None:
    pd.DataFrame({"id": [7, 8]}).set_index("id", drop=False).to_parquet(tmp_path / "a.parquet")
    assert Parquet(str(tmp_path / "a.parquet")).read().frame["id"].tolist() == [7, 8]


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
    assert said(Sql("sqlite://", "select 1 as a", "selct"), ConfigError).startswith("data.test_query: ")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "a shop?.db")) as database:
        database.execute("create table t (a integer, b text)")
        database.execute("insert into t values (1, 'x;y')")
        database.commit()
    return tmp_path / "a shop?.db"


@pytest.mark.parametrize(
    "query",
    [
        "select * from t where b = 'x;y';",
        "-- all; rows\nselect * from t",
        "with u as (select a, lower(b) as b from t) select * from u",
        "with recursive u(a) as (select 1 union all select a + 1 from u where a < 1) select a, 'x;y' as b from u",
    ],
)
def test_sql_source_reads_one_select(shop: Path, query: str) -> None:
    assert Sql(sqlite_url(shop), query).read().frame["b"].tolist() == ["x;y"]


@pytest.mark.parametrize(
    "query",
    [
        "vacuum into '{other}'",
        "attach '{other}' as o",
        "select 1; attach '{other}' as o",
        "/* select */ delete from t",
        "pragma user_version = 3",
    ],
)
def test_sql_source_refuses_what_is_not_one_select(shop: Path, tmp_path: Path, query: str) -> None:
    content, other = shop.read_bytes(), tmp_path / "other.db"
    message = said(Sql(sqlite_url(shop), query.format(other=other)), ConfigError)
    assert message.startswith("data.query: it must be one SELECT")
    assert shop.read_bytes() == content and not other.exists()


@pytest.mark.parametrize(
    "query",
    [
        "with u as (select 1) delete from t returning a",
        "select load_extension('evil')",
        "select * from pragma_journal_mode('wal')",
    ],
)
def test_sql_source_of_sqlite_lets_no_statement_write(shop: Path, query: str) -> None:
    content = shop.read_bytes()
    assert said(Sql(sqlite_url(shop), query)).startswith("data.query: the database refuses it")
    assert shop.read_bytes() == content


def test_sql_source_refuses_a_file_uri(shop: Path) -> None:
    assert "file: URI" in said(Sql(f"sqlite:///file:{shop}?mode=rwc&uri=true", "select 1"), ConfigError)


def sqlite_url(file: Path) -> str:
    return f"sqlite:///{quote(str(file))}"


@pytest.mark.parametrize("ending", ["csv.gz", "csv.xz", "csv.bz2", "csv.zip"])
def test_a_file_that_unpacks_to_an_absurd_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(files, "MOST_UNPACKED_BYTES", 2_000_000)
    path = tmp_path / f"bomb.{ending}"
    content = b"a,b,y\n" + b"1,2,0\n" * 500_000
    if ending == "csv.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bomb.csv", content)
    else:
        path.write_bytes({"csv.gz": gzip, "csv.xz": lzma, "csv.bz2": bz2}[ending].compress(content))
    with pytest.raises(DataError, match=r"bomb\.csv\.\w+ unpacks to more than 0\.0 GB, over 100 times its size"):
        Csv(str(path)).read()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
@pytest.mark.parametrize("source", [Csv, JsonLines, Parquet])
def test_a_pipe_or_a_device_is_refused_unread(tmp_path: Path, make: Any, source: Any) -> None:
    make(tmp_path / "rows.csv")
    assert "is a pipe or a device" in said(source(str(tmp_path / "rows.csv")))


def test_a_link_to_itself_is_said(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").symlink_to(tmp_path / "rows.csv")
    assert "is a link" in said(Csv(str(tmp_path / "rows.csv")))


def edited_workbook(path: Path, edit: Callable[[bytes], bytes]) -> Path:
    """A workbook whose sheet is edited as XML."""
    pd.DataFrame({"a": [1, 2], "y": ["a", "b"]}).to_excel(path.with_name("sound.xlsx"), index=False)
    with (
        zipfile.ZipFile(path.with_name("sound.xlsx")) as sound,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for name in sound.namelist():
            content = sound.read(name)
            out.writestr(name, edit(content) if name.endswith("sheet1.xml") else content)
    return path


def test_entities_of_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    def edit(content: bytes) -> bytes:
        nested = b"".join(b'<!ENTITY e%d "%s">' % (i, b"&e%d;" % (i - 1) * 10) for i in range(1, 9))
        head = b'<!DOCTYPE r [<!ENTITY e0 "AAAAAAAAAA">' + nested + b'<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        return head + content.replace(b"<v>1</v>", b"<v>&e8;&x;</v>")

    assert "cannot be read as an Excel workbook" in said(Excel(str(edited_workbook(tmp_path / "w.xlsx", edit))))


def test_a_workbook_that_unpacks_to_an_absurd_size_is_refused(tmp_path: Path) -> None:
    row = b'<row r="3"><c r="A3"><v>1</v></c></row>' * 3_000_000
    path = edited_workbook(tmp_path / "w.xlsx", lambda content: content.replace(b"</sheetData>", row + b"</sheetData>"))
    assert "unpacks to 0.1 GB, over 100 times its size" in said(Excel(str(path)))
