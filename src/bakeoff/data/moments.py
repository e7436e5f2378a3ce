"""The moments of a series: numbered without gaps, in order, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.data import columns
from bakeoff.data.sources import Rows
from bakeoff.errors import DataError

DAY = 86_400.0
OFFSET = r"(?<=:\d{2})(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$"
"""Offset at the end of an ISO date with a time, and fractions of a second."""
UNITS = (("week", 7 * DAY), ("day", DAY), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))


@dataclass(frozen=True)
class Step:
    """From one moment to the next.

    Attributes:
        words: for people, such as ``30 min``.
        seconds: None where moments are months, or mere numbers.
        months: None where they are of one length.
    """

    words: str
    seconds: float | None = None
    months: int | None = None

    @property
    def season(self) -> int:
        """After how many moments a pattern usually repeats: those of a day, a week or a year; 1 where none is known."""
        if self.months is not None:
            return 12 // self.months if 12 % self.months == 0 else 1
        if self.seconds is None:
            return 1
        period = DAY if self.seconds < DAY else 7 * DAY if self.seconds == DAY else 364 * DAY
        count = period / self.seconds
        return int(count) if count.is_integer() else 1


@dataclass(frozen=True)
class Grid:
    """The moments of all series, numbered from 0 at the first of them.

    Attributes:
        numbers: series → the numbers of its rows, each one more than the one before.
        count: of all numbers.
        step: from one to the next.
    """

    numbers: Mapping[str, NDArray[np.intp]]
    count: int
    step: Step


def with_local_days(rows: Rows, name: str | None) -> Rows:
    """Return rows whose dates of daily values are as local clocks show them.

    Dates with a time zone or offset are otherwise read in UTC, so that no hour is missing or twice where clocks change.
    Where the clock shows the same time in every row, as of daily values, it is the days that are equally far apart, and
    in UTC they are not.
    """
    frames = [frame for frame in (rows.frame, rows.test) if frame is not None]
    if name is None or any(name not in frame for frame in frames):
        return rows
    local = [_clock(frame[name]) for frame in frames]
    if any(moments is None for moments in local) or pd.concat(local).dt.time.nunique() != 1:
        return rows
    frame, *test = [frame.assign(**{name: moments}) for frame, moments in zip(frames, local, strict=True)]
    return replace(rows, frame=frame, test=test[0] if test else None)


def _clock(values: pd.Series) -> pd.Series | None:
    """Dates without their time zone or offset; None unless all have one."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_localize(None).astype("datetime64[us]") if values.notna().all() else None
    if not isinstance(values.dtype, pd.StringDtype) or not values.str.fullmatch(columns.ISO_DATE).all():
        return None
    texts = values.str.replace(OFFSET, "", regex=True)
    if not (texts.str.len() < values.str.len()).all():
        return None
    clock = pd.to_datetime(texts, format="ISO8601", errors="coerce").astype("datetime64[us]")
    return clock if clock.notna().all() else None


def grid(times: NDArray[Any], rows: Mapping[str, NDArray[np.intp]], where: str) -> Grid:
    """Number the moments of each series.

    Args:
        times: of all rows, numbers or dates, shape (n,).
        rows: series → its rows in the order of the data.
        where: what messages call the data.

    Raises:
        DataError: times of a series repeat, go back, or leave a gap; or series have no common step.
    """
    for name, positions in rows.items():
        _refuse_disorder(times[positions], positions, name, where)
    longest = max(rows.values(), key=len)
    if len(longest) < 2:
        raise DataError(f"data.time: {where} holds one moment{_of_each(rows)}. A forecast needs many.")
    every, step = _positions(times, times[longest])
    numbers = {}
    for name, positions in rows.items():
        own = every[positions]
        _refuse_gaps(own, times[positions], step, name, where)
        numbers[name] = np.round(own).astype(np.intp)
    first = min(int(own[0]) for own in numbers.values())
    last = max(int(own[-1]) for own in numbers.values())
    return Grid({name: own - first for name, own in numbers.items()}, last - first + 1, step)


def shown(time: Any) -> str:
    """Format moments for people and for ids of origins: dates without parts that are 0 in all of them, no space."""
    if isinstance(time, np.datetime64):
        text = str(pd.Timestamp(time).isoformat(timespec="auto"))
        return text.removesuffix(":00").removesuffix("T00:00")
    return f"{time:g}" if isinstance(time, float | np.floating) else str(time)


def _positions(times: NDArray[Any], typical: NDArray[Any]) -> tuple[NDArray[np.float64], Step]:
    """Position of each time in steps from the earliest, shape (n,), and the step, inferred from one series."""
    if np.issubdtype(times.dtype, np.datetime64):
        months = _months(typical)
        if months is not None:
            every = times.astype("datetime64[M]").astype(np.int64)
            words = "1 month" if months == 1 else f"{months} months"
            return (every - every.min()) / months, Step(words, months=months)
        micros = times.astype("datetime64[us]").astype(np.int64)
        usual = _most_common(np.diff(typical.astype("datetime64[us]").astype(np.int64)))
        seconds = float(usual) / 1e6
        return (micros - micros.min()) / usual, Step(_words(seconds), seconds=seconds)
    usual = _most_common(np.diff(typical))
    return (times - times.min()) / usual, Step(f"{usual:g}")


def _months(times: NDArray[np.datetime64]) -> int | None:
    """Number of months between moments; None if they are not on the same day of the month, or are all equal."""
    moments = pd.DatetimeIndex(times)
    if len(moments) < 3 or len(set(np.diff(times))) == 1:
        return None
    same_day = len(set(zip(moments.day, moments.time, strict=True))) == 1
    if not same_day and not moments.is_month_end.all():
        return None
    return int(_most_common(np.diff(times.astype("datetime64[M]").astype(np.int64))))


def _most_common(differences: NDArray[Any]) -> Any:
    values, counts = np.unique(differences, return_counts=True)
    return values[counts.argmax()]


def _words(seconds: float) -> str:
    for unit, length in UNITS:
        if seconds % length == 0:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 and unit in ('week', 'day') else ''}"
    return f"{seconds:g} s"


def _refuse_disorder(times: NDArray[Any], positions: NDArray[np.intp], name: str, where: str) -> None:
    wrong = np.flatnonzero(times[1:] <= times[:-1])
    if not len(wrong):
        return
    i = int(wrong[0])
    row, before, here = int(positions[i + 1]), shown(times[i]), shown(times[i + 1])
    hint = "" if name else " If there are several series, name their column: data.forecast.series=…"
    if before == here:
        raise DataError(
            f"data.time: {where} holds {here} twice{_of(name)}, in rows {int(positions[i])} and {row}, counting "
            f"from 0. Keep one of them.{_clocks(times[i], times[i + 1])}{hint}"
        )
    raise DataError(
        f"data.time: {where} goes back{_of(name)} in row {row}, counting from 0: from {before} to {here}. "
        f"A forecast needs the rows of a series in the order of time: sort them.{_clocks(times[i], times[i + 1])}{hint}"
    )


def _clocks(before: Any, after: Any) -> str:
    """Advice where an hour is missing or repeated in the night of a Sunday, as where clocks change; else empty."""
    if not isinstance(before, np.datetime64):
        return ""
    first, second = pd.Timestamp(before), pd.Timestamp(after)
    is_night = first.day_of_week == second.day_of_week == 6 and first.hour <= 3 and second.hour <= 4
    if not is_night or not -1 <= (second - first) / pd.Timedelta(hours=1) <= 2:
        return ""
    return (
        " If clocks changed there, write the times with their offset from UTC, such as "
        f"{second.isoformat(timespec='minutes')}+02:00."
    )


def _refuse_gaps(own: NDArray[np.float64], times: NDArray[Any], step: Step, name: str, where: str) -> None:
    if abs(own[0] - round(own[0])) > 1e-6:
        raise DataError(
            f"data.time: moments of {where}{_of(name)} are not those of the other series: {shown(times[0])} is no "
            f"whole number of steps of {step.words} from the first moment."
        )
    differences = np.diff(own)
    wrong = np.flatnonzero(np.abs(differences - 1) > 1e-6)
    if not len(wrong):
        return
    i = int(wrong[0])
    others = f" ({len(wrong):,} such places)" if len(wrong) > 1 else ""
    raise DataError(
        f"data.time: in {where}{_of(name)}, {shown(times[i + 1])} comes after {shown(times[i])}, and the step is "
        f"{step.words}{others}. A forecast needs every moment once: fill the gaps, or choose a part without any."
        f"{_clocks(times[i], times[i + 1])}"
    )


def _of(name: str) -> str:
    return f' of "{name}"' if name else ""


def _of_each(rows: Mapping[str, Any]) -> str:
    return " of each series" if len(rows) > 1 else ""
