"""New rows for a known task: exactly its columns, and a message for all that is not as it was."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import data
from bakeoff.data.history import HistoryReader
from bakeoff.data.reader import RowReader
from bakeoff.data.settings import DataSettings, ForecastSettings
from bakeoff.data.sources import Csv
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import Reading, Schema, Task

N = 60


@pytest.fixture
def task(tmp_path: Path) -> Task:
    frame = pd.DataFrame(
        {
            "amount": [f"{1000 + i:,}" for i in range(N)],
            "share": [f"{i}.5%" for i in range(N)],
            "plan": ["basic", "plus", "NA"] * 20,
            "since": pd.date_range("2024-01-01", periods=N).strftime("%d.%m.%Y"),
            "note": [f"the customer called about thing {i}" for i in range(N)],
            "y": ["yes" if i % 3 else "no" for i in range(N)],
        }
    )
    frame.to_csv(tmp_path / "my.csv", index=False)
    settings = DataSettings(name="mine", target="y", columns={"since": "date"})
    return data.load(Csv(str(tmp_path / "my.csv")), settings)


def messages(schema: Schema, rows: Any) -> list[list[str]]:
    return [list(row) for row in RowReader(schema).read(rows).messages]


def test_rows_of_a_file_are_read_as_those_of_the_task(task: Task, tmp_path: Path) -> None:
    cells = Csv(str(tmp_path / "my.csv")).read().frame
    new = RowReader(task.schema, "refuse").read(cells)
    rows = new.X.iloc[task.test.ids].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, task.test.X, check_dtype=False)
    assert not any(new.messages)


def test_the_schema_survives_json_with_its_readings(task: Task) -> None:
    schema = Schema.from_dict(json.loads(json.dumps(asdict(task.schema) | {"columns": dict(task.schema.columns)})))
    assert schema == task.schema
    assert schema.readings["amount"] == Reading(thousands=",")
    assert schema.readings["plan"].categories == ("NA", "basic", "plus")
    assert schema.readings["since"].date_format == "%d.%m.%Y"


def test_a_schema_of_an_earlier_version_reads_rows_by_default(task: Task) -> None:
    content = asdict(task.schema) | {"columns": dict(task.schema.columns)}
    del content["readings"]
    new = RowReader(Schema.from_dict(content)).read(
        [{"amount": 5, "share": "7.5", "plan": "new", "since": "2024-01-02"}]
    )
    assert new.X["amount"].tolist() == [5] and new.X["share"].tolist() == [7.5]
    assert new.X["since"][0] == pd.Timestamp("2024-01-02")
    assert list(new.messages[0]) == ["note: no such column"]


def test_typed_values_of_json_are_read_as_they_are(task: Task) -> None:
    row = {"amount": 1234.5, "share": 3, "plan": "plus", "since": "05.02.2024", "note": "hi"}
    for rows in (row, [row], json.dumps(row), json.dumps([row]), pd.DataFrame([row])):
        new = RowReader(task.schema, "refuse").read(rows)
        assert list(new.X.columns) == list(task.schema.columns)
        assert new.X.iloc[0].tolist() == [1234.5, 3, "plus", pd.Timestamp("2024-02-05"), "hi"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plan": "gold"}, 'plan: "gold" was never seen in training'),
        ({"amount": "lots"}, 'amount: "lots" is no number, read as missing'),
        ({"amount": "1.234,5"}, 'amount: "1.234,5" is no number, read as missing'),
        ({"amount": float("inf")}, "amount: infinite, read as missing"),
        ({"since": "yesterday"}, 'since: "yesterday" is no date as in training, read as missing'),
        ({"colour": "red"}, "colour: not a column of the task"),
    ],
)
def test_what_is_wrong_is_said_of_its_row_or_refused(task: Task, change: dict[str, Any], message: str) -> None:
    good = {"amount": "1,234", "share": "3%", "plan": "plus", "since": "05.02.2024", "note": "hi"}
    assert messages(task.schema, [good, good | change]) == [[], [message]]
    with pytest.raises(DataError, match="row 1: "):
        RowReader(task.schema, "refuse").read([good, good | change])


def test_a_missing_key_and_a_missing_column_are_missing_values(task: Task) -> None:
    rows = [{"amount": 1, "plan": "plus"}, {"plan": "plus"}]
    new = RowReader(task.schema).read(rows)
    absent = [f"{name}: no such column" for name in ("share", "since", "note")]
    assert [list(row) for row in new.messages] == [absent, ["amount: missing", *absent]]
    assert new.common == tuple(absent)
    assert np.isnan(new.X["amount"][1]) and new.X["note"].tolist() == ["", ""] and new.X["since"].isna().all()


def test_marks_among_numbers_are_missing_as_they_were(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": ["-", *(str(i / 2) for i in range(N - 1))], "y": ["a", "b", "a"] * 20})
    frame.to_csv(tmp_path / "a.csv", index=False)
    schema = data.load(Csv(str(tmp_path / "a.csv")), DataSettings(name="a", target="y")).schema
    assert messages(schema, {"x": "-"}) == [[]]
    assert messages(schema, {"x": "n/a"}) == [['x: "n/a" is no number, read as missing']]


def test_declared_marks_stay_missing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [-999, 1, 2] * 20, "city": ["n.n.", "Oslo", "Rome"] * 20, "u": np.arange(N) / 2})
    frame.assign(y=["a", "b", "a"] * 20).to_csv(tmp_path / "a.csv", index=False)
    settings = DataSettings(name="a", target="y", missing=["-999", "n.n."])
    schema = data.load(Csv(str(tmp_path / "a.csv")), settings).schema
    for row in ({"x": "-999", "city": "n.n.", "u": "1"}, {"x": -999, "city": "n.n.", "u": 1}):
        new = RowReader(schema, "refuse").read(row)
        assert np.isnan(new.X["x"][0]) and pd.isna(new.X["city"][0])


@pytest.mark.parametrize("rows", ["{", "[1]", "3", [], pd.DataFrame()])
def test_what_is_no_rows_is_refused(task: Task, rows: Any) -> None:
    with pytest.raises(DataError, match="predict: "):
        RowReader(task.schema).read(rows)


def test_questions_need_a_text_and_may_have_a_history() -> None:
    schema = Schema("qa", "answers", {"question": "text", "history": "text"})
    turns = [{"role": "user", "content": "hi"}]
    new = RowReader(schema).read([{"question": "a?"}, {"question": " "}, {"question": "b?", "history": turns}])
    assert new.can_predict.tolist() == [True, False, True]
    assert new.X["history"].tolist() == ["[]", "[]", json.dumps(turns)]
    assert messages(schema, {"question": "a?", "history": "what?"})[0][0].startswith("history: not a list")


def forecast(tmp_path: Path, frame: pd.DataFrame, **settings: Any) -> tuple[Task, DataSettings]:
    frame.to_csv(tmp_path / "series.csv", index=False)
    chosen = DataSettings(
        name="s",
        target="sales",
        kind="forecast",
        time="day",
        forecast=ForecastSettings(horizon=3, window=14, **settings),
    )
    return data.load(Csv(str(tmp_path / "series.csv")), chosen), chosen


@pytest.fixture
def days() -> pd.DataFrame:
    n = 120
    return pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=n).strftime("%Y-%m-%d"),
            "sales": np.arange(n) * 1.5,
            "promo": ["yes" if i % 5 == 0 else "no" for i in range(n)],
        }
    )


def test_a_history_gives_the_window_that_the_task_has(tmp_path: Path, days: pd.DataFrame) -> None:
    task, settings = forecast(tmp_path, days, known=["promo"])
    last = len(days) - 4  # the origin of the last test row
    history = days.copy()
    history.loc[last + 1 :, "sales"] = np.nan
    origins = HistoryReader(task.schema, settings).read(history)
    assert origins.ids.tolist() == [task.test.ids[-1]]
    pd.testing.assert_frame_equal(origins.rows.X, task.test.X.iloc[[-1]].reset_index(drop=True))


def test_several_series_give_a_row_each_and_a_new_one_is_said(tmp_path: Path, days: pd.DataFrame) -> None:
    both = pd.concat([days.assign(shop="a"), days.assign(shop="b", sales=days["sales"] * 2)])
    task, settings = forecast(tmp_path, both, series="shop")
    new = pd.concat([both, days.assign(shop="c")])
    origins = HistoryReader(task.schema, settings).read(new)
    assert origins.ids.tolist() == ["a 2024-04-29", "b 2024-04-29", "c 2024-04-29"]
    assert [list(row) for row in origins.rows.messages] == [[], [], ['shop: "c" was never seen in training']]


@pytest.mark.parametrize(
    ("rows", "change", "part"),
    [
        (slice(110, 120), {}, "has 10 moments with a target, and the model looks back on 14"),
        (slice(90, 120), {"promo": None}, '"promo" is missing in 14 needed rows'),
        (slice(90, 120, 2), {}, "has a moment every 2 days, the task one every 1 day"),
        (slice(90, 120), {"day": [f"2024-05-{i % 28 + 1:02d}" for i in range(30)]}, "goes back"),
    ],
)
def test_a_history_that_does_not_fit_is_refused(
    tmp_path: Path, days: pd.DataFrame, rows: slice, change: dict[str, Any], part: str
) -> None:
    task, settings = forecast(tmp_path, days)
    with pytest.raises(DataError, match=part):
        HistoryReader(task.schema, settings).read(days.iloc[rows].assign(**change))
    with pytest.raises(ConfigError, match="takes the history"):
        RowReader(task.schema)


def test_what_is_known_ahead_must_be_there(tmp_path: Path, days: pd.DataFrame) -> None:
    task, settings = forecast(tmp_path, days, known=["promo"])
    with pytest.raises(DataError, match="promo=yes must be known of the next 3 moments"):
        HistoryReader(task.schema, settings).read(days)
