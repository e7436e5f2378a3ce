"""A row of sums among the examples: named and refused, wherever it stands, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bakeoff import data
from bakeoff.data import totals
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Csv
from bakeoff.errors import DataError

PRICES = [round(17.25 + 3.5 * (i * 7 % 23), 2) for i in range(40)]
ROWS = [f"s{i % 7},{i % 5},{price}" for i, price in enumerate(PRICES)]


def load(tmp_path: Path, rows: list[str], test: list[str] | None = None) -> data.Task:
    files = []
    for name, lines in (("my.csv", rows), ("test.csv", test)):
        if lines is not None:
            files.append(str(tmp_path / name))
            (tmp_path / name).write_text("\n".join(["shop,size,price", *lines]) + "\n", encoding="utf-8")
    return data.load(Csv(*files), DataSettings(name="mine", target="price"))


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ("Total,9,7100.55", '"Total" in "shop"'),
        ("Grand Total:,80,31", '"Grand Total:" in "shop"'),
        ("Durchschnitt,,33.5", '"Durchschnitt" in "shop"'),
        (f",,{sum(PRICES):.2f}", 'its "price" is the sum of all others'),
    ],
)
def test_total_below_or_above_the_rows_is_refused(tmp_path: Path, row: str, part: str) -> None:
    for rows, which in (([*ROWS, row], "last"), ([row, *ROWS], "first")):
        with pytest.raises(DataError, match=f"the {which} row of my.csv looks like a total") as raised:
            load(tmp_path, rows)
        assert part in str(raised.value)
    with pytest.raises(DataError, match=r"the last row of the test rows of my\.csv looks like a total"):
        load(tmp_path, ROWS[:20], [*ROWS, row])


def test_word_that_other_rows_share_and_a_large_value_are_no_total(tmp_path: Path) -> None:
    assert load(tmp_path, [*ROWS, "total,1,20.5", "total,1,21.5"]).split["train"]
    assert load(tmp_path, [*ROWS, "s1,1,9000"]).split["train"]
    assert load(tmp_path, [*(f"s{i % 7},{i % 5},{i % 3}.5" for i in range(40)), "s1,1,0"]).split["train"]


@pytest.mark.parametrize("values", [[-1, 1], [-1, 0, 1], [-2.5, -1.5, 0.5, 3.5]])
def test_small_numbers_that_cancel_out_are_no_total(values: list[float]) -> None:
    for seed in range(100):
        target = pd.Series(np.random.default_rng(seed).choice(values, 100), name="y")
        totals.refuse(pd.DataFrame({"y": target}), target, None, "my.csv", "auto")


def test_sorted_counts_and_classes_are_no_total() -> None:
    claims = pd.Series([0] * 30 + [1] * 6 + [6], name="y")
    totals.refuse(pd.DataFrame({"y": claims}), claims, None, "my.csv", "regression")
    prices = pd.Series([*PRICES, sum(PRICES)], name="y")
    totals.refuse(pd.DataFrame({"y": prices}), prices, None, "my.csv", "classification")
    with pytest.raises(DataError, match="is the sum of all others"):
        totals.refuse(pd.DataFrame({"y": prices}), prices, None, "my.csv", "auto")


def test_a_last_text_that_says_average_is_no_total() -> None:
    n = 40
    reviews = pd.DataFrame(
        {
            "id": range(n),
            "review": [*(f"good number {i}" for i in range(n - 1)), "average"],
            "stars": [1, 2, 3, 4, 5] * (n // 5),
            "shop": [None if i % 3 == 0 else "a" for i in range(n)],
            "y": [1, 0] * (n // 2),
        }
    )
    totals.refuse(reviews, reviews["y"], None, "my.csv", "auto")
    totals.refuse(reviews[["review", "y"]], reviews["y"], None, "my.csv", "auto")
