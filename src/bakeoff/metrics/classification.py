"""Metrics of labels and of their probabilities."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics import ranking
from bakeoff.metrics.base import Yardstick
from bakeoff.metrics.definition import has_labels, is_binary, is_classification, metric
from bakeoff.metrics.resampling import Floats, FromLabels, FromSums, OfLabels, mean_of, ratio, with_ones
from bakeoff.task import PredictionTable

LEAST_OF_RARER_CLASS = 10
"""Rows of the rarer of two classes below which intervals of metrics of one class are not trusted."""


def _rarer_class(table: PredictionTable) -> int:
    """Count the rows of the rarer of two classes; with more classes, all rows."""
    if table.schema.positive is None:
        return len(table)
    positives = int((table.target == table.schema.positive).sum())
    return min(positives, len(table) - positives)


def _predicted_positives(table: PredictionTable) -> int:
    """Count the rows that precision rests on: predictions of the positive class."""
    return int((table.predictions.output == table.schema.positive).sum())


ROUNDING = 1e-13
"""Relative size up to which a difference of sums is 0."""

label_metric = partial(
    metric, direction="maximize", greatest=1.0, applies=is_classification, margin="0.01", is_of_labels=True
)
labels_metric = partial(
    metric, direction="maximize", greatest=1.0, applies=has_labels, margin="0.01", is_of_labels=True
)
positive_metric = partial(
    metric,
    direction="maximize",
    greatest=1.0,
    applies=is_binary,
    margin="0.01",
    evidence=_rarer_class,
    least_evidence=LEAST_OF_RARER_CLASS,
    is_of_positive=True,
    is_of_labels=True,
)
proba_metric = partial(metric, applies=is_classification, needs=("proba",))
rank_metric = partial(
    proba_metric,
    direction="maximize",
    greatest=1.0,
    margin="0.01",
    evidence=_rarer_class,
    least_evidence=LEAST_OF_RARER_CLASS,
)


def _correct(table: PredictionTable) -> NDArray[np.bool_]:
    return np.asarray(table.predictions.output == table.target)


def _positive_outcomes(table: PredictionTable) -> Floats:
    """For the positive class: right answers, true rows, answers. Shape (n, 3)."""
    truth, answers = (column == table.schema.positive for column in (table.target, table.predictions.output))
    return np.column_stack([truth & answers, truth, answers]).astype(np.float64)


def _precision(hits: Floats, truth: Floats, answers: Floats) -> Floats:
    return ratio(hits, answers)


def _recall(hits: Floats, truth: Floats, answers: Floats) -> Floats:
    return ratio(hits, truth)


def _f1(hits: Floats, truth: Floats, answers: Floats) -> Floats:
    return ratio(2 * hits, truth + answers)


def _mcc(hits: Floats, truth: Floats, answers: Floats) -> Floats:
    n = truth.sum(axis=1)
    agreement = hits.sum(axis=1) * n - (truth * answers).sum(axis=1)
    # Fractional weights leave a constant a spread of about 1e-16 n² instead of 0, on either side of it.
    of_truth, of_answers = (
        np.where(spread > ROUNDING * n**2, spread, 0)
        for spread in (n**2 - (truth**2).sum(axis=1), n**2 - (answers**2).sum(axis=1))
    )
    return ratio(agreement, np.sqrt(of_truth * of_answers))


def _balanced(hits: Floats, truth: Floats, answers: Floats) -> Floats:
    return np.asarray(_recall(hits, truth, answers).sum(axis=1) / (truth > 0).sum(axis=1))


def _averaged(of: OfLabels) -> OfLabels:
    """Over the labels that the resample has, true or predicted: scikit-learn's default."""

    def averaged(hits: Floats, truth: Floats, answers: Floats) -> Floats:
        occurring = (truth + answers > 0).sum(axis=1)
        undefined = np.full(len(occurring), np.nan)
        totals = of(hits, truth, answers).sum(axis=1)
        return np.asarray(np.divide(totals, occurring, out=undefined, where=occurring > 0))

    return averaged


def _macro(of: OfLabels) -> FromLabels:
    return FromLabels(_averaged(of))


def _micro(of: OfLabels) -> FromLabels:
    """Over the pairs of row and label of all labels together."""
    return FromLabels(lambda *counts: of(*(count.sum(axis=1) for count in counts)))


_mcc_of_labels = FromLabels(_mcc)
_roc_auc, _average_precision = ranking.FromRanks(ranking.area_under_roc), ranking.FromRanks(ranking.average_precision)
_precision_macro, _recall_macro, _f1_macro = _macro(_precision), _macro(_recall), _macro(_f1)
_precision_micro, _recall_micro, _f1_micro = _micro(_precision), _micro(_recall), _micro(_f1)


def _of_all_rows(table: PredictionTable, resample: FromLabels | ranking.FromRanks) -> float:
    """The value for these rows, each counted once: the definition that the bootstrap uses."""
    if not len(table):
        return float("nan")
    return float(resample(table, np.ones((1, len(table)), dtype=np.float32))[0])


def _of_positive(of: OfLabels) -> FromSums:
    return FromSums(_positive_outcomes, lambda sums: of(*sums.T))


SHUFFLED = "giving the same predictions to random rows"


def _by_chance(of: OfLabels) -> Yardstick:
    """The value that the same number of predictions of each label reach where they are independent of the truth."""

    def shuffled(hits: Floats, truth: Floats, answers: Floats, rows: Floats) -> Floats:
        return of(truth * answers / rows, truth, answers)

    return Yardstick(SHUFFLED, FromLabels(shuffled, takes_rows=True))


def _most_frequent(of: OfLabels) -> Yardstick:
    """The value of predicting, for every row, the one label that most rows have."""

    def constant(hits: Floats, truth: Floats, answers: Floats, rows: Floats) -> Floats:
        return of(truth.max(axis=1), truth.sum(axis=1), rows[:, 0])

    return Yardstick("always predicting the most frequent class", FromLabels(constant, takes_rows=True))


def _mcc_by_chance(hits: Floats, truth: Floats, answers: Floats) -> Floats:
    return np.zeros(len(truth))


def _entropy(hits: Floats, truth: Floats, answers: Floats) -> Floats:
    shares = truth / truth.sum(axis=1, keepdims=True)
    return np.asarray(-(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1))


def _class_rows(table: PredictionTable) -> Floats:
    """Indicator of each row's true class, and a column that counts the rows. Shape (n, k + 1)."""
    return with_ones(_truth(table))


def _brier_of_shares(sums: Floats) -> Floats:
    shares = sums[:, :-1] / sums[:, -1:]
    impurity = 1 - (shares**2).sum(axis=1)
    return np.asarray(impurity / 2 if shares.shape[1] == 2 else impurity)


SHARES = "always predicting the share of each class"


def _counted_outcomes(table: PredictionTable) -> Floats:
    return with_ones(_positive_outcomes(table))


def _positive_by_chance(of: OfLabels) -> Yardstick:
    """The same for the positive class alone."""

    def shuffled(sums: Floats) -> Floats:
        _, truth, answers, n = sums.T
        return of(truth * answers / n, truth, answers)

    return Yardstick(SHUFFLED, FromSums(_counted_outcomes, shuffled))


def _f1_of_always_positive(sums: Floats) -> Floats:
    _, truth, _, n = sums.T
    return _f1(truth, truth, n)


ALWAYS_POSITIVE = Yardstick("always predicting the positive class", FromSums(_counted_outcomes, _f1_of_always_positive))
"""The constant with the best F1; that of the other class has an F1 of 0 by construction (Lipton et al. 2014)."""


def _prf(table: PredictionTable, which: int, **how: Any) -> float:
    from sklearn.metrics import precision_recall_fscore_support

    scores = precision_recall_fscore_support(table.target, table.predictions.output, zero_division=0, **how)
    return float(np.squeeze(scores[which]))


@label_metric("accuracy", resample=mean_of(_correct), yardstick=_most_frequent(_precision))
def accuracy(table: PredictionTable) -> float:
    """Share of rows that are labelled right."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(table.target, table.predictions.output))


@label_metric("balanced_accuracy", resample=FromLabels(_balanced), yardstick=_by_chance(_balanced))
def balanced_accuracy(table: PredictionTable) -> float:
    """Mean recall over the classes that occur: a rare class counts as much as a frequent one."""
    return _prf(table, 1, average="macro", labels=np.unique(table.target))


@labels_metric("precision_macro", resample=_precision_macro, yardstick=_by_chance(_averaged(_precision)))
def precision_macro(table: PredictionTable) -> float:
    """Mean over the labels that occur of: share of its answers that are right."""
    return _of_all_rows(table, _precision_macro)


@labels_metric("recall_macro", resample=_recall_macro, yardstick=_by_chance(_averaged(_recall)))
def recall_macro(table: PredictionTable) -> float:
    """Mean over the labels that occur of: share of its rows that are found."""
    return _of_all_rows(table, _recall_macro)


@labels_metric("f1_macro", resample=_f1_macro, yardstick=_by_chance(_averaged(_f1)))
def f1_macro(table: PredictionTable) -> float:
    """Mean over the labels that occur of: harmonic mean of precision and recall."""
    return _of_all_rows(table, _f1_macro)


@labels_metric("precision_micro", resample=_precision_micro, yardstick=_most_frequent(_precision))
def precision_micro(table: PredictionTable) -> float:
    """Precision over all labels together: accuracy, where each row has one label."""
    return _of_all_rows(table, _precision_micro)


@labels_metric("recall_micro", resample=_recall_micro, yardstick=_most_frequent(_recall))
def recall_micro(table: PredictionTable) -> float:
    """Recall over all labels together: accuracy, where each row has one label."""
    return _of_all_rows(table, _recall_micro)


@labels_metric("f1_micro", resample=_f1_micro, yardstick=_most_frequent(_f1))
def f1_micro(table: PredictionTable) -> float:
    """F1 over all labels together: accuracy, where each row has one label."""
    return _of_all_rows(table, _f1_micro)


@label_metric("mcc", resample=_mcc_of_labels, yardstick=Yardstick(SHUFFLED, FromLabels(_mcc_by_chance)))
def mcc(table: PredictionTable) -> float:
    """Correlation of labels and answers, −1 to 1, for any number of classes (Matthews 1975, Gorodkin 2004)."""
    return _of_all_rows(table, _mcc_of_labels)


@positive_metric(
    "precision",
    resample=_of_positive(_precision),
    yardstick=_positive_by_chance(_precision),
    evidence=_predicted_positives,
)
def precision(table: PredictionTable) -> float:
    """Share of the rows labelled positive that are."""
    return _prf(table, 0, labels=[table.schema.positive])


@positive_metric("recall", resample=_of_positive(_recall), yardstick=_positive_by_chance(_recall))
def recall(table: PredictionTable) -> float:
    """Share of the positive rows that are found."""
    return _prf(table, 1, labels=[table.schema.positive])


@positive_metric("f1", resample=_of_positive(_f1), yardstick=ALWAYS_POSITIVE)
def f1(table: PredictionTable) -> float:
    """Harmonic mean of precision and recall of the positive class."""
    return _prf(table, 2, labels=[table.schema.positive])


def _proba(table: PredictionTable) -> Floats:
    assert table.predictions.proba is not None
    return table.predictions.proba


def _truth(table: PredictionTable) -> NDArray[np.bool_]:
    """Indicator of the true class, shape (n, k)."""
    return np.asarray(table.target[:, None] == np.array(table.schema.classes, dtype=object))


def _surprise(table: PredictionTable) -> Floats:
    tiny = np.finfo(np.float64).eps
    of_truth = np.sum(_proba(table), axis=1, where=_truth(table))
    return np.asarray(-np.log(np.clip(of_truth, tiny, 1 - tiny)))


def _squared_error(table: PredictionTable) -> Floats:
    error = np.sum((_proba(table) - _truth(table)) ** 2, axis=1)
    return np.asarray(error / 2 if len(table.schema.classes) == 2 else error)


@rank_metric("roc_auc", resample=_roc_auc)
def roc_auc(table: PredictionTable) -> float:
    """Probability that a positive row outranks a negative one: of the positive class, or averaged over one-vs-rest.

    Classes for which the rows do not define it are left out of the average; NaN when none is left.
    """
    return _of_all_rows(table, _roc_auc)


@rank_metric(
    "average_precision",
    resample=_average_precision,
    is_of_positive=True,
    yardstick=Yardstick(SHUFFLED),
)
def average_precision(table: PredictionTable) -> float:
    """Area under the precision-recall curve: of the positive class, or each class against the rest, averaged.

    Classes without a row are left out of the average; NaN when none is left.
    """
    return _of_all_rows(table, _average_precision)


@proba_metric(
    "log_loss",
    direction="minimize",
    resample=mean_of(_surprise),
    yardstick=Yardstick(SHARES, FromLabels(_entropy)),
)
def log_loss(table: PredictionTable) -> float:
    """Mean of −log of the probability given to the true class, in nats."""
    from sklearn.metrics import log_loss

    return float(log_loss(table.target, _proba(table), labels=list(table.schema.classes)))


@proba_metric(
    "brier",
    direction="minimize",
    resample=mean_of(_squared_error),
    yardstick=Yardstick(SHARES, FromSums(_class_rows, _brier_of_shares)),
)
def brier(table: PredictionTable) -> float:
    """Mean squared error of the probabilities (Brier 1950), in scikit-learn's convention.

    Two classes: of the positive one alone, 0 to 1. More classes: summed over the classes, 0 to 2.
    """
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(table.target, _proba(table), labels=list(table.schema.classes)))
