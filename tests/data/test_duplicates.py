"""Equal inputs: what a person gets when rows repeat, and what is said about it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import data
from bakeoff.data.settings import DataSettings, SplitSettings
from bakeoff.data.sources import Parquet
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import SEEN_INPUT, Task

WORDS = ["parcel", "broken", "invoice", "late", "refund", "thanks", "order", "missing", "again", "courier", "door"]


def load(tmp_path: Path, frame: pd.DataFrame, test: pd.DataFrame | None = None, **settings: Any) -> Task:
    frame.to_parquet(tmp_path / "train.parquet")
    if test is not None:
        test.to_parquet(tmp_path / "test.parquet")
    source = Parquet(str(tmp_path / "train.parquet"), None if test is None else str(tmp_path / "test.parquet"))
    return data.load(source, DataSettings(name="mine", target="y", **settings))


def rows(task: Task) -> tuple[int, int, int]:
    return task.split["train"], task.split["valid"], task.split["test"]


def notes(task: Task) -> str:
    return " ".join(str(note) for note in task.notes)


def trips() -> pd.DataFrame:
    """3,000 trips over 60 routes, whose attributes depend on the route: 240 profiles."""
    rng = np.random.default_rng(0)
    route, slot = rng.integers(0, 60, 3000), rng.integers(0, 4, 3000)
    late = (route % 7 + slot > 5) ^ (rng.random(3000) < 0.05)
    return pd.DataFrame(
        {
            "route": [f"R{r}" for r in route], "km": route * 3.7, "stops": route % 11, "fare": route * 0.5 + 2,
            "slot": slot, "at": pd.date_range("2024-01-01", periods=3000, freq="h"), "y": np.where(late, "yes", "no"),
        }
    )  # fmt: skip


def passengers() -> pd.DataFrame:
    """2,000 people in 16 profiles, of whom 48 % survive."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "cabin": rng.choice(["1st", "2nd", "3rd", "crew"], 2000, p=[0.15, 0.13, 0.32, 0.4]),
            "sex": rng.choice(["male", "female"], 2000, p=[0.78, 0.22]),
            "age": rng.choice(["adult", "child"], 2000, p=[0.95, 0.05]),
        }
    )
    chance = 0.38 + 0.45 * (frame["sex"] == "female") + 0.1 * (frame["cabin"] == "1st")
    return frame.assign(y=np.where(rng.random(2000) < chance, "yes", "no"))


def messages(n: int, distinct: int) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    texts = [f"{' '.join(rng.choice(WORDS, 6))} {i}" for i in range(distinct)]
    which = np.concatenate([np.arange(distinct), rng.integers(0, distinct, n - distinct)])
    return pd.DataFrame({"text": [texts[i] for i in which], "y": np.where(which % 3 == 0, "spam", "ham")})


def measurements(copied: int, of: int = 400) -> pd.DataFrame:
    frame = pd.DataFrame(np.random.default_rng(3).normal(size=(of, 12))).add_prefix("x")
    frame = frame.assign(y=np.where(frame["x0"] > 0, "a", "b"))
    return pd.concat([frame, frame.head(copied)], ignore_index=True)


def straddling(task: Task) -> int:
    """How many test inputs also stand that also stands in the development rows."""
    return int(np.isin(data.hashes(task.test), data.hashes(task.development.examples)).sum())


def test_a_time_split_of_repeated_profiles_keeps_every_row(tmp_path: Path) -> None:
    task = load(tmp_path, trips(), time="at")
    assert rows(task) == (1920, 480, 600)
    assert "2,760 rows repeat an earlier input: taken as independent draws" in notes(task)
    assert "; all 600 test inputs also stand in training. (data.duplicates)" in notes(task)
    assert task.test.units is not None and len(np.unique(task.test.units)) == 600 // 17, "neighbours are drawn together"


def test_repeated_profiles_are_split_as_independent_rows(tmp_path: Path) -> None:
    frame = passengers()
    task = load(tmp_path, frame)
    assert rows(task) == (1280, 320, 400)
    assert (task.test.y == "yes").mean() == pytest.approx((frame["y"] == "yes").mean(), abs=0.003)
    assert len(task.test.X.drop_duplicates()) >= 12, "all sorts of people are in the test"


def test_given_test_rows_of_repeated_profiles_leave_all_rows_to_learn_from(tmp_path: Path) -> None:
    frame = passengers()
    task = load(tmp_path, frame[:1500], frame[1500:])
    assert rows(task) == (1200, 300, 500)
    assert "independent draws" in notes(task)


@pytest.mark.parametrize("frame", [messages(600, 400), measurements(100)], ids=["texts", "measurements"])
def test_copies_stay_in_one_part_and_no_row_is_lost(tmp_path: Path, frame: pd.DataFrame) -> None:
    task = load(tmp_path, frame, text=["text"] if "text" in frame else [])
    assert sum(rows(task)) == len(frame)
    assert straddling(task) == 0
    assert "equal inputs stay in one part of the split" in notes(task)
    assert SEEN_INPUT not in task.test.slices


def test_copies_of_measurements_with_other_targets_are_repeated_measurements(tmp_path: Path) -> None:
    frame = measurements(100)
    frame.loc[400:, "y"] = frame.loc[400:, "y"].map({"a": "b", "b": "a"})
    assert "independent draws" in notes(load(tmp_path, frame))


def test_template_texts_are_independent_draws(tmp_path: Path) -> None:
    task = load(tmp_path, messages(600, 20), text=["text"])
    assert "580 rows repeat an earlier input: taken as independent draws" in notes(task)


def test_texts_that_each_occur_several_times_are_texts_and_stay_in_one_part(tmp_path: Path) -> None:
    texts = [f"the parcel number {i} has arrived with a broken door" for i in range(300)]
    frame = pd.DataFrame({"text": texts * 3, "y": ["yes", "no", "no"] * 300}).sample(frac=1, random_state=0)
    task = load(tmp_path, frame.reset_index(drop=True))
    assert task.schema.columns == {"text": "text"}
    assert not set(task.test.X["text"]) & set(task.development.examples.X["text"])


def test_a_person_s_word_decides(tmp_path: Path) -> None:
    frame = measurements(100)
    independent = load(tmp_path, frame, duplicates="independent")
    assert straddling(independent) > 10
    seen = independent.test.slices[SEEN_INPUT]
    assert (seen == "yes").sum() == straddling(independent)
    assert f"{straddling(independent)} of {len(seen)} test inputs also stand" in notes(independent)
    assert sum(rows(load(tmp_path, frame, duplicates="drop"))) == 400
    grouped = load(tmp_path, passengers(), duplicates="group")
    assert straddling(grouped) == 0
    assert sum(rows(grouped)) == 2000


def test_the_fingerprint_is_of_rows_and_split_and_not_of_what_was_seen(tmp_path: Path) -> None:
    frame = measurements(0)
    assert load(tmp_path, frame).fingerprint == load(tmp_path, frame, duplicates="independent").fingerprint


def test_drop_keeps_the_earliest_of_equal_rows_in_a_split_by_time(tmp_path: Path) -> None:
    frame = measurements(100).assign(day=lambda f: np.arange(len(f))[::-1], row=lambda f: np.arange(len(f)))
    task = load(tmp_path, frame, time="day", duplicates="drop", id="row")
    ids = {int(name) for name in (*task.development.examples.ids, *task.test.ids)}
    assert ids == set(range(100, 500)), "rows 400 to 499 are earlier in time than rows 0 to 99"


def test_groups_are_kept_apart_by_group_alone_unless_both_are_asked_for(tmp_path: Path) -> None:
    frame = messages(600, 400).assign(author=lambda f: np.arange(len(f)) % 90)
    by_author = load(tmp_path, frame, text=["text"], group="author")
    assert by_author.split["kind"] == "group"
    assert straddling(by_author) > 0
    assert "test inputs also stand in training" in notes(by_author)


def test_a_split_by_time_cannot_keep_equal_rows_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.duplicates: group keeps .* Choose data\.duplicates=independent"):
        load(tmp_path, trips(), time="at", duplicates="group")


def test_an_unknown_treatment_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r'data\.duplicates: "grup" is unknown.* Did you mean "group"'):
        DataSettings(name="a", target="y", duplicates="grup", split=SplitSettings())


def test_many_rows_are_judged_in_seconds(tmp_path: Path) -> None:
    import time

    from bakeoff.data import columns, duplicates
    from bakeoff.data.splits import Traits
    from bakeoff.data.table import Table
    from bakeoff.task import Schema

    n = 300_000
    rng = np.random.default_rng(0)
    X = {f"x{i}": pd.Series(rng.normal(size=n)) for i in range(10)}
    for column in X.values():
        column.iloc[-1000:] = column.iloc[:1000].to_numpy()
    content = columns.row_hashes(X, n)
    y = np.where(X["x0"] > 0, "a", "b").astype(object)
    schema = Schema("classification", "y", dict.fromkeys(X, "numeric"), ("a", "b"))
    table = Table(schema, X, y, np.arange(n), pd.DataFrame(index=range(n)), Traits(content, y), ())
    start = time.process_time()
    assert duplicates.are_copies(table)
    assert time.process_time() - start < 5


def test_given_test_rows_that_are_the_rows_to_learn_from_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=300), "g": rng.choice(["u", "v"], 300)})
    frame["y"] = np.where(frame["x"] > 0, "yes", "no")
    for test in (frame, frame.sample(60, random_state=1)):
        with pytest.raises(DataError, match=rf"all {len(test)} test rows also stand, with their targets"):
            load(tmp_path, frame, test)
    assert load(tmp_path, frame, frame, duplicates="independent").split["test"] == 300
    half = pd.concat([frame.iloc[:30], frame.iloc[30:60].assign(x=lambda rows: rows["x"] + 9)])
    assert load(tmp_path, frame, half).split["test"] == 60


def test_given_test_rows_of_known_profiles_are_refused_only_where_they_are_the_same_file(tmp_path: Path) -> None:
    frame = passengers()
    assert load(tmp_path, frame[:1500], frame[1500:]).split["test"] == 500
    with pytest.raises(DataError, match="all 1,500 test rows also stand"):
        load(tmp_path, frame[:1500], frame[:1500])
