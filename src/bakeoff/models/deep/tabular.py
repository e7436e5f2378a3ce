"""Encoding of table columns for a network: scaled numbers, category codes, hashed words of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff.models import columns
from bakeoff.models.deep.batches import Ragged, Rows
from bakeoff.models.deep.tokens import cut, once
from bakeoff.task import Schema

NUMBERS, CATEGORIES = "numbers", "categories"  # as in networks.py, which imports torch
UNSEEN, MISSING, FIRST = 0, 1, 2


@dataclass(frozen=True)
class Table:
    """Encoding of table columns as numbers, learned from training rows.

    Attributes:
        schema: of the task, with its columns.
        medians, means, deviations: of each number: numeric columns, then the parts of dates.
        gaps: positions of the numbers with missing values in training; each gets a second, indicator input.
        categories: column → its values, the most frequent first.
        buckets: for hashed words and pairs of words.
        max_tokens: per text; longer texts are truncated.
    """

    schema: Schema
    medians: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    gaps: tuple[int, ...]
    categories: Mapping[str, tuple[str, ...]]
    buckets: int
    max_tokens: int

    @classmethod
    def learn(cls, X: pd.DataFrame, schema: Schema, max_categories: int, buckets: int, max_tokens: int) -> Table:
        """Learn from the training rows; only the most frequent values of a category get a code of their own."""
        medians, means, deviations, gaps = [], [], [], []
        for j, values in enumerate(columns.as_numbers(X, schema.of_kind("numeric"), schema.of_kind("date"))):
            absent = np.isnan(values)
            there = values[~absent]
            medians.append(float(np.median(there)) if len(there) else 0.0)
            means.append(float(there.mean()) if len(there) else 0.0)
            deviations.append((float(there.std()) if len(there) else 0.0) or 1.0)
            if absent.any():
                gaps.append(j)
        categories = {}
        for name in schema.of_kind("categorical"):
            counts = pd.Series(columns.strings(X[name], missing=None)).dropna().value_counts(sort=False)
            ordered = sorted(counts.items(), key=lambda found: (-found[1], str(found[0])))
            categories[name] = tuple(str(value) for value, _ in ordered[:max_categories])
        return cls(
            schema, tuple(medians), tuple(means), tuple(deviations), tuple(gaps), categories, buckets, max_tokens
        )

    @classmethod
    def from_plain(cls, schema: Schema, plain: Mapping[str, Any]) -> Table:
        """Restore from the output of ``plain``."""
        lists = {key: tuple(plain[key]) for key in ("medians", "means", "deviations", "gaps")}
        categories = {name: tuple(values) for name, values in plain["categories"].items()}
        return cls(schema, **lists, categories=categories, buckets=plain["buckets"], max_tokens=plain["max_tokens"])

    def plain(self) -> dict[str, Any]:
        """Learned state, for JSON."""
        return {
            "medians": list(self.medians),
            "means": list(self.means),
            "deviations": list(self.deviations),
            "gaps": list(self.gaps),
            "categories": {name: list(values) for name, values in self.categories.items()},
            "buckets": self.buckets,
            "max_tokens": self.max_tokens,
        }

    @property
    def numbers(self) -> int:
        """Number of numeric inputs per row."""
        return len(self.medians) + len(self.gaps)

    @property
    def sizes(self) -> list[int]:
        """Number of codes of each category."""
        return [len(values) + FIRST for values in self.categories.values()]

    @property
    def texts(self) -> list[str]:
        """Names of the bags of words."""
        return [f"text {i}" for i, _ in enumerate(self.schema.of_kind("text"))]

    def rows(self, X: pd.DataFrame) -> tuple[Rows, int]:
        """Encode n rows for a network, and count the rows with a truncated text."""
        dense: dict[str, NDArray[Any]] = {}
        if self.medians:
            dense[NUMBERS] = self._numbers(X)
        if self.categories:
            dense[CATEGORIES] = np.column_stack(
                [self._codes(X[name], values) for name, values in self.categories.items()]
            )
        ragged, longer = {}, 0
        for name, column in zip(self.texts, self.schema.of_kind("text"), strict=True):
            shortened = cut(self._words(X[column]), self.max_tokens)
            ragged[name] = shortened.tokens
            longer = max(longer, shortened.count)
        return Rows(len(X), dense, ragged), longer

    def _numbers(self, X: pd.DataFrame) -> NDArray[np.float32]:
        """Standardise numbers and compress outliers: 100 deviations become about 5."""
        k = len(self.medians)
        matrix = np.empty((len(X), self.numbers), dtype=np.float32)
        gaps = {j: k + i for i, j in enumerate(self.gaps)}
        numbers = columns.as_numbers(X, self.schema.of_kind("numeric"), self.schema.of_kind("date"))
        for j, values in enumerate(numbers):
            absent = ~np.isfinite(values)
            scaled = (np.where(absent, self.medians[j], values) - self.means[j]) / self.deviations[j]
            matrix[:, j] = np.where(
                np.abs(scaled) <= 1, scaled, np.sign(scaled) * (1 + np.log(np.maximum(np.abs(scaled), 1)))
            )
            if j in gaps:
                matrix[:, gaps[j]] = absent
        return matrix

    def _codes(self, column: pd.Series[Any], values: tuple[str, ...]) -> NDArray[np.int64]:
        strings = columns.strings(column, missing=None)
        known = pd.Index(values, dtype=object).get_indexer(pd.Index(strings, dtype=object))
        codes = np.where(known >= 0, known + FIRST, UNSEEN)
        codes[pd.isna(strings)] = MISSING
        return codes.astype(np.int64)

    def _words(self, column: pd.Series[Any]) -> Ragged:
        texts = [str(text) for text in columns.strings(column, missing="")]
        return once(f"hashed {self.buckets}", texts, lambda: _hashed(texts, self.buckets))


def _hashed(texts: list[str], buckets: int) -> Ragged:
    """Hash words and word pairs to numbers from 1, each once per text."""
    from sklearn.feature_extraction.text import HashingVectorizer

    hashing = HashingVectorizer(
        n_features=buckets - 1,
        ngram_range=(1, 2),
        token_pattern=r"(?u)\w+|[^\w\s]",
        alternate_sign=False,
        norm=None,
        binary=True,
        dtype=np.float32,
    )
    matrix = hashing.transform(texts)
    return Ragged((matrix.indices + 1).astype(np.int32), matrix.indptr[1:].astype(np.int64))
