"""Usage adds up, and predictions are concatenated, merged and taken apart without losing anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.task import (
    NO_ANSWER,
    NOT_ASKED,
    OK,
    WITHHELD,
    Predictions,
    Stage,
    StageTrace,
    Usage,
    concatenated,
    merged,
)

COUNTS = ("calls", "input_tokens", "output_tokens", "cost_usd")


def objects(values: list[Any]) -> np.ndarray:
    made = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        made[i] = value
    return made


@st.composite
def usages(draw, n: int) -> Usage:
    def column(values: list[float]) -> list[float]:
        return draw(st.lists(st.sampled_from(values), min_size=n, max_size=n))

    calls = np.array(column([0.0, 1.0, 2.0]))
    asked = calls > 0
    priced = np.array(column([0.0, 0.5, np.nan]))
    return Usage(
        calls,
        np.array(column([0.0, 10.0])) * asked,
        np.array(column([0.0, 3.0])) * asked,
        np.where(asked, priced, 0.0),
        np.array(column([0.0, 1.0])).astype(bool) & asked,
    )


@st.composite
def predictions(draw, n: int, depth: int = 1) -> Predictions:
    """Predictions of n rows; any of the fields that a model may lack is there or not."""
    has = draw(st.fixed_dictionaries({name: st.booleans() for name in ("proba", "confidence", "cited", "seconds")}))
    status = draw(st.lists(st.sampled_from([OK, NO_ANSWER, WITHHELD, NOT_ASKED]), min_size=n, max_size=n))
    trace: tuple[StageTrace, ...] = ()
    if depth and draw(st.booleans()):
        rows = np.array(sorted(draw(st.sets(st.integers(0, max(0, n - 1)), max_size=n))) if n else [], dtype=int)
        seen = len(rows)
        accepted = np.array(draw(st.lists(st.booleans(), min_size=seen, max_size=seen)), dtype=bool)
        trace = (StageTrace("inner", rows, accepted, np.arange(seen) + 0.5, draw(usages(seen))),)
    numbers = draw(st.lists(st.integers(0, 99), min_size=n, max_size=n))
    return Predictions(
        objects([f"label {i}" for i in numbers]),
        proba=np.array([[i / 100, 1 - i / 100] for i in numbers]).reshape(n, 2) if has["proba"] else None,
        confidence=np.array(numbers, dtype=float) if has["confidence"] else None,
        cited=objects([(str(i),) for i in numbers]) if has["cited"] else None,
        seconds=np.array(numbers, dtype=float) if has["seconds"] else None,
        usage=draw(usages(n)),
        status=objects(status),
        reason=objects(["" if s in (OK, WITHHELD) else "error: it failed" for s in status]),
        trace=trace,
    )


def assert_same_usage(a: Usage, b: Usage) -> None:
    for name in (*COUNTS, "cached"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def assert_same(a: Predictions, b: Predictions) -> None:
    """Equal in every field; what one lacks may be missing in each row of the other."""
    for name in ("output", "status", "reason", "proba", "confidence", "cited", "seconds", "stage"):
        of_a, of_b = getattr(a, name), getattr(b, name)
        if of_a is None or of_b is None:
            there = of_b if of_a is None else of_a
            assert there is None or all(value is None or np.isnan(value).all() for value in there), name
        else:
            np.testing.assert_array_equal(of_a, of_b, err_msg=name)
    assert_same_usage(a.usage, b.usage)
    traces = [
        {s.name: (list(s.rows), list(s.accepted), list(s.seconds), s.usage) for s in p.trace if len(s.rows)}
        for p in (a, b)
    ]
    assert traces[0].keys() == traces[1].keys()
    for name, (*listed, usage) in traces[0].items():
        assert listed == list(traces[1][name][:3])
        assert_same_usage(usage, traces[1][name][3])


@given(st.data(), st.integers(0, 5))
def test_usage_add_keeps_sums_and_unknown_prices(data, n):
    a, b = data.draw(usages(n)), data.draw(usages(n))
    both = a + b
    for name in COUNTS:
        np.testing.assert_array_equal(getattr(both, name), getattr(a, name) + getattr(b, name))
    paid_now = (a.calls > 0) & ~a.cached | (b.calls > 0) & ~b.cached
    assert both.cached.tolist() == (~paid_now & (both.calls > 0)).tolist()
    assert_same_usage(a + Usage.zeros(n), a)
    assert_same_usage(both, b + a)


def test_usage_total_is_one_row_and_an_unknown_price_makes_it_unknown():
    usage = Usage.from_columns(3, calls=[1, 0, 2], cost_usd=[0.5, 0, 0.25], cached=[True, False, False])
    assert (usage.total.calls.tolist(), usage.total.cost_usd.tolist(), usage.total.cached.tolist()) == (
        [3],
        [0.75],
        [False],
    )
    assert usage.paid_usd == 0.25 and usage.asked_any and not Usage.zeros(2).asked_any
    assert np.isnan((usage + Usage.from_columns(3, calls=[0, 0, 1], cost_usd=[0, 0, np.nan])).total.cost_usd[0])


@given(st.data(), st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_concatenated_parts_are_found_again_in_the_whole(data, sizes):
    parts = [data.draw(predictions(n)) for n in sizes]
    whole = concatenated(parts)
    start = 0
    for part in parts:
        assert_same(whole.take(np.arange(start, start + len(part))), part)
        start += len(part)
    assert len(whole) == start


@given(st.data(), st.integers(1, 6))
def test_merged_stages_lose_no_answer_no_request_and_no_second(data, n):
    count = data.draw(st.integers(1, 3))
    stages, waiting = [], np.arange(n)
    for number in range(count):
        seen = np.array(sorted(data.draw(st.sets(st.sampled_from(waiting.tolist()))))) if len(waiting) else waiting
        seen = seen.astype(int)
        accepted = np.array(data.draw(st.lists(st.booleans(), min_size=len(seen), max_size=len(seen))), dtype=bool)
        stages.append(Stage(f"s{number}", seen, data.draw(predictions(len(seen))), accepted))
        waiting = np.setdiff1d(waiting, seen[accepted])
    whole = merged(n, stages)
    owner: dict[int, Stage] = {}
    for stage in stages:
        owner |= {int(row): stage for row in stage.rows}  # accepted rows are not seen again
    for row in range(n):
        seen_by = [stage for stage in stages if row in stage.rows]
        parts = [stage.predictions.take(stage.rows == row) for stage in seen_by]
        total = sum((part.usage for part in parts), Usage.zeros(1))
        assert_same_usage(whole.usage.take(np.array([row])), total)
        if not seen_by:
            assert whole.status[row] == NOT_ASKED and whole.stage[row] is None
            continue
        for name in ("output", "status", "reason"):
            assert getattr(whole, name)[row] == getattr(parts[-1], name)[0]
        for name in ("proba", "confidence", "cited"):
            given_value = getattr(parts[-1], name)
            if given_value is not None:
                np.testing.assert_array_equal(getattr(whole, name)[row], given_value[0])
        assert whole.stage[row] == owner[row].name
        if whole.seconds is not None:
            seconds = [np.nan if part.seconds is None else part.seconds[0] for part in parts]
            np.testing.assert_array_equal(whole.seconds[row], sum(seconds))
    outer = [trace for trace in whole.trace if "/" not in trace.name]
    assert [trace.name for trace in outer] == [stage.name for stage in stages]
    for trace, stage in zip(outer, stages, strict=True):
        assert (trace.rows.tolist(), trace.accepted.tolist()) == (stage.rows.tolist(), stage.accepted.tolist())
        assert_same_usage(trace.usage, stage.predictions.usage)
    inner = sum(len(trace.rows) for trace in whole.trace if "/" in trace.name)
    assert inner == sum(len(trace.rows) for stage in stages for trace in stage.predictions.trace)


def test_predictions_say_ok_for_every_row_unless_told_otherwise():
    plain = Predictions(np.array(["a", "b"], dtype=object))
    assert plain.status.tolist() == [OK, OK] and plain.reason.tolist() == ["", ""] and plain.is_answered.all()
    assert plain.usage.calls.tolist() == [0, 0] and plain.trace == ()
    with pytest.raises(ValueError, match="confidence is of 1 rows"):
        Predictions(np.array(["a", "b"], dtype=object), confidence=np.ones(1))


def test_accepted_rows_stay_whatever_a_later_stage_says():
    first = Stage("rules", np.array([0, 1]), Predictions(objects(["x", "y"])), np.array([True, False]))
    second = Stage(
        "llm", np.array([0, 1]), Predictions(objects(["z", "z"]), stage=objects(["a", "b"])), np.array([True, True])
    )
    whole = merged(3, [first, second])
    assert whole.output.tolist() == ["x", "z", None] and whole.stage.tolist() == ["rules", "llm/b", None]
    assert whole.status.tolist() == [OK, OK, NOT_ASKED]
