"""The seasonal naive forecast: each moment ahead as the same moment of the last season. What others have to beat."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.models import state
from bakeoff.models.base import Context, require_kind
from bakeoff.models.forecast import series
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd


class SeasonalNaiveModel:
    """Repeats the last season. It learns nothing.

    Args:
        season: after how many moments the pattern repeats; None: as the data declare.
    """

    uses_validation = False

    def __init__(self, season: int | None = None) -> None:
        self.season = season

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when the task is no forecast, or its window shows less than a season."""
        require_kind(self, schema, "forecast")
        asked = series.of(schema)
        season = self.season or asked.season
        if self.season is not None and self.season < 1:
            raise ConfigError(f"model.season: {self.season} is less than 1.")
        if season > asked.window:
            raise ConfigError(
                f"model.season: a season of {season} moments is longer than the window of {asked.window}. "
                f"Give a shorter one, or data.forecast.window={season}."
            )

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Note what is asked."""
        self.schema_ = context.schema

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Forecast from n origins. Raises ``RuntimeError`` before ``fit``."""
        if not hasattr(self, "schema_"):
            raise RuntimeError("SeasonalNaiveModel: predict was called before fit.")
        asked = series.of(self.schema_)
        season, steps = self.season or asked.season, np.arange(1, asked.horizon + 1)
        same = asked.window - 1 + steps - season * -(-steps // season)
        return Predictions(series.arrays(X, self.schema_).target[:, same])

    def save(self, folder: Path) -> None:
        """Write season and schema as JSON."""
        state.write(folder, self.schema_, season=self.season)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        schema, learnt = state.read(folder)
        model = cls(learnt["season"])
        model.schema_ = schema
        return model
