"""Given test rows that differ from the rows to learn from, in a file of their own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bakeoff import data
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Csv
from bakeoff.errors import DataError
from bakeoff.task import Task

Change = Callable[[pd.DataFrame], pd.DataFrame]


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    amount = rng.normal(size=rows).round(4)
    labels = np.where(amount > 0, "Yes", "No")
    return pd.DataFrame({"amount": amount, "plan": rng.choice(["basic", "plus"], rows), "label": labels})


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Change], Task]:
    def load(change: Change) -> Task:
        for name, frame in (("my.csv", table(120, 0)), ("test.csv", change(table(40, 1)))):
            frame.to_csv(tmp_path / name, index=False)
        source = Csv(str(tmp_path / "my.csv"), test_path=str(tmp_path / "test.csv"))
        return data.load(source, DataSettings(name="my", target="label"))

    return load


def notes(task: Task) -> str:
    return " ".join(note.text for note in task.notes)


def test_categories_that_no_row_to_learn_from_has_are_noted(load: Callable[[Change], Task]) -> None:
    task = load(lambda frame: frame.assign(plan=frame["plan"].str.upper()))
    assert "plan: 40 of 40 test values never occur in the rows to learn from" in notes(task)


def test_numbers_of_another_unit_are_noted(load: Callable[[Change], Task]) -> None:
    task = load(lambda frame: frame.assign(amount=frame["amount"] * 1000))
    assert "test values lie outside" in notes(task)
    assert "amount: " in notes(task)


def test_columns_of_the_test_rows_alone_are_noted(load: Callable[[Change], Task]) -> None:
    task = load(lambda frame: frame.assign(extra=1))
    assert "Columns that only the test rows have are left out: extra." in notes(task)


def test_test_rows_like_the_others_are_not_noted(load: Callable[[Change], Task]) -> None:
    text = notes(load(lambda frame: frame))
    assert not any(words in text for words in ("never occur", "outside", "only the test rows"))


def test_a_missing_target_of_the_test_rows_is_not_said_to_be_of_the_other_file(load: Callable[[Change], Task]) -> None:
    with pytest.raises(DataError, match=r"2 of 160 rows of my\.csv, followed by its test rows \(rows 120, 121"):
        load(lambda frame: frame.assign(label=frame["label"].where(frame.index > 1)))


@pytest.mark.parametrize(("values", "is_noted"), [(("Train", "test"), True), (("train", "later"), False)])
def test_a_column_of_parts_that_is_not_the_split_is_noted(
    tmp_path: Path, values: tuple[str, str], is_noted: bool
) -> None:
    frame = table(120, 0)
    frame["part"] = np.where(frame.index < 90, *values)
    frame.to_csv(tmp_path / "my.csv", index=False)
    task = data.load(Csv(str(tmp_path / "my.csv")), DataSettings(name="my", target="label"))
    assert ("To split by it: data.split.column=part" in notes(task)) is is_noted
