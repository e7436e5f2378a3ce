"""Ship, keep or inconclusive: what the differences and their intervals allow to say."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff import metrics
from bakeoff.compare.decision import Gain, Uninformed, decide, deciding_metric, smallest_difference, threshold
from bakeoff.errors import ConfigError
from bakeoff.record import Score
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
        # an interval of no width is no evidence, whatever it says
        ([(0.01, 0.01)], 0.01, "inconclusive", None),
        ([(0.05, 0.05)], 0.01, "inconclusive", None),
        ([(-0.4, -0.3), (0.0, 0.0)], 0.01, "inconclusive", None),
        ([(0.02, 0.04), (0.0, 0.0)], 0.01, "ship", "new 0"),
        # no margin: better at all is enough
        ([(0.0001, 0.04)], 0.0, "ship", "new 0"),
        ([(-0.0001, 0.04)], 0.0, "inconclusive", None),
        ([(0.0, 0.0)], 0.0, "inconclusive", None),  # the same predictions
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
    assert shipped == "new beats old on f1: 0.840 vs 0.800, +0.040 [+0.020, +0.060], above the 0.01 threshold."
    kept = decide(F1, "old", 0.8, [gain(-0.02, 0.0), gain(-0.2, -0.1, "worse")], 0.01, 1000).reason
    assert kept == (
        "no variant beats old on f1 by more than the 0.01 threshold; "
        "closest: new, 0.790 vs 0.800, a gain of -0.010 [-0.020, 0.000]."
    )
    open_ = decide(F1, "old", 0.8, [gain(-0.02, 0.06)], 0.01, 1000).reason
    assert open_.startswith(
        "new vs old on f1: 0.820 vs 0.800, +0.020 [-0.020, +0.060]; "
        "the true gain may be above or below the 0.01 threshold."
    )


def test_an_open_verdict_says_which_gain_these_rows_can_show() -> None:
    # 0.01 + 0.04 + 0.8416 * 0.02 = 0.0668
    open_ = decide(F1, "old", 0.8, [Gain("new", 0.82, 0.02, -0.02, 0.06, standard_error=0.02)], 0.01, 1000)
    assert open_.reason.endswith("1,000 test rows detect a gain of about 0.0668 or more (80% power).")


def test_few_test_rows_give_no_verdict_and_no_extrapolation() -> None:
    reached = decide(F1, "old", 0.5, [gain(0.1, 0.9)], 0.01, 4)
    assert reached.verdict == "inconclusive"
    assert reached.reason == "4 test rows are too few for a verdict; at least 20 are needed."
    few = Gain("new", 0.9, 0.4, 0.1, 0.9, evidence=1)
    reached = decide(F1, "old", 0.5, [few], 0.01, 900)
    assert reached.reason == (
        "f1 rests on only 1 test row; a verdict needs at least 10. About 9,000 test rows would hold them: raise "
        "data.split.test, or add data."
    )


def guess(low: float, high: float, over: tuple[float, float]) -> Gain:
    return Gain("new", 0.43, 0.43, low, high, uninformed=Uninformed("always predicting yes", 0.62, *over))


def test_incumbent_is_kept_for_the_reason_that_holds() -> None:
    same = Gain("new", 0.0, 0.0, -0.16, 0.17, uninformed=Uninformed("always predicting yes", 0.62, -0.7, -0.4))
    kept = decide(F1, "constant", 0.0, [same], 0.01, 40)
    assert kept.verdict == "keep"
    assert kept.reason == "no variant is better than a guess: new has f1 0, below always predicting yes (0.620)."


def test_what_beats_the_incumbent_and_no_guess_is_not_shipped() -> None:
    below = decide(F1, "constant", 0.0, [guess(0.3, 0.5, (-0.3, -0.1))], 0.01, 300)
    assert (below.verdict, below.winner) == ("keep", "constant")
    assert below.reason == (
        "no variant is better than a guess: new has a better f1 than constant (0.430 vs 0), "
        "but is not shown to beat always predicting yes (0.620)."
    )
    unclear = decide(F1, "constant", 0.0, [guess(0.3, 0.5, (-0.1, 0.1))], 0.01, 300)
    assert unclear.verdict == "inconclusive"
    assert "is not shown to beat always predicting yes" in unclear.reason
    assert decide(F1, "constant", 0.0, [guess(0.3, 0.5, (0.05, 0.2))], 0.01, 300).verdict == "ship"


def test_a_percentage_of_nothing_is_no_threshold() -> None:
    of_zero = threshold("1%", F1, "constant", Score(0.0, 0.0, 0.0))
    assert of_zero.value == 0.01
    assert of_zero.note == (
        "1% of constant's f1 of 0 is no meaningful threshold; 0.01 is used instead (decision.smallest_difference)."
    )
    assert threshold("1%", metrics.get("mcc"), "weak", Score(0.03, -0.02, 0.08)).value == 0.01
    assert threshold("1%", F1, "old", Score(0.8, 0.7, 0.9)).value == pytest.approx(0.008)
    assert threshold("0.05", F1, "constant", Score(0.0, 0.0, 0.0)).value == 0.05
    assert threshold("1%", RMSE, "perfect", Score(0.0, 0.0, 0.0)).value == 0


def test_a_threshold_that_no_variant_can_reach_is_said() -> None:
    beyond = threshold("5", F1, "constant", Score(0.4, 0.3, 0.5))
    assert beyond.value == 5
    assert beyond.note == (
        "No variant can gain 5 on constant's f1 of 0.400, which is at most 1: no challenger can ship with this "
        "threshold (decision.smallest_difference). For a share, write 5%."
    )
    assert "no challenger can ship" in threshold("200%", F1, "old", Score(0.7, 0.6, 0.8)).note
    assert threshold("0.1", F1, "old", Score(0.7, 0.6, 0.8)).note == ""
    assert threshold("5", RMSE, "old", Score(4.0, 3.0, 5.0)).note == ""
    assert threshold(None, F1, "old", Score(0.995, 0.99, 1.0)).note == ""


def test_a_metric_has_a_threshold_of_its_own() -> None:
    assert threshold(None, F1, "old", Score(0.5, 0.4, 0.6)).value == 0.01
    assert threshold(None, RMSE, "old", Score(500.0, 400.0, 600.0)).value == 5


def test_a_percentage_of_nothing_is_refused_where_the_metric_has_no_absolute_threshold() -> None:
    unknown = replace(F1, margin="1%")
    refused = threshold("2%", unknown, "constant", Score(0.0, 0.0, 0.0))
    assert math.isnan(refused.value)
    assert refused.note == (
        "2% of constant's f1 of 0 is no meaningful threshold. Add decision.smallest_difference=0.01."
    )


@pytest.mark.parametrize("value", [NAN, float("inf")])
def test_an_incumbent_without_a_value_gives_no_verdict(value: float) -> None:
    reached = decide(F1, "old", value, [gain(0.02, 0.04)], 0.01, 1000)
    assert reached.verdict == "inconclusive"
    assert "f1 is not defined for old" in reached.reason


def test_an_incumbent_alone_has_nothing_to_be_compared_with() -> None:
    assert "old is the only variant with results" in decide(F1, "old", 0.8, [], 0.01, 1000).reason


def test_a_minimised_metric_is_told_in_its_own_units_and_direction() -> None:
    reached = decide(RMSE, "old", 54_321.5, [Gain("new", 50_000.0, 4321.5, 3000.0, 5600.0)], 543.2, 100)
    assert reached.verdict == "ship"
    assert reached.reason == (
        "new beats old on rmse: 50,000 vs 54,322, -4,322 [-5,600, -3,000], above the 543 threshold."
    )


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
            assert rows >= 20
            assert margin < winner.low < winner.high
            assert all(g.gain <= winner.gain for g in gains if margin < g.low < g.high)
        case "keep":
            assert reached.winner == "old"
            assert gains
            assert all(g.high <= margin for g in gains)
        case "inconclusive":
            assert reached.winner is None
            assert rows < 20 or not any(margin < g.low < g.high for g in gains)
            assert not gains or rows < 20 or any(g.high > margin or g.low == g.high for g in gains)
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
    assert decide(F1, "old", 0.5, gains, margin, 99).verdict == decide(F1, "old", 0.5, shuffled, margin, 99).verdict


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
