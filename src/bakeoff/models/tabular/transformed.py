"""Transformed targets: learn the logarithm of a positive target, and predict on its own scale."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.task import Schema

Transform = Literal["none", "log"]
KEY = "model.target_transform"


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


def inverse(predicted: NDArray[Any], transform: str) -> NDArray[np.float64]:
    """Predictions on the scale of the target, shape (n,). Of a logarithm, this is the median, not the mean."""
    values = np.asarray(predicted, dtype=np.float64)
    return values if transform == "none" else np.exp(values)
