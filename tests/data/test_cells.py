"""What becomes of the cells of a table: values stay what they are, or a note says what was made of them."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv, feather

from bakeoff import data
from bakeoff.data import numerals
from bakeoff.data.settings import DataSettings, SplitSettings
from bakeoff.data.sources import Csv, Feather, JsonLines, Parquet, Source, Sql
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import NoteRank, Task

N = 60
LABELS = ["yes" if i % 3 else "no" for i in range(N)]


def load(source: Source, target: str = "y", **settings: Any) -> Task:
    return data.load(source, DataSettings(name="mine", target=target, **settings))


def load_csv(tmp_path: Path, content: dict[str, Any], separator: str = ",", **settings: Any) -> Task:
    """The task of a CSV file; where no column differs in every row, one is added, so that rows are not equal."""
    frame = pd.DataFrame(content)
    if frame.nunique().max() < N:
        frame["u"] = np.arange(N) * 0.5
    file = tmp_path / "my.csv"
    frame.assign(y=LABELS).to_csv(file, index=False, sep=separator)
    return load(Csv(str(file)), **settings)


def column(task: Task, name: str) -> list[Any]:
    """All values of a feature in file order; positions are the ids of rows."""
    examples = task.development.examples
    values = pd.concat([examples.X[name], task.test.X[name]], ignore_index=True)
    order = np.argsort(np.concatenate([examples.ids, task.test.ids]))
    return list(values.iloc[order])


def notes(task: Task) -> str:
    return "\n".join(map(str, task.notes))


@pytest.mark.parametrize(
    ("cells", "values", "words"),
    [
        (["742,018", "1,234", "7"], [742018, 1234, 7], '"," between thousands'),
        (["0,53", "-1,2882", "3"], [0.53, -1.2882, 3], '"," before decimals'),
        (["12.5%", "7%", "0 %"], [12.5, 7, 0], '"%" at each'),
        (["$1,200.50", "-$3.00", "($4.50)"], [1200.5, -3, -4.5], '"$" at each'),
        (["1,200.50", "7", "(4.50)"], [1200.5, 7, -4.5], "20 rows in parentheses read as negative numbers"),
        (["12.5 %", "3%", "(4 %)"], [12.5, 3, -4], '"%" at each'),
        (["1.234,50 €", "2,00 €", "3 €"], [1234.5, 2, 3], '"€" at each'),
        (["1\u202f234,5", "2", "3"], [1234.5, 2, 3], '" " between thousands'),
        (["1'234", "2'345'678", "3"], [1234, 2345678, 3], '"\'" between thousands'),
        (["-", "0.5%", "2%"], [np.nan, 0.5, 2], '"%" at each ("0.5%")'),
        (["-", "0.5", "2"], [np.nan, 0.5, 2], '"-" (20 rows) read as missing'),
        (["NA", "0.5", "2"], [np.nan, 0.5, 2], '"NA" (20 rows) read as missing'),
        (["1e-5", "2.5", "-.5"], [1e-5, 2.5, -0.5], ""),
        (["1,5E+03", "2,25", "3"], [1500, 2.25, 3], '"," before decimals'),
        (["69.5 kg", "70 kg", "-1 kg"], [69.5, 70, -1], '"kg" at each'),
        (["80k", "1,100k", "7k"], [80, 1100, 7], '"k" at each'),
        (["17.9°C", "-2°C", "0°C"], [17.9, -2, 0], '"°C" at each'),
        (["R$ 1.234,50", "R$ 2,00", "-R$ 3"], [1234.5, 2, -3], '"R$" at each'),
        (["A$1,200", "A$3", "A$4.50"], [1200, 3, 4.5], '"A$" at each'),
        (["#REF!", "0.5", "2"], [np.nan, 0.5, 2], '"#REF!" (20 rows) read as missing'),
        (["\\N", "0.5", "2"], [np.nan, 0.5, 2], '"\\N" (20 rows) read as missing'),
    ],
)
def test_numbers_as_people_write_them_are_numbers_and_said(
    tmp_path: Path, cells: list[str], values: list[float], words: str
) -> None:
    task = load_csv(tmp_path, {"amount": cells * 20}, ";")
    assert task.schema.columns["amount"] == "numeric"
    np.testing.assert_array_equal(column(task, "amount"), values * 20)
    assert f"amount: {'read as numbers, ' if 'row' not in words and words else ''}{words}" in notes(task) or not words


@pytest.mark.parametrize(
    "cells",
    [
        ["0042", "7", "12"],  # leading zeros
        ["9E3", "10001", "10002"],  # article numbers
        ["12%", "0.5", "$3"],  # no common mark
        ["1,23,456", "7", "8"],
        ["80k", "2M", "7k"],  # several units
        ["80 kg", "7", "9 kg"],  # no unit at one of them
        ["5 a 3", "5 a 4", "6 a 3"],
        ["A1", "A2", "B1"],
        ["NA", "None", "null"],
        ["True", "FALSE", "true"],
        ["(1)", "(2)", "(3)"],  # footnotes
        [" a", "a ", "A"],
        ["99999999999999999999", "99999999999999999998", "1"],  # more digits than a number holds
    ],
)
def test_what_is_no_number_stays_as_it_was_written(tmp_path: Path, cells: list[str]) -> None:
    task = load_csv(tmp_path, {"code": cells * 20})
    assert task.schema.columns["code"] == "categorical"
    assert column(task, "code") == cells * 20


def test_points_before_three_digits_are_separators_where_small_whole_numbers_have_none(tmp_path: Path) -> None:
    grouped = ["742", "1.234", "18.200", "95", "1.005.000", *(f"2.{100 + i}" for i in range(N - 5))]
    task = load_csv(tmp_path, {"revenue": grouped})
    assert column(task, "revenue")[:5] == [742, 1234, 18200, 95, 1005000]
    assert 'revenue: read as numbers, "." between thousands' in notes(task)
    decimals = [f"{1 + i / 8:.3f}" for i in range(N)]
    assert column(load_csv(tmp_path, {"x": decimals}), "x")[:2] == [1.0, 1.125]
    assert column(load_csv(tmp_path, {"x": ["0", *decimals[1:]]}), "x")[1] == 1.125
    assert column(load_csv(tmp_path, {"x": ["1200", *decimals[1:]]}), "x")[1] == 1.125


@pytest.mark.parametrize("form", ["{}", "{} kg"])
def test_a_missing_mark_or_a_unit_does_not_turn_separators_into_decimal_points(tmp_path: Path, form: str) -> None:
    cells = ["950", "1.250", "2.300", "3.400", "1.100", "9.900", "700", "800"] * N
    weights = [form.format(cell) for cell in cells[:N]]
    weights[-1] = "-"
    task = load_csv(tmp_path, {"weight": weights})
    assert {950.0, 1250.0, 2300.0, 9900.0} <= set(column(task, "weight"))
    assert 1.25 not in column(task, "weight")


def test_test_rows_in_another_unit_are_not_merged_with_those_of_training(tmp_path: Path) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    pd.DataFrame({"height": [f"{150 + i} cm" for i in range(40)], "y": ["a", "b"] * 20}).to_csv(train, index=False)
    pd.DataFrame({"height": [f"1.{50 + i} m" for i in range(20)], "y": ["a", "b"] * 10}).to_csv(test, index=False)
    task = load(Csv(str(train), test_path=str(test)))
    assert task.schema.columns["height"] != "numeric"


def test_long_whole_numbers_beside_a_mark_keep_their_digits(tmp_path: Path) -> None:
    numbers: list[Any] = [12345678901234567 + 2 * i for i in range(40)]
    numbers[5] = "-"
    (tmp_path / "a.jsonl").write_text(
        "\n".join(json.dumps({"account": number, "y": "ab"[i % 2]}) for i, number in enumerate(numbers)), "utf-8"
    )
    task = load(JsonLines(str(tmp_path / "a.jsonl")))
    assert len(set(map(str, column(task, "account")))) >= 39


def test_targets_with_a_unit_are_labels_where_they_are_few(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(N) * 0.5, "y": ["1 star", "5 star", "3 star"] * 20})
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert load(Csv(str(tmp_path / "a.csv"))).schema.classes == ("1 star", "3 star", "5 star")
    frame.assign(y=[f"{i} kg" for i in range(N)]).to_csv(tmp_path / "b.csv", index=False)
    assert load(Csv(str(tmp_path / "b.csv"))).schema.kind == "regression"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["2024-02-30", *["2024-01-02"] * 19], 'dates but for 3 rows ("2024-02-30")'),
        (["2024-01-02", "31.01.2024"], 'dates in several formats ("2024-01-02", "31.01.2024")'),
        (["6/17/2024 4:05 PM", "6/18/2024 11:00 AM"], 'dates such as "6/17/2024 4:05 PM"'),
        (["18 March 2024", "2 May 2023"], 'dates such as "18 March 2024"'),
        (["05-JAN-24", "17-MAR-23"], 'dates such as "05-JAN-24"'),
    ],
)
def test_dates_that_are_not_read_as_dates_are_named(tmp_path: Path, cells: list[str], said: str) -> None:
    task = load_csv(tmp_path, {"day": (cells * N)[:N]})
    assert task.schema.columns["day"] == "categorical"
    assert f"day: {said}" in notes(task)


def test_times_with_and_without_offset_are_refused_as_time_and_said_of_features(tmp_path: Path) -> None:
    moments = [f"2024-01-{1 + i // 24:02d}T{i % 24:02d}:00{'+02:00' * (i % 2)}" for i in range(N)]
    with pytest.raises(DataError, match=r'with an offset from UTC \("2024-01-01T01:00\+02:00"\) and without'):
        load_csv(tmp_path, {"d": moments, "u": np.arange(N) * 0.5}, time="d")
    assert "all read as UTC" in notes(load_csv(tmp_path, {"d": moments}))
    assert "read as UTC" not in notes(load_csv(tmp_path, {"d": [f"{moment[:16]}Z" for moment in moments]}))


def test_the_zero_date_of_a_database_is_missing_and_said(tmp_path: Path) -> None:
    task = load_csv(tmp_path, {"day": ["0000-00-00", "2024-01-02"] * 30})
    assert task.schema.columns["day"] == "date"
    assert 'day: "0000-00-00" (30 rows) read as missing' in notes(task)


def test_a_time_in_another_format_is_refused_with_the_declaration_that_reads_it(tmp_path: Path) -> None:
    days = {"day": [f"{1 + i % 28:02d}.{1 + i // 28:02d}.2024" for i in range(N)], "x": np.arange(N)}
    with pytest.raises(DataError, match=re.escape("""'data.columns={day: "date:%d.%m.%Y"}'""")):
        load_csv(tmp_path, days, time="day")
    assert load_csv(tmp_path, days, time="day", columns={"day": "date:%d.%m.%Y"}).split["kind"] == "time"


def test_numbers_of_test_rows_in_another_format_are_read_in_their_own(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(N) * 0.25, "y": LABELS})
    frame.to_csv(tmp_path / "train.csv", index=False)
    theirs = frame.assign(x=(frame["x"] + 100).map(lambda x: f"{x:.2f}".replace(".", ",")))
    theirs.to_csv(tmp_path / "test.csv", index=False, sep=";")
    task = load(Csv(str(tmp_path / "train.csv"), str(tmp_path / "test.csv")))
    assert task.schema.columns["x"] == "numeric"
    assert task.test.X["x"].tolist() == (frame["x"] + 100).tolist()
    assert 'x: numbers, written otherwise in the test rows ("100,00") than in the others ("0.0")' in notes(task)


@pytest.mark.parametrize("name", ["y.1", "y ", "Y", "y_2"])
def test_the_target_once_more_under_another_name_is_refused(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"x": np.arange(N) * 0.5, name: LABELS, "y": LABELS})
    frame.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataError, match=r"once more, equal in every row|but for white space"):
        load(Csv(str(tmp_path / "a.csv")))
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="once more, equal in every row"):
        load(Parquet(str(tmp_path / "a.parquet")))
    frame.assign(**{name: LABELS[::-1]}).to_parquet(tmp_path / "a.parquet")
    assert name in load(Parquet(str(tmp_path / "a.parquet"))).schema.columns


def test_a_number_that_is_written_otherwise_is_not_proposed_as_a_missing_value(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'holds "51.3%".*Write all numbers of the column alike'):
        load_csv(tmp_path, {"share": ["51.3%", "20", "0.5"] * 20}, columns={"share": "number"})


def test_classes_that_differ_only_in_case_or_white_space_are_said(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(N) * 0.5, "y": ["yes", "Yes ", "no"] * 20})
    frame.to_csv(tmp_path / "a.csv", index=False)
    task = load(Csv(str(tmp_path / "a.csv")))
    assert task.schema.classes == ("Yes ", "no", "yes")
    assert 'differ only in case or white space are kept apart: "Yes " (20 rows), "yes" (20 rows).' in notes(task)
    frame.assign(y=["caf\u00e9", "cafe\u0301", "no"] * 20).to_csv(tmp_path / "b.csv", index=False)
    assert "are kept apart" in notes(load(Csv(str(tmp_path / "b.csv"))))
    frame.assign(y=["yes ", "no", "no"] * 20).to_csv(tmp_path / "c.csv", index=False)
    said = notes(load(Csv(str(tmp_path / "c.csv"))))
    assert 'White space around classes is part of their names: "yes " (20 rows).' in said


def test_groups_and_slices_that_differ_only_in_case_or_white_space_are_said(tmp_path: Path) -> None:
    groups = [f"g{i % 20}{' ' * (i % 40 > 20)}" for i in range(N)]
    task = load_csv(tmp_path, {"g": groups, "s": ["EU", "eu", "US"] * 20}, group="g", slices=("s",))
    assert '"g": values that differ only in case or white space are kept apart: "g1", "g1 ", and 18 more' in notes(task)
    assert '"s": values that differ only in case or white space are kept apart: "EU", "eu".' in notes(task)
    assert "white space" not in notes(load_csv(tmp_path, {"x": np.arange(N)}))


def test_only_an_empty_cell_is_missing_in_labels_groups_slices_and_categories(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "x": np.arange(N) * 0.5,
            "region": ["NA", "EU", None] * 20,
            "severity": ["1", "2", "NA"] * 20,
            "team": [f"{'NA' if i < 6 else i // 6}" for i in range(N)],
            "y": ["None", "Minor", "null"] * 20,
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    task = load(Csv(str(tmp_path / "a.csv")), slices=["region", "severity"], group="team")
    assert task.schema.classes == ("Minor", "None", "null")
    assert set(task.development.examples.slices["region"].dropna()) == {"NA", "EU"}
    assert set(task.development.examples.slices["severity"]) == {"1", "2", "NA"}
    assert task.development.examples.X["region"].isna().any()


def test_a_label_among_numbers_is_a_label_and_a_mark_among_values_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(N) * 0.5, "y": ["1", "2", "NA"] * 20})
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert load(Csv(str(tmp_path / "a.csv"))).schema.classes == ("1", "2", "NA")
    frame.assign(y=["NA", *(str(i * 1.5) for i in range(N - 1))]).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(DataError, match=r'data.target: "y" holds numbers, and "NA" in 1 rows of b.csv'):
        load(Csv(str(tmp_path / "b.csv")))


def test_a_target_with_thousands_separators_is_a_number(tmp_path: Path) -> None:
    prices = [f"{100_000 + 1_000 * i:,}" for i in range(N)]
    pd.DataFrame({"x": np.arange(N) * 0.5, "y": prices}).to_csv(tmp_path / "a.csv", index=False)
    task = load(Csv(str(tmp_path / "a.csv")))
    assert task.schema.kind == "regression"
    assert task.development.examples.y.min() >= 100_000
    assert 'y: read as numbers, "," between thousands' in notes(task)


@pytest.mark.parametrize("name", ["zeros", "sku", "mixed"])
def test_an_id_is_the_text_in_the_file(tmp_path: Path, name: str) -> None:
    ids = {
        "zeros": [f"{i:04d}" for i in range(N)],
        "sku": [f"{i}E2" if i % 2 else str(10_000 + i) for i in range(N)],
        "mixed": ["-1", "0001", "1", *(str(i) for i in range(3, N))],
    }[name]
    task = load_csv(tmp_path, {"id": ids, "x": np.arange(N) * 0.5}, id="id")
    assert sorted([*task.development.examples.ids, *task.test.ids]) == sorted(ids)


def test_ids_of_two_types_are_texts(tmp_path: Path) -> None:
    ids = [i if i % 2 else f"A{i}" for i in range(N)]
    frame = pd.DataFrame({"id": ids, "x": np.arange(N) * 0.5, "y": LABELS})
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    task = load(JsonLines(str(tmp_path / "a.jsonl")), id="id")
    assert set(task.development.examples.ids) | set(task.test.ids) == set(map(str, ids))


def test_integers_beyond_64_bits_are_texts_and_said(tmp_path: Path) -> None:
    big = [10**20 + i for i in range(N)]
    lines = "\n".join(f'{{"account": {n}, "x": {i / 2}, "y": "{LABELS[i]}"}}' for i, n in enumerate(big))
    (tmp_path / "a.jsonl").write_text(lines)
    task = load(JsonLines(str(tmp_path / "a.jsonl")))
    assert column(task, "account") == list(map(str, big))
    assert "account: whole numbers of more digits than a number holds" in notes(task)


@pytest.mark.parametrize("first", [0, 1])
def test_a_column_without_a_name_that_counts_the_rows_is_left_out_and_named(tmp_path: Path, first: int) -> None:
    frame = pd.DataFrame({"x": np.arange(N) * 0.5, "y": LABELS}, index=np.arange(N) + first)
    frame.to_csv(tmp_path / "a.csv")
    task = load(Csv(str(tmp_path / "a.csv")))
    assert list(task.schema.columns) == ["x"]
    assert r"Unnamed: 0: counts the rows, left out. ('data.columns={Unnamed\: 0: number}')" in notes(task)
    kept = load(Csv(str(tmp_path / "a.csv")), columns={"Unnamed: 0": "number"})
    assert list(kept.schema.columns) == ["Unnamed: 0", "x"]


def test_a_counter_with_a_telling_name_is_left_out_and_another_is_named(tmp_path: Path) -> None:
    task = load_csv(tmp_path, {"row_id": range(N), "week": range(N), "x": np.arange(N) * 0.5})
    assert list(task.schema.columns) == ["week", "x"]
    assert "week: counts the rows of the file, and is a feature. ('data.ignore=[week]')" in notes(task)
    assert next(note for note in task.notes if note.text.startswith("week:")).rank == NoteRank.VALUES


@pytest.mark.parametrize("late", ["text", "number"])
def test_a_column_that_is_empty_in_training_is_left_out_and_named(tmp_path: Path, late: str) -> None:
    days = [f"2024-01-{i // 2 + 1:02d}" for i in range(N)]
    filled = {"text": "some words of a comment", "number": "1.5"}[late]
    columns = {"day": days, "x": np.arange(N) * 0.5, "late": [None] * 50 + [filled] * 10}
    task = load_csv(tmp_path, columns, time="day")
    assert list(task.schema.columns) == ["x"]
    assert "late: empty in the training rows, left out." in notes(task)


def test_short_unique_strings_are_text(tmp_path: Path) -> None:
    n = 120
    frame = pd.DataFrame(
        {"title": [f"product {i}" for i in range(n)], "city": ["Oslo", "Rome"] * 60, "y": ["a", "b", "a"] * 40}
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    task = load(Csv(str(tmp_path / "a.csv")))
    assert dict(task.schema.columns) == {"title": "text", "city": "categorical"}
    assert "title: read as free text. ('data.columns={title: category}')" in notes(task)


def test_a_declared_type_goes_before_what_a_column_looks_like(tmp_path: Path) -> None:
    columns = {
        "zip": [f"{i % 7:05d}" for i in range(N)],
        "plan": [i % 3 for i in range(N)],
        "amount": [f"{i:03d}" for i in range(N)],
        "note": [["ok", "call back"][i % 2] for i in range(N)],
        "when": [f"{i % 28 + 1:02d}.03.2024" for i in range(N)],
    }
    declared = {"zip": "id", "plan": "category", "amount": "number", "note": "text", "when": "date"}
    task = load_csv(tmp_path, columns, columns=declared)
    assert {name: kind for name, kind in task.schema.columns.items() if name != "u"} == {
        "zip": "categorical",
        "plan": "categorical",
        "amount": "numeric",
        "note": "text",
        "when": "date",
    }
    assert column(task, "zip") == columns["zip"]
    assert column(task, "amount") == list(range(N))
    assert column(task, "when")[:2] == [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-03-02")]
    assert task.schema.readings["when"].date_format == "%d.%m.%Y"
    undeclared = load_csv(tmp_path, columns)
    assert 'when: dates such as "01.03.2024"' in notes(undeclared)


def test_a_declared_number_that_is_none_is_refused_with_the_rows(tmp_path: Path) -> None:
    columns = {"amount": ["12", "abc", "3"] * 20}
    with pytest.raises(
        DataError, match=r'"amount" is declared as number, and holds "abc" .* \(20 such rows: rows 1, 4'
    ):
        load_csv(tmp_path, columns, columns={"amount": "number"})
    task = load_csv(tmp_path, columns, columns={"amount": "number"}, missing=["abc"])
    assert column(task, "amount")[0] == 12 and np.isnan(column(task, "amount")[1])


def test_declared_number_with_decimal_commas_error_names_the_odd_text(tmp_path: Path) -> None:
    columns = {"amount": [f"{i}.500,25" for i in range(1, N)] + ["k.A."]}
    with pytest.raises(DataError, match=r'holds "k\.A\." .*\(1 such row.*data\.missing='):
        load_csv(tmp_path, columns, columns={"amount": "number"})
    task = load_csv(tmp_path, columns, columns={"amount": "number"}, missing=["k.A."])
    assert column(task, "amount")[0] == 1500.25 and np.isnan(column(task, "amount")[-1])


def test_ambiguous_dates_are_asked_about(tmp_path: Path) -> None:
    columns = {"when": [f"{i % 12 + 1:02d}/{i % 11 + 1:02d}/2024" for i in range(N)]}
    with pytest.raises(ConfigError, match=r'may be %d/%m/%Y or %m/%d/%Y\. Say which: "date:%d/%m/%Y"'):
        load_csv(tmp_path, columns, columns={"when": "date"})
    task = load_csv(tmp_path, columns, columns={"when": "date:%m/%d/%Y"})
    assert column(task, "when")[1] == pd.Timestamp("2024-02-02")


def test_declared_marks_are_missing_everywhere(tmp_path: Path) -> None:
    columns = {"x": [-999, 1, 2] * 20, "city": ["n.n.", "Oslo", "Rome"] * 20}
    task = load_csv(tmp_path, columns, missing=["-999", "n.n."])
    assert np.isnan(column(task, "x")[0]) and pd.isna(column(task, "city")[0])


def test_a_declared_decimal_settles_what_is_ambiguous(tmp_path: Path) -> None:
    cells = {"x": ["1,234", "2,345", "3,456"] * 20}
    assert column(load_csv(tmp_path, cells), "x")[0] == 1234
    assert column(load_csv(tmp_path, cells, decimal=","), "x")[0] == 1.234
    beside = {**cells, "z": ["0,5", "12,25", "3"] * 20}
    assert column(load_csv(tmp_path, beside), "x")[0] == 1.234, "the other column leaves no doubt"


def test_almost_numbers_are_named(tmp_path: Path) -> None:
    task = load_csv(tmp_path, {"x": ["abc", *(str(i) for i in range(N - 1))]})
    assert 'x: numbers but for 1 rows ("abc")' in notes(task)


@pytest.mark.parametrize(
    ("values", "kind"),
    [([10**20 + i for i in range(N)], "text"), ([10**20 + i % 3 for i in range(N)], "categorical")],
)
def test_numbers_of_too_many_digits_have_one_note_that_is_true(tmp_path: Path, values: list[int], kind: str) -> None:
    rows = [json.dumps({"acct": acct, "u": i * 0.5, "y": LABELS[i]}) for i, acct in enumerate(values)]
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    task = load(JsonLines(str(tmp_path / "a.jsonl")))
    assert task.schema.columns["acct"] == kind
    [note] = [note.text for note in task.notes if "acct" in note.text]
    assert note.endswith(f"read as {'free text' if kind == 'text' else 'categories'}.")


def test_labels_with_a_decimal_point_are_named_or_kept_as_declared(tmp_path: Path) -> None:
    rows = pd.DataFrame({"u": np.arange(N) * 0.5, "y": ["1.0" if i % 3 else "0.0" for i in range(N)]})
    rows.to_csv(tmp_path / "a.csv", index=False)
    task = load(Csv(str(tmp_path / "a.csv")), kind="classification")
    assert task.schema.classes == ("0", "1")
    [note] = [str(note) for note in task.notes if "labels are numbers" in note.text]
    assert note.startswith('y: labels are numbers, so 0.0 is the class "0".')
    assert "data.columns" in note
    kept = load(Csv(str(tmp_path / "a.csv")), kind="classification", columns={"y": "category"})
    assert kept.schema.classes == ("0.0", "1.0")
    assert "labels are numbers" not in notes(kept)


def test_mixed_values_have_one_note(tmp_path: Path) -> None:
    rows = [json.dumps({"code": i % 5 if i % 9 else "B", "u": i * 0.5, "y": LABELS[i]}) for i in range(N)]
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    task = load(JsonLines(str(tmp_path / "a.jsonl")))
    [note] = [note.text for note in task.notes if "code" in note.text]
    assert note == "code: numbers and texts together, read as categories."


def test_marks_among_numbers_of_a_typed_file_are_missing_and_said(tmp_path: Path) -> None:
    rows = [{"x": i / 2, "v": "#N/A" if i % 4 == 0 else i * 1.5, "y": LABELS[i]} for i in range(N)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    task = load(JsonLines(str(tmp_path / "a.jsonl")))
    assert task.schema.columns["v"] == "numeric" and column(task, "v")[1:4] == [1.5, 3, 4.5]
    assert 'v: "#N/A" (15 rows) read as missing' in notes(task)
    assert load(JsonLines(str(tmp_path / "a.jsonl")), slices=["v"]).schema.columns["v"] == "categorical"


def test_text_that_is_empty_in_training_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=N).strftime("%Y-%m-%d"),
            "comment": [f"a remark number {i} of a customer" if i >= N - 10 else "" for i in range(N)],
            "u": np.arange(N) * 0.5,
            "y": LABELS,
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    task = load(Csv(str(tmp_path / "a.csv")), time="day")
    assert [note.text for note in task.notes if "comment" in note.text] == [
        "comment: empty in the training rows, left out."
    ]


def test_strings_of_digits_in_a_typed_file_stay_and_are_named(tmp_path: Path) -> None:
    frame = pd.DataFrame({"code": ["1", "2", "3"] * 20, "share": [f"{i}%" for i in range(N)], "y": LABELS})
    frame.to_parquet(tmp_path / "a.parquet")
    task = load(Parquet(str(tmp_path / "a.parquet")))
    assert dict(task.schema.columns) == {"code": "categorical", "share": "numeric"}
    assert "code: numbers written as texts, read as categories. ('data.columns={code: number}')" in notes(task)


def test_wrong_declarations_are_refused_before_any_data() -> None:
    settings = DataSettings(name="a", target="y")
    for changes, part in (
        ({"columns": {"x": "numbr"}}, 'data.columns.x: "numbr" is unknown'),
        ({"columns": '{"a, ns=1": "numbr"}'}, 'data.columns.a, ns=1: "numbr" is unknown'),
        ({"columns": "{x"}, "neither a mapping nor JSON"),
        ({"columns": ["x"]}, "is no mapping"),
        ({"columns": {"x": "number:%d"}}, "takes no format"),
        ({"decimal": ";"}, "data.decimal"),
        ({"thousands": "x"}, "data.thousands"),
        ({"decimal": ",", "thousands": ","}, "is data.decimal already"),
    ):
        with pytest.raises(ConfigError, match=part):
            replace(settings, split=SplitSettings(), **changes)  # type: ignore[arg-type]


def test_numbers_are_the_nearest_to_what_is_written() -> None:
    texts = [repr(float(x)) for x in np.random.default_rng(0).normal(size=500) * 10.0 ** np.arange(-250, 250)]
    values, wrong = numerals.parse(pd.Series(texts, dtype="str"), numerals.NumberFormat())
    assert values.tolist() == [float(text) for text in texts] and not wrong.any()


def test_a_mark_among_declared_numbers_is_advised_as_an_override_that_a_shell_takes(tmp_path: Path) -> None:
    columns = {"amount": ["k.A.", *map(str, range(N - 1))], "y": ["a", "b"] * (N // 2)}
    with pytest.raises(DataError, match=re.escape("""'data.missing=["k.A."]'""")):
        load_csv(tmp_path, columns, columns={"amount": "number"})


@pytest.mark.parametrize("has_gaps", [False, True])
@pytest.mark.parametrize("form", ["parquet", "feather", "jsonl", "csv", "sql"])
def test_whole_numbers_that_a_float_would_merge_stay_apart_in_every_kind_of_file(
    tmp_path: Path, form: str, has_gaps: bool
) -> None:
    numbers = [None if has_gaps and i % 7 == 0 else 2**53 + i % 2 for i in range(N)]
    table = pa.table({"u": np.arange(N) * 0.5, "g": pa.array(numbers, pa.int64()), "y": LABELS})
    file = tmp_path / f"my.{form}"
    source: Source
    if form == "parquet":
        pq.write_table(table, file)
        source = Parquet(str(file))
    elif form == "feather":
        feather.write_feather(table, str(file))
        source = Feather(str(file))
    elif form == "jsonl":
        file.write_text("\n".join(map(json.dumps, table.to_pylist())))
        source = JsonLines(str(file))
    elif form == "csv":
        csv.write_csv(table, file)
        source = Csv(str(file))
    else:
        with closing(sqlite3.connect(file)) as database:
            database.execute("create table t (u, g integer, y)")
            database.executemany("insert into t values (:u, :g, :y)", table.to_pylist())
            database.commit()
        source = Sql(f"sqlite:///{file}", "select * from t")
    task = load(source)
    assert [v for v in column(task, "g") if isinstance(v, str)] == [str(v) for v in numbers if v is not None]
    assert "g: whole numbers of more digits than a number holds" in notes(task)


def test_moments_in_nanoseconds_stay_numbers_though_two_become_equal(tmp_path: Path) -> None:
    n = 400
    moments = [1_700_000_000_000_000_000 + i * 60_000_000_000 for i in range(n)]
    moments[-1] = moments[-2] + 3
    columns = {"ns": moments, "u": [i % 7 / 2 for i in range(n)], "y": ["a", "b"] * (n // 2)}
    pd.DataFrame(columns).to_csv(tmp_path / "ns.csv", index=False)
    task = load(Csv(str(tmp_path / "ns.csv")))
    assert task.schema.columns["ns"] == "numeric"
    assert "ns: whole numbers of more digits than a number holds, of which a few become equal" in notes(task)


def test_long_numbers_that_merge_are_categories_and_no_texts(tmp_path: Path) -> None:
    n = 400
    columns = {"code": [2**60 + i for i in range(n)], "u": [i % 7 / 2 for i in range(n)], "y": ["a", "b"] * (n // 2)}
    pd.DataFrame(columns).to_csv(tmp_path / "codes.csv", index=False)
    assert load(Csv(str(tmp_path / "codes.csv"))).schema.columns["code"] == "categorical"
