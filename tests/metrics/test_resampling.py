"""Every metric has two faces: the value over a table, and the same for many resamples at once. They must agree."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff.metrics import FromQuantile, applies_to, get, mean_of, names
from bakeoff.metrics.resampling import by_loop
from bakeoff.task import Predictions, PredictionTable, Schema

CLASSES = ("ant", "bee", "cat", "dog")
FEW_VALUES = [-2.0, -0.5, 0.0, 0.25, 1.0, 1.5, 3.0]  # so that ties are frequent


@st.composite
def classified(draw) -> PredictionTable:
    k, n = draw(st.integers(2, 4)), draw(st.integers(1, 8))
    classes = CLASSES[:k]
    column = st.lists(st.sampled_from(classes), min_size=n, max_size=n)
    answers = st.lists(st.sampled_from((*classes, "no idea")), min_size=n, max_size=n)
    weights = np.array(draw(st.lists(st.sampled_from([0.0, 0.1, 0.3, 1.0]), min_size=n * k, max_size=n * k)))
    proba = weights.reshape(n, k) + 1e-3 * (weights.reshape(n, k).sum(axis=1, keepdims=True) == 0)
    proba = proba / proba.sum(axis=1, keepdims=True)
    schema = Schema("classification", "animal", {}, classes, draw(st.sampled_from([*classes[:2], None])))
    return _table(draw, schema, np.array(draw(column), object), Predictions(np.array(draw(answers), object), proba))


@st.composite
def regressed(draw) -> PredictionTable:
    n = draw(st.integers(1, 8))
    column = st.lists(st.sampled_from(FEW_VALUES) | st.floats(-1e3, 1e3, width=32), min_size=n, max_size=n)
    return _table(draw, Schema("regression", "y", {}), np.array(draw(column)), Predictions(np.array(draw(column))))


def _table(draw, schema: Schema, target: np.ndarray, predictions: Predictions) -> PredictionTable:
    n = len(target)
    seconds = np.array(draw(st.lists(st.sampled_from([0.001, 0.002, 0.5, np.nan]), min_size=n, max_size=n)))
    return PredictionTable(schema, np.arange(n), target, predictions, seconds, pd.DataFrame(index=range(n)))


@st.composite
def resampled(draw, tables) -> tuple[PredictionTable, np.ndarray]:
    table = draw(tables)
    n = len(table)
    rows = draw(st.lists(st.lists(st.integers(0, n - 1), min_size=1, max_size=2 * n), min_size=1, max_size=3))
    return table, np.array([np.bincount(r, minlength=n) for r in rows], dtype=np.float32)


def values_one_by_one(metric, table, counts):
    drawn = [table.take(np.repeat(np.arange(len(table)), row.astype(int))) for row in counts]
    return [metric.value(each) for each in drawn]


def assert_faces_agree(name, table, counts):
    metric = get(name)
    if applies_to(metric, table):
        expected = values_one_by_one(metric, table, counts)
        np.testing.assert_allclose(metric.resample(table, counts), expected, rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.filterwarnings("ignore")  # scikit-learn warns of what we ask it on purpose
@pytest.mark.parametrize("name", names())
@settings(max_examples=25, deadline=None)
@given(classification=resampled(classified()), regression=resampled(regressed()))
def test_resampling_gives_what_the_value_of_each_resample_is(name, classification, regression):
    assert_faces_agree(name, *classification)
    assert_faces_agree(name, *regression)


def a_table(n: int = 50) -> PredictionTable:
    draws = np.random.default_rng(1)
    y = draws.normal(size=n)
    return PredictionTable(
        Schema("regression", "y", {}),
        np.arange(n),
        y,
        Predictions(y + draws.normal(size=n)),
        np.full(n, np.nan),
        pd.DataFrame(index=range(n)),
    )


def test_a_metric_that_has_only_a_value_can_be_resampled():
    def close(table):
        return abs(table.predictions.output - table.target) < 0.5

    def value(table):
        return float(close(table).mean())

    table = a_table()
    counts = np.random.default_rng(0).multinomial(len(table), np.full(len(table), 1 / len(table)), size=20)
    slow = by_loop(value)(table, counts.astype(np.float32))
    np.testing.assert_allclose(slow, mean_of(close)(table, counts.astype(np.float32)))


@pytest.mark.parametrize("q", [0.0, 0.1, 0.5, 0.95, 1.0])
def test_quantiles_interpolate_as_numpy_does(q):
    table = a_table()
    resample = FromQuantile(lambda t: t.target, q)
    np.testing.assert_allclose(resample(table, np.ones((1, len(table)), np.float32)), [np.quantile(table.target, q)])
