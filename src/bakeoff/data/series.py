"""One series or several, read and checked: the target and what goes with it, moment by moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff.data import cells, columns, moments, roles, target
from bakeoff.data.moments import DAY, Grid
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Source
from bakeoff.errors import DataError

MOST_CATEGORIES = 20
HOUR, WEEKDAY, MONTH = "hour", "weekday", "month"


@dataclass(frozen=True)
class Track:
    """One series, row by row in the order of time.

    Attributes:
        name: empty where there is one.
        numbers: of its moments, each one more than the one before, shape (t,).
        times: the moments as people call them, shape (t,).
        past: the target and all other columns, shape (t, channels).
        known: of these and of the calendar, those that are known ahead, shape (t, known).
        slices: by which scores are broken down, t rows.
    """

    name: str
    numbers: NDArray[np.intp]
    times: NDArray[Any]
    past: NDArray[np.float64]
    known: NDArray[np.float64]
    slices: pd.DataFrame


@dataclass(frozen=True)
class Recorded:
    """All series of the data.

    Attributes:
        tracks: one a series.
        grid: of their moments.
        past, known: names of the channels.
        test_from: number of the first moment that the source brought for the test; None where it brought none.
    """

    tracks: Sequence[Track]
    grid: Grid
    past: tuple[str, ...]
    known: tuple[str, ...]
    test_from: int | None


def read(source: Source, settings: DataSettings) -> Recorded:
    """Read a table of moments, one row each.

    Raises:
        DataError: a column is missing or no number, a value is missing, or moments are not in order and without gaps.
    """
    where, layout = source.name, settings.forecast
    table = cells.typed(moments.with_local_days(source.read(), settings.time), settings, where)
    frame, is_test = table.frame, table.is_test
    y = target.read_numbers(frame[settings.target], where)
    times = roles.times(frame, settings.time, where)
    assert times is not None
    names = names_of(frame, layout.series, where)
    rows = {str(name): np.flatnonzero(names == name) for name in dict.fromkeys(names)}
    grid = moments.grid(times, rows, where)
    features = [name for name in frame.columns if name not in (*settings.apart, *table.left_out)]
    channels = {name: _channels(frame[name], name, where) for name in features}
    beside = {label: values for values_of in channels.values() for label, values in values_of.items()}
    ahead = {label: values for name in layout.known for label, values in channels[name].items()}
    if layout.calendar and np.issubdtype(times.dtype, np.datetime64):
        ahead |= _calendar(times, grid, set(beside) | {settings.target})
    read_slices = columns.read(frame, settings.slices, table.kinds, where) if settings.slices else None
    slices = pd.DataFrame({} if read_slices is None else dict(read_slices.values), index=frame.index)
    past, known = np.column_stack([y, *beside.values()]), _matrix(list(ahead.values()), len(y))
    tracks = [
        Track(name, grid.numbers[name], times[own], past[own], known[own], slices.iloc[own])
        for name, own in rows.items()
    ]
    test_from = None if is_test is None else _test_from(rows, grid, is_test, where)
    return Recorded(tracks, grid, (settings.target, *beside), tuple(ahead), test_from)


def names_of(frame: pd.DataFrame, column: str | None, where: str) -> NDArray[Any]:
    """The series of each row, shape (n,)."""
    if column is None:
        return np.full(len(frame), "", dtype=object)
    return np.array(
        [columns.label(name) for name in roles.complete(frame, column, "forecast.series", where)], dtype=object
    )


def _channels(values: pd.Series, name: str, where: str) -> Mapping[str, NDArray[np.float64]]:
    """A column as numbers: itself, or one channel a category, 1 where it holds. Two categories make one channel."""
    roles.complete(values.to_frame(), name, "forecast", where)
    if types.is_bool_dtype(values.dtype):
        return {name: values.to_numpy(dtype=np.float64)}
    plain = columns.plain(values, where)
    if types.is_numeric_dtype(plain.dtype):
        numbers = plain.to_numpy(dtype=np.float64)
        if not np.isfinite(numbers).all():
            raise DataError(f'data: column "{name}" of {where} holds infinite values. Remove them, or data.ignore it.')
        return {name: numbers}
    categories = sorted(plain.unique()) if columns.is_string(plain) else []
    if not 2 <= len(categories) <= MOST_CATEGORIES:
        dtype = f"{len(categories):,} different strings" if categories else "dates"
        raise DataError(
            f'data: column "{name}" of {where} holds {dtype}. Beside a series there may be numbers, and strings of up '
            f"to {MOST_CATEGORIES} categories. Add it to data.ignore."
        )
    indicators = categories[1:] if len(categories) == 2 else categories
    return {f"{name}={category}": (plain == category).to_numpy(dtype=np.float64) for category in indicators}


def _calendar(times: NDArray[Any], grid: Grid, names: set[str]) -> dict[str, NDArray[np.float64]]:
    """Calendar features: position of each moment in the day, the week and the year, as far as the step allows.

    The month is left out of less than two years: what is learnt of the first ten would be used in the last two.
    """
    dates, seconds = pd.DatetimeIndex(times), grid.step.seconds
    channels: dict[str, pd.Index[Any]] = {}
    if seconds is not None and seconds < DAY:
        channels[HOUR] = dates.hour + dates.minute / 60 + dates.second / 3600
    if seconds is not None and seconds <= DAY:
        channels[WEEKDAY] = dates.day_of_week
    if (seconds is None or seconds < 30 * DAY) and dates.max() - dates.min() >= pd.Timedelta(days=729):
        channels[MONTH] = dates.month
    return {name: values.to_numpy(dtype=np.float64) for name, values in channels.items() if name not in names}


def _matrix(channels: Sequence[NDArray[np.float64]], n: int) -> NDArray[np.float64]:
    return np.column_stack(channels) if channels else np.empty((n, 0))


def _test_from(rows: Mapping[str, NDArray[np.intp]], grid: Grid, is_test: NDArray[np.bool_], where: str) -> int:
    """The first moment of the given test rows, which no other row may reach."""
    first = min(int(grid.numbers[name][is_test[own]].min()) for name, own in rows.items() if is_test[own].any())
    for name, own in rows.items():
        late = grid.numbers[name][~is_test[own]] >= first
        if late.any():
            raise DataError(
                f"data.test_path: the test rows of {where} begin before its other rows end. They must come later."
            )
    return first
