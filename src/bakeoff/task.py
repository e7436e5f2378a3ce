"""The nouns that every part shares: what is asked, of which rows, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Kind = Literal["classification", "regression"]
ColumnKind = Literal["numeric", "categorical", "date", "text"]


@dataclass(frozen=True)
class Schema:
    """What is asked, without a single row of data.

    Attributes:
        kind: how the target is to be read.
        target: name of the target column.
        columns: the feature columns in frame order, each with its kind.
        classes: the labels in sorted order; empty for regression.
        positive: the class that precision, recall and F1 of a binary task speak of.
    """

    kind: Kind
    target: str
    columns: Mapping[str, ColumnKind]
    classes: tuple[str, ...] = ()
    positive: str | None = None

    def of_kind(self, *kinds: ColumnKind) -> list[str]:
        """Names of the feature columns of the given kinds, in frame order."""
        return [name for name, kind in self.columns.items() if kind in kinds]


@dataclass(frozen=True)
class Examples:
    """Some rows of a task, aligned by position.

    Attributes:
        X: the feature columns, n rows.
        y: the target, shape (n,): ``object`` array of ``str`` labels, or ``float64`` values.
        ids: what names each row, shape (n,).
        slices: the columns by which scores are broken down, n rows (no columns when none are declared).
    """

    X: pd.DataFrame
    y: NDArray[Any]
    ids: NDArray[Any]
    slices: pd.DataFrame

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: slice | NDArray[np.intp]) -> Examples:
        """The given rows: views of the data for a slice, copies for an array of positions."""
        return Examples(self.X.iloc[rows], self.y[rows], self.ids[rows], self.slices.iloc[rows])


@dataclass(frozen=True)
class Development:
    """The rows a model may learn from. It holds no reference to the test rows.

    Attributes:
        schema: what is asked.
        examples: all development rows, those for training first.
        n_train: how many of them are for training; the rest are for validation.
        groups: equal for rows that must stay in one part of any further split, shape (n,).
        is_ordered: whether training and validation rows are each in the order of time.
    """

    schema: Schema
    examples: Examples
    n_train: int
    groups: NDArray[np.intp]
    is_ordered: bool = False

    @property
    def train(self) -> Examples:
        """The rows to learn from."""
        return self.examples.take(slice(0, self.n_train))

    @property
    def valid(self) -> Examples:
        """The rows to stop early, to calibrate or to tune on."""
        return self.examples.take(slice(self.n_train, None))


@dataclass(frozen=True)
class Task:
    """What is asked, of which rows, and how it is judged.

    Attributes:
        name: name of the data.
        development: the rows for training and validation.
        test: the rows that are predicted once.
        fingerprint: SHA-256 of rows, roles and split; equal fingerprints mean comparable runs.
        split: how the rows were split, and how many went where.
        notes: what happened to the data on its way here, one sentence each.
    """

    name: str
    development: Development
    test: Examples
    fingerprint: str
    split: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def schema(self) -> Schema:
        """What is asked."""
        return self.development.schema


@dataclass(frozen=True)
class Predictions:
    """What a model answered, as arrays of length n in the order of the rows asked.

    Attributes:
        output: labels (``object`` array of ``str``) or values (``float64``).
        proba: probability of each class, shape (n, k), columns in the order of ``Schema.classes``.
        stage: which part of the model answered (the name of a rule, a step of a cascade).
    """

    output: NDArray[Any]
    proba: NDArray[np.float64] | None = None
    stage: NDArray[Any] | None = None


@dataclass(frozen=True)
class PredictionTable:
    """Predictions beside the truth, one row a test example: what every metric is a function of.

    Attributes:
        schema: what was asked.
        ids: what names each row, shape (n,).
        target: the truth, shape (n,).
        predictions: the answers, n rows.
        seconds: latency of predicting this row alone, shape (n,); NaN where it was not timed.
        slices: the columns by which scores are broken down, n rows.
    """

    schema: Schema
    ids: NDArray[Any]
    target: NDArray[Any]
    predictions: Predictions
    seconds: NDArray[np.float64]
    slices: pd.DataFrame = field(repr=False)

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: NDArray[np.intp]) -> PredictionTable:
        """The given rows, by position."""
        p = self.predictions
        chosen = Predictions(
            p.output[rows],
            None if p.proba is None else p.proba[rows],
            None if p.stage is None else p.stage[rows],
        )
        return PredictionTable(
            self.schema, self.ids[rows], self.target[rows], chosen, self.seconds[rows], self.slices.iloc[rows]
        )
