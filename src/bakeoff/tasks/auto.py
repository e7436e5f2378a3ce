"""The kind behind ``data.kind: auto``: inferred from the values of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pandas.api import types

from bakeoff.data import columns
from bakeoff.data.target import Target, refuse_missing
from bakeoff.task import DataNote, Schema
from bakeoff.tasks.classification import KIND as CLASSIFICATION
from bakeoff.tasks.lists import holds_lists, list_from_text
from bakeoff.tasks.multilabel import KIND as MULTILABEL
from bakeoff.tasks.multilabel import may_hold_several
from bakeoff.tasks.regression import KIND as REGRESSION
from bakeoff.tasks.table import TableKind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings

MOST_INTEGER_CLASSES = 20


class Auto(TableKind):
    """Recognises the kind of a target column; a loaded task has the kind that was recognised."""

    name = "auto"
    summary = "classification, regression or multilabel, as the target suggests"

    def default_metric(self, schema: Schema) -> str:
        """Not applicable to any loaded task: see the class."""
        raise NotImplementedError("a loaded task has the kind that was recognised")

    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """Not applicable to any loaded task: see the class."""
        raise NotImplementedError("a loaded task has the kind that was recognised")

    def read_target(self, column: pd.Series, settings: DataSettings, where: str) -> Target:
        """Read the column as labels, as numbers or as lists of labels, and say why in the notes."""
        if holds_lists(column):
            note = DataNote(f"Task: {MULTILABEL.name}, because the target holds lists.", "data.kind")
            return MULTILABEL.read_target(column, settings, where).with_note(note)
        refuse_missing(column, where)
        values = columns.plain(column, where)
        distinct = values.nunique()
        kind: TableKind
        if columns.is_string(values) and all(list_from_text(text) is not None for text in values.unique()):
            kind, reason = MULTILABEL, "the target holds lists"
        elif columns.is_string(values):
            kind, reason = CLASSIFICATION, "the target holds labels"
        elif _is_whole(values) and distinct <= MOST_INTEGER_CLASSES:
            kind, reason = CLASSIFICATION, f"the target holds {distinct} distinct integers"
        else:
            kind, reason = REGRESSION, f"the target holds {distinct:,} distinct numbers"
        target = kind.read_target(column, settings, where)
        separator = None if target.kind == MULTILABEL.name else may_hold_several(target.classes)
        if separator is not None:
            several = (
                f'Each label is one class, though labels seem to hold several, separated by "{separator}", such as '
                f'"{max(target.classes, key=len)}".'
            )
            target = target.with_note(DataNote(several, "data.kind=multilabel"))
        return target.with_note(DataNote(f"Task: {kind.name}, because {reason}.", "data.kind"))


def _is_whole(values: pd.Series) -> bool:
    """Return whether all values are integers; a single missing value makes a source read them as floats."""
    return types.is_integer_dtype(values.dtype) or (
        types.is_float_dtype(values.dtype) and bool((values == values.round()).all() and np.isfinite(values).all())
    )


KIND = Auto()
