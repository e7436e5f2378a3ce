"""Prediction-powered inference: values, coverage, and that no bias of a judge ships a variant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import ndtr

from bakeoff.compare import powered

Floats = NDArray[np.float64]


def graded(seed: int = 0, n: int = 300, labelled: int = 80) -> tuple[Floats, Floats, Floats, Floats]:
    """Grades of two variants and their labels: people agree with the judge on 70 % of the rows."""
    random = np.random.default_rng(seed)
    sides = []
    for _ in range(2):
        judge = random.random(n).round(3)
        people = np.where(random.random(n) < 0.3, random.random(n), judge).round(3)
        sides += [judge, np.where(np.arange(n) < labelled, people, np.nan)]
    return sides[0], sides[1], sides[2], sides[3]


def test_values_are_those_of_truescore() -> None:
    """truescore 0.7.4 (ppi_estimate, ppi_compare) on the same rows; its weight uses the unlabelled variance alone."""
    judge, people, other_judge, other_people = graded()
    one = powered.mean(judge, people)
    assert one.value == pytest.approx(0.5216, abs=5e-4)
    assert one.interval(0.95) == pytest.approx((0.4710, 0.5722), abs=2e-3)
    pair = powered.difference((other_judge, judge), (other_people, people))
    assert pair.value - pair.against == pytest.approx(-0.018946, abs=5e-4)
    assert pair.interval(0.95) == pytest.approx((-0.087141, 0.049249), abs=2e-3)


def test_formula_written_out() -> None:
    judge, people, *_ = graded()
    n, others = 80, 220
    weight = np.cov(people[:n], judge[:n])[0, 1] / ((1 + n / others) * judge.var(ddof=1))
    value = people[:n].mean() + weight * (judge[n:].mean() - judge[:n].mean())
    variance = (people[:n] - weight * judge[:n]).var(ddof=1) / n + weight**2 * judge[n:].var(ddof=1) / others
    known = powered.mean(judge, people)
    assert (known.weight, known.value) == (pytest.approx(weight), pytest.approx(value))
    assert known.standard_error == pytest.approx(np.sqrt(variance), rel=0.01)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 300))
def test_judge_who_knows_nothing_is_left_out_and_one_who_knows_all_narrows_the_interval(
    seed: int, labelled: int
) -> None:
    random = np.random.default_rng(seed)
    truth = random.random(300)
    people = np.where(np.arange(300) < labelled, truth, np.nan)
    alone = powered.mean(np.full(300, 0.5), people)
    assert alone.weight == 0
    assert alone.value == pytest.approx(truth[:labelled].mean())
    with_judge = powered.mean(truth, people)
    assert with_judge.standard_error <= alone.standard_error * 1.001


def test_all_rows_labelled_is_the_mean_of_the_labels() -> None:
    judge, people, *_ = graded(labelled=300)
    known = powered.mean(judge, people)
    assert known.value == pytest.approx(people.mean())
    assert known.standard_error == pytest.approx(people.std(ddof=1) / np.sqrt(300))


def test_rows_of_one_unit_count_as_one() -> None:
    judge, people, *_ = graded(n=100, labelled=100)
    twice = powered.mean(np.repeat(judge, 2), np.repeat(people, 2), np.repeat(np.arange(100), 2))
    once = powered.mean(judge, people)
    assert (twice.value, twice.freedom) == (pytest.approx(once.value), once.freedom)
    assert twice.standard_error == pytest.approx(once.standard_error)


def test_too_few_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer than two units"):
        powered.mean(np.ones(10), np.where(np.arange(10) < 1, 1.0, np.nan))


def looked_at(sets: int, rows: int, labelled: int, softness: float) -> tuple[float, float, float]:
    """False ships and coverage of two equal variants, and false ships of the judge alone.

    People find 70 % right for both. The judge passes 90 % of right answers, 20 % of the incumbent's wrong ones, and
    ``softness`` more of the challenger's.
    """
    shipped = covered = alone = 0
    for i in range(sets):
        random = np.random.default_rng((i, rows, labelled))
        shared = random.standard_normal(rows) * np.sqrt(0.6)
        right = [ndtr(shared + np.sqrt(0.4) * random.standard_normal(rows)) < 0.7 for _ in range(2)]
        passed = [
            np.where(r, random.random(rows) < 0.9, random.random(rows) < lenient).astype(float)
            for r, lenient in zip(right, (0.2 + softness, 0.2), strict=True)
        ]
        known = random.permutation(rows) < labelled
        people = [np.where(known, r.astype(float), np.nan) for r in right]
        low, high = powered.difference((passed[0], passed[1]), (people[0], people[1])).interval(0.95)
        shipped, covered = shipped + (low > 0), covered + (low <= 0 <= high)
        raw = passed[0] - passed[1]
        alone += raw.mean() - 1.96 * raw.std(ddof=1) / np.sqrt(rows) > 0
    return shipped / sets, covered / sets, alone / sets


def test_softer_judge_ships_alone_and_not_with_labels() -> None:
    shipped, covered, alone = looked_at(150, 1_000, 100, softness=0.1)
    assert alone > 0.2
    assert shipped <= 0.06
    assert covered >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("labelled", [20, 50, 100, 300])
@pytest.mark.parametrize("softness", [0, 0.1])
def test_labels_hold_false_ships_at_two_and_a_half_percent(labelled: int, softness: float) -> None:
    sets = 2_000
    shipped, covered, _ = looked_at(sets, 1_000, labelled, softness)
    assert shipped <= 0.025 + 2 * np.sqrt(0.025 * 0.975 / sets)
    assert covered >= 0.94
