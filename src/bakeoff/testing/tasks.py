"""Small tasks of each kind of column, on which models are tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.task import ColumnKind, Examples, Schema

Toy = tuple[Schema, Examples]


def examples(X: pd.DataFrame, y: Any) -> Examples:
    """Rows with their truth, and nothing besides."""
    return Examples(X, np.asarray(y), np.arange(len(X)), X.iloc[:, :0])


def text() -> Toy:
    """Two classes of short messages."""
    spam = [f"win a free prize number {i}, call now" for i in range(20)]
    ham = [f"see you at home at {i} tonight, love" for i in range(40)]
    X = pd.DataFrame({"message": [*spam, *ham]})
    schema = Schema("classification", "label", {"message": "text"}, ("ham", "spam"), "spam")
    return schema, examples(X, np.array(["spam"] * 20 + ["ham"] * 40, dtype=object))


def iris() -> Toy:
    """Three classes, four numbers."""
    from sklearn.datasets import load_iris

    bunch = load_iris(as_frame=True)
    schema = Schema("classification", "kind", dict.fromkeys(bunch.data, "numeric"), ("0", "1", "2"))
    return schema, examples(bunch.data, bunch.target.astype(str).to_numpy(dtype=object))


def diabetes() -> Toy:
    """A number to be told from ten."""
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(as_frame=True)
    schema = Schema("regression", "progression", dict.fromkeys(bunch.data, "numeric"))
    return schema, examples(bunch.data.iloc[:200], bunch.target.to_numpy(dtype=float)[:200])


def mixed() -> Toy:
    """Two classes; numbers, categories, dates and text, of which some are missing."""
    random = np.random.default_rng(0)
    n = 120
    X = pd.DataFrame(
        {
            "age": np.where(random.random(n) < 0.1, np.nan, random.integers(18, 80, n)),
            "plan": pd.Series(random.choice(["basic", "plus", "pro"], n)).where(random.random(n) > 0.1),
            "street": [f"{random.choice(['Oak', 'Elm', 'Main'])} Street {i % 60}" for i in range(n)],
            "joined": pd.Series(pd.date_range("2020-01-01", periods=n, freq="3D")).where(random.random(n) > 0.1),
            "note": [f"call number {i} about the {'bill' if i % 2 else 'phone'}" for i in range(n)],
        }
    )
    y = np.where((X["plan"] == "pro") | (X["age"] > 60), "stays", "leaves").astype(object)
    kinds: Mapping[str, ColumnKind] = {
        "age": "numeric", "plan": "categorical", "street": "categorical", "joined": "date", "note": "text"
    }  # fmt: skip
    return Schema("classification", "y", kinds, ("leaves", "stays"), "leaves"), examples(X, y)


TASKS: Mapping[str, Callable[[], Toy]] = {"text": text, "iris": iris, "diabetes": diabetes, "mixed": mixed}
