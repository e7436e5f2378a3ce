"""Out-of-sample predictions of the validation rows, by models that were fitted without them.

Thresholds, calibration and ensembles are made from them. A model that learns from training rows alone is fitted once,
to these. One that uses validation rows (to stop early, to calibrate) is fitted twice, each time with one half of them,
and predicts the other half: no row is predicted by a model that has seen it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.models.base import Context, Model
from bakeoff.predictions import Predictions, concatenated
from bakeoff.task import Development, Examples, PredictionTable

if TYPE_CHECKING:
    import pandas as pd

Build = Callable[[], Model]
Predict = Callable[[Model, "pd.DataFrame", NDArray[Any]], Predictions]
Rows = NDArray[np.intp]
NOT_PREDICTED = "No validation row was predicted"
SAMPLE_SEED = 0  # of the rows to predict where not all are: equal for all models of a task


def _by_model(model: Model, X: pd.DataFrame, truth: NDArray[Any]) -> Predictions:
    """Predict without the targets."""
    return model.predict(X)


def predicted(
    build: Build, development: Development, context: Context, most: int | None = None, predict: Predict = _by_model
) -> tuple[PredictionTable | None, list[str]]:
    """Predict all validation rows out of sample.

    Args:
        build: makes the unfitted model, with the parameters of the final fit.
        development: training and validation rows.
        context: of each fit, as that of the final one.
        most: number of validation rows to predict, a sample that is equal for all models; None: all.
        predict: predicts rows with a fitted model, given their targets, from which decisions of people are simulated.

    Returns:
        The predictions, without latencies of single rows; None where they cannot be made. Notes that say how they were.
    """
    valid = development.valid
    if not len(valid):
        return None, [f"{NOT_PREDICTED}: the task has none. Give it some with data.split.valid."]
    wanted = np.arange(len(valid))
    notes: list[str] = []
    if most is not None and most < len(valid):
        wanted = np.sort(np.random.default_rng(SAMPLE_SEED).permutation(len(valid))[:most])
        notes.append(
            f"Of the validation rows, a random sample of {most:,} of {len(valid):,} was predicted (test_rows)."
        )
    if not build().uses_validation:
        model = build()
        model.fit(development.train, None, context)
        return _table(development, valid, [(wanted, model)], predict), notes
    halves = _halves(development)
    if halves is None:
        return None, [
            f"{NOT_PREDICTED}: this model uses them to fit, and there are too few separate ones for two halves."
        ]
    fitted = []
    for held, other in (halves, halves[::-1]):
        model = build()
        model.fit(development.train, valid.take(other), context)
        used = np.concatenate([np.arange(development.n_train), development.n_train + other])
        model.fit_to_all(development.examples.take(used), context)
        fitted.append((np.intersect1d(held, wanted), model))
    return _table(development, valid, fitted, predict), [
        *notes,
        "This model uses validation rows to fit: each half of them was predicted by a fit that used the other half.",
    ]


def _halves(development: Development) -> tuple[Rows, Rows] | None:
    """Split the validation rows in two, keeping groups whole; rows in time order into earlier and later."""
    n = len(development.valid)
    groups = development.groups[development.n_train :]
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) < 2:
        return None
    rank = np.argsort(np.argsort(first))  # groups by their first row
    if development.is_ordered:
        rows_before = np.cumsum(np.bincount(rank[codes]))
        in_first = rows_before[rank[codes]] <= max(n // 2, rows_before[0])
    else:
        in_first = rank[codes] % 2 == 0
    return np.flatnonzero(in_first), np.flatnonzero(~in_first)


def _table(
    development: Development, valid: Examples, fitted: list[tuple[Rows, Model]], predict: Predict
) -> PredictionTable:
    parts = [predict(model, valid.X.iloc[rows], valid.y[rows]) for rows, model in fitted if len(rows)]
    rows = np.concatenate([rows for rows, _ in fitted])
    predictions = concatenated(parts).take(np.argsort(rows))
    valid = valid.take(np.sort(rows))
    seconds = np.full(len(valid), np.nan) if predictions.seconds is None else predictions.seconds
    return PredictionTable(development.schema, valid.ids, valid.y, predictions, seconds, valid.slices)
