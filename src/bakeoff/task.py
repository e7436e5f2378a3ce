"""The nouns that every part shares: schema, rows, task and predictions table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self

from bakeoff.predictions import (
    ABSTAINED,
    NO_ANSWER,
    NOT_ASKED,
    OK,
    PASSING,
    REASONS,
    WITHHELD,
    Predictions,
    RowStatus,
    Stage,
    StageTrace,
    concatenated,
    merged,
)
from bakeoff.schema import Reading, Schema, Series, origin, series_of
from bakeoff.usage import Usage

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "ABSTAINED",
    "HISTORY",
    "NOT_ASKED",
    "NO_ANSWER",
    "OK",
    "PASSING",
    "QUESTION",
    "REASONS",
    "WITHHELD",
    "Corpus",
    "DataNote",
    "Development",
    "Examples",
    "Gold",
    "NoteRank",
    "PredictionTable",
    "Predictions",
    "Question",
    "Reading",
    "RowStatus",
    "Schema",
    "Series",
    "Stage",
    "StageTrace",
    "Task",
    "Turn",
    "Usage",
    "concatenated",
    "merged",
    "origin",
    "questions",
    "series_of",
]  # fmt: skip

SEEN_INPUT = "input seen in training"
"""Slice of the test rows: ``yes`` where the same input also stands in the development rows."""

QUESTION, HISTORY = "question", "history"
"""The feature columns of a question: its text, and the turns before it as JSON, ``[{"role", "content"}]``."""


@dataclass(frozen=True)
class Gold:
    """Gold answers and relevant documents of a question.

    Attributes:
        answers: any of them is right; none: the corpus does not answer the question.
        relevance: document id → grade, above 0; documents that are not named are irrelevant.
        none_relevant: documents were judged for it, and none is relevant: it counts 0, as in BEIR and trec_eval.
        itself: id of the document that is the query itself, which BEIR leaves out of the ranking; empty: there is none.
        twins: id of each document with the text of a relevant one → that one's id: to cite either is right.
    """

    answers: tuple[str, ...] = ()
    relevance: Mapping[str, int] = field(default_factory=dict)
    none_relevant: bool = False
    itself: str = ""
    twins: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_answerable(self) -> bool:
        """True if the question has an answer."""
        return bool(self.answers)


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation.

    Attributes:
        role: user or assistant.
        content: text of the turn.
    """

    role: str
    content: str


@dataclass(frozen=True)
class Question:
    """Question together with the turns that preceded it."""

    text: str
    history: tuple[Turn, ...] = ()


def questions(X: pd.DataFrame) -> list[Question]:
    """The questions in the feature columns of n rows."""
    histories = X[HISTORY] if HISTORY in X else ["[]"] * len(X)
    return [
        Question(str(text), tuple(Turn(**turn) for turn in json.loads(turns)))
        for text, turns in zip(X[QUESTION], histories, strict=True)
    ]


@dataclass(frozen=True)
class Corpus:
    """The documents in which answers are looked for.

    Attributes:
        documents: n rows with the string columns ``id`` (unique), ``title`` and ``text``, then metadata.
        fingerprint: SHA-256 of all of it.
    """

    documents: pd.DataFrame = field(repr=False)
    fingerprint: str

    def __len__(self) -> int:
        return len(self.documents)


@dataclass(frozen=True)
class Examples:
    """Some rows of a task, aligned by position.

    Attributes:
        X: the feature columns, n rows.
        y: the target, shape (n,): ``object`` array of ``str`` labels or of ``Gold``, or ``float64`` values; of a
            forecast ``float64`` values of shape (n, horizon).
        ids: id of each row, shape (n,).
        slices: the columns by which scores are broken down, n rows (no columns when none are declared).
        units: unit of resampling of each row, equal for rows that are not independent of each other, shape (n,); None:
            each row is a unit.
    """

    X: pd.DataFrame
    y: NDArray[Any]
    ids: NDArray[Any]
    slices: pd.DataFrame
    units: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: slice | NDArray[np.intp]) -> Examples:
        """The given rows: views of the data for a slice, copies for an array of positions."""
        units = None if self.units is None else self.units[rows]
        return Examples(self.X.iloc[rows], self.y[rows], self.ids[rows], self.slices.iloc[rows], units)


@dataclass(frozen=True)
class Development:
    """The rows a model may learn from. It holds no reference to the test rows.

    Attributes:
        schema: schema of the task.
        examples: all development rows, those for training first.
        n_train: number of training rows; the rest are for validation.
        groups: equal for rows that must stay in one part of any further split, shape (n,).
        is_ordered: whether training and validation rows are each in the order of time.
        corpus: the documents in which answers are looked for; None where a task has none.
        spans: the first and the last moment that the target of each row covers, shape (n, 2), where it covers several:
            a further split keeps what it learns from before what it is scored on.
    """

    schema: Schema
    examples: Examples
    n_train: int
    groups: NDArray[np.intp]
    is_ordered: bool = False
    corpus: Corpus | None = None
    spans: NDArray[np.intp] | None = None

    @property
    def train(self) -> Examples:
        """The rows to learn from."""
        return self.examples.take(slice(0, self.n_train))

    @property
    def valid(self) -> Examples:
        """The rows to stop early, to calibrate or to tune on."""
        return self.examples.take(slice(self.n_train, None))


class NoteRank(IntEnum):
    """Importance of a note about the data; the lowest is shown first."""

    ROWS = 0  # rows were dropped or kept out of a part
    VALUES = 1  # values or columns are not what the file holds: converted, read as missing, left out
    CHOICES = 2  # a choice made without a declaration: task kind, positive class, type of a column
    FACTS = 3  # nothing was changed or chosen; recorded for the reader of result.json, not shown above the leaderboard


@dataclass(frozen=True)
class DataNote:
    """Something that happened to the data between the source and the task.

    Attributes:
        text: one sentence, with counts and column names.
        key: config key that changes it, such as ``data.duplicates``; empty where none does.
        rank: importance. The block above the leaderboard shows the first few by rank.
    """

    text: str
    key: str = ""
    rank: NoteRank = NoteRank.CHOICES

    def __str__(self) -> str:
        """The sentence, followed by the key that controls it."""
        return f"{self.text} ({self.key})" if self.key else self.text

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | str) -> Self:
        """Rebuild from the entry in ``result.json``; runs of earlier versions hold plain sentences."""
        if isinstance(content, str):
            return cls(content)
        return cls(str(content["text"]), str(content.get("key", "")), NoteRank(content.get("rank", NoteRank.CHOICES)))


@dataclass(frozen=True)
class Task:
    """Prediction problem with its schema, its development and test rows, and their split.

    Attributes:
        name: name of the data.
        development: the rows for training and validation.
        test: the rows that are predicted once.
        fingerprint: SHA-256 of rows, roles and split; equal fingerprints mean comparable runs.
        split: method of the split, and the size of each part.
        notes: changes to the data between the source and the task, most important first.
        inputs_identify_rows: whether rows with equal inputs are the same row; not so where few profiles repeat.
        sealed: test rows that no run predicts; ``bakeoff confirm`` opens them once. None: there are none.
    """

    name: str
    development: Development
    test: Examples
    fingerprint: str
    split: Mapping[str, Any]
    notes: tuple[DataNote, ...] = ()
    inputs_identify_rows: bool = True
    sealed: Examples | None = field(default=None, repr=False)

    @property
    def schema(self) -> Schema:
        """Schema of the task."""
        return self.development.schema


@dataclass(frozen=True)
class PredictionTable:
    """Predictions beside the truth, one row per test example: the input of every metric.

    Attributes:
        schema: schema of the task.
        ids: id of each row, shape (n,).
        target: the truth, shape (n,); of a forecast shape (n, horizon).
        predictions: the answers, n rows.
        seconds: latency of answering this row, shape (n,); NaN where it was not timed.
        slices: the columns by which scores are broken down, n rows.
        grades: what graders gave each answer, name → values from 0 to 1, shape (n,); NaN where there was nothing to
            grade.
        cost: cost of each prediction in US dollars by the cost model, shape (n,); None if not requested.
        units: unit of resampling of each row, as in ``Examples``, shape (n,); None: each row is a unit.
        value: business value of each prediction in US dollars, shape (n,); None without a business model.
    """

    schema: Schema
    ids: NDArray[Any]
    target: NDArray[Any]
    predictions: Predictions
    seconds: NDArray[np.float64]
    slices: pd.DataFrame = field(repr=False)
    grades: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    cost: NDArray[np.float64] | None = None
    units: NDArray[np.intp] | None = None
    value: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.target)

    @property
    def answered(self) -> PredictionTable:
        """The rows that are scored: those with an answer, and those from which the model chose to abstain."""
        is_answered = self.predictions.is_answered
        return self if is_answered.all() else self.take(is_answered)

    def take(self, rows: NDArray[Any]) -> PredictionTable:
        """The given rows, by position or by mask."""
        import numpy as np

        return PredictionTable(
            self.schema,
            self.ids[rows],
            self.target[rows],
            self.predictions.take(rows),
            self.seconds[rows],
            self.slices[rows] if rows.dtype == np.bool_ else self.slices.iloc[rows],
            {name: values[rows] for name, values in self.grades.items()},
            None if self.cost is None else self.cost[rows],
            None if self.units is None else self.units[rows],
            None if self.value is None else self.value[rows],
        )
