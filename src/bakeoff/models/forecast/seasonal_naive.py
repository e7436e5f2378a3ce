"""Seasonal naive forecast, a baseline: each future step repeats its counterpart in the last season."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, require_fitted, require_kind
from bakeoff.models.forecast import series
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd


@dataclass(eq=False)
class SeasonalNaive(Model):
    """Repeats the last season. It learns nothing.

    Args:
        season: season length in time steps; None: as declared by the data.
    """

    season: int | None = None

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when the task is no forecast, or its window shows less than a season."""
        require_kind(self, schema, "forecast")
        layout = series.from_schema(schema)
        season = self.season or layout.season
        if self.season is not None and self.season < 1:
            raise ConfigError(f"model.season: {self.season} is less than 1.")
        if season > layout.window:
            raise ConfigError(
                f"model.season: a season of {season} moments is longer than the window of {layout.window}. "
                f"Give a shorter one, or data.forecast.window={season}."
            )

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Keep the schema; nothing is learnt."""
        self.schema_ = context.schema

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Forecast from n origins. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self)
        layout = series.from_schema(self.schema_)
        season, steps = self.season or layout.season, np.arange(1, layout.horizon + 1)
        same = layout.window - 1 + steps - season * -(-steps // season)
        return Predictions(series.arrays(X, self.schema_).target[:, same])

    def save(self, folder: Path) -> None:
        """Write season and schema as JSON."""
        persistence.write(folder, self, self.schema_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        saved.model.schema_ = saved.schema
        return saved.model
