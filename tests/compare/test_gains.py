"""Joint intervals of several challengers, from shared draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bakeoff.compare.decision import Gain, decide
from bakeoff.compare.gains import _over_a_guess, joint_level
from bakeoff.compare.panels import Panel
from bakeoff.metrics import get
from bakeoff.task import Predictions, PredictionTable, Schema

F1 = get("f1")


def draws(k: int, shared: float, resamples: int = 20_000) -> list[np.ndarray]:
    """Normal differences to the incumbent of which a share of the variance is common to all challengers."""
    rng = np.random.default_rng(0)
    common = rng.standard_normal(resamples) * np.sqrt(shared)
    return [common + np.sqrt(1 - shared) * rng.standard_normal(resamples) for _ in range(k)]


@pytest.mark.parametrize(
    ("k", "shared", "expected"),
    [(1, 0.0, 0.95), (4, 0.0, 0.95**0.25), (9, 0.0, 0.95 ** (1 / 9)), (4, 1.0, 0.95)],
)
def test_independent_challengers_need_the_level_of_sidak_and_equal_ones_no_more_than_one(
    k: int, shared: float, expected: float
) -> None:
    level = joint_level(draws(k, shared), 0.95)
    assert level == pytest.approx(expected, abs=0.002)
    assert level <= 1 - 0.05 / k + 1e-12


def test_alike_challengers_need_less_than_bonferroni() -> None:
    assert 0.96 < joint_level(draws(9, 0.7), 0.95) < 1 - 0.05 / 9


def test_undefined_draws_are_no_obstacle() -> None:
    some = draws(2, 0.5)
    some[1][:100] = np.nan
    assert 0.95 < joint_level(some, 0.95) <= 1 - 0.05 / 2
    some[1][:] = np.nan
    assert joint_level(some, 0.95) == pytest.approx(1 - 0.05 / 2)


def test_each_challenger_is_judged_alone_where_the_incumbent_is_kept() -> None:
    challengers = [Gain(f"c{i}", 0.8, -0.01, -0.04, 0.02, alone=(-0.03, 0.01)) for i in range(4)]
    assert decide(F1, "old", 0.81, challengers, 0.01, 500).verdict == "keep"
    one_open = [*challengers[1:], Gain("c0", 0.8, 0.0, -0.04, 0.04, alone=(-0.03, 0.03))]
    assert decide(F1, "old", 0.81, one_open, 0.01, 500).verdict == "inconclusive"


def test_flawless_variant_on_balanced_classes_is_shown_to_beat_chance() -> None:
    """Every resample of the rows gives it 1, and chance 1 / 4: no interval of their difference has a width."""
    labels = ("a", "b", "c", "d")
    schema = Schema("classification", "y", {}, labels)
    target = np.array(labels * 15, dtype=object)
    table = PredictionTable(
        schema, np.arange(60), target, Predictions(target.copy()), np.full(60, np.nan), pd.DataFrame(index=range(60))
    )
    f1_macro = get("f1_macro")
    drawn = {"linear": {"f1_macro": np.ones(1000)}}
    panel = Panel("linear", {"linear": table}, {"linear": {"f1_macro": 1.0}}, drawn, ())
    over = _over_a_guess(f1_macro, panel, "linear", 1, 0.95)
    assert over is not None
    assert over.value == pytest.approx(0.25)
    assert 0.6 < over.low < over.high <= 0.75
