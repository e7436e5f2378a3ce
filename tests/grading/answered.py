"""Answered questions to be graded."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.task import Gold, Predictions, PredictionTable, Schema


def objects(values: list[Any]) -> np.ndarray:
    """An array of n objects."""
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def answered(*rows: tuple[str, tuple[str, ...], str]) -> tuple[pd.DataFrame, PredictionTable]:
    """Questions, and the table of their gold answers and outputs."""
    n = len(rows)
    X = pd.DataFrame({"question": [q for q, _, _ in rows], "history": ["[]"] * n})
    table = PredictionTable(
        Schema("qa", "answers", {"question": "text", "history": "text"}),
        np.arange(n),
        objects([Gold(answers) for _, answers, _ in rows]),
        Predictions(objects([output for _, _, output in rows])),
        np.full(n, np.nan),
        pd.DataFrame(index=range(n)),
    )
    return X, table


def with_history(X: pd.DataFrame, *turns: dict[str, str]) -> pd.DataFrame:
    """The same questions, asked after these turns."""
    return X.assign(history=json.dumps(turns))
