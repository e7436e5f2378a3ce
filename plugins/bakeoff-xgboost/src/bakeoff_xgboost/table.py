"""Rows as the matrix that both libraries take: numbers, codes of categories, NaN where a value is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.extend import Examples, Predictions, Schema, classes, columns, words

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """Mapping of the feature columns to a matrix, learnt from the training rows.

    Attributes:
        numeric, date: columns, in order.
        categories: column → its categories; a value's code is its place among them.
        vocabulary: text column → its words, of which each is a column that says whether it is there.
    """

    numeric: tuple[str, ...]
    date: tuple[str, ...]
    categories: dict[str, list[str]]
    vocabulary: dict[str, list[str]]

    @property
    def is_categorical(self) -> list[bool]:
        """Mask of the matrix columns that hold category codes."""
        n_numbers = len(self.numeric) + len(columns.DATE_PARTS) * len(self.date)
        n_words = sum(map(len, self.vocabulary.values()))
        return [False] * n_numbers + [True] * len(self.categories) + [False] * n_words

    def matrix(self, X: pd.DataFrame) -> Floats:
        """The rows, shape (n, m). A category that was not there in training is missing."""
        parts: list[Any] = list(columns.as_numbers(X, self.numeric, self.date))
        for name, known in self.categories.items():
            code = {category: float(i) for i, category in enumerate(known)}
            parts.append(np.array([code.get(value, np.nan) for value in columns.strings(X[name], missing=None)]))
        for name, known in self.vocabulary.items():
            parts += list(_mentions(X[name], known).T)
        if not parts:
            return np.zeros((len(X), 1), dtype=np.float32)
        return np.column_stack(parts).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def learn(X: pd.DataFrame, schema: Schema, most_words: int) -> Layout:
    """Learn the categories and words of the training rows."""
    categories = {}
    for name in schema.of_kind("categorical"):
        values = columns.strings(X[name], missing=None)
        categories[name] = sorted({value for value in values if value is not None})
    vocabulary = {name: _frequent(X[name], most_words) for name in schema.of_kind("text")}
    return Layout(tuple(schema.of_kind("numeric")), tuple(schema.of_kind("date")), categories, vocabulary)


def from_json(values: dict[str, Any]) -> Layout:
    """Rebuild a layout from the output of ``Layout.to_json``."""
    return Layout(tuple(values["numeric"]), tuple(values["date"]), values["categories"], values["vocabulary"])


def targets(rows: Examples, schema: Schema) -> Any:
    """The targets as both libraries take them, shape (n,): numbers, or codes of classes."""
    return classes.codes(rows.y, schema.classes) if schema.kind == "classification" else rows.y


def predictions(values: NDArray[np.float64], schema: Schema) -> Predictions:
    """Predictions from what a booster returns: numbers, shape (n,); or probabilities.

    These are of the second class, shape (n,), or of all classes, shape (n, k).
    """
    if schema.kind == "regression":
        return Predictions(values)
    proba = np.column_stack([1 - values, values]) if values.ndim == 1 else values / values.sum(axis=1, keepdims=True)
    return Predictions(classes.most_probable(proba, schema.classes), proba)


def _frequent(texts: pd.Series, most: int) -> list[str]:
    """The words that most texts have, in alphabetical order; those of a single text are left out."""
    counts = Counter(word for text in columns.strings(texts, missing="") for word in set(words(text)))
    repeated = sorted((-n, word) for word, n in counts.items() if n > 1)
    return sorted(word for _, word in repeated[:most])


def _mentions(texts: pd.Series, known: list[str]) -> Floats:
    at = {word: i for i, word in enumerate(known)}
    mentions = np.zeros((len(texts), len(known)), dtype=np.float32)
    for row, text in enumerate(columns.strings(texts, missing="")):
        mentions[row, [at[word] for word in set(words(text)) if word in at]] = 1
    return mentions
