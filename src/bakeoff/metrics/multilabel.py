"""Multilabel metrics per row. Averages over labels are those of classification."""

from __future__ import annotations

from functools import partial

import numpy as np

from bakeoff.metrics.definition import is_multilabel, metric
from bakeoff.metrics.resampling import Floats, mean_of
from bakeoff.task import PredictionTable


def _pairs(table: PredictionTable) -> Floats:
    """Correct, true and predicted labels of each row, shape (n, 3)."""
    return np.array(
        [
            (len(set(output) & set(target)), len(target), len(output))
            for output, target in zip(table.predictions.output, table.target, strict=True)
        ],
        dtype=np.float64,
    ).reshape(len(table), 3)


def _row_f1(table: PredictionTable) -> Floats:
    hits, truth, predicted = _pairs(table).T
    there = truth + predicted
    return np.asarray(np.divide(2 * hits, there, out=np.ones_like(hits), where=there > 0))


def _is_exact(table: PredictionTable) -> Floats:
    hits, truth, predicted = _pairs(table).T
    return np.asarray((hits == truth) & (hits == predicted), dtype=np.float64)


def _mistakes(table: PredictionTable) -> Floats:
    hits, truth, predicted = _pairs(table).T
    return np.asarray((truth + predicted - 2 * hits) / len(table.schema.classes))


multilabel_metric = partial(metric, applies=is_multilabel)


@multilabel_metric("f1_samples", "maximize", margin="0.01", greatest=1.0, resample=mean_of(_row_f1))
def f1_samples(table: PredictionTable) -> float:
    """Mean over the rows of: F1 of the row's labels; 1 where a row has none and gets none."""
    return float(_row_f1(table).mean())


@multilabel_metric("subset_accuracy", "maximize", margin="0.01", greatest=1.0, resample=mean_of(_is_exact))
def subset_accuracy(table: PredictionTable) -> float:
    """Share of rows that get all of their labels and no other."""
    return float(_is_exact(table).mean())


@multilabel_metric("hamming_loss", "minimize", resample=mean_of(_mistakes))
def hamming_loss(table: PredictionTable) -> float:
    """Share of the pairs of row and label that are wrong: labels that are missing, or too many."""
    return float(_mistakes(table).mean())
