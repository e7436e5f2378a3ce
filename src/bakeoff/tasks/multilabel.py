"""Multi-label classification: any number of labels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.advice import override
from bakeoff.data import columns, spelling
from bakeoff.data.target import Target, refuse_missing
from bakeoff.errors import DataError
from bakeoff.task import DataNote, NoteRank, Predictions, PredictionTable, Schema
from bakeoff.tasks.lists import holds_lists, is_list, list_from_text, looks_like_list
from bakeoff.tasks.table import TableKind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings

SEPARATORS = ("|", ";", ",")
"""Characters that may separate labels in a cell of text, the first of those that are equally frequent first."""

LEAST_OF_A_STRATUM = 10
"""Rows that a combination of labels must have for a split to be stratified by it."""

LEAST_OF_A_LABEL = 3
"""Rows of a label below which a split may leave it without rows to learn from."""

FEWEST_COMBINATIONS = 3
"""Classes with a separator in their name, from which they may be combinations of labels."""

BY_LABEL = "label"
"""Title of the breakdown of a multi-label task."""


def may_hold_several(classes: Sequence[str]) -> str | None:
    """The separator between labels in the names of classes, where these are combinations of fewer labels; else None."""
    for separator in SEPARATORS:
        combined = [[part.strip() for part in name.split(separator)] for name in classes if separator in name]
        if len(combined) < FEWEST_COMBINATIONS:
            continue
        parts = Counter(part for name in combined for part in name)
        singles = {name for name in classes if separator not in name}
        is_reused = all(count > 1 or part in singles for part, count in parts.items())
        if is_reused and "" not in parts and len(parts | Counter(singles)) < len(classes):
            return separator
    return None


class Multilabel(TableKind):
    """Any number of labels: targets and outputs are ``object`` arrays of tuples of ``str``, sorted, each label once.

    ``Predictions.proba`` holds the probability of each label by itself: a row need not add up to 1.
    """

    name = "multilabel"
    summary = "any number of labels"
    head = "classifier"
    baselines = ("constant", "rules")
    repeats_are_suspicious = True

    def default_metric(self, schema: Schema) -> str:
        """Mean F1 over the labels."""
        return "f1_macro"

    def headline_metrics(self, schema: Schema) -> tuple[str, ...]:
        """F1 averaged over labels and over all pairs of row and label, and the share of rows without any mistake."""
        return ("f1_macro", "f1_micro", "subset_accuracy")

    def read_target(self, column: pd.Series, settings: DataSettings, where: str) -> Target:
        """Read lists, text that holds JSON lists, or text in which a separator stands between labels.

        Raises:
            DataError: a list is missing, a cell is neither list nor text, or there are fewer than two labels.
        """
        notes: list[DataNote] = []
        if holds_lists(column):
            refuse_missing(column, where)
            rows = [_listed(cell, column, where) for cell in column]
        else:
            rows, notes = _from_text(column, settings, where)
        y = as_targets(rows)
        counts = Counter(label for labels in y for label in labels)
        if len(counts) < 2:
            raise DataError(
                f'data.target: "{settings.target}" of {where} holds {len(counts)} different '
                f"label{'' if len(counts) == 1 else 's'}; a multi-label task needs at least two. "
                "Is data.label_separator right?"
            )
        return Target(self.name, y, tuple(sorted(counts)), notes=(*notes, *_notes_on(y, counts, settings)))

    def write_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """The labels of each row as a JSON list."""
        return np.array([json.dumps(list(labels), ensure_ascii=False) for labels in targets], dtype=object)

    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """The labels of each row from a JSON list."""
        return as_targets(json.loads(text) for text in column)

    def write_outputs(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """As targets are."""
        return self.write_targets(outputs)

    def read_outputs(self, column: pd.Series) -> NDArray[Any]:
        """As targets are."""
        return self.read_targets(column)

    def check_predictions(self, predictions: Predictions, schema: Schema, n: int) -> None:
        """As for any kind; besides, each output must be a sorted tuple, each probability from 0 to 1."""
        super().check_predictions(predictions, schema, n)
        for labels in predictions.output[predictions.is_answered]:
            if not isinstance(labels, tuple) or list(labels) != sorted(set(labels)):
                raise ValueError(f"predict answered {labels!r}, which is no sorted tuple of different labels")
        proba = None if predictions.proba is None else predictions.proba[predictions.is_answered]
        if proba is not None and not ((proba >= 0) & (proba <= 1)).all():
            raise ValueError("a probability is not between 0 and 1")

    def is_right(self, outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
        """Return whether all labels of a row are correct and none is missing."""
        return np.array([output == target for output, target in zip(outputs, targets, strict=True)], dtype=np.bool_)

    def labels(self, values: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """Every label of every row."""
        rows = np.repeat(np.arange(len(values)), [len(labels) for labels in values])
        return rows, np.array([label for labels in values for label in labels], dtype=object)

    def strata(self, targets: NDArray[Any]) -> NDArray[Any]:
        """The combination of labels where it is frequent, else the row's rarest label.

        Stratifying by rare combinations would leave single rows; by its rarest label a row goes where it is needed
        most (the idea of iterative stratification, Sechidis et al. 2011).
        """
        combinations = Counter(targets)
        counts = Counter(label for labels in targets for label in labels)
        strata = [
            labels
            if combinations[labels] >= LEAST_OF_A_STRATUM
            else min(labels, key=lambda label: (counts[label], label), default="")
            for labels in targets
        ]
        return np.array([json.dumps(stratum, ensure_ascii=False) for stratum in strata], dtype=object)

    def breakdown(self, table: PredictionTable) -> Mapping[str, Mapping[str, PredictionTable]]:
        """Each label by itself, the most frequent first: micro F1, precision and recall are then those of the label."""
        counts = Counter(label for labels in table.target for label in labels)
        order = sorted(table.schema.classes, key=lambda label: (-counts[label], label))
        return {BY_LABEL: {label: _only(table, label) for label in order}}


def as_targets(rows: Iterable[Iterable[str]]) -> NDArray[Any]:
    """Labels of n rows as an ``object`` array of sorted tuples, each label once."""
    tuples = [tuple(sorted(set(labels))) for labels in rows]
    targets = np.empty(len(tuples), dtype=object)
    targets[:] = tuples
    return targets


def _listed(cell: Any, column: pd.Series, where: str) -> list[str]:
    if not is_list(cell):
        raise DataError(
            f'data.target: "{column.name}" of {where} holds lists, and also {cell!r}. Make all cells lists.'
        )
    if any(label is None or is_list(label) or isinstance(label, dict) for label in cell):
        raise DataError(f'data.target: "{column.name}" of {where} holds {list(cell)!r}. Labels are strings or numbers.')
    return [columns.label(label).strip() for label in cell]


def _from_text(column: pd.Series, settings: DataSettings, where: str) -> tuple[list[list[str]], list[DataNote]]:
    values = columns.plain(column, where)
    texts = [columns.label(value) if there else "" for value, there in zip(values, values.notna(), strict=True)]
    filled = [text.strip() for text in texts if text.strip()]
    if settings.label_separator is None and any(map(looks_like_list, filled)):
        return [_list_of(text, column, where) if text.strip() else [] for text in texts], []
    separator, notes = settings.label_separator, list[DataNote]()
    if separator is None:
        separator = _sniffed(filled)
        text = (
            f'The labels of "{column.name}" are separated by "{separator}".'
            if separator
            else f'No cell of "{column.name}" holds a separator: no row has more than one label.'
        )
        notes.append(DataNote(text, "data.label_separator"))
    rows = [
        [part.strip() for part in text.split(separator) if part.strip()]
        if separator
        else ([text.strip()] if text.strip() else [])
        for text in texts
    ]
    if separator and settings.label_separator is None:
        _refuse_second_separator(rows, separator, column, where)
    return rows, notes


def _list_of(text: str, column: pd.Series, where: str) -> list[str]:
    """The labels in the text of a list. Raises ``DataError`` where it is none, as where NumPy printed an array."""
    cell = list_from_text(text)
    if cell is None:
        raise DataError(
            f'data.target: "{column.name}" of {where} holds lists, and also {text[:60]!r}. Write all cells as '
            'JSON lists, such as ["a", "b"], or declare data.label_separator=… where brackets belong to the labels.'
        )
    return _listed(cell, column, where)


def _refuse_second_separator(rows: Sequence[Sequence[str]], separator: str, column: pd.Series, where: str) -> None:
    """Raise ``DataError`` where a label is several others, joined by another separator."""
    known = {label for labels in rows for label in labels}
    for other in SEPARATORS:
        joined = [
            label for label in sorted(known) if other in label and {p.strip() for p in label.split(other)} <= known
        ]
        if joined:
            raise DataError(
                f'data.target: the labels of "{column.name}" of {where} are separated by "{separator}", and by '
                f'"{other}" in "{joined[0]}". Use one separator in all rows, or declare it: '
                f"{override('data.label_separator', separator)}"
            )


def _sniffed(texts: Sequence[str]) -> str | None:
    counts = {separator: sum(separator in text for text in texts) for separator in SEPARATORS}
    best = max(SEPARATORS, key=lambda separator: counts[separator])
    return best if counts[best] else None


def _notes_on(y: NDArray[Any], counts: Mapping[str, int], settings: DataSettings) -> list[DataNote]:
    notes = []
    without = sum(not labels for labels in y)
    if without:
        notes.append(DataNote(f"{without:,} of {len(y):,} rows have no label.", "data.target", NoteRank.VALUES))
    alike = spelling.alike(sorted(counts))
    if alike:
        examples = ", ".join(f'"{label}" ({counts[label]:,} rows)' for label in alike[0][:5])
        more = f", and {len(alike) - 1} more such groups" if len(alike) > 1 else ""
        text = f"Labels that differ only in case or white space are kept apart: {examples}{more}."
        notes.append(DataNote(text, "data.target", NoteRank.VALUES))
    rare = [label for label, count in sorted(counts.items()) if count < LEAST_OF_A_LABEL]
    if rare:
        listed = ", ".join(rare[:3]) + (", …" if len(rare) > 3 else "")
        text = (
            f"{len(rare):,} of {len(counts):,} labels have fewer than {LEAST_OF_A_LABEL} rows ({listed}): a split may "
            "leave them without rows to learn from."
        )
        notes.append(DataNote(text, "data.target"))
    return notes


def _only(table: PredictionTable, label: str) -> PredictionTable:
    """The same rows, with one label to predict."""

    def restricted(values: NDArray[Any]) -> NDArray[Any]:
        return as_targets((label,) if label in labels else () for labels in values)

    column, predictions = table.schema.classes.index(label), table.predictions
    proba = None if predictions.proba is None else predictions.proba[:, [column]]
    return replace(
        table,
        schema=replace(table.schema, classes=(label,)),
        target=restricted(table.target),
        predictions=replace(predictions, output=restricted(predictions.output), proba=proba),
        seconds=np.full(len(table), np.nan),
    )


KIND = Multilabel()
