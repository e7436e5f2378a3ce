"""Profiles: distributions of the values of columns and of predictions, to detect drift later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.columns import kinds
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
MOST_CATEGORIES = 100
"""Categories that are counted by name, the most frequent first; the others are counted together."""


def profile_columns(examples: Examples, schema: Schema, with_values: bool = True) -> dict[str, Any]:
    """Profile the feature columns of some rows.

    Args:
        examples: n rows.
        schema: of their task.
        with_values: whether categories are named; False where values must not leave the data.

    Returns:
        Column → ``type``, ``rows``, ``missing``, and what its type has: ``quantiles``, ``mean`` and ``std`` of numbers;
        ``distinct`` and ``categories``; the quantiles of dates, and of the characters of texts. A forecast has the
        columns of its series, as they are at the origin.
    """
    columns = {name: (kind, examples.X[name]) for name, kind in schema.columns.items() if name in examples.X}
    if schema.series is not None:
        past = schema.series.past
        first = (schema.series.window - 1) * len(past)
        columns = {name: ("numeric", examples.X.iloc[:, first + i]) for i, name in enumerate(past)}
    return {name: _column(kind, column, with_values) for name, (kind, column) in columns.items()}


def profile_predictions(predictions: Predictions, with_values: bool = True) -> dict[str, Any]:
    """Profile n predictions: ``output``, and ``confidence``, which is that of the most probable class by default."""
    import pandas as pd

    output = predictions.output
    if output.ndim > 1:
        output = output.reshape(len(output), -1)[:, 0]  # of a forecast the first step ahead
    is_numeric = output.dtype.kind in "fiu"
    values = pd.Series(output if is_numeric else [_text(value) for value in output])
    distinct = values.nunique()
    kind = "numeric" if is_numeric else "categorical" if distinct <= max(20, len(values) // 10) else "text"
    summary = {"output": _column(kind, values, with_values)}
    confidence = predictions.confidence
    if confidence is None and predictions.proba is not None:
        confidence = predictions.proba.max(axis=1)
    if confidence is not None:
        summary["confidence"] = _column("numeric", pd.Series(np.asarray(confidence, dtype=np.float64)), with_values)
    return summary


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _column(kind: str, column: pd.Series[Any], with_values: bool) -> dict[str, Any]:
    present = column.dropna()
    summary: dict[str, Any] = {"type": kind, "rows": len(column), "missing": len(column) - len(present)}
    if not len(present):
        return summary
    return summary | kinds.get(kind).profile(present, with_values)


def quantiles(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Mapping[str, float]]:
    """The quantiles of those of n values that are finite, under ``quantiles``."""
    finite = values[np.isfinite(values)]
    of_finite = np.quantile(finite, QUANTILES) if len(finite) else np.full(len(QUANTILES), np.nan)
    return {"quantiles": dict(zip(map(str, QUANTILES), map(float, of_finite), strict=True))}
