"""Calibration errors by hand, and their intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bakeoff import metrics
from bakeoff.compare.decision import deciding_metric
from bakeoff.compare.intervals import Side, Uncertainty, Unknown, uncertainty
from bakeoff.compare.statistics import bootstrap
from bakeoff.errors import ConfigError
from bakeoff.task import Predictions, PredictionTable, Schema

SCHEMA = Schema("classification", "label", {}, ("no", "yes"), "yes")
NAMES = np.array(SCHEMA.classes, dtype=object)
ERROR = metrics.get("calibration_error")


def table(confidence: np.ndarray, is_right: np.ndarray) -> PredictionTable:
    """Rows that are labelled yes with this probability, above a half."""
    n = len(confidence)
    return PredictionTable(
        SCHEMA, np.arange(n), NAMES[is_right.astype(int)],
        Predictions(np.full(n, "yes", dtype=object), np.column_stack([1 - confidence, confidence])),
        np.full(n, np.nan), pd.DataFrame(index=range(n)),
    )  # fmt: skip


def drawn(rows: int, seed: int, shift: float = 0.0) -> PredictionTable:
    """Rows whose share that is right is their confidence less the shift."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.55, 0.99, rows)
    return table(confidence, rng.random(rows) < confidence - shift)


def interval_of(*tables: PredictionTable) -> tuple[float, float]:
    return known(*tables).interval(0.95)


def known(*tables: PredictionTable) -> Uncertainty:
    return uncertainty([Side(ERROR, each, ERROR.value(each)) for each in tables], np.linspace(0, 1, 500))


def test_chance_is_subtracted_bin_by_bin() -> None:
    # One bin of 8 rows, 0.9 sure, of which 4 are right; another of 4 rows, 0.6 sure, of which 1 is.
    made = table(np.array([0.9] * 8 + [0.6] * 4), np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0]))
    first = (4 / 8 - 0.9) ** 2 - (8 * 0.25 / 7) / 8
    second = (1 / 4 - 0.6) ** 2 - (4 * 0.1875 / 3) / 4
    assert ERROR.value(made) == pytest.approx(np.sqrt((8 * first + 4 * second) / 12))
    (values,) = bootstrap({"a": made}, [ERROR], 50)["a"].values()
    assert np.isfinite(values).all() and values.min() >= 0


def test_error_of_a_calibrated_model_is_small_where_the_plain_one_is_not() -> None:
    plain, less_chance = (
        np.mean([metrics.get(name).value(drawn(300, seed)) for seed in range(40)])
        for name in ("expected_calibration_error", "calibration_error")
    )
    assert plain > 0.04
    assert less_chance < 0.02


def test_interval_reaches_0_for_a_calibrated_model_and_holds_the_error_of_another() -> None:
    low, high = interval_of(drawn(1_000, 1))
    assert low == 0 and high < 0.08
    low, high = interval_of(drawn(1_000, 1, shift=0.2))
    assert 0.12 < low < 0.2 < high < 0.26


def test_difference_holds_the_true_one() -> None:
    low, high = interval_of(drawn(1_000, 1, shift=0.2), drawn(1_000, 1))
    assert 0.1 < low < 0.2 < high < 0.3


def test_rows_that_are_repeated_are_no_more_evidence() -> None:
    once = drawn(300, 3, shift=0.1)
    rows = np.repeat(np.arange(300), 3)
    thrice = replace(once.take(rows), ids=np.arange(900))
    grouped = replace(thrice, units=rows)
    single, false, true = (np.subtract(*interval_of(t)[::-1]) for t in (once, thrice, grouped))
    assert false < 0.8 * single
    assert true == pytest.approx(single, rel=0.1)


def test_rows_of_bins_of_their_own_have_no_interval() -> None:
    lonely = table(np.array([0.55, 0.62, 0.7, 0.75, 0.9]), np.array([1, 0, 1, 1, 0]))
    uncertain = known(lonely)
    assert isinstance(uncertain, Unknown) and "same confidence" in uncertain.reason


@pytest.mark.parametrize("jitter", [0.0, 1e-16, 1e-9, 1e-6, 1e-4, 1e-3])
def test_rows_that_are_alike_but_for_rounding_have_an_interval_or_none(jitter: float) -> None:
    """A language model may be 90 % sure of every row, and right about all: nearly nothing varies."""
    confidence = 0.9 + jitter * np.random.default_rng(0).standard_normal(60)
    uncertain = known(table(confidence, np.ones(60)))
    if not isinstance(uncertain, Unknown):
        low, high = uncertain.interval(0.95)
        assert 0 <= low < 0.1 < high < 0.25


def test_calibration_error_cannot_decide() -> None:
    with pytest.raises(ConfigError, match="a constant that predicts the share of each class is perfectly calibrated"):
        deciding_metric("calibration_error", SCHEMA)
