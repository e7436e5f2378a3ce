"""Ship, keep or inconclusive: what the differences and their intervals allow to say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff import metrics
from bakeoff.compare.decision import Gain, decide, deciding_metric, number, smallest_difference
from bakeoff.errors import ConfigError
from bakeoff.task import Schema

F1 = metrics.get("f1")
RMSE = metrics.get("rmse")
NAN = float("nan")
BINARY = Schema("classification", "label", {}, ("ham", "spam"), "spam")
CLASSES = Schema("classification", "label", {}, ("a", "b", "c"))
VALUES = Schema("regression", "price", {})


def gain(low: float, high: float, variant: str = "new", middle: float | None = None) -> Gain:
    middle = (low + high) / 2 if middle is None else middle
    return Gain(variant, 0.8 + middle, middle, low, high)


@pytest.mark.parametrize(
    ("intervals", "margin", "verdict", "winner"),
    [
        # one challenger, an interval against a margin of 0.01
        ([(0.02, 0.04)], 0.01, "ship", "new 0"),
        ([(0.005, 0.04)], 0.01, "inconclusive", None),
        ([(-0.02, 0.04)], 0.01, "inconclusive", None),
        ([(0.002, 0.008)], 0.01, "keep", "old"),
        ([(-0.02, 0.008)], 0.01, "keep", "old"),
        ([(-0.04, -0.02)], 0.01, "keep", "old"),
        # bounds that touch the margin: it must be exceeded
        ([(0.01, 0.04)], 0.01, "inconclusive", None),
        ([(-0.04, 0.01)], 0.01, "keep", "old"),
        ([(0.01, 0.01)], 0.01, "keep", "old"),
        # no margin: better at all is enough
        ([(0.0001, 0.04)], 0.0, "ship", "new 0"),
        ([(-0.0001, 0.04)], 0.0, "inconclusive", None),
        ([(0.0, 0.0)], 0.0, "keep", "old"),  # the same answers
        ([(-0.04, 0.0)], 0.0, "keep", "old"),
        # several challengers
        ([(0.02, 0.04), (0.03, 0.07)], 0.01, "ship", "new 1"),
        ([(0.02, 0.04), (-0.1, 0.3)], 0.01, "ship", "new 0"),  # the other has the larger gain, but no evidence
        ([(0.02, 0.04), (-0.4, -0.3)], 0.01, "ship", "new 0"),
        ([(-0.4, -0.3), (0.0, 0.005)], 0.01, "keep", "old"),
        ([(-0.4, -0.3), (0.0, 0.02)], 0.01, "inconclusive", None),
        ([(0.02, 0.04), (0.02, 0.04)], 0.01, "ship", "new 0"),  # a tie goes to the one that ran first
        # metrics that are not defined
        ([(NAN, NAN)], 0.01, "inconclusive", None),
        ([(NAN, NAN), (0.02, 0.04)], 0.01, "ship", "new 1"),
        ([(0.02, NAN)], 0.01, "inconclusive", None),
        ([], 0.01, "inconclusive", None),
    ],
)
def test_what_may_be_said(
    intervals: list[tuple[float, float]], margin: float, verdict: str, winner: str | None
) -> None:
    gains = [gain(low, high, f"new {i}") for i, (low, high) in enumerate(intervals)]
    reached = decide(F1, "old", 0.8, gains, margin, 1000)
    assert (reached.verdict, reached.winner) == (verdict, winner)
    assert reached.reason


def test_nothing_is_kept_or_shipped_while_a_variant_is_undefined_and_the_others_are_worse() -> None:
    reached = decide(F1, "old", 0.8, [gain(-0.2, -0.1, "worse"), gain(NAN, NAN, "odd")], 0.01, 100)
    assert reached.verdict == "keep"
    assert "odd" in reached.reason, "a reader must learn that one was not judged"


def test_the_reason_holds_the_figures() -> None:
    shipped = decide(F1, "old", 0.8, [gain(0.02, 0.06)], 0.01, 1000).reason
    assert shipped == (
        "new has f1 0.840 against 0.800 of old, a gain of 0.0400 [0.0200, 0.0600], more than the 0.0100 that matters."
    )
    kept = decide(F1, "old", 0.8, [gain(-0.02, 0.0), gain(-0.2, -0.1, "worse")], 0.01, 1000).reason
    assert "no variant is better by the 0.0100 that matters" in kept
    assert "new has f1 0.790" in kept, "the best of them"
    open_ = decide(F1, "old", 0.8, [gain(-0.02, 0.06)], 0.01, 1000).reason
    assert "may or may not exceed the 0.0100 that matters" in open_


def test_the_reason_names_what_is_missing() -> None:
    # The interval is 0.04 to either side of 0.02, 0.01 from the margin: 4 times too wide, so 16 times the rows.
    reached = decide(F1, "old", 0.8, [gain(-0.02, 0.06)], 0.01, 1000)
    assert "about 15,000 more test rows would settle it" in reached.reason
    nearly = decide(F1, "old", 0.8, [gain(0.0099, 0.06)], 0.01, 1000)
    assert "about 6 more test rows" in nearly.reason or "about 9 more test rows" in nearly.reason
    never = decide(F1, "old", 0.8, [gain(-0.02, 0.04)], 0.01, 1000)
    assert "no number of test rows within reach" in never.reason, "the gain is the margin itself"


@pytest.mark.parametrize("value", [NAN, float("inf")])
def test_an_incumbent_without_a_value_gives_no_verdict(value: float) -> None:
    reached = decide(F1, "old", value, [gain(0.02, 0.04)], 0.01, 1000)
    assert reached.verdict == "inconclusive"
    assert "f1 is not defined for old" in reached.reason


def test_an_incumbent_alone_has_nothing_to_be_compared_with() -> None:
    assert "old is the only variant with results" in decide(F1, "old", 0.8, [], 0.01, 1000).reason


def test_units_of_a_minimised_metric_are_told_as_they_are() -> None:
    reached = decide(RMSE, "old", 54_321.5, [Gain("new", 50_000.0, 4321.5, 3000.0, 5600.0)], 543.2, 100)
    assert reached.verdict == "ship"
    assert "new has rmse 50,000 against 54,322 of old, a gain of 4,322 [3,000, 5,600]" in reached.reason
    assert "the 543 that matters" in reached.reason


finite = st.floats(-1e6, 1e6)
bounds = st.lists(finite, min_size=3, max_size=3).map(sorted)
gains_of = st.lists(bounds, max_size=5).map(
    lambda many: [Gain(f"v{i}", middle, middle, low, high) for i, (low, middle, high) in enumerate(many)]
)
margins = st.floats(0, 1e6)


@given(gains_of, margins, st.integers(1, 10**7))
def test_no_verdict_goes_beyond_its_evidence(gains: list[Gain], margin: float, rows: int) -> None:
    reached = decide(F1, "old", 0.5, gains, margin, rows)
    winner = next((g for g in gains if g.variant == reached.winner), None)
    match reached.verdict:
        case "ship":
            assert winner is not None
            assert winner.low > margin
            assert all(g.gain <= winner.gain for g in gains if g.low > margin)
        case "keep":
            assert reached.winner == "old"
            assert gains
            assert all(g.high <= margin for g in gains)
        case "inconclusive":
            assert reached.winner is None
            assert not any(g.low > margin for g in gains)
            assert not gains or any(g.high > margin for g in gains)
    assert "nan" not in reached.reason
    assert "e+" not in reached.reason


@given(gains_of, margins, margins)
def test_asking_for_more_never_turns_a_keep_into_a_ship(gains: list[Gain], margin: float, more: float) -> None:
    rank = {"keep": 0, "inconclusive": 1, "ship": 2}
    if gains:
        before, after = (decide(F1, "old", 0.5, gains, m, 100) for m in (margin, margin + more))
        assert rank[after.verdict] <= rank[before.verdict]


@given(gains_of, margins, st.randoms())
def test_the_order_of_the_variants_does_not_matter(gains: list[Gain], margin: float, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(gains, len(gains))
    assert decide(F1, "old", 0.5, gains, margin, 9).verdict == decide(F1, "old", 0.5, shuffled, margin, 9).verdict


@pytest.mark.parametrize(
    ("declared", "value", "expected"),
    [
        ("1%", 0.8, 0.008),
        (" 5 % ", 200.0, 10.0),
        ("1%", -0.5, 0.005),  # r2 may be negative
        ("0.01", 0.8, 0.01),
        ("0", 0.8, 0.0),
        ("0%", 0.8, 0.0),
        ("1%", 0.0, 0.0),
        ("2.5e-3", 1.0, 0.0025),
        ("150", 1000.0, 150.0),
    ],
)
def test_the_difference_that_matters_as_a_number_or_a_share(declared: str, value: float, expected: float) -> None:
    assert smallest_difference(declared, value) == pytest.approx(expected)


@pytest.mark.parametrize("declared", ["", "much", "-1%", "-0.01", "nan", "inf", "1%%", "%", "1 percent", "None"])
def test_what_is_no_difference_is_refused(declared: str) -> None:
    with pytest.raises(ConfigError, match=r"decision\.smallest_difference"):
        smallest_difference(declared, 0.8)


@pytest.mark.parametrize(
    ("declared", "schema", "expected"),
    [(None, BINARY, "f1"), (None, CLASSES, "f1_macro"), (None, VALUES, "rmse"), ("mae", VALUES, "mae"),
     ("accuracy", CLASSES, "accuracy"), ("latency_p95_ms", VALUES, "latency_p95_ms")],
)  # fmt: skip
def test_the_metric_that_decides(declared: str | None, schema: Schema, expected: str) -> None:
    assert deciding_metric(declared, schema).name == expected


def test_a_metric_that_is_not_defined_for_the_task_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"decision\.metric: f1 is not defined for this task.*rmse"):
        deciding_metric("f1", VALUES)
    with pytest.raises(ConfigError, match='Did you mean "rmse"'):
        deciding_metric("rsme", VALUES)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, "0"), (-0.0, "0"), (0.84, "0.840"), (0.0084, "0.0084"), (0.00004, "0.0000"), (12.345, "12.3"),
     (-0.1, "-0.100"), (54321.5, "54,322"), (999.6, "1,000"), (NAN, "nan"), (math.inf, "inf")],
)  # fmt: skip
def test_numbers_have_three_digits_and_no_exponent(value: float, told: str) -> None:
    assert number(value) == told
