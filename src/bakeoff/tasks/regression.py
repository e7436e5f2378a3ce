"""Regression: a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bakeoff.data.target import Target, read_numbers, stand_in_notes
from bakeoff.errors import ConfigError
from bakeoff.task import Schema
from bakeoff.tasks.table import TableKind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings


class Regression(TableKind):
    """A number: targets and outputs are ``float64`` arrays."""

    name = "regression"
    summary = "a number"
    is_numeric = True
    head = "regressor"
    baselines = ("constant", "rules")
    repeats_are_suspicious = True

    def default_metric(self, schema: Schema) -> str:
        """Root mean squared error."""
        return "rmse"

    def headline_metrics(self, schema: Schema) -> tuple[str, ...]:
        """Root mean squared error, mean absolute error and explained variance."""
        return ("rmse", "mae", "r2")

    def read_target(self, column: pd.Series, settings: DataSettings, where: str) -> Target:
        """Read finite numbers.

        Raises:
            DataError: values are missing, infinite, or no numbers.
            ConfigError: a positive class is declared.
        """
        values = read_numbers(column, where)
        if settings.positive is not None:
            raise ConfigError(
                f'data.positive: "{settings.target}" is read as values, which have no class "{settings.positive}". '
                "Set data.kind=classification, or remove data.positive."
            )
        return Target(self.name, values, notes=tuple(stand_in_notes(values)))

    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """The numbers."""
        return column.to_numpy(dtype=float)

    def read_outputs(self, column: pd.Series) -> NDArray[Any]:
        """The numbers."""
        return column.to_numpy(dtype=float)


KIND = Regression()
