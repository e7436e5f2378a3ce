"""Multi-label metrics equal scikit-learn's on indicator matrices."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from bakeoff import metrics
from bakeoff.task import Predictions, PredictionTable, Schema
from bakeoff.testing import check_metric

LABELS = ("a", "b", "c", "d")
indicators = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=n, max_size=n)] * 2)
)


def table(truth: np.ndarray, guess: np.ndarray) -> PredictionTable:
    n = len(truth)
    values = [np.empty(n, dtype=object), np.empty(n, dtype=object)]
    for column, there in zip(values, (truth, guess), strict=True):
        column[:] = [tuple(np.array(LABELS)[row].tolist()) for row in there]
    schema = Schema("multilabel", "y", {}, LABELS)
    return PredictionTable(
        schema, np.arange(n), values[0], Predictions(values[1]), np.full(n, np.nan), pd.DataFrame(index=range(n))
    )


@settings(max_examples=60, deadline=None)
@given(indicators)
def test_metrics_equal_those_of_scikit_learn(drawn: tuple[list[list[bool]], list[list[bool]]]) -> None:
    truth, guess = (np.array(each, dtype=bool) for each in drawn)
    scores = metrics.score(table(truth, guess))
    occurs = np.flatnonzero((truth | guess).any(axis=0))
    for name, of in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        assert scores[f"{name}_micro"] == pytest.approx(of(truth, guess, average="micro", zero_division=0))
        if len(occurs):
            macro = of(truth, guess, average="macro", labels=occurs, zero_division=0)
            assert scores[f"{name}_macro"] == pytest.approx(macro)
    with warnings.catch_warnings(action="ignore"):
        assert scores["f1_samples"] == pytest.approx(sk.f1_score(truth, guess, average="samples", zero_division=1))
    assert scores["subset_accuracy"] == pytest.approx(sk.accuracy_score(truth, guess))
    assert scores["hamming_loss"] == pytest.approx(sk.hamming_loss(truth, guess))


@pytest.mark.parametrize("name", ["f1_micro", "f1_macro", "f1_samples", "subset_accuracy", "hamming_loss"])
def test_metric_holds_to_the_contract(name: str) -> None:
    assert any(held.startswith("multilabel") for held in check_metric(name))


def test_macro_average_without_any_label_is_undefined() -> None:
    none = np.zeros((3, 4), dtype=bool)
    with warnings.catch_warnings(action="ignore"):
        assert np.isnan(metrics.score(table(none, none))["f1_macro"])


@pytest.mark.parametrize("name", ["f1_micro", "precision_micro", "recall_micro"])
def test_yardstick_of_a_micro_average_is_the_score_of_the_most_frequent_label(name: str) -> None:
    truth = np.random.default_rng(0).random((50, 4)) < [0.7, 0.5, 0.4, 0.2]
    constant = np.tile(np.arange(4) == truth.sum(axis=0).argmax(), (50, 1))
    metric = metrics.get(name)
    assert metric.yardstick is not None and metric.yardstick.resample is not None
    guessed = metric.yardstick.resample(table(truth, truth), np.ones((1, 50), dtype=np.float32))[0]
    assert guessed == pytest.approx(metric.value(table(truth, constant)))


def test_yardstick_of_a_macro_average_is_the_mean_score_of_shuffled_rows() -> None:
    random = np.random.default_rng(0)
    truth, guess = (random.random((400, 4)) < share for share in (0.6, 0.5))
    metric = metrics.get("f1_macro")
    assert metric.yardstick is not None and metric.yardstick.resample is not None
    guessed = metric.yardstick.resample(table(truth, guess), np.ones((1, 400), dtype=np.float32))[0]
    shuffled = [metric.value(table(truth, guess[random.permutation(400)])) for _ in range(60)]
    assert guessed == pytest.approx(np.mean(shuffled), abs=0.01)
