"""Given test rows that hold other values than the rows to learn from: other spellings, other units, other columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bakeoff import advice
from bakeoff.columns import kinds as column_kinds
from bakeoff.task import DataNote, NoteRank

MOST_NEW = 0.5  # share of a column's test values that may be new before a note is added
FEWEST = 10  # test rows with a value, below which a column is not judged


def notes(
    X: Mapping[str, pd.Series], kinds: Mapping[str, str], learnt_from: NDArray[np.intp], test: NDArray[np.intp]
) -> list[DataNote]:
    """Notes on columns whose test values mostly are none that a model could have learnt about.

    Args:
        X: feature columns of all rows.
        kinds: feature column → its kind.
        learnt_from: positions of the training and validation rows.
        test: positions of the test rows.
    """
    sentences = []
    for name, kind in kinds.items():
        known, given = X[name].iloc[learnt_from].dropna(), X[name].iloc[test].dropna()
        if len(given) < FEWEST or known.empty:
            continue
        if column_kinds.get(kind).remembers_values:
            sentences.append(_of_categories(name, known, given))
        elif pd.api.types.is_numeric_dtype(known.dtype):
            sentences.append(_of_numbers(name, known, given))
    return [DataNote(sentence, "data.test_path", NoteRank.VALUES) for sentence in sentences if sentence]


def _of_categories(name: str, known: pd.Series, given: pd.Series) -> str:
    new = given[~given.isin(known.unique())]
    if len(new) <= MOST_NEW * len(given):
        return ""
    return (
        f"{name}: {len(new):,} of {len(given):,} test values never occur in the rows to learn from, such as "
        f'"{new.iloc[0]}"; values there: {advice.listed(known.value_counts().index, 3)}.'
    )


def _of_numbers(name: str, known: pd.Series, given: pd.Series) -> str:
    low, high = known.min(), known.max()
    outside = given[(given < low) | (given > high)]
    if len(outside) <= MOST_NEW * len(given):
        return ""
    return (
        f"{name}: {len(outside):,} of {len(given):,} test values lie outside {low:.6g} to {high:.6g}, the range in the "
        f"rows to learn from, such as {outside.iloc[0]:.6g}: check that both have the same unit."
    )
