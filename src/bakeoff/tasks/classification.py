"""Classification: one of several labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api import types

from bakeoff import advice, booleans
from bakeoff.data import columns, spelling
from bakeoff.data.target import Target, mark_notes, refuse_missing
from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.task import DataNote, NoteRank, Predictions, Schema
from bakeoff.tasks.table import TableKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings


class Classification(TableKind):
    """One of several labels: targets and outputs are ``object`` arrays of ``str``."""

    name = "classification"
    summary = "one of several labels"
    has_one_label = True
    head = "classifier"
    baselines = ("constant", "rules")
    repeats_are_suspicious = True

    def default_metric(self, schema: Schema) -> str:
        """F1 of the positive class, or the mean over the classes where there are more than two."""
        return "f1" if schema.positive is not None else "f1_macro"

    def headline_metrics(self, schema: Schema) -> tuple[str, ...]:
        """F1, precision and recall of the positive class, or macro F1 and accuracy."""
        return ("f1", "precision", "recall") if schema.positive is not None else ("f1_macro", "accuracy")

    def read_target(self, column: pd.Series, settings: DataSettings, where: str) -> Target:
        """Read labels; the positive class of two is the declared one, or the rarer.

        Raises:
            DataError: values are missing, or all the same.
            ConfigError: ``data.positive`` is not one of two classes.
        """
        refuse_missing(column, where)
        y, classes = _labels(columns.plain(column, where))
        if len(classes) < 2:
            raise DataError(
                f'data.target: "{settings.target}" has one class only in {where}, "{classes[0]}". '
                "Classification needs at least two."
            )
        positive = _positive(y, classes, settings.positive)
        notes = (*_renamed(column), *_lookalikes(y, classes), *mark_notes(y, classes))
        if positive and settings.positive is None:
            is_rarer = 2 * (y == positive).sum() < len(y)
            reason = "the rarer class" if is_rarer else "the last of two equally frequent classes"
            text = f'Positive class: "{positive}", {reason}.'
            notes = (*notes, DataNote(text, "data.positive"))
        return Target(self.name, y, classes, positive, notes)

    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """The labels."""
        return column.to_numpy(dtype=object)

    def check_predictions(self, predictions: Predictions, schema: Schema, n: int) -> None:
        """As for any kind; besides, the probabilities of a row that has an answer must add up to 1."""
        super().check_predictions(predictions, schema, n)
        if predictions.proba is not None:
            proba = predictions.proba[predictions.is_answered]
            if not proba.min(initial=0) >= 0:
                raise ValueError("a probability is below 0, or NaN")
            if not np.allclose(proba.sum(axis=1), 1, atol=1e-6):
                raise ValueError("the probabilities of a row do not add up to 1")

    def is_right(self, outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
        """Return whether the labels are equal."""
        right: NDArray[Any] = outputs == targets
        return right

    def strata(self, targets: NDArray[Any]) -> NDArray[Any]:
        """The labels themselves."""
        return targets

    def labels(self, values: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """The label of each row."""
        return np.arange(len(values)), values

    def over_classes(self, predictions: Predictions, known: Sequence[str], classes: Sequence[str]) -> Predictions:
        """As for any kind; the probabilities of a row add up to 1 again."""
        moved = super().over_classes(predictions, known, classes)
        if moved.proba is None or moved is predictions:
            return predictions
        total = moved.proba.sum(axis=1, keepdims=True)
        proba = np.where(total > 0, moved.proba / np.where(total > 0, total, 1), 1 / len(classes))
        return replace(moved, proba=proba)


def _labels(values: pd.Series) -> tuple[NDArray[Any], tuple[str, ...]]:
    codes, distinct = pd.factorize(values)
    names = np.array([columns.label(value) for value in distinct], dtype=object)
    return names[codes], tuple(sorted(set(names)))


def _lookalikes(y: NDArray[Any], classes: tuple[str, ...]) -> tuple[DataNote, ...]:
    """A note on classes that differ only in case, white space or how letters are composed: easy to miss."""
    alike = spelling.alike(classes)
    if not alike:
        blank = [name for name in classes if name != name.strip()]
        if not blank:
            return ()
        examples = advice.listed(f'"{name}" ({(y == name).sum():,} rows)' for name in blank)
        text = f"White space around classes is part of their names: {examples}."
        return (DataNote(text, "data.target", NoteRank.VALUES),)
    examples = ", ".join(f'"{name}" ({(y == name).sum():,} rows)' for name in alike[0][:5])
    more = f", and {len(alike) - 1} more such groups" if len(alike) > 1 else ""
    text = f"Classes that differ only in case or white space are kept apart: {examples}{more}."
    return (DataNote(text, "data.target", NoteRank.VALUES),)


def _renamed(column: pd.Series) -> tuple[DataNote, ...]:
    """A note if labels are floats with integer values: 1.0 is the class "1"."""
    if not types.is_float_dtype(column.dtype):
        return ()
    example = next((value for value in column if float(value).is_integer()), None)
    if example is None:
        return ()
    text = f'{column.name}: labels are numbers, so {float(example)} is the class "{columns.label(example)}".'
    return (DataNote(text, advice.override("data.columns", {str(column.name): "category"}), NoteRank.VALUES),)


def _positive(y: NDArray[Any], classes: tuple[str, ...], declared: str | None) -> str | None:
    if declared is None:
        if len(classes) != 2:
            return None
        first, last = classes
        return first if (y == first).sum() < (y == last).sum() else last
    meant = booleans.written(declared, classes)
    if len(meant) > 1:
        raise ConfigError(
            f"data.positive: a bare {meant[0]} is a boolean, and can be {' or '.join(meant)}. "
            f"Write it in quotes: {advice.override('data.positive', meant[0])}."
        )
    if not meant:  # a label that is a number may be written as the file has it: 1.0
        meant = [name for name in classes if name == _whole(declared)]
    if not meant:
        raise ConfigError(
            f'data.positive: there is no class "{declared}". Classes: {", ".join(classes)}.'
            f"{did_you_mean(declared, classes)}"
        )
    if len(classes) > 2:
        raise ConfigError(
            f"data.positive: a positive class needs two classes, and there are {len(classes)}. Remove it."
        )
    return meant[0]


def _whole(text: str) -> str | None:
    """The class that a number written with decimals names: ``1.0`` names "1"."""
    return str(int(float(text))) if re.fullmatch(r"[+-]?\d+\.0+", text) else None


KIND = Classification()
