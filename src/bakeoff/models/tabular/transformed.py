"""Transformed targets: learn the logarithm of a positive target, and predict on its own scale."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.task import Schema

Transform = Literal["none", "log"]
KEY = "model.target_transform"
MOST_BEYOND = 3.0
"""Standard deviations of log y that a prediction may lie beyond the least and the greatest that was learnt."""
LARGEST_LOG = 700.0
"""Its exponential, and that of its negative, are finite and not 0 as ``float64``."""


def check(transform: str, schema: Schema) -> None:
    """Raise ``ConfigError`` for a transform that is unknown, or that this kind of task cannot have."""
    allowed = get_args(Transform)
    if transform not in allowed:
        near = did_you_mean(transform, allowed)
        raise ConfigError(f"{KEY}: there is no transform {transform!r}. Allowed: {', '.join(allowed)}.{near}")
    if transform != "none" and schema.kind != "regression":
        raise ConfigError(f"{KEY}: {transform} is for regression, and this task is {schema.kind} (data.kind).")


def forward(y: NDArray[Any], transform: str) -> NDArray[Any]:
    """Targets as a model learns them, shape (n,). Raises ``DataError`` for the logarithm of what is not positive."""
    if transform == "none":
        return y
    values = np.asarray(y, dtype=np.float64)
    if not (values > 0).all():
        least = float(np.min(values))
        raise DataError(f"{KEY}: log needs targets above 0, and the least of these is {least:g}. Give {KEY}=none.")
    return np.log(values)


def learnt_range(y: NDArray[Any], transform: str) -> tuple[float, float] | None:
    """The least and greatest value that is predicted for transformed targets, shape (n,); None for any.

    A line goes on without end where features do, and the exponential of its values overflows: the range of the
    logarithms, widened by ``MOST_BEYOND`` of their standard deviations at either end, bounds them.
    """
    if transform == "none":
        return None
    margin = MOST_BEYOND * float(np.std(y))
    return float(np.min(y)) - margin, float(np.max(y)) + margin


def inverse(predicted: NDArray[Any], transform: str, bounds: tuple[float, float] | None) -> NDArray[np.float64]:
    """Predictions on the scale of the target, shape (n,). Of a logarithm, this is the median, not the mean.

    Args:
        predicted: values of the model, shape (n,).
        transform: that its targets went through.
        bounds: of ``learnt_range``, to which the values are clipped; None for a model that was saved without.
    """
    values = np.asarray(predicted, dtype=np.float64)
    if transform == "none":
        return values
    low, high = (-LARGEST_LOG, LARGEST_LOG) if bounds is None else bounds
    return np.exp(np.clip(values, max(low, -LARGEST_LOG), min(high, LARGEST_LOG)))
