"""Intervals of values and differences: widths where percentiles have none, and refusals in words."""

from __future__ import annotations

from dataclasses import replace

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


@pytest.mark.parametrize(("rows", "half"), [(60, (0.02, 0.09)), (1_000, (0.0005, 0.006))])
def test_variants_that_predict_the_same_may_differ_on_rows_not_seen(rows: int, half: tuple[float, float]) -> None:
    y = np.arange(rows) % 2
    one = table(BINARY, NAMES[y], NAMES[np.where(np.arange(rows) % 10 == 0, 1 - y, y)])
    for name in ("f1", "accuracy"):
        low, high = interval_of(name, one, one)
        assert half[0] < -low < half[1] and half[0] < high < half[1], name


@pytest.mark.parametrize("name", ["mae", "rmse", "r2", "median_absolute_error"])
def test_numbers_that_are_predicted_alike_may_differ_on_few_other_rows(name: str) -> None:
    """Up to 0.25 % of the rows beyond 1,000 that agree, each by the usual error: within the default margin of 1 %."""
    y = np.linspace(0, 1, 1_000)
    one = table(VALUES, y, y + np.sin(100 * y))
    low, high = interval_of(name, one, one)
    usual = 1.0 if name == "r2" else side(name, one).value
    assert -0.01 * usual < low < -0.001 * usual and high == -low


def test_exact_numbers_of_two_variants_have_no_interval_and_a_reason() -> None:
    y = np.linspace(0, 1, 60)
    exact = table(VALUES, y, y.copy())
    known = uncertainty([side("mae", exact), side("mae", exact)], np.zeros(500))
    assert isinstance(known, Unknown) and known.reason == "every test row gives the same difference"
    assert np.isnan(known.interval(0.95)).all()


@pytest.mark.parametrize("name", ["f1", "recall", "accuracy", "mcc", "f1_macro", "balanced_accuracy"])
@pytest.mark.parametrize("rows", [20, 29, 60])
def test_flawless_labels_beside_a_constant_have_an_interval_of_honest_width(name: str, rows: int) -> None:
    """Every resample gives F1 1 against 0: a bootstrap would be certain of it."""
    y = np.arange(rows) % 2
    flawless, constant = table(BINARY, NAMES[y], NAMES[y]), table(BINARY, NAMES[y], NAMES[0 * y])
    low, high = interval_of(name, flawless, constant)
    difference = side(name, flawless).value - side(name, constant).value
    assert difference - 12 / rows < low < difference - 0.5 / rows and difference <= high < difference + 12 / rows


@pytest.mark.parametrize("name", ["f1_macro", "accuracy"])
@pytest.mark.parametrize("label", [0, 2])
def test_flawless_labels_beside_any_constant_of_three_classes_have_an_interval(name: str, label: int) -> None:
    three = Schema("classification", "label", {}, ("a", "b", "c"))
    labels = np.array(three.classes, dtype=object)
    y = np.repeat([0, 1, 2], [40, 20, 12])
    low, high = interval_of(name, table(three, labels[y], labels[y]), table(three, labels[y], labels[0 * y + label]))
    assert 0.2 < low < high <= 1.0


def test_flawless_ranking_beside_a_constant_is_not_certain() -> None:
    y = np.arange(60) % 2
    sure, unsure = (np.column_stack([1 - p, p]) for p in (y * 0.8 + 0.1, np.full(60, 0.5)))
    ranked, constant = table(BINARY, NAMES[y], NAMES[y], sure), table(BINARY, NAMES[y], NAMES[0 * y], unsure)
    low, high = interval_of("roc_auc", ranked, constant)
    assert 0.38 < low < 0.48 and high >= 0.5
    low, high = interval_of("roc_auc", ranked)
    assert 0.88 < low < 0.98 and high >= 1.0


def test_exact_numbers_are_shown_to_beat_the_mean() -> None:
    y = np.linspace(0, 1, 60)
    exact, mean = table(VALUES, y, y.copy()), table(VALUES, y, np.full(60, 0.5))
    for name in ("mae", "rmse", "r2"):
        low, high = sorted(np.abs(interval_of(name, exact, mean)))
        assert 0 < low < high, name


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


def test_calibration_error_has_no_interval_because_chance_makes_it_larger() -> None:
    """A percentile interval of it held the truth in 26 to 60 % of simulated test sets."""
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.95, 300)
    y = (rng.random(300) < p).astype(int)
    true = table(BINARY, NAMES[y], NAMES[(p > 0.5).astype(int)], np.column_stack([1 - p, p]))
    known = uncertainty([side("expected_calibration_error", true)], np.linspace(0.02, 0.08, 500))
    assert isinstance(known, Unknown) and "chance" in known.reason


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_calibration_error_of_a_model_that_is_hardly_ever_wrong_is_not_surely_zero(wrong: int) -> None:
    """It says 0.999: of 1,000 rows with 2 wrong ones, up to 0.7 % may be wrong (Clopper & Pearson)."""
    y = np.repeat([0, 1], [wrong, 1_000 - wrong])
    p = np.full(1_000, 0.999)
    of = table(BINARY, NAMES[y], NAMES[np.ones(1_000, int)], np.column_stack([1 - p, p]))
    low, high = interval_of("calibration_error", of)
    most_wrong = float(beta.ppf(0.975, wrong + 1, 1_000 - wrong))
    assert low == 0 and 0.9 * (most_wrong - 0.001) < high < 2 * most_wrong


@pytest.mark.parametrize("name", ["accuracy", "roc_auc", "calibration_error"])
def test_rows_of_one_group_have_no_interval(name: str) -> None:
    y = np.arange(60) % 2
    p = np.where(np.arange(60) < 6, 1 - y, y) * 0.6 + 0.2
    of = table(BINARY, NAMES[y], NAMES[(p > 0.5).astype(int)], np.column_stack([1 - p, p]))
    known = uncertainty([side(name, replace(of, units=np.zeros(60, dtype=np.intp)))], np.full(500, 0.9))
    assert isinstance(known, Unknown) and known.reason == "all its rows are of one group"


def test_difference_from_a_share_of_an_error_has_the_interval_of_weighted_rows() -> None:
    """New less 0.9 times old: the paired t interval of these differences."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=80)
    old, new = (table(VALUES, y, y + rng.normal(scale=s, size=80)) for s in (1.2, 1.0))
    errors = [np.abs(t.predictions.output - t.target) for t in (new, old)]
    expected = ttest_rel(errors[0], 0.9 * errors[1]).confidence_interval(0.95)
    mae = get("mae")
    sides = [Side(mae, new, mae.value(new)), Side(mae, old, mae.value(old), share=0.9)]
    known = uncertainty(sides, np.linspace(-1, 1, 500))
    assert known.interval(0.95) == pytest.approx((expected.low, expected.high))


def test_share_of_a_metric_of_labels_is_subtracted_in_each_draw() -> None:
    y = np.arange(400) % 2
    old = table(BINARY, NAMES[y], NAMES[np.where(np.arange(400) % 5 == 0, 1 - y, y)])
    new = table(BINARY, NAMES[y], NAMES[np.where(np.arange(400) % 20 == 0, 1 - y, y)])
    f1 = get("f1")
    sides = [Side(f1, new, f1.value(new)), Side(f1, old, f1.value(old), share=1.1)]
    low, high = uncertainty(sides, np.linspace(-0.1, 0.3, 1_000)).interval(0.95)
    assert low < f1.value(new) - 1.1 * f1.value(old) < high and high - low < 0.15


def test_score_of_many_rare_classes_has_no_bound_below_zero() -> None:
    classes = tuple(f"c{i:03}" for i in range(200))
    labels, y = np.array(classes, dtype=object), np.arange(200)
    many = Schema("classification", "label", {}, classes)
    low, high = interval_of("f1_macro", table(many, labels[y], labels[0 * y]))
    assert 0 <= low < high < 0.1
