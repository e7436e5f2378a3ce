"""The moments of a series: what is a step, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.data import moments
from bakeoff.data.moments import Grid
from bakeoff.data.sources import Rows
from bakeoff.errors import DataError


def grid(times: Any, names: Any = None) -> Grid:
    times = np.asarray(times)
    names = np.full(len(times), "", dtype=object) if names is None else np.asarray(names, dtype=object)
    return moments.grid(times, {name: np.flatnonzero(names == name) for name in dict.fromkeys(names)}, "my.csv")


def dates(*texts: str) -> Any:
    return np.array(texts, dtype="datetime64[us]")


@pytest.mark.parametrize(
    ("frequency", "words", "season"),
    [
        ("15min", "15 min", 96), ("30min", "30 min", 48), ("h", "1 h", 24), ("D", "1 day", 7), ("7D", "1 week", 52),
        ("MS", "1 month", 12), ("ME", "1 month", 12), ("QS", "3 months", 4), ("YS", "12 months", 1),
        ("2D", "2 days", 182), ("7min", "7 min", 1),
    ],
)  # fmt: skip
def test_the_step_is_found_and_with_it_the_usual_season(frequency: str, words: str, season: int) -> None:
    found = grid(pd.date_range("2019-01-31", periods=40, freq=frequency).to_numpy())
    assert (found.step.words, found.step.season) == (words, season)
    np.testing.assert_array_equal(found.numbers[""], np.arange(40))


def test_numbers_may_count_the_moments() -> None:
    found = grid([10.0, 12.0, 14.0, 16.0])
    assert (found.step.words, found.step.season, found.count) == ("2", 1, 4)


def test_series_are_numbered_together_wherever_they_begin_and_end() -> None:
    times = dates("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-01", "2024-01-02", "2024-01-03")
    found = grid(times, ["a", "a", "a", "b", "b", "b"])
    assert {name: own.tolist() for name, own in found.numbers.items()} == {"a": [1, 2, 3], "b": [0, 1, 2]}
    assert found.count == 4


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (dates("2024-01-01", "2024-01-03", "2024-01-02"), r"back in row 2.*from 2024-01-03 to 2024-01-02.*sort them"),
        (dates("2024-01-01", "2024-01-02", "2024-01-02"), r"2024-01-02 twice, in rows 1 and 2.*data\.forecast\.series"),
        (
            dates("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-06", "2024-01-07", "2024-01-10"),
            r"2024-01-06 comes after 2024-01-03, and the step is 1 day \(2 such places\).*fill the gaps",
        ),
        (
            dates("2024-01-01", "2024-02-01", "2024-03-01", "2024-05-01"),
            r"2024-05-01 comes after 2024-03-01, and the step is 1 month",
        ),
        (dates("2024-01-01T00:00", "2024-01-01T01:00", "2024-01-01T02:30"), r"T02:30 comes after 2024-01-01T01:00"),
        ([1, 2, 3, 5], r"5 comes after 3, and the step is 1"),
        (dates("2024-01-01"), "holds one moment"),
    ],
    ids=["back", "twice", "gaps", "month", "hour", "number", "one"],
)  # fmt: skip
def test_moments_must_be_in_order_each_once_and_without_gaps(times: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        grid(times)


def test_a_gap_of_one_of_several_series_is_named() -> None:
    times = dates("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-01", "2024-01-03")
    with pytest.raises(DataError, match=r'in my\.csv of "b", 2024-01-03 comes after 2024-01-01'):
        grid(times, ["a", "a", "a", "b", "b"])


def test_series_between_the_moments_of_others_are_refused() -> None:
    times = dates("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-01T12:00", "2024-01-02T12:00")
    with pytest.raises(DataError, match='of "b" are not those of the other series: 2024-01-01T12:00'):
        grid(times, ["a", "a", "a", "b", "b"])


BERLIN = pd.date_range("2021-03-25", periods=8, freq="D", tz="Europe/Berlin")
"""Eight midnights, over the Sunday on which clocks change."""


def local(values: Any) -> Any:
    """The moments as the clock shows them; None where they are left alone."""
    rows = Rows(pd.DataFrame({"t": values}))
    found = moments.with_local_days(rows, "t")
    return None if found is rows else found.frame["t"].to_numpy()


@pytest.mark.parametrize(
    "values",
    [BERLIN, BERLIN.astype("str"), [moment.isoformat() for moment in BERLIN]],
    ids=["typed", "texts", "iso"],
)
def test_daily_values_with_offsets_are_a_day_apart_over_a_change_of_clocks(values: Any) -> None:
    found = local(values)
    assert str(found[0])[:10] == "2021-03-25"
    assert grid(found).step.words == "1 day"


def test_hours_with_offsets_and_dates_of_which_some_have_none_are_left_alone() -> None:
    assert local(pd.date_range("2021-10-30T22:00", periods=12, freq="h", tz="Europe/Berlin").astype("str")) is None
    assert local(["2021-03-27T00:00:00+01:00", "2021-03-28", "2021-03-29T00:00:00+02:00"]) is None


@pytest.mark.parametrize(
    "times",
    [
        dates("2022-03-27T00:00", "2022-03-27T01:00", "2022-03-27T03:00", "2022-03-27T04:00"),
        dates("2022-10-30T01:00", "2022-10-30T02:00", "2022-10-30T02:00", "2022-10-30T03:00"),
        dates("2022-10-30T02:00", "2022-10-30T02:30", "2022-10-30T02:00", "2022-10-30T02:30"),
    ],
    ids=["spring", "twice", "back"],
)
def test_an_hour_without_offset_where_clocks_change_is_refused_with_what_to_write(times: Any) -> None:
    with pytest.raises(DataError, match=r"If clocks changed there.*offset"):
        grid(times)
