"""Arrays of a forecast: the window up to the origin, and known values of the future steps.

A row of the frame is one origin. Its columns are, in this order: each moment of the window, the earliest first, with
all columns of ``Series.past``; each moment of the horizon with all columns of ``Series.known``; and the name of the
series, where there are several. ``bakeoff.data.windows`` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.task import Schema, Series

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Windows:
    """Inputs of a sequence model for n origins.

    Attributes:
        past: the window, shape (n, window, len(Series.past)), the origin last; the target is the first channel.
        known: known values of the horizon, shape (n, horizon, len(Series.known)).
        scales: by which the errors of each row's series are scaled, shape (n,): of the training part alone.
    """

    past: NDArray[np.float64]
    known: NDArray[np.float64]
    scales: NDArray[np.float64]

    @property
    def target(self) -> NDArray[np.float64]:
        """The target in the window, shape (n, window)."""
        return self.past[:, :, 0]


def from_schema(schema: Schema) -> Series:
    """Return the series settings of a forecast. Raises ``ConfigError`` for a task of another kind."""
    if schema.series is None:
        raise ConfigError(f"data.kind: this needs a forecast, and the task is {schema.kind}.")
    return schema.series


def arrays(X: pd.DataFrame, schema: Schema) -> Windows:
    """Convert the frame of n origins to arrays; views of it where possible."""
    series = from_schema(schema)
    n_past, n_known = series.window * len(series.past), series.horizon * len(series.known)
    numbers = X.iloc[:, : n_past + n_known].to_numpy(dtype=np.float64)
    return Windows(
        numbers[:, :n_past].reshape(len(X), series.window, len(series.past)),
        numbers[:, n_past:].reshape(len(X), series.horizon, len(series.known)),
        scales(X, series),
    )


def names(X: pd.DataFrame, series: Series) -> NDArray[Any]:
    """Series name of each row, shape (n,)."""
    return np.full(len(X), "", dtype=object) if series.name is None else X[series.name].to_numpy(dtype=object)


def scales(X: pd.DataFrame, series: Series) -> NDArray[np.float64]:
    """Error scale of each row's series, shape (n,); an unseen series gets the mean of all."""
    mean = float(np.mean(list(series.scales.values())))
    return np.array([series.scales.get(name, mean) for name in names(X, series)], dtype=np.float64)
