"""Chapters on tasks with one label a row: confusion, ranking, calibration, abstaining."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from bakeoff.report.blocks import Column, Table, Text
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.report.figures import Chart, Matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bakeoff.task import PredictionTable

MOST_CLASSES = 12
MOST_PAIRS = 20
GRID = np.linspace(0, 1, 51)
SKIPPING = (
    "Skipping the rows that a variant is least sure of moves it to the left: fewer answers, usually fewer errors."
)
BINS = 10
CALIBRATED = "perfect"
LEAST_IN_BIN = 5
"""Rows below which the share of positives in a bin is noise, and is not drawn."""


def confusion(material: Material) -> list[Block]:
    """Confusions of labels by the leading variant and the incumbent."""
    if material.schema is None or material.schema.kind != "classification":
        return []
    names = dict.fromkeys(name for name in (material.leading, material.comparison.incumbent) if name)
    return [block for name in names if name in material.answered for block in _confused(name, material.answered[name])]


def _confused(name: str, table: PredictionTable) -> list[Block]:
    counts = Counter(zip(map(str, table.target), map(str, table.predictions.output), strict=True))
    classes = list(dict.fromkeys([*table.schema.classes, *(label for pair in counts for label in pair)]))
    wrong = [(pair, count) for pair, count in counts.most_common() if pair[0] != pair[1]]
    shown = classes
    if len(classes) > MOST_CLASSES:
        often = Counter[str]()
        for (truth, output), count in wrong:
            often[truth] += count
            often[output] += count
        shown = [label for label, _ in often.most_common(MOST_CLASSES)]
    blocks: list[Block] = []
    if shown:
        some = "" if shown == classes else f", the {len(shown)} of {len(classes)} classes with the most errors"
        blocks.append(
            Matrix(
                f"{name}: confusion matrix, actual against predicted{some}",
                rows=tuple(shown),
                columns=tuple(shown),
                values=tuple(tuple(float(counts[truth, output]) for output in shown) for truth in shown),
                row_title="actual",
                column_title="predicted",
                format="count",
                shade="row_share",
            )
        )
    if len(classes) > 2 and wrong:
        columns = (Column("truth", "actual"), Column("output", "predicted"), Column("rows", "rows", "count"))
        rows = tuple((truth, output, count) for (truth, output), count in wrong[:MOST_PAIRS])
        blocks.append(Table(columns, rows, f"{name}: most frequent confusions"))
    return blocks


def ranking(material: Material) -> list[Block]:
    """ROC and precision-recall curves of binary variants with probabilities."""
    scored = _probabilities_of_positive(material)
    if not scored:
        return []
    roc, pr = {}, {}
    for name, (score, truth) in scored.items():
        if 0 < truth.sum() < len(truth):
            roc[name], pr[name] = _curves(score, truth)
    if not roc:
        return []
    positive = material.schema.positive if material.schema else ""
    x = tuple(float(value) for value in GRID)
    return [
        Chart("ROC curve", x, roc, "share of negatives flagged (false positive rate)", f"share of {positive} found"),
        Chart("Precision and recall", x, pr, f"share of {positive} found (recall)", f"precision of {positive}"),
    ]


def _probabilities_of_positive(material: Material) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    schema = material.schema
    if schema is None or schema.kind != "classification" or len(schema.classes) != 2 or schema.positive is None:
        return {}
    column = schema.classes.index(schema.positive)
    return {
        name: (table.predictions.proba[:, column], np.asarray(table.target == schema.positive, dtype=np.bool_))
        for name, table in material.answered.items()
        if table.predictions.proba is not None
    }


def _curves(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Recall at each false positive rate of ``GRID``, and precision at each recall; ties in the score move together."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(truth[order])
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    found, flagged = hits[last], last + 1
    recall, false = found / truth.sum(), (flagged - found) / (~truth).sum()
    roc = np.interp(GRID, np.concatenate([[0.0], false]), np.concatenate([[0.0], recall]))
    precision = found / flagged
    at = np.minimum(np.searchsorted(recall, GRID - 1e-12), len(recall) - 1)
    return tuple(map(float, roc)), tuple(map(float, precision[at]))


def calibration(material: Material) -> list[Block]:
    """Probabilities against the share that came true."""
    binary = _probabilities_of_positive(material)
    stated: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]] = dict(binary)
    what = f"probability of {material.schema.positive}" if binary and material.schema else "probability of the output"
    if not binary:
        stated = {name: (confidence, right) for name, confidence, right in _confidences(material)}
    middles = (np.arange(BINS) + 0.5) / BINS
    series = {}
    for name, (probability, truth) in stated.items():
        bin_of = np.minimum((probability * BINS).astype(int), BINS - 1)
        rows = np.bincount(bin_of, minlength=BINS)
        share = np.bincount(bin_of, weights=truth, minlength=BINS) / np.maximum(rows, 1)
        drawn = np.where(rows >= LEAST_IN_BIN, share, np.nan)
        if np.isfinite(drawn).sum() > 1:
            series[name] = tuple(map(float, drawn))
    if not series:
        return []
    x = tuple(map(float, middles))
    series[CALIBRATED] = x
    return [Chart("Calibration", x, series, what, "observed frequency", reference=CALIBRATED)]


def abstaining(material: Material) -> list[Block]:
    """Error rate among the most confident rows: what it would give to abstain on the others."""
    shares = np.linspace(0.05, 1, 20)
    series = {}
    for name, confidence, right in _confidences(material):
        if len(np.unique(confidence)) < 3:
            continue
        wrong = ~right[np.argsort(-confidence, kind="stable")]
        counts = np.maximum(1, np.round(shares * len(wrong)).astype(int))
        series[name] = tuple(map(float, np.cumsum(wrong)[counts - 1] / counts))
    if not series:
        return []
    x = tuple(map(float, shares))
    figure = Chart(
        "Error rate against coverage", x, series, "share of rows answered, most confident first", "error rate"
    )
    return [
        figure,
        Text((SKIPPING,)),
    ]


def _confidences(material: Material) -> list[tuple[str, NDArray[np.float64], NDArray[np.bool_]]]:
    """Of each variant that states them: the confidence in each output, and whether it is right."""
    if material.kind is None:
        return []
    confidences = []
    for name, table in material.answered.items():
        p = table.predictions
        right = material.kind.is_right(p.output, table.target)
        confidence = p.proba.max(axis=1) if p.proba is not None and p.proba.size else p.confidence
        if right is None or confidence is None:
            continue
        known = np.isfinite(confidence)
        if known.any():
            confidences.append(
                (name, np.asarray(confidence[known], dtype=np.float64), np.asarray(right[known], dtype=np.bool_))
            )
    return confidences
