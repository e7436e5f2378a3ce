"""Text generation: a text from a text, such as a summary, with or without references to compare it with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.data import columns
from bakeoff.data.target import Target
from bakeoff.errors import DataError
from bakeoff.task import DataNote, Gold, NoteRank, Predictions, Schema
from bakeoff.tasks.documents import read_gold, write_gold
from bakeoff.tasks.lists import holds_lists, is_list
from bakeoff.tasks.table import TableKind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings


class Generation(TableKind):
    """A text from the feature columns. Targets are ``Gold`` whose answers are the references; outputs are ``str``.

    A row may have one reference, several or none. ``data.target: ""`` says that no row has any: metrics that compare
    with references are then undefined, and what graders without references say decides.
    """

    name = "generation"
    summary = "a text from a text, with references or without"
    is_graded = True
    needs_target = False
    needs_training_rows = False
    baselines = ("lead", "rules")
    repeats_are_suspicious = True

    def default_metric(self, schema: Schema) -> str:
        """ROUGE-L; what the judge says where there are no references."""
        return "rouge_l" if self.has_references(schema) else "judge"

    def headline_metrics(self, schema: Schema) -> tuple[str, ...]:
        """ROUGE-L, chrF and token F1, or what needs no references."""
        return ("rouge_l", "chrf", "token_f1") if self.has_references(schema) else ("judge", "input_support")

    def has_references(self, schema: Schema) -> bool:
        """Return whether a column of references is declared."""
        return bool(schema.target)

    def read_target(self, column: pd.Series, settings: DataSettings, where: str) -> Target:
        """Read references: a text, a list of texts, or nothing where a row has none.

        Raises:
            DataError: a cell is neither, or a declared column holds no reference at all.
        """
        if not settings.target:
            note = DataNote(
                "There are no references: only graders that need none can tell outputs apart.", "data.target"
            )
            return Target(self.name, as_targets([()] * len(column)), notes=(note,))
        if holds_lists(column):
            references = [_listed(cell, column, where) for cell in column]
        else:
            values = columns.plain(column, where)
            if not columns.is_string(values):
                raise DataError(
                    f'data.target: "{column.name}" holds {columns.describe(values)} in {where}. References are texts.'
                )
            references = [
                (text,) if there and text.strip() else () for text, there in zip(values, values.notna(), strict=True)
            ]
        without = sum(not texts for texts in references)
        if without == len(references):
            raise DataError(
                f'data.target: "{column.name}" of {where} holds no reference. Say so with data.target="", or choose '
                "another column."
            )
        notes: tuple[DataNote, ...] = ()
        if without:
            text = (
                f"{without:,} of {len(references):,} rows have no reference: metrics that compare with one skip them."
            )
            notes = (DataNote(text, "data.target", NoteRank.VALUES),)
        return Target(self.name, as_targets(references), notes=notes)

    def write_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """References as JSON, in the form of the answers to a question."""
        return write_gold(targets)

    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """References from JSON."""
        return read_gold(column)

    def check_predictions(self, predictions: Predictions, schema: Schema, n: int) -> None:
        """As for any kind; besides, each output must be a text."""
        super().check_predictions(predictions, schema, n)
        odd = [output for output in predictions.output if not isinstance(output, str)]
        if odd:
            raise ValueError(f"predict answered {odd[0]!r}, which is no text")

    def closeness(
        self, outputs: NDArray[Any], targets: NDArray[Any], measure: Callable[[str, str], float]
    ) -> NDArray[np.float64]:
        """Closeness of each output to the nearest reference; NaN for a row without any."""
        return np.array(
            [
                max((measure(str(output), reference) for reference in gold.answers), default=np.nan)
                for output, gold in zip(outputs, targets, strict=True)
            ],
            dtype=np.float64,
        )


def as_targets(references: list[tuple[str, ...]]) -> NDArray[Any]:
    """References of n rows as an ``object`` array of ``Gold``."""
    targets = np.empty(len(references), dtype=object)
    targets[:] = [Gold(texts) for texts in references]
    return targets


def _listed(cell: Any, column: pd.Series, where: str) -> tuple[str, ...]:
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return ()
    if not is_list(cell) or not all(isinstance(text, str) for text in cell):
        excerpt = json.dumps(cell, default=str, ensure_ascii=False)[:80]
        raise DataError(
            f'data.target: "{column.name}" of {where} holds {excerpt}. References are texts or lists of texts.'
        )
    return tuple(text for text in cell if text.strip())


KIND = Generation()
