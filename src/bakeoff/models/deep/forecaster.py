"""Inputs of a recurrent forecaster: the window step by step, and each future step with its seasonal counterparts.

The network learns how far each moment ahead is from the one a season (or period) before, in units of the scale of its
series. So it begins as the seasonal naive forecast, less its mean error, and follows a level that it has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.models.deep.batches import Rows
from bakeoff.models.deep.reading import Cells
from bakeoff.models.deep.targets import Targets
from bakeoff.models.forecast import series
from bakeoff.models.forecast.lags import MOST_MULTIPLES, periods
from bakeoff.task import Examples, Predictions, Schema, Series

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.models.deep.networks import Forecaster
    from bakeoff.models.forecast.series import Windows

SEEN, AHEAD = "seen", "ahead"  # as in networks.py, which imports torch


@dataclass(frozen=True)
class Standards:
    """Mean and standard deviation of each channel except the target, which is relative to its level instead.

    Attributes:
        past: of the window's channels after the first, shape (2, channels - 1).
        known: of what is known ahead, shape (2, known).
    """

    past: NDArray[np.float64]
    known: NDArray[np.float64]

    @classmethod
    def learn(cls, windows: Windows) -> Standards:
        """Compute them from training windows."""
        return cls(_moments(windows.past[:, :, 1:]), _moments(windows.known))


class SeriesReader:
    """Encoder of series windows as network inputs.

    Args:
        schema: of a forecast.
        cells: of the network.
        standards: of the channels.
        targets: encoder of the distances from the last season.
    """

    def __init__(self, schema: Schema, cells: Cells, standards: Standards, targets: Targets) -> None:
        self.schema = schema
        self.span = series.from_schema(schema)
        self.cells = cells
        self.standards = standards
        self.targets = targets
        self.cut: dict[str, int] = {}

    @classmethod
    def learn(cls, train: Examples, schema: Schema, cells: Cells) -> SeriesReader:
        """Learn the means and deviations of channels and targets from the training rows."""
        windows = series.arrays(train.X, schema)
        distances = (train.y - _before(windows, series.from_schema(schema))) / _scale(windows)[:, None]
        return cls(schema, cells, Standards.learn(windows), Targets.learn(distances, schema))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], schema: Schema, cells: Cells) -> SeriesReader:
        """Restore from the output of ``plain``."""
        standards = Standards(np.array(plain["past"]), np.array(plain["known"]))
        return cls(schema, cells, standards, Targets.from_dict(plain, schema))

    def rows(self, X: pd.DataFrame, whose: str) -> Rows:
        """``seen``, a row a period, the last one ending at the origin; ``ahead``, a row a moment of the horizon."""
        span, windows = self.span, series.arrays(X, self.schema)
        n, period = len(X), periods(span)[0]
        level = windows.target[:, -period:].mean(axis=1)
        target = (windows.target - level[:, None]) / _scale(windows)[:, None]
        past = np.concatenate([target[:, :, None], _standardised(windows.past[:, :, 1:], self.standards.past)], axis=2)
        whole = span.window // period
        history = past[:, span.window - whole * period :].reshape(n, whole, -1)
        like = [past[:, at] for at in _likes(span)]
        ahead = np.concatenate([*like, _standardised(windows.known, self.standards.known)], axis=2)
        return Rows(n, {SEEN: history.astype(np.float32), AHEAD: ahead.astype(np.float32)})

    def known(self, examples: Examples, whose: str) -> Rows:
        """Encode rows together with their targets: distances of each future step from one season before."""
        windows = series.arrays(examples.X, self.schema)
        distances = (examples.y - _before(windows, self.span)) / _scale(windows)[:, None]
        return self.rows(examples.X, whose).with_target(self.targets.encoded(distances))

    def predictions(self, outputs: Any, X: pd.DataFrame) -> Predictions:
        """Predictions: the last season plus the distances predicted by the network."""
        windows = series.arrays(X, self.schema)
        distances = self.targets.predictions(outputs).output
        return Predictions(_before(windows, self.span) + _scale(windows)[:, None] * distances)

    def network(self) -> Forecaster:
        """Build a network for such rows."""
        from bakeoff.models.deep.networks import Forecaster

        of, span = self.cells, self.span
        channels = len(span.past)
        return Forecaster(
            periods(span)[0] * channels, len(_likes(span)) * channels + len(span.known), of.hidden, of.layers,
            of.kind, of.bidirectional, of.dropout,
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """Learned means and deviations, for JSON."""
        return {
            "past": self.standards.past.tolist(),
            "known": self.standards.known.tolist(),
            **self.targets.plain(),
        }

    def identity(self) -> Mapping[str, Any]:
        """Empty: everything learned here follows from the rows."""
        return {"horizon": self.span.horizon, "period": periods(self.span)[0]}

    def details(self) -> Mapping[str, Any]:
        """Details of the window, for ``result.json``."""
        period = periods(self.span)[0]
        return {"moments_a_step": period, "steps_of_the_window": self.span.window // period}


def _likes(span: Series) -> list[NDArray[np.intp]]:
    """Positions in the window of earlier periods' counterparts of the future steps, each of shape (horizon,)."""
    steps, last = np.arange(1, span.horizon + 1), span.window - 1
    return [
        last + steps - period * (-(-steps // period) + multiple)
        for period in periods(span)
        for multiple in range(min(span.window // period, MOST_MULTIPLES))
    ]


def _before(windows: Windows, span: Series) -> NDArray[np.float64]:
    """Value of each future step one season earlier, the last season in the window, shape (n, horizon)."""
    period, steps = periods(span)[-1], np.arange(1, span.horizon + 1)
    return windows.target[:, span.window - 1 + steps - period * -(-steps // period)]


def _scale(windows: Windows) -> NDArray[np.float64]:
    """Scale of each row's series, shape (n,)."""
    return np.where(windows.scales > 0, windows.scales, 1.0)


def _moments(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and deviation of each channel, ignoring gaps; 0 and 1 for an empty channel."""
    moments = np.array([[0.0, 1.0]] * values.shape[2], dtype=np.float64).reshape(-1, 2)
    for i in range(values.shape[2]):
        there = values[:, :, i][np.isfinite(values[:, :, i])]
        if len(there):
            moments[i] = there.mean(), there.std() or 1.0
    return moments.T


def _standardised(values: NDArray[np.float64], standards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standardise each channel, with gaps at the mean."""
    standard = (values - standards[0]) / standards[1]
    return np.where(np.isfinite(standard), standard, 0.0)
