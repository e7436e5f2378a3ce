"""Forecasting with a regression model: a table with one row per future step, and lag features as columns.

All steps of the horizon share one model, which the step itself is a column of ("direct" forecasting: no forecast is fed
back, so no error is). One fit and one pass for all steps is what keeps learning and single answers fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted
from bakeoff.models.forecast import series
from bakeoff.models.forecast.series import Windows
from bakeoff.task import Examples, Predictions, Schema, Series

if TYPE_CHECKING:
    from numpy.typing import NDArray

INNER = "regressor"
RECENT = 8  # number of most recent values, the origin included
MOST_MULTIPLES = 6  # maximum number of periods to look back
DECAYS = (2.0, 6.0, 18.0)  # steps after which what was unusual at the origin has lost two thirds of its weight
DAY = 86_400.0


def adapted(model: Model, schema: Schema) -> Model:
    """Return the model, wrapped as a forecaster if the task is a forecast and it supports lag features."""
    return LagForecaster(model) if schema.series is not None and model.supports_lag_features else model


@dataclass(eq=False)
class LagForecaster(Model):
    """A regression model as a forecaster. It predicts the distance of each future step from the last period's mean.

    Values are in units of ``Series.scales`` and relative to that mean, so that series of any size may be learnt
    together, and trees can follow a level that they have not seen.

    Args:
        model: the regression model.
    """

    model: Model

    _kept: dict[Any, Any] | None = field(default=None, init=False, repr=False)

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when the task is no forecast, or the model cannot serve the table of lags."""
        self.model.check(_table_schema(schema))

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Fit to the rows' lag tables, which a search builds once."""
        schema = context.schema
        memo = {} if context.memo is None else context.memo.setdefault(LagForecaster, {})
        if "train" not in memo:
            memo["train"] = _learnt(train, schema)
            memo["valid"] = _learnt(valid, schema) if valid is not None and len(valid) else None
        inner = replace(
            context, schema=_table_schema(schema), memo=None if context.memo is None else memo.setdefault("memo", {})
        )
        self.model.fit(memo["train"], memo["valid"], inner)
        self.schema_ = schema
        self._kept = None if context.memo is None else memo

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Forecast from n origins. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self)
        lag_table = self._table(X)
        answers = self.model.predict(lag_table.frame).output.reshape(len(X), -1)
        return Predictions(lag_table.level[:, None] + lag_table.scale[:, None] * answers)

    def warm_up(self, X: pd.DataFrame) -> None:
        """Warm up the model on the lag features of one row."""
        self.model.warm_up(table(X.iloc[:1], self.schema_).frame)

    def report(self) -> ModelReport:
        """The model's report, and the columns of the lag features."""
        report = self.model.report()
        return replace(report, details={**report.details, "columns_of_lags": list(_table_schema(self.schema_).columns)})

    def save(self, folder: Path) -> None:
        """Write the model into a folder of its own, and the schema as JSON."""
        persistence.write(folder, self, self.schema_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        if (folder / INNER).is_dir():  # as earlier versions wrote it
            loaded = cls(persistence.load(folder / INNER))
            loaded.schema_, _ = persistence.read_state(folder)
            return loaded
        saved = persistence.read(cls, folder)
        saved.model.schema_ = saved.schema
        return saved.model

    def _table(self, X: pd.DataFrame) -> Table:
        """Build the lag table; a search builds that of the validation rows once."""
        if self._kept is None:
            return table(X, self.schema_)
        rows, lag_table = self._kept.get("asked", (None, None))
        if rows is not X:
            lag_table = table(X, self.schema_)
            self._kept.setdefault("asked", (X, lag_table))
        assert isinstance(lag_table, Table)
        return lag_table


@dataclass(frozen=True)
class Table:
    """Lag features of n origins.

    Attributes:
        frame: a row for each step ahead of each origin, n × horizon rows.
        level: the level that each origin's values are relative to, shape (n,).
        scale: unit of each origin's values, shape (n,).
    """

    frame: pd.DataFrame
    level: NDArray[np.float64]
    scale: NDArray[np.float64]


def table(X: pd.DataFrame, schema: Schema) -> Table:
    """Build the lag table of n origins."""
    layout, windows = series.from_schema(schema), series.arrays(X, schema)
    scale = np.where(windows.scales > 0, windows.scales, 1.0)
    level = windows.target[:, -periods(layout)[0] :].mean(axis=1)
    relative = (windows.target - level[:, None]) / scale[:, None]
    values_of = dict(_columns(relative, windows, layout))
    values_of["level"] = np.repeat(level / scale, layout.horizon)
    frame = pd.DataFrame(np.column_stack(list(values_of.values())), columns=list(values_of), copy=False)
    if layout.name is not None:
        frame[layout.name] = pd.Series(np.repeat(series.names(X, layout), layout.horizon), dtype="str")
    return Table(frame, level, scale)


def periods(layout: Series) -> list[int]:
    """Periods in time steps after which a pattern may repeat within the window: the day and the season, or 1."""
    day = DAY / layout.step_seconds if layout.step_seconds else 0.0
    candidates = {layout.season, int(day) if day.is_integer() else 0}
    return sorted(p for p in candidates if 1 < p <= layout.window) or [1]


def _columns(
    relative: NDArray[np.float64], windows: Windows, layout: Series
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Generate names and values of the columns, each of shape (n × horizon,)."""
    n, horizon, last = len(relative), layout.horizon, layout.window - 1
    steps = np.arange(1, horizon + 1)

    def alike(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.repeat(values, horizon)

    yield "step", np.tile(steps.astype(np.float64), n)
    for period in periods(layout):
        for multiple in range(min(layout.window // period, MOST_MULTIPLES) if period > 1 else 0):
            before = last + steps - period * (-(-steps // period) + multiple)
            yield f"lag {period} × {multiple + 1}", relative[:, before].ravel()
            for c, name in enumerate(layout.past[1:], 1):
                yield f"{name}, lag {period} × {multiple + 1}", windows.past[:, before, c].ravel()
    for back in range(min(RECENT, layout.window)):
        yield f"origin - {back}", alike(relative[:, last - back])
    shortest = periods(layout)[0]
    if layout.window > shortest:
        unusual = relative[:, -1] - relative[:, -1 - shortest]
        for decay in DECAYS:
            yield f"unusual, decay {decay:g}", (unusual[:, None] * np.exp(-(steps - 1) / decay)).ravel()
        yield "drift", alike(relative[:, -shortest:].mean(axis=1) - relative[:, :shortest].mean(axis=1))
    yield "mean", alike(relative.mean(axis=1))
    yield "deviation", alike(relative.std(axis=1))
    for c, name in enumerate(layout.past[1:], 1):
        yield f"{name}, origin", alike(windows.past[:, -1, c])
        yield f"{name}, mean of last {shortest}", alike(windows.past[:, -shortest:, c].mean(axis=1))
    for c, name in enumerate(layout.known):
        yield f"{name}, ahead", windows.known[:, :, c].ravel()


def _learnt(rows: Examples, schema: Schema) -> Examples:
    """Build the lag table with its target: the distance from the level, in units of the scale."""
    lag_table = table(rows.X, schema)
    y = ((rows.y - lag_table.level[:, None]) / lag_table.scale[:, None]).ravel()
    return Examples(lag_table.frame, y, np.arange(len(y)), pd.DataFrame(index=lag_table.frame.index))


def _table_schema(schema: Schema) -> Schema:
    """Schema of the regression task that the lag table poses."""
    layout = series.from_schema(schema)
    nothing = Windows(
        np.empty((0, layout.window, len(layout.past))), np.empty((0, layout.horizon, len(layout.known))), np.empty(0)
    )
    with np.errstate(all="ignore"):
        names = [name for name, _ in _columns(nothing.target, nothing, layout)]
    columns: dict[str, str] = dict.fromkeys([*names, "level"], "numeric")
    if layout.name is not None:
        columns[layout.name] = "categorical"
    return Schema("regression", schema.target, columns)
