"""The target column, read as labels or as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types

from bakeoff.data import columns
from bakeoff.data.settings import DataSettings
from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.task import DataNote
from bakeoff.tasks import kinds

MOST_INTEGER_CLASSES = 20


@dataclass(frozen=True)
class Target:
    """What is to be predicted.

    Attributes:
        kind: how it is read.
        y: shape (n,), ``object`` array of ``str`` labels, or ``float64`` values.
        classes: the labels, sorted; empty for regression.
        positive: the class that binary metrics speak of.
        notes: what was chosen.
    """

    kind: str
    y: NDArray[Any]
    classes: tuple[str, ...]
    positive: str | None
    notes: tuple[DataNote, ...]


def read(column: pd.Series, settings: DataSettings, where: str) -> Target:
    """Read the target as its kind asks, or as its values suggest.

    Raises:
        DataError: values are missing, infinite, of one class, or cannot be read as the kind asks.
        ConfigError: ``data.positive`` is not a class, or the task is not binary.
    """
    _refuse_missing(column, where)
    was_bool = types.is_bool_dtype(column.dtype)
    values = columns.plain(column, where)
    if settings.kind not in ("auto", "classification", "regression") and not kinds.get(settings.kind).is_series:
        return Target(settings.kind, _of_kind(values, settings.kind, where), (), None, ())
    kind, reason = _kind(values, settings.kind)
    if kind == "regression":
        if settings.positive is not None:
            raise ConfigError(
                f'data.positive: "{settings.target}" is read as values, which have no class "{settings.positive}". '
                "Set data.kind=classification, or remove data.positive."
            )
        return Target(kind, _numbers(values, settings, where, was_bool), (), None, reason)
    y, classes = _labels(values)
    if len(classes) < 2:
        raise DataError(
            f'data.target: "{settings.target}" has one class only in {where}, "{classes[0]}". '
            "Classification needs at least two."
        )
    positive = _positive(y, classes, settings.positive)
    if positive and settings.positive is None:
        reason += (_choice_of_positive(y, positive),)
    return Target(kind, y, classes, positive, reason)


def _choice_of_positive(y: NDArray[Any], positive: str) -> DataNote:
    rarer = "the rarer class" if 2 * (y == positive).sum() < len(y) else "the last of two equally frequent classes"
    return DataNote(f'Precision, recall and F1 speak of class "{positive}", {rarer}.', "data.positive")


def _kind(values: pd.Series, asked: str) -> tuple[str, tuple[DataNote, ...]]:
    if asked != "auto":
        return ("classification" if asked == "classification" else "regression"), ()
    if columns.is_string(values):
        return "classification", (DataNote("Task: classification, because the target holds labels.", "data.kind"),)
    distinct = values.nunique()
    if _whole(values) and distinct <= MOST_INTEGER_CLASSES:
        reason = f"Task: classification, because the target holds {distinct} distinct integers."
        return "classification", (DataNote(reason, "data.kind"),)
    reason = f"Task: regression, because the target holds {distinct:,} distinct numbers."
    return "regression", (DataNote(reason, "data.kind"),)


def _of_kind(values: pd.Series, kind: str, where: str) -> NDArray[Any]:
    """The target of a kind that a plugin brings, which says itself how to read it."""
    try:
        return kinds.get(kind).read(values)
    except (TypeError, ValueError, KeyError) as error:
        raise DataError(
            f'data.target: "{values.name}" of {where} cannot be read as {kind}: {type(error).__name__}: {error}.'
        ) from error


def _whole(values: pd.Series) -> bool:
    """Whether all values are integers. One missing value was enough for the source to make them floats."""
    return types.is_integer_dtype(values.dtype) or (
        types.is_float_dtype(values.dtype) and bool((values == values.round()).all() and np.isfinite(values).all())
    )


def _numbers(values: pd.Series, settings: DataSettings, where: str, was_bool: bool) -> NDArray[np.float64]:
    if not types.is_numeric_dtype(values.dtype):
        held = "booleans" if was_bool else columns.describe(values)
        raise DataError(
            f'data.target: "{settings.target}" holds {held} in {where}, such as "{values.iloc[0]}". '
            "Regression needs numbers."
        )
    y = values.to_numpy(dtype=np.float64)
    infinite = int(np.isinf(y).sum())
    if infinite:
        raise DataError(
            f'data.target: "{settings.target}" holds {infinite} infinite values in {where}. Remove those rows.'
        )
    return y


def _labels(values: pd.Series) -> tuple[NDArray[Any], tuple[str, ...]]:
    codes, distinct = pd.factorize(values)
    names = np.array([columns.label(value) for value in distinct], dtype=object)
    return names[codes], tuple(sorted(set(names)))


def _positive(y: NDArray[Any], classes: tuple[str, ...], asked: str | None) -> str | None:
    if asked is None:
        if len(classes) != 2:
            return None
        first, last = classes
        return first if (y == first).sum() < (y == last).sum() else last
    if asked not in classes:
        raise ConfigError(
            f'data.positive: there is no class "{asked}". Classes: {", ".join(classes)}.{did_you_mean(asked, classes)}'
        )
    if len(classes) > 2:
        raise ConfigError(
            f"data.positive: a positive class needs two classes, and there are {len(classes)}. Remove it."
        )
    return asked


def _refuse_missing(column: pd.Series, where: str) -> None:
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise DataError(
            f'data.target: "{column.name}" is missing in {len(missing):,} of {len(column):,} rows of {where} '
            f"({rows(missing)}). Remove those rows, or fill them."
        )


def rows(positions: NDArray[np.intp]) -> str:
    """The first few positions for a message, counted from 0 as ids are."""
    shown = ", ".join(str(i) for i in positions[:5])
    return f"row{'s' if len(positions) > 1 else ''} {shown}{', …' if len(positions) > 5 else ''}, counting from 0"
