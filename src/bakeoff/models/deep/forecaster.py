"""What a recurrent network reads of a series: its window period by period, and each moment ahead beside its like.

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
    """Mean and deviation of each channel but the target, which is relative to its level instead.

    Attributes:
        past: of the window's channels after the first, shape (2, channels - 1).
        known: of what is known ahead, shape (2, known).
    """

    past: NDArray[np.float64]
    known: NDArray[np.float64]

    @classmethod
    def learn(cls, windows: Windows) -> Standards:
        """Of training windows."""
        return cls(_moments(windows.past[:, :, 1:]), _moments(windows.known))


class SeriesReader:
    """Reads windows.

    Args:
        schema: of a forecast.
        cells: of the network.
        standards: of the channels.
        targets: how the distances from the last season are encoded.
    """

    def __init__(self, schema: Schema, cells: Cells, standards: Standards, targets: Targets) -> None:
        self.schema = schema
        self.span = series.of(schema)
        self.cells = cells
        self.standards = standards
        self.targets = targets
        self.cut: dict[str, int] = {}

    @classmethod
    def learn(cls, train: Examples, schema: Schema, cells: Cells) -> SeriesReader:
        """Learn how channels and distances spread in the training rows."""
        windows = series.arrays(train.X, schema)
        distances = (train.y - _before(windows, series.of(schema))) / _scale(windows)[:, None]
        return cls(schema, cells, Standards.learn(windows), Targets.learn(distances, schema))

    @classmethod
    def of(cls, plain: Mapping[str, Any], schema: Schema, cells: Cells) -> SeriesReader:
        """Read back what ``plain`` gave."""
        standards = Standards(np.array(plain["past"]), np.array(plain["known"]))
        return cls(schema, cells, standards, Targets.of(plain, schema))

    def rows(self, X: pd.DataFrame, whose: str) -> Rows:
        """``seen``, a row a period, the last one ending at the origin; ``ahead``, a row a moment of the horizon."""
        span, windows = self.span, series.arrays(X, self.schema)
        n, period = len(X), periods(span)[0]
        level = windows.target[:, -period:].mean(axis=1)
        target = (windows.target - level[:, None]) / _scale(windows)[:, None]
        past = np.concatenate([target[:, :, None], _standardised(windows.past[:, :, 1:], self.standards.past)], axis=2)
        whole = span.window // period
        seen = past[:, span.window - whole * period :].reshape(n, whole, -1)
        like = [past[:, at] for at in _likes(span)]
        ahead = np.concatenate([*like, _standardised(windows.known, self.standards.known)], axis=2)
        return Rows(n, {SEEN: seen.astype(np.float32), AHEAD: ahead.astype(np.float32)})

    def known(self, examples: Examples, whose: str) -> Rows:
        """The same with how far each moment ahead was from the one a season before."""
        windows = series.arrays(examples.X, self.schema)
        distances = (examples.y - _before(windows, self.span)) / _scale(windows)[:, None]
        return self.rows(examples.X, whose).with_target(self.targets.encoded(distances))

    def predictions(self, outputs: Any, X: pd.DataFrame) -> Predictions:
        """The last season, and how far from it the network says that each moment is."""
        windows = series.arrays(X, self.schema)
        distances = self.targets.predictions(outputs).output
        return Predictions(_before(windows, self.span) + _scale(windows)[:, None] * distances)

    def network(self) -> Forecaster:
        """A network over such rows."""
        from bakeoff.models.deep.networks import Forecaster

        of, span = self.cells, self.span
        channels = len(span.past)
        return Forecaster(
            periods(span)[0] * channels, len(_likes(span)) * channels + len(span.known), of.hidden, of.layers,
            of.kind, of.bidirectional, of.dropout,
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """How channels and distances spread."""
        return {
            "past": self.standards.past.tolist(),
            "known": self.standards.known.tolist(),
            **self.targets.plain(),
        }

    def identity(self) -> Mapping[str, Any]:
        """The rows tell all that is learnt here."""
        return {"horizon": self.span.horizon, "period": periods(self.span)[0]}

    def details(self) -> Mapping[str, Any]:
        """How the window is read."""
        period = periods(self.span)[0]
        return {"moments_a_step": period, "steps_of_the_window": self.span.window // period}


def _likes(span: Series) -> list[NDArray[np.intp]]:
    """Where in the window the moments like those ahead are, each of shape (horizon,): some periods before."""
    steps, last = np.arange(1, span.horizon + 1), span.window - 1
    return [
        last + steps - period * (-(-steps // period) + multiple)
        for period in periods(span)
        for multiple in range(min(span.window // period, MOST_MULTIPLES))
    ]


def _before(windows: Windows, span: Series) -> NDArray[np.float64]:
    """Each moment ahead as it was in the last season that the window shows, shape (n, horizon)."""
    period, steps = periods(span)[-1], np.arange(1, span.horizon + 1)
    return windows.target[:, span.window - 1 + steps - period * -(-steps // period)]


def _scale(windows: Windows) -> NDArray[np.float64]:
    """The unit of each row's series, shape (n,)."""
    return np.where(windows.scales > 0, windows.scales, 1.0)


def _moments(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and deviation of each channel, without gaps; 0 and 1 where there is nothing."""
    found = np.array([[0.0, 1.0]] * values.shape[2], dtype=np.float64).reshape(-1, 2)
    for i in range(values.shape[2]):
        there = values[:, :, i][np.isfinite(values[:, :, i])]
        if len(there):
            found[i] = there.mean(), there.std() or 1.0
    return found.T


def _standardised(values: NDArray[np.float64], standards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each channel at mean 0 and deviation 1, gaps at the mean."""
    standard = (values - standards[0]) / standards[1]
    return np.where(np.isfinite(standard), standard, 0.0)
