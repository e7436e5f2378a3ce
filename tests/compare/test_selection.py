"""Gain of the best of several challengers, and verdicts for challengers that are as good."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bakeoff.compare import equivalence, gains, panels
from bakeoff.compare.decision import Gain, decide
from bakeoff.compare.equivalence import Traits
from bakeoff.compare.selection import corrected_gain
from bakeoff.metrics import get
from bakeoff.task import Predictions, PredictionTable, Schema

BINARY = Schema("classification", "label", {}, ("no", "yes"), "yes")
ACCURACY = get("accuracy")


def right(share: float, n: int, rng: np.random.Generator, y: np.ndarray) -> PredictionTable:
    names = np.array(BINARY.classes, dtype=object)
    output = np.where(rng.random(n) < share, y, 1 - y)
    nothing = pd.DataFrame(index=range(n))
    return PredictionTable(BINARY, np.arange(n), names[y], Predictions(names[output]), np.full(n, np.nan), nothing)


def panel(shares: list[float], n: int, seed: int) -> panels.Panel:
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    tables = {"old": right(0.70, n, rng, y)} | {f"c{i}": right(p, n, rng, y) for i, p in enumerate(shares)}
    (only,) = panels.panels("old", tables, [ACCURACY], 300)
    return only


def test_corrected_gain_of_ten_equal_challengers_is_nearer_to_the_truth_than_the_raw_one() -> None:
    raw, corrected = [], []
    for seed in range(30):
        made = panel([0.73] * 10, 200, seed)
        raw.append(max(made.difference(name, "accuracy") for name in made.challengers))
        value = corrected_gain(ACCURACY, made, list(made.challengers))
        assert value is not None
        corrected.append(value)
    assert np.mean(raw) > 0.06, "the truth is 0.03"
    assert abs(np.mean(corrected) - 0.03) < 0.5 * abs(np.mean(raw) - 0.03)


def test_corrected_gain_without_a_choice_is_none() -> None:
    assert corrected_gain(ACCURACY, panel([0.8], 100, 0), ["c0"]) is None


CHEAPER = Traits(("cheaper (0.01 vs 2 USD per 1,000 predictions)",))


@pytest.mark.parametrize(
    ("low", "traits", "verdict"),
    [
        (-0.008, CHEAPER, "as_good"),
        (-0.012, CHEAPER, None),
        (-0.008, Traits(), None),
        (-0.008, Traits(CHEAPER.advantages, ("slower (9 vs 1 ms)",)), None),
    ],
)
def test_as_good_needs_the_interval_above_minus_the_margin_and_an_advantage_alone(
    low: float, traits: Traits, verdict: str | None
) -> None:
    gained = [Gain("new", 0.9, 0.0, low, 0.009, against=0.9, rows=5_000)]
    reached = equivalence.decide(ACCURACY, "old", gained, 0.01, {"new": traits})
    assert (reached.verdict if reached else None) == verdict
    if reached:
        assert (reached.winner, "as good as old on accuracy within 0.01" in reached.reason) == ("new", True)


def test_as_good_within_no_margin_is_no_verdict() -> None:
    gained = [Gain("new", 0.9, 0.01, 0.001, 0.02, against=0.9, rows=5_000)]
    assert equivalence.decide(ACCURACY, "old", gained, 0.0, {"new": CHEAPER}) is None


@pytest.mark.slow
def test_a_worse_challenger_is_called_as_good_in_5_percent_at_most() -> None:
    """At the boundary: the challenger is worse by exactly the margin."""
    called = 0
    for seed in range(400):
        made = panel([0.67], 300, seed)
        gained = gains.gains(ACCURACY, [made], 0.95)
        called += equivalence.decide(ACCURACY, "old", gained, 0.03, {"c0": CHEAPER}) is not None
    assert called <= 0.05 * 400


@pytest.mark.slow
def test_power_is_not_below_the_exact_test_of_mcnemar() -> None:
    from scipy.stats import binomtest

    ships, rejects = 0, 0
    for seed in range(400):
        made = panel([0.80], 200, seed)
        gained = gains.gains(ACCURACY, [made], 0.95)
        ships += decide(ACCURACY, "old", 0.7, gained, 0.0, 200).verdict == "ship"
        old, new = (made.tables[n].predictions.output == made.tables[n].target for n in ("old", "c0"))
        only_new, only_old = int((new & ~old).sum()), int((old & ~new).sum())
        rejects += only_new > only_old and binomtest(only_new, only_new + only_old).pvalue <= 0.05
    assert ships >= rejects
