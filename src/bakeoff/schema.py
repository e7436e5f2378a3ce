"""Definition of a prediction problem without its rows: target, columns, and how their cells are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Series:
    """Window and horizon of a forecast. A moment is one step of the series; the origin is the last moment seen.

    Attributes:
        window: number of moments that a model sees, up to the origin.
        horizon: number of moments to predict after the origin.
        season: number of moments after which the pattern repeats.
        past: the columns of the window, the target first.
        known: the columns that are known for the horizon as well, such as the calendar.
        step: length of a moment, for display, such as ``30 min``.
        step_seconds: the same as a number; None where moments are not of one length (months), or are mere numbers.
        name: the column that names each of several series; None where there is one.
        scales: series → mean absolute error of the seasonal naive forecast within its training part, by which MASE is
            scaled; one series is called ``""``.
    """

    window: int
    horizon: int
    season: int
    past: tuple[str, ...]
    known: tuple[str, ...]
    step: str
    step_seconds: float | None
    name: str | None
    scales: Mapping[str, float]


def origin(series: str, moment: str) -> str:
    """Id of a forecast row: the series, if there are several, and the last moment seen."""
    return f"{series} {moment}".lstrip()


def series_of(ids: Iterable[str]) -> list[str]:
    """Extract the series from an id made by ``origin``."""
    return [identity.rpartition(" ")[0] for identity in ids]


@dataclass(frozen=True)
class Reading:
    """Rules that turn the cells of one column into values: decided once, and the same for new rows.

    Attributes:
        decimal: before the decimals of a number.
        thousands: between groups of three digits; empty: nothing.
        affix: sign attached to every number, such as ``%`` or ``$``; empty: none.
        missing: texts that stand for a missing value.
        date_format: format of dates that are texts, for ``strptime``, or ``ISO8601``; None for other columns.
        categories: values of a categorical column in the development rows; None where they are too many, or unknown.
    """

    decimal: str = "."
    thousands: str = ""
    affix: str = ""
    missing: tuple[str, ...] = ()
    date_format: str | None = None
    categories: tuple[str, ...] | None = None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Rebuild from the result of ``dataclasses.asdict``, passed through JSON."""
        categories = content.get("categories")
        return cls(
            **{
                **content,
                "missing": tuple(content.get("missing") or ()),
                "categories": None if categories is None else tuple(categories),
            }
        )


@dataclass(frozen=True)
class Schema:
    """Definition of the prediction problem, without any rows of data.

    Attributes:
        kind: task kind, which decides how the target is read; one of ``bakeoff.tasks.kinds``.
        target: name of the target column.
        columns: the feature columns in frame order, each with the name of its kind (``bakeoff.columns.kinds``); of a
            forecast, the columns of the series, each of which stands in the frame once a moment (see
            ``bakeoff.models.forecast.series``).
        classes: the labels in sorted order; empty for regression.
        positive: the class that precision, recall and F1 of a binary task speak of.
        series: window and horizon of a forecast; None for other kinds.
        readings: how the cells of columns are turned into values; a column that is not named is read as a program
            writes it, and runs of earlier versions name none.
    """

    kind: str
    target: str
    columns: Mapping[str, str]
    classes: tuple[str, ...] = ()
    positive: str | None = None
    series: Series | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Rebuild a schema from the result of ``dataclasses.asdict``, passed through JSON."""
        values = {**plain, "classes": tuple(plain["classes"])}
        if values.get("series") is not None:
            series = values["series"]
            values["series"] = Series(**{**series, "past": tuple(series["past"]), "known": tuple(series["known"])})
        values["readings"] = {
            name: Reading.from_json(reading) for name, reading in (plain.get("readings") or {}).items()
        }
        return cls(**values)

    def of_kind(self, *kinds: str) -> list[str]:
        """Names of the feature columns of the given kinds, in frame order."""
        return [name for name, kind in self.columns.items() if kind in kinds]
