"""Metrics of selective prediction against plain loops over thresholds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff import metrics
from bakeoff.task import WITHHELD, Predictions, PredictionTable, Schema

SCHEMA = Schema("classification", "label", {}, ("no", "yes"), "yes")


def table(sure: list[float], right: list[bool], status: list[str] | None = None) -> PredictionTable:
    n = len(sure)
    target = np.array(["yes"] * n, dtype=object)
    output = np.where(right, "yes", "no").astype(object)
    more = {} if status is None else {"status": np.array(status, dtype=object)}
    predictions = Predictions(output, confidence=np.array(sure, dtype=float), **more)
    return PredictionTable(SCHEMA, np.arange(n), target, predictions, np.full(n, np.nan), pd.DataFrame(index=range(n)))


def curve(sure: list[float], right: list[bool]) -> list[tuple[int, float]]:
    """Rows accepted and share of errors at each threshold, from strict to lenient."""
    points = []
    for least in sorted(set(sure), reverse=True):
        accepted = [r for s, r in zip(sure, right, strict=True) if s >= least]
        points.append((len(accepted), 1 - sum(accepted) / len(accepted)))
    return points


@given(st.lists(st.tuples(st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9]), st.booleans()), min_size=1, max_size=30))
def test_aurc_and_coverage_are_those_of_a_loop_over_thresholds(rows: list[tuple[float, bool]]) -> None:
    sure, right = [s for s, _ in rows], [r for _, r in rows]
    points = curve(sure, right)
    steps = np.diff([0, *(accepted for accepted, _ in points)])
    area = sum(step * risk for step, (_, risk) in zip(steps, points, strict=True)) / len(rows)
    values = metrics.score(table(sure, right), ["aurc", "coverage_at_risk_10"])
    assert values["aurc"] == pytest.approx(area)
    assert values["coverage_at_risk_10"] == pytest.approx(
        max([accepted for accepted, risk in points if risk <= 0.1 + 1e-12], default=0) / len(rows)
    )


@given(st.integers(0, 1000))
def test_resamples_are_the_values_of_resampled_tables(seed: int) -> None:
    random = np.random.default_rng(seed)
    sure, right = random.choice([0.5, 0.7, 0.9, 0.95], 20).tolist(), (random.random(20) < 0.8).tolist()
    whole = table(sure, right)
    counts = random.multinomial(20, np.full(20, 1 / 20), size=3).astype(np.float32)
    for name in ("aurc", "coverage_at_risk_5"):
        metric = metrics.get(name)
        drawn = [metric.value(whole.take(np.repeat(np.arange(20), c.astype(int)))) for c in counts]
        assert metric.resample(whole, counts) == pytest.approx(np.array(drawn))


def test_withheld_rows_are_accepted_last() -> None:
    values = metrics.score(table([0.9, 0.8, 0.99], [True, True, False], ["ok", "ok", WITHHELD]), ["coverage_at_risk_1"])
    assert values["coverage_at_risk_1"] == pytest.approx(2 / 3)


def test_variant_without_confidence_has_neither() -> None:
    bare = table([0.9], [True])
    bare = PredictionTable(
        SCHEMA, bare.ids, bare.target, Predictions(bare.predictions.output), bare.seconds, bare.slices
    )
    assert metrics.score(bare, ["aurc", "coverage_at_risk_5"]) == {}
