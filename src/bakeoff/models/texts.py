"""The text of a row, for models that read text; and its vector, timed honestly."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.retrieval.base import Embedder, KnowsEnglishOnly
from bakeoff.retrieval.embeddings import embedded
from bakeoff.task import Schema
from bakeoff.words import is_english

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray


SAMPLED = 200
"""Rows by which the language of the texts is judged."""


def texts(X: pd.DataFrame, schema: Schema) -> list[str]:
    """Each of n rows as text to learn from: the value of a single column, of several a line for each with its name.

    White space and digits of numbers are cut short. Saved models learnt from this form: it must not change.
    """
    return _joined(X, schema, shown)


def prompts(X: pd.DataFrame, schema: Schema) -> list[str]:
    """Each of n rows as text for a language model: as ``texts``, with lines, spaces and digits as they are."""
    return _joined(X, schema, _whole)


def _joined(X: pd.DataFrame, schema: Schema, written: Callable[[Any], str]) -> list[str]:
    names = list(schema.columns)
    if len(names) == 1:
        return [written(value) for value in X[names[0]]]
    rows = zip(*(X[name] for name in names), strict=True)
    # Further lines of a value are indented, lest one that begins with a name looks like the value of that column.
    return [
        "\n".join(f"{name}: {written(v)}".replace("\n", "\n  ") for name, v in zip(names, row, strict=True))
        for row in rows
    ]


def shown(value: Any) -> str:
    """A value as one would write it in a line; missing ones are unknown."""
    if isinstance(value, float):
        return "unknown" if math.isnan(value) else f"{value:g}"
    # NaT is the one value beside NaN that is not equal to itself.
    return "unknown" if value is None or value != value else re.sub(r"\s+", " ", str(value)).strip()


def _whole(value: Any) -> str:
    """A value with its lines, spaces and digits."""
    if isinstance(value, float) and not math.isnan(value):
        return number(value)
    return value.strip() if isinstance(value, str) else shown(value)


def number(value: float) -> str:
    """A number with its digits, without what arithmetic adds: 1234567.5, 3 for 3.0, and 0.3 for 0.1 + 0.2."""
    is_whole = math.isfinite(value) and value == int(value) and abs(value) < 2**53
    return str(int(value)) if is_whole else f"{value:.15g}"


@dataclass(frozen=True)
class Reader:
    """Turns the texts of rows into vectors.

    Attributes:
        embedder: makes them.
        threads: for it.
        looks_up: whether what was embedded before is looked up even for the rows to answer. In a search, so that trials
            embed nothing twice; not outside one, where answering is timed and has to take what it takes.
    """

    embedder: Embedder
    threads: int
    looks_up: bool = False

    def learn(self, rows: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of the n texts to learn from, shape (n, dimensions), not to be written to; none embedded twice."""
        return embedded(self.embedder, rows, self.threads)[0]

    def notes(self, rows: Sequence[str]) -> tuple[str, ...]:
        """A caveat where the embedder knows English only and running texts are in another language."""
        sample = rows[:: max(1, len(rows) // SAMPLED)]
        if not isinstance(self.embedder, KnowsEnglishOnly) or is_english(sample):
            return ()
        return (
            "The texts are not in English, the only language that the embedder knows: its vectors say little of them. "
            "Choose an embedder of your language (embedder=sentence_transformers).",
        )

    def ask(self, rows: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of n texts to answer, shape (n, dimensions)."""
        return self.learn(rows) if self.looks_up else self.embedder.embed(rows, self.threads)
