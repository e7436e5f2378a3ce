"""Series as rows: what a row sees, what it asks for, and that nothing of the test is learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import data
from bakeoff.config.settings import ValidationSettings, typed
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Rows
from bakeoff.errors import ConfigError, DataError
from bakeoff.models.forecast import series
from bakeoff.search import evaluation
from bakeoff.task import Examples, NoteRank, Task


@dataclass
class Given:
    """Rows that a test made."""

    frame: pd.DataFrame
    test: pd.DataFrame | None = None
    name: str = "my.csv"

    def read(self) -> Rows:
        return Rows(self.frame.copy(), None if self.test is None else self.test.copy())


def counting(length: int, start: str = "2024-01-01", **columns: Any) -> pd.DataFrame:
    """A series whose value is the number of its moment."""
    times = pd.date_range(start, periods=length, freq="D")
    return pd.DataFrame({"day": times, "y": np.arange(length, dtype=float), **columns})


def load(frame: pd.DataFrame, test: pd.DataFrame | None = None, **asked: Any) -> Task:
    forecast = {"horizon": 3, "window": 7, "season": 2, **asked.pop("forecast", {})}
    settings = {"name": "x", "kind": "forecast", "target": "y", "time": "day", "forecast": forecast, **asked}
    return data.load(Given(frame, test), typed(DataSettings, settings, "data"))


def seen(rows: Examples, task: Task) -> Any:
    return series.arrays(rows.X, task.schema).target


@pytest.mark.parametrize("seed", range(25))
def test_no_value_of_the_test_is_learnt_from_and_every_window_ends_where_its_horizon_begins(seed: int) -> None:
    random = np.random.default_rng(seed)
    horizon, window, length = int(random.integers(1, 9)), int(random.integers(2, 20)), int(random.integers(150, 300))
    forecast: dict[str, Any] = {"horizon": horizon, "window": window, "season": int(random.integers(1, window + 1))}
    if random.random() < 0.7:
        forecast |= {"stride": int(random.integers(1, 12)), "train_stride": int(random.integers(1, 12))}
    shares = {"test": float(random.uniform(0.1, 0.4)), "valid": float(random.uniform(0.1, 0.4))}
    task = load(counting(length), forecast=forecast, split=shares)
    train, valid, test = task.development.train, task.development.valid, task.test
    assert len(train) and len(valid) and len(test)
    assert train.y.max() < valid.y.min()
    assert valid.y.max() < test.y.min()
    assert test.y.max() <= length - 1
    for rows in (train, valid, test):
        np.testing.assert_array_equal(seen(rows, task)[:, -1] + 1, rows.y[:, 0])
        assert (np.diff(np.hstack([seen(rows, task), rows.y]), axis=1) == 1).all()
        assert rows.y.shape == (len(rows), horizon)
    assert seen(train, task).max() < valid.y.min()
    stride = forecast.get("stride", horizon)
    assert (np.diff(test.y[:, 0]) == stride).all()
    assert length - 1 - test.y.max() < stride, "no origin is left out that still has a horizon"
    assert abs((length - test.y.min()) / length - shares["test"]) <= max(stride, horizon) / length


def test_what_is_learnt_of_the_series_itself_is_learnt_of_the_training_part() -> None:
    calm = counting(100, y=np.tile([1.0, 5.0], 50) + np.arange(100) // 2)
    wild = calm.assign(y=[y if i < 64 else 1000 * y for i, y in enumerate(calm["y"])])
    scales = [load(frame).schema.series.scales for frame in (calm, wild)]  # type: ignore[union-attr]
    assert scales[0] == scales[1] == {"": 1.0}


@pytest.mark.parametrize(("stride", "train_stride"), [(3, 3), (3, 1), (1, 1), (2, 5)])
def test_folds_learn_from_what_ends_before_what_they_are_scored_on_begins(stride: int, train_stride: int) -> None:
    task = load(counting(200), forecast={"stride": stride, "train_stride": train_stride})
    folds = evaluation.folds(task.development, ValidationSettings("kfold", 4), seed=0)
    assert len(folds) == 4
    for fold in folds:
        assert fold.train.y.max() < fold.valid.y.min()
        assert fold.valid.y.max() < task.test.y.min()


def test_rows_are_named_by_the_last_moment_that_they_see_and_sliced_by_the_first_one_asked_for() -> None:
    task = load(counting(100, weekend=[i % 7 > 4 for i in range(100)]), slices=["weekend"])
    assert task.test.ids[0] == "2024-03-19"
    assert task.test.y[0].tolist() == [79, 80, 81]
    assert task.test.slices["weekend"].tolist() == [str(y[0] % 7 > 4) for y in task.test.y]
    assert set(task.test.slices["weekend"]) == {"True", "False"}


def test_columns_known_ahead_are_those_of_the_horizon() -> None:
    frame = counting(100, double=2.0 * np.arange(100), shop=["open", "shut"] * 50)
    task = load(frame, forecast={"known": ["double", "shop"]})
    assert task.schema.series is not None
    assert task.schema.series.past == ("y", "double", "shop=shut")
    assert task.schema.series.known == ("double", "shop=shut", "weekday")
    windows = series.arrays(task.test.X, task.schema)
    np.testing.assert_array_equal(windows.known[:, :, 0], 2 * task.test.y)
    np.testing.assert_array_equal(windows.known[:, :, 1], task.test.y % 2)
    np.testing.assert_array_equal(windows.known[:, :, 2], task.test.y % 7)  # 2024 began on a Monday
    np.testing.assert_array_equal(windows.past[:, :, 1], 2 * windows.target)


def test_a_column_that_is_not_known_ahead_is_seen_up_to_the_origin_only() -> None:
    task = load(counting(100, weather=np.arange(100.0)), forecast={"calendar": False})
    assert series.arrays(task.test.X, task.schema).known.shape == (len(task.test), 3, 0)
    assert (task.test.X.max(axis=1).to_numpy() < task.test.y[:, 0]).all()


def test_several_series_are_cut_at_the_same_moments() -> None:
    a, b = counting(100).assign(shop="a"), counting(80, start="2024-01-15").assign(shop="b")
    b["y"] += 14
    task = load(pd.concat([b, a]), forecast={"series": "shop"})
    names = set(series.names(task.test.X, task.schema.series))  # type: ignore[arg-type]
    assert names == {"a", "b"}
    assert task.development.train.y.max() < task.development.valid.y.min()
    assert task.development.valid.y.max() < task.test.y.min()
    assert (np.diff(task.test.y[:, 0]) >= 0).all(), "in the order of time"
    assert sorted(task.test.ids[:2]) == ["a 2024-03-19", "b 2024-03-19"]
    assert set(task.schema.series.scales) == {"a", "b"}  # type: ignore[union-attr]


def test_given_test_rows_are_the_test() -> None:
    whole = counting(100)
    task = load(whole[:90], whole[90:])
    assert task.split["kind"] == "given"
    assert (task.test.y.min(), task.test.y.max()) == (90, 98)
    assert seen(task.test, task)[0].tolist() == list(range(83, 90))
    with pytest.raises(DataError, match="goes back in row 90"):
        load(whole[10:], whole[:10])
    with pytest.raises(DataError, match="3 moments ahead do not fit into the 2 test moments"):
        load(whole[:98], whole[98:])


def test_what_is_asked_makes_the_fingerprint() -> None:
    frame = counting(100)
    same = [load(frame), load(frame), load(frame, forecast={"window": 8}), load(frame.assign(y=frame["y"] + 1))]
    assert len({task.fingerprint for task in same}) == 3
    assert same[0].fingerprint == same[1].fingerprint


def test_season_that_the_time_does_not_tell_is_noted() -> None:
    numbered = counting(200).assign(day=range(200))
    notes = "".join(map(str, load(numbered, forecast={"season": None}).notes))
    assert "does not tell how long a season is" in notes and "(data.forecast.season)" in notes
    for told in (load(numbered, forecast={"season": 2}), load(counting(200), forecast={"season": None})):
        assert "does not tell" not in "".join(map(str, told.notes))


def test_overlapping_test_rows_are_noted() -> None:
    assert any("overlap" in note.text for note in load(counting(100), forecast={"stride": 1}).notes)
    assert not any("overlap" in note.text for note in load(counting(100)).notes)


@pytest.mark.parametrize(
    ("frame", "asked", "message"),
    [
        (counting(10), {}, r"data\.forecast\.horizon: 3 moments ahead do not fit into a test part of 2"),
        (counting(60), {"forecast": {"horizon": 20}}, r"horizon: 20 moments ahead do not fit into a test part of 12"),
        (counting(60), {"forecast": {"window": 50}}, r"no window of 50 moments and horizon of 3 to learn from fits"),
        (counting(60), {"forecast": {"season": 60, "window": 7}}, r"season: there are 39 moments to learn from"),
        (counting(60).drop(index=30), {}, r"2024-02-01 comes after 2024-01-30, and the step is 1 day"),
        (counting(60)[::-1], {}, r"data\.time: my\.csv goes back in row 1"),
        (pd.concat([counting(60), counting(60)]), {}, r"data\.time: my\.csv goes back in row 60"),
        (counting(60).assign(y=[None, *range(59)]), {}, r'data\.target: "y" is missing in 1 of 60 rows'),
        (counting(60).assign(y="high"), {}, r"needs numbers"),
        (counting(60, z=[None, *range(59)]), {}, r'data\.forecast: "z" is missing in 1 of 60 rows'),
        (counting(60, z=[f"note {i}" for i in range(60)]), {}, r'column "z" of my\.csv holds 60 different strings'),
        (counting(60), {"forecast": {"known": ["holidy"]}}, r'data\.forecast\.known: there is no column "holidy"'),
        (counting(60), {"time": "date"}, r'data\.time: there is no column "date"'),
    ],
)  # fmt: skip
def test_a_series_that_cannot_serve_is_refused(frame: pd.DataFrame, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(frame.reset_index(drop=True), **asked)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"forecast": {"horizon": 0}}, r"data\.forecast\.horizon: 0 is less than 1"),
        ({"forecast": {"horizon": None}}, r"a forecast needs to know how far ahead\. Add data\.forecast\.horizon"),
        ({"forecast": {"horizn": 3}}, r"horizn"),
        ({"time": None}, r"data\.time: a forecast needs the column that says when"),
        ({"kind": "regression"}, r"only a forecast looks ahead\. Add data\.kind=forecast"),
        ({"group": "shop"}, r"data\.group: a forecast has no use for it"),
        ({"duplicates": "drop"}, r"data\.duplicates: a forecast has no use for it"),
        ({"split": {"kind": "random"}}, r"data\.split: a forecast is split by time"),
        ({"forecast": {"known": ["y"]}}, r'data\.forecast\.known: "y" is no feature'),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(counting(60), **asked)


def test_what_would_not_fit_into_memory_is_refused_before_it_is_made() -> None:
    with pytest.raises(DataError, match=r"origins with .* values each need .* GB"):
        load(
            counting(800_000), forecast={"window": 400_000, "season": 1, "stride": 1}, split={"test": 0.1, "valid": 0.1}
        )


def test_test_rows_are_drawn_in_blocks_of_time() -> None:
    task = load(counting(400), forecast={"stride": 1})
    assert task.test.units is not None and task.development.train.units is None
    assert (np.diff(task.test.units) >= 0).all()


def test_a_series_without_scale_is_named_among_others_and_above_the_leaderboard() -> None:
    frame = pd.concat([counting(40, shop="a"), counting(40, shop="b").assign(y=0.0)])
    frame.loc[frame["shop"] == "a", "y"] = np.random.default_rng(0).normal(9, 2, 40)
    task = load(frame, forecast={"series": "shop"})
    (note,) = [note for note in task.notes if "mase" in note.text]
    assert "of b repeats" in note.text and "over the other 1" in note.text
    assert note.rank < NoteRank.FACTS


def test_a_series_that_ends_before_the_test_part_is_named() -> None:
    frame = pd.concat([counting(100, shop="a"), counting(60, shop="b")])
    task = load(frame, forecast={"series": "shop"})
    assert len(task.test) and set(task.test.X["shop"]) == {"a"}
    (note,) = [note for note in task.notes if note.rank == NoteRank.ROWS]
    assert note.text.startswith("1 of 2 series have no test row") and note.text.endswith(": b.")
    assert all(note.rank != NoteRank.ROWS for note in load(counting(100)).notes)
