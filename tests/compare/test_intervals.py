"""Intervals of values and differences: widths where percentiles have none, and refusals in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, ttest_rel

from bakeoff.compare.intervals import Side, Unknown, uncertainty
from bakeoff.compare.outcomes import LEAST_DRAWS, Outcomes
from bakeoff.compare.statistics import bootstrap
from bakeoff.metrics import get
from bakeoff.task import Predictions, PredictionTable, Schema

BINARY = Schema("classification", "label", {}, ("no", "yes"), "yes")
VALUES = Schema("regression", "y", {})
NAMES = np.array(BINARY.classes, dtype=object)


def table(schema: Schema, target: np.ndarray, output: np.ndarray, proba: np.ndarray | None = None) -> PredictionTable:
    n = len(target)
    nothing = pd.DataFrame(index=range(n))
    return PredictionTable(schema, np.arange(n), target, Predictions(output, proba), np.full(n, np.nan), nothing)


def side(name: str, of: PredictionTable) -> Side:
    return Side(get(name), of, get(name).value(of))


def interval_of(name: str, *tables: PredictionTable) -> tuple[float, float]:
    drawn = bootstrap({str(i): of for i, of in enumerate(tables)}, [get(name)], 2_000)
    draws = [drawn[str(i)][name] for i in range(len(tables))]
    difference = draws[0] if len(draws) == 1 else draws[0] - draws[1]
    return uncertainty([side(name, of) for of in tables], difference).interval(0.95)


def test_perfect_precision_on_29_rows_is_not_certain() -> None:
    y = np.repeat([1, 0], [29, 71])
    low, high = interval_of("precision", table(BINARY, NAMES[y], NAMES[y]))
    assert 0.85 < low < 0.97 and high == 1.0


def test_interval_of_accuracy_is_that_of_jeffreys() -> None:
    y = np.arange(60) % 2
    output = np.where(np.arange(60) < 6, 1 - y, y)
    low, high = interval_of("accuracy", table(BINARY, NAMES[y], NAMES[output]))
    assert (low, high) == pytest.approx(beta.ppf([0.025, 0.975], 54.5, 6.5), abs=0.01)


def test_interval_of_a_difference_of_means_is_that_of_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=80)
    first, second = (table(VALUES, y, y + rng.normal(scale=s, size=80)) for s in (1.0, 1.2))
    errors = [np.abs(t.predictions.output - t.target) for t in (first, second)]
    expected = ttest_rel(*errors).confidence_interval(0.95)
    assert interval_of("mae", first, second) == pytest.approx((expected.low, expected.high))


def test_variants_that_predict_the_same_have_no_interval_and_a_reason() -> None:
    y = np.arange(60) % 2
    one = table(BINARY, NAMES[y], NAMES[1 - y])
    known = uncertainty([side("f1", one), side("f1", one)], np.zeros(500))
    assert isinstance(known, Unknown) and known.reason == "every resample of the test rows gives the same difference"
    assert np.isnan(known.interval(0.95)).all()


def test_metric_of_two_positive_rows_has_no_interval_and_a_reason() -> None:
    y = np.repeat([1, 0], [2, 98])
    known = uncertainty([side("f1", table(BINARY, NAMES[y], NAMES[y]))], np.linspace(0, 1, 500))
    assert isinstance(known, Unknown) and known.reason == "it rests on 2 rows"


def test_area_under_roc_near_one_stays_below_it() -> None:
    rng = np.random.default_rng(1)
    y = (np.arange(200) < 40).astype(int)
    p = 1 / (1 + np.exp(-(rng.normal(size=200) + 5 * y - 2.5)))
    scored = table(BINARY, NAMES[y], NAMES[(p > 0.5).astype(int)], np.column_stack([1 - p, p]))
    low, high = interval_of("roc_auc", scored)
    assert 0.9 < low < get("roc_auc").value(scored) < high < 1


def test_thousands_of_outcomes_take_fewer_draws() -> None:
    rng = np.random.default_rng(0)
    classes = tuple(f"c{i:03}" for i in range(200))
    labels = np.array(classes, dtype=object)
    many = Schema("classification", "label", {}, classes)
    made = table(many, labels[rng.integers(200, size=25_000)], labels[rng.integers(200, size=25_000)])
    draws = Outcomes.from_tables([made]).draw([get("accuracy")], 10_000)
    assert LEAST_DRAWS <= len(draws) < 2_000


def test_tiny_errors_are_not_read_as_a_share_of_zeros() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    low, high = interval_of("mae", table(VALUES, y, y + rng.normal(scale=1e-7, size=60)))
    assert 0 < low < high < 1e-6
    flawless = table(VALUES, y, y)
    assert np.isnan(interval_of("mae", flawless)).all()
