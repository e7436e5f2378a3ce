"""From series to rows: origins, the window before each, the horizon after it, and a split by time without leakage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import psutil
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bakeoff import advice
from bakeoff.data import fingerprint, sealing, series, units
from bakeoff.data.moments import shown
from bakeoff.data.series import Recorded, Track
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Source
from bakeoff.errors import DataError
from bakeoff.task import DataNote, Development, Examples, NoteRank, Schema, Series, Task, origin, series_of

Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Lengths:
    """Lengths by which a series is cut, in moments; see ``ForecastSettings``."""

    window: int
    horizon: int
    season: int
    stride: int
    train_stride: int

    @classmethod
    def from_settings(cls, settings: DataSettings, usual_season: int) -> Lengths:
        """The declared lengths, and the usual ones for those that are not."""
        forecast, horizon = settings.forecast, settings.forecast.horizon
        assert horizon is not None
        season, stride = forecast.season or usual_season, forecast.stride or horizon
        window = forecast.window or max(2 * season, horizon)
        return cls(window, horizon, season, stride, forecast.train_stride or stride)


@dataclass(frozen=True)
class Parts:
    """Numbers of the first moment of the validation, the test and the sealed part, and of the end.

    The sealed part begins at the end where nothing is sealed.
    """

    valid: int
    test: int
    sealed: int
    end: int


def load(source: Source, settings: DataSettings) -> Task:
    """A series as a task: each row is an origin, and its target the moments of the horizon after it.

    The moments are cut into three parts, training, validation and test. The target of a row lies in one of them as a
    whole; its window is what was seen until then, so that of a test row may hold moments of the other parts. What is
    learnt of the series itself, such as the scale of its errors, is learnt of the training part.

    Raises:
        DataError: the series is too short for window, horizon and split, or what ``series.read`` refuses.
    """
    recorded = series.read(source, settings)
    lengths = Lengths.from_settings(settings, recorded.grid.step.season)
    parts = _parts(recorded, lengths, settings)
    cut = [_origins(track, lengths, parts) for track in recorded.tracks]
    train, valid, test, sealed = ([origins[i] for origins in cut] for i in range(4))
    _refuse_short(recorded, lengths, parts, train, valid, test)
    _refuse_large(recorded, lengths, sum(len(origins) for of_track in cut for origins in of_track))
    schema = _schema(recorded, lengths, parts, settings)
    learnt_from = [np.concatenate([np.array([], dtype=np.intp), *pair]) for pair in zip(train, valid, strict=True)]
    n_train = sum(len(origins) for origins in train)
    n_valid = sum(len(origins) for origins in valid)
    examples, numbers = _examples(recorded.tracks, learnt_from, schema, settings, parts)
    tested, unseen = (
        _in_blocks(*_examples(recorded.tracks, part, schema, settings, parts), lengths.horizon)
        for part in (test, sealed)
    )
    return Task(
        name=settings.name,
        development=Development(
            schema,
            examples,
            n_train,
            groups=np.arange(len(examples)),
            is_ordered=True,
            spans=np.column_stack([numbers + 1, numbers + lengths.horizon]),
        ),
        test=tested,
        fingerprint=fingerprint.build(schema, settings, examples, n_train, tested),
        split={
            "kind": "time" if recorded.test_from is None else "given",
            "seed": settings.split.seed,
            "train": n_train,
            "valid": n_valid,
            "test": len(tested),
            **({"sealed": len(unseen)} if len(unseen) else {}),
        },
        notes=(
            *([sealing.note(len(tested), len(unseen))] if len(unseen) else []),
            *_untested(recorded.tracks, test),
            *_notes(recorded, lengths, parts, settings),
        ),
        sealed=unseen if len(unseen) else None,
    )


def _in_blocks(rows: Examples, origins: Positions, horizon: int) -> Examples:
    """The rows with their units of resampling."""
    series_of_rows = np.array(series_of(rows.ids), dtype=object)
    return replace(rows, units=units.from_origins(origins, series_of_rows, horizon))


def _parts(recorded: Recorded, lengths: Lengths, settings: DataSettings) -> Parts:
    """Find the start of validation and test: whole strides before the end, close to the declared shares."""
    end, test = recorded.grid.count, recorded.test_from
    if test is None:
        test = end - _length(end, settings.split.test, lengths, "test")
    elif end - test < lengths.horizon:
        raise DataError(
            f"data.forecast.horizon: {lengths.horizon} moments ahead do not fit into the {end - test} test moments. "
            "Choose a shorter one, or bring more."
        )
    sealed = end - (_length(end - test, settings.split.sealed, lengths, "sealed") if settings.split.sealed else 0)
    if sealed - test < lengths.horizon:
        raise DataError(
            f"data.split.sealed: {settings.split.sealed:g} of {end - test:,} test moments leaves no horizon of "
            f"{lengths.horizon} to test on. Choose a smaller share, or bring more."
        )
    return Parts(test - _length(test, settings.split.valid, lengths, "valid"), test, sealed, end)


def _length(moments: int, share: float, lengths: Lengths, part: str) -> int:
    whole = int(moments * share + 1e-9)
    if whole < lengths.horizon:
        raise DataError(
            f"data.forecast.horizon: {lengths.horizon} moments ahead do not fit into a {part} part of {whole:,} "
            f"(data.split.{part}={share:g} of {moments:,}). Choose a shorter horizon or a larger share, or bring more."
        )
    return max(lengths.horizon, round(moments * share / lengths.stride) * lengths.stride)


def _origins(track: Track, lengths: Lengths, parts: Parts) -> tuple[Positions, ...]:
    """Positions in the track of the origins of training, validation, test and the sealed part."""
    first, last = int(track.numbers[0]), int(track.numbers[-1])
    begins = first + lengths.window - 1  # the first origin with a whole window

    def between(start: int, end: int) -> Positions:
        origins = np.arange(start - 1, min(end, last + 1) - lengths.horizon, lengths.stride, dtype=np.intp)
        return origins[origins >= begins] - first

    latest = min(parts.valid, last + 1) - 1 - lengths.horizon
    train = np.arange(latest, begins - 1, -lengths.train_stride, dtype=np.intp)[::-1] - first
    test = between(parts.test, parts.sealed)
    return train, between(parts.valid, parts.test), test, between(parts.sealed, parts.end)


def _schema(recorded: Recorded, lengths: Lengths, parts: Parts, settings: DataSettings) -> Schema:
    layout = Series(
        window=lengths.window,
        horizon=lengths.horizon,
        season=lengths.season,
        past=recorded.past,
        known=recorded.known,
        step=recorded.grid.step.words,
        step_seconds=recorded.grid.step.seconds,
        name=settings.forecast.series,
        scales={track.name: _scale(track, lengths, parts) for track in recorded.tracks},
    )
    channels: dict[str, str] = dict.fromkeys([*recorded.past[1:], *recorded.known], "numeric")
    if layout.name is not None:
        channels[layout.name] = "categorical"
    return Schema(settings.kind, settings.target, channels, series=layout)


def _scale(track: Track, lengths: Lengths, parts: Parts) -> float:
    """Mean absolute error of the seasonal naive forecast within the training part (Hyndman & Koehler 2006)."""
    past = track.past[track.numbers < parts.valid, 0]
    if len(past) <= lengths.season:
        subject = f'"{track.name}" has' if track.name else "there are"
        raise DataError(
            f"data.forecast.season: {subject} {len(past):,} moments to learn from, and a season of {lengths.season:,} "
            "needs more than that. Bring a longer series, or give a shorter season."
        )
    return float(np.abs(past[lengths.season :] - past[: -lengths.season]).mean())


def _examples(
    tracks: Sequence[Track], origins: Sequence[Positions], schema: Schema, settings: DataSettings, parts: Parts
) -> tuple[Examples, NDArray[np.intp]]:
    """The rows of some origins of each track, those of the training part first, by time and then by series.

    Returns:
        The rows, and the number of each one's origin.
    """
    layout = schema.series
    assert layout is not None
    numbers = np.concatenate([track.numbers[own] for track, own in zip(tracks, origins, strict=True)])
    order = np.lexsort((np.arange(len(numbers)), numbers))
    ends = numbers + layout.horizon
    order = np.concatenate([order[ends[order] < parts.valid], order[ends[order] >= parts.valid]])
    blocks = list(_blocks(tracks, origins, layout))
    frame = pd.DataFrame(np.concatenate([block for block, _ in blocks])[order], columns=labels(layout), copy=False)
    whose = np.repeat([track.name for track in tracks], [len(own) for own in origins]).astype(object)
    if layout.name is not None:
        frame[layout.name] = pd.Series(whose[order], dtype="str")
    moments = [shown(track.times[i]) for track, own in zip(tracks, origins, strict=True) for i in own]
    ids = np.array([origin(name, moment) for name, moment in zip(whose, moments, strict=True)], dtype=object)
    slices = pd.concat([track.slices.iloc[own + 1] for track, own in zip(tracks, origins, strict=True)])
    rows = Examples(
        frame,
        np.concatenate([y for _, y in blocks])[order],
        ids[order],
        slices.iloc[order].reset_index(drop=True),
    )
    return rows, numbers[order]


def _blocks(
    tracks: Sequence[Track], origins: Sequence[Positions], layout: Series
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Features and targets of the origins of each track, as ``bakeoff.models.forecast.series`` reads them."""
    window, horizon = layout.window, layout.horizon
    for track, own in zip(tracks, origins, strict=True):
        if not len(own):
            yield np.empty((0, window * len(layout.past) + horizon * len(layout.known))), np.empty((0, horizon))
            continue
        past = sliding_window_view(track.past, window, axis=0)[own - window + 1].transpose(0, 2, 1)
        known = sliding_window_view(track.known, horizon, axis=0)[own + 1].transpose(0, 2, 1)
        y = sliding_window_view(track.past[:, 0], horizon)[own + 1]
        yield np.hstack([past.reshape(len(own), -1), known.reshape(len(own), -1)]), y.copy()


def labels(layout: Series) -> list[str]:
    """Such as ``Demand[-335]`` to ``Demand[0]``, the origin, and ``WorkDay[+1]``, the moment after it."""
    past = [f"{name}[{step}]" for step in range(1 - layout.window, 1) for name in layout.past]
    return past + [f"{name}[+{step}]" for step in range(1, layout.horizon + 1) for name in layout.known]


def _refuse_short(
    recorded: Recorded,
    lengths: Lengths,
    parts: Parts,
    train: Sequence[Positions],
    valid: Sequence[Positions],
    test: Sequence[Positions],
) -> None:
    needed = lengths.window + lengths.horizon
    for part, origins, end in (
        ("learn from", train, parts.valid),
        ("validate on", valid, parts.test),
        ("test on", test, parts.end),
    ):
        if not sum(len(own) for own in origins):
            raise DataError(
                f"data.forecast: no window of {lengths.window:,} moments and horizon of {lengths.horizon:,} to {part} "
                f"fits into the first {end:,} of {recorded.grid.count:,} moments; {needed:,} are needed. "
                "Bring a longer series, or give a shorter data.forecast.window or horizon."
            )


def _refuse_large(recorded: Recorded, lengths: Lengths, rows: int) -> None:
    columns = lengths.window * len(recorded.past) + lengths.horizon * (len(recorded.known) + 1)
    needed, there = 8 * rows * columns, psutil.virtual_memory().available
    if needed > there / 2:
        raise DataError(
            f"data.forecast: {rows:,} origins with {columns:,} values each need {needed / 1e9:,.1f} GB, and "
            f"{there / 1e9:,.1f} GB are free. Give a longer data.forecast.stride or train_stride, or a shorter window."
        )


def _untested(tracks: Sequence[Track], test: Sequence[Positions]) -> list[DataNote]:
    """A note on the series without a test row, such as those that ended before."""
    names = [track.name for track, origins in zip(tracks, test, strict=True) if not len(origins)]
    if not names:
        return []
    text = (
        f"{len(names):,} of {len(tracks):,} series have no test row, because too little of them lies in the test part: "
    )
    return [DataNote(f"{text}{advice.listed(names)}.", "data.split", NoteRank.ROWS)]


def _notes(recorded: Recorded, lengths: Lengths, parts: Parts, settings: DataSettings) -> tuple[DataNote, ...]:
    count, many = recorded.grid.count, len(recorded.tracks)
    moments = (
        f"{count:,} moments, one every {recorded.grid.step.words}{f', of {many:,} series' if many > 1 else ''}: "
        f"the first {parts.valid:,} to learn from, {parts.test - parts.valid:,} to validate on, "
        f"{parts.sealed - parts.test:,} to test on; a season is {lengths.season:,}."
    )
    notes = [DataNote(moments, "data.split", NoteRank.FACTS)]
    if lengths.stride < lengths.horizon:
        overlap = (
            "The horizons of test rows overlap, because the stride is shorter than the horizon: intervals draw blocks "
            "of consecutive rows, and more rows in the same time say little more."
        )
        notes.append(DataNote(overlap, "data.forecast.stride"))
    if lengths.season == 1 and settings.forecast.season is None:
        unknown = (
            "The time column does not tell how long a season is: the seasonal naive forecast repeats the last value."
        )
        notes.append(DataNote(unknown, "data.forecast.season"))
    unscaled = [track.name for track in recorded.tracks if _scale(track, lengths, parts) == 0]
    if unscaled:
        whose = f" of {advice.listed(unscaled)}" if many > 1 else ""
        over = f" It is over the other {many - len(unscaled):,} series." if many > len(unscaled) else ""
        repeated = f"Each season of the training part{whose} repeats the one before: mase is not defined there.{over}"
        notes.append(DataNote(repeated, "data.metric=mae" if not over else "", NoteRank.VALUES))
    return tuple(notes)
