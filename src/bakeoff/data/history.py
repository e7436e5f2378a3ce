"""The history of a series as the rows of a known forecast: one row a series, whose origin is the last moment of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff import advice
from bakeoff.data import cells, columns, moments, reader, roles, series, windows
from bakeoff.data.moments import shown
from bakeoff.data.reader import NewRows, RawRows
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Rows
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import Schema, Series, origin

WHERE = "the history"


@dataclass(frozen=True)
class Origins:
    """Rows of a forecast, and their ids.

    Attributes:
        rows: one a series.
        ids: the series, where there are several, and its last moment, shape (n,).
    """

    rows: NewRows
    ids: NDArray[Any]


class HistoryReader:
    """Turns the history of series into windows up to the last moment of each.

    A history holds a row a moment with the columns that the data of the task had. Moments whose target is empty, behind
    the last that has one, give the columns that are known ahead (``data.forecast.known``).

    Args:
        schema: of the task.
        settings: of its data: which column is the time, the target, the series.
    """

    def __init__(self, schema: Schema, settings: DataSettings) -> None:
        if schema.series is None:
            raise ConfigError("predict: this is no forecast: give rows, not a history.")
        self.schema, self.series, self.settings = schema, schema.series, settings

    def read(self, history: RawRows, is_text: bool = False) -> Origins:
        """Read a history, its rows in the order of time.

        Args:
            history: at least as many moments of each series as the window of the task has.
            is_text: whether every cell is the text of a file.

        Raises:
            DataError: a column or a moment is missing, or a series is shorter than the window.
        """
        frame = reader.as_frame(history)
        layout = self.series
        needed = [self.settings.target, self.settings.time, *([layout.name] if layout.name else [])]
        absent = [name for name in needed if name and name not in frame]
        if absent:
            raise DataError(f"predict: {WHERE} has no column {advice.listed(absent)}.")
        settings = replace(self.settings, ignore=[c for c in self.settings.ignore if c in frame], slices=[])
        rows = moments.with_local_days(Rows(frame, is_text=is_text), settings.time)
        frame = cells.typed(rows, settings, WHERE).frame
        names = series.names_of(frame, layout.name, WHERE)
        times = roles.times(frame, settings.time, WHERE)
        assert times is not None
        is_past = frame[settings.target].notna().to_numpy()
        problems: list[list[str]] = []
        blocks, ids, series_of = [], [], []
        for name in dict.fromkeys(names):
            own = np.flatnonzero(names == name)
            past = own[: int(np.flatnonzero(is_past[own])[-1]) + 1] if is_past[own].any() else own[:0]
            block = self._row(frame, times, past, own[len(past) :], str(name))
            blocks.append(block)
            ids.append(origin(str(name), shown(times[past[-1]])))
            series_of.append(str(name))
            is_new = bool(layout.name) and str(name) not in layout.scales
            problems.append([f'{layout.name}: "{name}" was never seen in training'] if is_new else [])
        X = pd.DataFrame(np.vstack(blocks), columns=windows.labels(layout))
        if layout.name is not None:
            X[layout.name] = pd.Series(series_of, dtype="str")
        return Origins(
            NewRows(X, reader.as_messages(problems), np.ones(len(problems), dtype=bool)), np.array(ids, dtype=object)
        )

    def _row(
        self, frame: pd.DataFrame, times: NDArray[Any], past: NDArray[np.intp], ahead: NDArray[np.intp], name: str
    ) -> NDArray[np.float64]:
        """The features of one series, shape (1, features)."""
        layout, suffix = self.series, f' of "{name}"' if name else ""
        if len(past) < layout.window:
            raise DataError(
                f"predict: {WHERE}{suffix} has {len(past):,} moments with a target, and the model looks back on "
                f"{layout.window:,}. Bring more of it."
            )
        grid = moments.grid(times, {name: past}, WHERE)
        if grid.step.words != layout.step:
            raise DataError(
                f"predict: {WHERE}{suffix} has a moment every {grid.step.words}, the task one every {layout.step}."
            )
        window = past[-layout.window :]
        past_values = np.column_stack([_channel(frame, channel, window, suffix) for channel in layout.past])
        known = self._known(frame, times, past, ahead, suffix)
        return np.concatenate([past_values.reshape(-1), known.reshape(-1)])[None, :]

    def _known(
        self, frame: pd.DataFrame, times: NDArray[Any], past: NDArray[np.intp], ahead: NDArray[np.intp], suffix: str
    ) -> NDArray[np.float64]:
        """Build the channels known over the horizon, shape (horizon, known)."""
        layout = self.series
        if not layout.known:
            return np.empty((layout.horizon, 0))
        moments_ahead = _moments_ahead(times[past], layout)
        calendar = {} if moments_ahead is None else _calendar(moments_ahead)
        own = [channel for channel in layout.known if channel not in calendar or channel in frame]
        if own and len(ahead) < layout.horizon:
            raise DataError(
                f"predict: {advice.listed(own)} must be known of the next {layout.horizon:,} moments{suffix}, and "
                f"{WHERE} has {len(ahead):,} rows behind the last target. Add rows with an empty "
                f"{self.settings.target}."
            )
        if own:
            moments.grid(times, {"": np.concatenate([past, ahead])}, WHERE)
        return np.column_stack(
            [
                _channel(frame, channel, ahead[: layout.horizon], suffix) if channel in own else calendar[channel]
                for channel in layout.known
            ]
        )


def _channel(frame: pd.DataFrame, channel: str, rows: NDArray[np.intp], suffix: str) -> NDArray[np.float64]:
    """Convert a column to the task's channel: its numbers, or 1 where it holds the category in the channel's name."""
    column, category = channel, None
    if channel not in frame and "=" in channel:
        column, _, category = channel.partition("=")
    if column not in frame:
        raise DataError(f'predict: {WHERE} has no column "{column}".')
    values = columns.plain(frame[column], WHERE).iloc[rows]
    if values.isna().any():
        raise DataError(
            f'predict: "{column}" is missing in {int(values.isna().sum()):,} needed rows of {WHERE}{suffix}.'
        )
    if category is not None:
        labels = values.map(columns.label).to_numpy(dtype=object)
        return np.asarray(labels == category, dtype=np.float64)
    numbers = pd.to_numeric(values.replace({"True": 1, "False": 0}), errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise DataError(
            f'predict: "{column}" of {WHERE}{suffix} holds "{values[~np.isfinite(numbers)].iloc[0]}", no number.'
        )
    return numbers


def _moments_ahead(times: NDArray[Any], layout: Series) -> pd.DatetimeIndex | None:
    """The moments of the horizon; None where moments are numbers, or of no common length."""
    if not np.issubdtype(times.dtype, np.datetime64):
        return None
    if layout.step_seconds is None:
        months = round((times[-1].astype("datetime64[M]") - times[-2].astype("datetime64[M]")).astype(int))
        return pd.DatetimeIndex(
            [pd.Timestamp(times[-1]) + pd.DateOffset(months=months * i) for i in range(1, layout.horizon + 1)]
        )
    step = pd.Timedelta(seconds=layout.step_seconds)
    return pd.DatetimeIndex([pd.Timestamp(times[-1]) + step * i for i in range(1, layout.horizon + 1)])


def _calendar(dates: pd.DatetimeIndex) -> Mapping[str, NDArray[np.float64]]:
    """Every channel of the calendar; the task says which of them it has."""
    hours = dates.hour + dates.minute / 60 + dates.second / 3600
    channels: dict[str, Any] = {series.HOUR: hours, series.WEEKDAY: dates.day_of_week, series.MONTH: dates.month}
    return {name: np.asarray(values, dtype=np.float64) for name, values in channels.items()}
