"""Measured coverage of the intervals: of values and of differences, by metric, number of rows and unit of resampling.

Each case simulates test sets of which the true value and the true difference are known, and counts how often the
interval holds them. ``python tests/compare/test_coverage.py [SETS]`` prints the table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, ndtr
from scipy.stats import binom

from bakeoff import metrics
from bakeoff.compare.intervals import Side, needs_draws, uncertainty
from bakeoff.compare.statistics import bootstrap
from bakeoff.data import units
from bakeoff.task import Gold, Predictions, PredictionTable, Schema, Series

SETS, RESAMPLES = 1_000, 1_000
FLOOR, WIDEST = 0.93, 1.0
BINARY = Schema("classification", "label", {}, ("no", "yes"), "yes")
FIVE = Schema("classification", "label", {}, tuple("abcde"))
VALUES = Schema("regression", "y", {})
QUESTIONS = Schema("qa", "answers", {})
Pair = tuple[PredictionTable, PredictionTable]
TRUTHS: dict[tuple[str, str], tuple[float, float]] = {}
Draw = Callable[[np.random.Generator, int], Pair]


@dataclass(frozen=True)
class Case:
    """One row of the table: a metric, the rows of a test set, how a set is drawn, and the true value and difference."""

    title: str
    metric: str
    rows: int
    draw: Draw
    exact: tuple[float, float] | None = None

    def __str__(self) -> str:
        return f"{self.title}, {self.metric}, {self.rows} rows"

    @property
    def truth(self) -> tuple[float, float]:
        """Value of the second variant, and its difference from the first, in a population."""
        if self.exact is not None:
            return self.exact
        if (self.title, self.metric) not in TRUTHS:
            first, second = (metrics.get(self.metric).value(t) for t in self.draw(np.random.default_rng(1), 400_000))
            TRUTHS[self.title, self.metric] = second, second - first
        return TRUTHS[self.title, self.metric]


def table(schema: Schema, target: np.ndarray, output: np.ndarray, **more: np.ndarray) -> PredictionTable:
    n, proba, unit = len(target), more.get("proba"), more.get("units")
    ids, nothing = np.array([str(i) for i in range(n)], dtype=object), pd.DataFrame(index=range(n))
    return PredictionTable(schema, ids, target, Predictions(output, proba), np.full(n, np.nan), nothing, units=unit)


def noises(rng: np.random.Generator, n: int, shared: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """Standard normal noise of two variants, of which a share of the variance is common to both."""
    common = rng.standard_normal(n) * np.sqrt(shared)
    first, second = (common + np.sqrt(1 - shared) * rng.standard_normal(n) for _ in range(2))
    return first, second


def right(first: float, second: float) -> Draw:
    """Two classes alike, and the share of rows that each variant gets right."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        names = np.array(BINARY.classes, dtype=object)
        y = (rng.random(n) < 0.5).astype(int)
        outputs = (np.where(ndtr(z) < p, y, 1 - y) for z, p in zip(noises(rng, n), (first, second), strict=True))
        a, b = (table(BINARY, names[y], names[output]) for output in outputs)
        return a, b

    return draw


def rare(share: float, recall: tuple[float, float], precision: float = 0.75) -> Draw:
    """A rare positive class, of which the variants find so many, both with that precision."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        names = np.array(BINARY.classes, dtype=object)
        y = rng.random(n) < share
        outputs = []
        for z, r in zip(noises(rng, n), recall, strict=True):
            false = r * share * (1 - precision) / (precision * (1 - share))
            outputs.append((ndtr(z) < np.where(y, r, false)).astype(int))
        a, b = (table(BINARY, names[y.astype(int)], names[output]) for output in outputs)
        return a, b

    return draw


def over_a_constant(share: float, right: float) -> Draw:
    """A nearly flawless variant against always predicting the negative class."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        names = np.array(BINARY.classes, dtype=object)
        y = (rng.random(n) < share).astype(int)
        output = np.where(rng.random(n) < right, y, 1 - y)
        return table(BINARY, names[y], names[np.zeros(n, int)]), table(BINARY, names[y], names[output])

    return draw


def five_classes(rng: np.random.Generator, n: int) -> Pair:
    names, shares = np.array(FIVE.classes, dtype=object), np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    y = rng.choice(5, n, p=shares)
    wrong = (y + rng.integers(1, 5, n)) % 5
    outputs = (np.where(ndtr(z) < p, y, wrong) for z, p in zip(noises(rng, n), (0.8, 0.85), strict=True))
    a, b = (table(FIVE, names[y], names[output]) for output in outputs)
    return a, b


def scores(share: float, apart: tuple[float, float]) -> Draw:
    """Probabilities of a positive class that lie so far apart from those of the negative."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        names = np.array(BINARY.classes, dtype=object)
        y = (rng.random(n) < share).astype(int)
        tables = []
        for z, d in zip(noises(rng, n), apart, strict=True):
            p = expit(z * d + d * d * (y - 0.5) + np.log(share / (1 - share)))
            tables.append(table(BINARY, names[y], names[(p > 0.5).astype(int)], proba=np.column_stack([1 - p, p])))
        return tables[0], tables[1]

    return draw


def stated(slope: float) -> Draw:
    """Probabilities whose logits are so many times those of the truth; 1 is calibrated."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        names = np.array(BINARY.classes, dtype=object)
        signal = 2 * rng.standard_normal(n)
        y, tables = (rng.random(n) < expit(signal)).astype(int), []
        for factor in (1.0, slope):
            p = expit(factor * signal)
            tables.append(table(BINARY, names[y], names[(p > 0.5).astype(int)], proba=np.column_stack([1 - p, p])))
        return tables[0], tables[1]

    return draw


def constant(confidence: float, right: float) -> Draw:
    """A calibrated variant, and one that states the same confidence on every row."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        names = np.array(BINARY.classes, dtype=object)
        y, tables = (rng.random(n) < right).astype(int), []
        for p in (np.full(n, right), np.full(n, confidence)):
            tables.append(table(BINARY, names[y], names[np.ones(n, int)], proba=np.column_stack([1 - p, p])))
        return tables[0], tables[1]

    return draw


def errors(tail: float) -> Draw:
    """Regression with errors of Student's t, or normal where ``tail`` is 0."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        y = 10 + 3 * rng.standard_normal(n)
        heavy = np.sqrt(tail / rng.chisquare(tail, n)) if tail else np.ones(n)
        a, b = (table(VALUES, y, y + s * z * heavy) for z, s in zip(noises(rng, n), (1.0, 1.1), strict=True))
        return a, b

    return draw


def answers(rng: np.random.Generator, n: int) -> Pair:
    gold = np.empty(n, dtype=object)
    gold[:] = [Gold(("yes",))] * n
    outputs = (
        np.where(ndtr(z) < p, "yes", "no").astype(object) for z, p in zip(noises(rng, n), (0.9, 0.93), strict=True)
    )
    a, b = (table(QUESTIONS, gold, output) for output in outputs)
    return a, b


def grouped(size: int, within: float, share: float = 0.8, spread: bool = False) -> Draw:
    """Groups of ``size`` rows whose noise is common by that share; of unequal size where ``spread``."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        names = np.array(BINARY.classes, dtype=object)
        groups = max(2, n // size)
        unit = np.repeat(np.arange(groups), size) if not spread else np.sort(rng.integers(groups, size=n))
        n = len(unit)

        def latent() -> np.ndarray:
            return np.sqrt(within) * rng.standard_normal(groups)[unit] + np.sqrt(1 - within) * rng.standard_normal(n)

        common = latent()
        y = (rng.random(n) < 0.5).astype(int)
        outputs = [np.where(ndtr(np.sqrt(0.5) * (common + latent())) < share, y, 1 - y) for _ in range(2)]
        a, b = (table(BINARY, names[y], names[output], units=unit) for output in outputs)
        return a, b

    return draw


def grouped_errors(size: int, within: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> Pair:
        groups = n // size
        unit = np.repeat(np.arange(groups), size)

        def latent() -> np.ndarray:
            return np.sqrt(within) * rng.standard_normal(groups)[unit] + np.sqrt(1 - within) * rng.standard_normal(n)

        common, y = latent(), rng.standard_normal(n)
        a, b = (table(VALUES, y, y + np.sqrt(0.5) * (common + latent()), units=unit) for _ in range(2))
        return a, b

    return draw


def series(horizon: int, stride: int, memory: float) -> Draw:
    """Two equally good forecasters whose errors are autoregressive; windows overlap where stride < horizon."""
    schema = Schema("forecast", "y", {}, series=Series(7, horizon, 1, ("y",), (), "1 d", 86400.0, None, {"": 1.0}))

    def draw(rng: np.random.Generator, n: int) -> Pair:
        from scipy.signal import lfilter

        length = n * stride + horizon

        def errors() -> np.ndarray:
            noise = rng.standard_normal(length + 60) * np.sqrt(1 - memory**2)
            return lfilter([1.0], [1.0, -memory], noise)[60:]

        common, origins = errors(), np.arange(n) * stride
        unit = units.from_origins(origins, np.zeros(n, dtype=np.intp), horizon)
        tables = []
        for _ in range(2):
            windows = np.lib.stride_tricks.sliding_window_view(np.sqrt(0.5) * (common + errors()), horizon)[origins]
            more = {} if unit is None else {"units": unit}
            tables.append(table(schema, np.zeros((n, horizon)), windows.copy(), **more))
        return tables[0], tables[1]

    return draw


def in_time(memory: float) -> Draw:
    """Rows of a split by time, whose noise is autoregressive, in the blocks that such a split draws."""

    def draw(rng: np.random.Generator, n: int) -> Pair:
        from scipy.signal import lfilter

        def noise() -> np.ndarray:
            white = rng.standard_normal(n + 60) * np.sqrt(1 - memory**2)
            return lfilter([1.0], [1.0, -memory], white)[60:]

        common, unit = noise(), units.from_moments(np.arange(n))
        names, y = np.array(BINARY.classes, dtype=object), (rng.random(n) < 0.5).astype(int)
        more = {} if unit is None else {"units": unit}
        outputs = [np.where(ndtr(np.sqrt(0.5) * (common + noise())) < 0.8, y, 1 - y) for _ in range(2)]
        a, b = (table(BINARY, names[y], names[output], **more) for output in outputs)
        return a, b

    return draw


def equal(value: float) -> tuple[float, float]:
    return value, 0.0


ABSOLUTE = float(np.sqrt(2 / np.pi))
GROUPED_ERRORS = {"mae": ABSOLUTE, "median_absolute_error": 0.6745}
LABELS, RANKS = ("f1", "precision", "recall", "mcc"), ("roc_auc", "average_precision")
FEW, MANY = (50, 300), (100, 400)
SMALL = (20, 29, 50, 60)
CE = "calibration_error"
CONFIDENT = (
    *((0.999, 0.99, n) for n in (100, 300, 1_000)),
    *((0.999, 0.998, n) for n in (300, 1_000, 2_000)),
    (0.999, 0.9, 100),
    *((0.99, 0.99, n) for n in (50, 300)),
    *((0.9, 0.97, n) for n in (50, 100, 200)),
    (0.8, 0.99, 100),
)
CASES = [
    *(Case("right 0.99 and 0.50", "accuracy", n, right(0.50, 0.99), (0.99, 0.49)) for n in SMALL),
    *(Case("right 0.99", "accuracy", n, right(0.99, 0.99), equal(0.99)) for n in SMALL),
    *(Case("right 0.99 over a constant", m, n, over_a_constant(0.5, 0.99)) for m in ("f1", "mcc") for n in SMALL),
    *(Case("right 0.97 over a constant", "f1", n, over_a_constant(0.3, 0.97)) for n in (50, 60)),
    *(Case("50 % positive, far apart", "roc_auc", n, scores(0.5, (1.0, 4.0))) for n in SMALL),
    *(Case("right 0.97", "accuracy", n, right(0.97, 0.97), equal(0.97)) for n in (50, 200)),
    *(Case("right 0.90 and 0.92", "accuracy", n, right(0.90, 0.92), (0.92, 0.02)) for n in (50, 200, 1_000)),
    *(Case("3 % positive", "f1", n, rare(0.03, (0.75, 0.82))) for n in (50, 100, 300)),
    *(Case("13 % positive", m, n, rare(0.134, (0.80, 0.92), 0.92)) for m in LABELS for n in MANY),
    *(Case("five classes", m, n, five_classes) for m in ("f1_macro", "balanced_accuracy", "mcc") for n in MANY),
    *(Case("10 % positive", m, n, scores(0.1, (1.2, 1.4))) for m in RANKS for n in (100, 300)),
    *(Case("10 % positive, far apart", m, n, scores(0.1, (2.9, 3.1))) for m in RANKS for n in (100, 300)),
    *(Case("30 % positive", m, n, scores(0.3, (1.2, 1.4))) for m in ("log_loss", "brier") for n in FEW),
    *(Case("calibrated", "calibration_error", n, stated(1.0), equal(0.0)) for n in (100, 300, 1_000)),
    *(Case(f"logits times {s:g}", "calibration_error", n, stated(s)) for s in (1.3, 2.0) for n in (100, 300, 1_000)),
    *(Case(f"says {c:g}, right {r:g}", CE, n, constant(c, r), (abs(c - r),) * 2) for c, r, n in CONFIDENT),
    *(Case("normal errors", m, n, errors(0)) for m in ("mae", "rmse", "r2", "median_absolute_error") for n in FEW),
    *(Case("heavy tails", m, n, errors(4)) for m in ("mae", "rmse") for n in (100, 300)),
    *(Case("answers", "exact_match", n, answers, (0.93, 0.03)) for n in (50, 200)),
    Case("100 groups of 30", "accuracy", 3_000, grouped(30, 0.3), equal(0.8)),
    Case("30 groups of 10", "accuracy", 300, grouped(10, 0.6), equal(0.8)),
    Case("60 unequal groups", "accuracy", 300, grouped(5, 0.6, spread=True), equal(0.8)),
    Case("each row twice", "accuracy", 300, grouped(2, 1.0), equal(0.8)),
    Case("each row twice, right 0.97", "accuracy", 100, grouped(2, 1.0, 0.97), equal(0.97)),
    *(Case("30 groups of 10", m, 300, grouped_errors(10, 0.6), equal(v)) for m, v in GROUPED_ERRORS.items()),
    *(Case(f"rows in time, AR(1) {m}", "accuracy", n, in_time(m), equal(0.8)) for m in (0, 0.6) for n in MANY),
    Case("daily forecasts, AR(1) 0.3", "mase", 73, series(1, 1, 0.3), equal(ABSOLUTE)),
    *(Case("daily forecasts, AR(1) 0.6", "mase", n, series(1, 1, 0.6), equal(ABSOLUTE)) for n in (73, 300)),
    Case("horizon 12, stride 12, AR(1) 0.6", "mase", 60, series(12, 12, 0.6), equal(ABSOLUTE)),
    Case("horizon 12, stride 1", "mase", 200, series(12, 1, 0.0), equal(ABSOLUTE)),
    Case("horizon 12, stride 1, AR(1) 0.6", "mase", 200, series(12, 1, 0.6), equal(ABSOLUTE)),
]


def measure(case: Case, sets: int) -> dict[str, float]:
    """Share of test sets whose 95 % interval holds the true value, and the true difference; their mean widths."""
    metric, truth = metrics.get(case.metric), case.truth
    held, widths, low, high = np.zeros(2), np.zeros(2), 0, 0
    for number in range(sets):
        pair = case.draw(np.random.default_rng([7, number]), case.rows)
        first, second = (Side(metric, t, metric.value(t)) for t in pair)
        values = other = np.zeros(RESAMPLES)
        if needs_draws(metric, pair[0]):
            drawn = bootstrap(dict(zip("ab", pair, strict=True)), [metric], RESAMPLES, seed=number % 20, threads=1)
            values, other = drawn["b"][metric.name], drawn["a"][metric.name]
        for i, (sides, draws) in enumerate((((second,), values), ((second, first), values - other))):
            bounds = uncertainty(sides, draws).interval(0.95)
            known = np.isfinite(bounds).all()
            # No interval is no false claim; it counts as one that holds, and as infinitely wide.
            held[i] += not known or bounds[0] <= truth[i] <= bounds[1]
            widths[i] += bounds[1] - bounds[0] if known else 0
            if i:
                low += bool(known and bounds[0] > truth[1])
                high += bool(known and bounds[1] < truth[1])
    return {
        "value": held[0] / sets, "difference": held[1] / sets, "too high": low / sets, "too low": high / sets,
        "width": widths[0] / sets, "width of difference": widths[1] / sets,
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_95_percent_intervals_hold_the_truth_in_93_percent_of_test_sets_or_more(case: Case) -> None:
    measured = measure(case, SETS)
    for name in ("value", "difference"):  # a coverage that the sets cannot tell from the floor is not below it
        assert binom.cdf(round(measured[name] * SETS), SETS, FLOOR) > 0.01, measured
    widest = WIDEST * max(1.0, abs(case.truth[0]))
    assert measured["width"] < widest and measured["width of difference"] < widest


@pytest.mark.parametrize(
    "case",
    [
        c
        for c in CASES
        if str(c).startswith(
            ("right 0.97, accuracy, 200", "each row twice, a", "calibrated, cal", "says 0.9, right 0.97")
        )
    ],
    ids=str,
)
def test_intervals_hold_the_truth_in_most_of_a_few_test_sets(case: Case) -> None:
    measured = measure(case, 40)
    assert min(measured["value"], measured["difference"]) >= 0.85, measured


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SETS
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    print(f"{'':<52}{'value':>8}{'differ.':>8}{'too high':>9}{'too low':>8}{'width':>8}{'w. diff':>8}")
    for each in CASES:
        if wanted in str(each):
            print(f"{each!s:<52}" + "".join(f"{x:>8.3f}" for x in measure(each, count).values()), flush=True)
