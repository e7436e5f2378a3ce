"""Joint intervals of several challengers, from shared draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bakeoff.compare.decision import Gain, decide
from bakeoff.compare.equivalence import _is_surely_cheaper
from bakeoff.compare.gains import _over_a_guess, joint_level
from bakeoff.compare.panels import Panel
from bakeoff.compare.statistics import bootstrap
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


def test_ties_of_labels_on_few_rows_widen_intervals_and_a_twin_of_the_incumbent_does_not() -> None:
    some = draws(9, 0.5)
    fine, coarse = joint_level(some, 0.95), joint_level([np.round(2 * drawn) for drawn in some], 0.95)
    assert fine < coarse <= 1 - 0.05 / 9 + 1e-12
    twin = np.zeros(len(some[0]))
    assert joint_level([some[0], twin], 0.95) == pytest.approx(0.95, abs=0.001)


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


@pytest.mark.parametrize(("spread", "is_surely"), [(0.02, True), (1.0, False)])
def test_price_of_few_expensive_rows_is_not_surely_half(spread: float, is_surely: bool) -> None:
    """Less than half the cost, of rows that cost about the same, or of which a few cost nearly all."""
    rng, target = np.random.default_rng(0), np.array(["a", "b"] * 50, dtype=object)
    schema = Schema("classification", "y", {}, ("a", "b"))
    tables = {}
    for name, scale in (("old", 1.0), ("new", 0.49)):
        cost = scale * 0.01 * rng.lognormal(sigma=spread, size=100)
        tables[name] = PredictionTable(
            schema, np.arange(100), target, Predictions(target.copy()), np.full(100, np.nan),
            pd.DataFrame(index=range(100)), cost=cost,
        )  # fmt: skip
    price = get("cost_per_1k")
    values = {name: {price.name: price.value(table)} for name, table in tables.items()}
    draws = bootstrap(tables, [price], 500)
    panel = Panel("old", tables, values, draws, ("new",))
    assert _is_surely_cheaper("new", panel) == is_surely


def test_margin_in_percent_is_drawn_with_the_rows() -> None:
    """A gain that clears the percentage of the value on these rows need not clear it in every draw of them."""
    gain = Gain("new", 0.8, 0.2, 0.11, 0.29, beyond=(-0.01, 0.2), beyond_alone=(-0.01, 0.2), within=(0.1, 0.4))
    assert not gain.clears(0.1) and gain.is_as_good(0.1)
    assert replace(gain, beyond=(0.01, 0.2)).clears(0.1)
    assert not replace(gain, high=0.09).falls_short(0.1)
    assert replace(gain, high=0.09, beyond_alone=(-0.2, -0.01)).falls_short(0.1)
