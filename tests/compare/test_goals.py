"""The cheapest variant that is good enough, and variants that nobody dominates: by hand, and with the error held."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import bakeoff as python
from bakeoff import metrics
from bakeoff.cli.compare import compare
from bakeoff.compare import goals
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import ConfigError
from bakeoff.record import Score
from bakeoff.task import Predictions, PredictionTable, Schema

SCHEMA = Schema("classification", "y", {}, ("a", "b"), "a")
ACCURACY = metrics.get("accuracy")


def tables(right: Mapping[str, float], rows: int, random: np.random.Generator) -> dict[str, PredictionTable]:
    """Variants that are right with these chances, the more alike the nearer the chances are."""
    truth = np.where(random.random(rows) < 0.5, "a", "b").astype(object)
    other = np.where(truth == "a", "b", "a").astype(object)
    hard = random.random(rows)
    made = {}
    for name, share in right.items():
        luck = np.where(random.random(rows) < 0.7, hard, random.random(rows))
        output = np.where(luck < share, truth, other).astype(object)
        made[name] = PredictionTable(
            SCHEMA, np.arange(rows), truth, Predictions(output), np.full(rows, 0.01), pd.DataFrame(index=range(rows))
        )
    return made


def scores(**of: tuple[float, float]) -> dict[str, dict[str, Score]]:
    """Price per 1,000 and median latency of each variant."""
    return {name: {"cost_per_1k": Score(usd), "latency_p50_ms": Score(ms)} for name, (usd, ms) in of.items()}


PRICES = scores(cheap=(0.1, 1.0), middle=(1.0, 10.0), best=(10.0, 100.0))


def test_cheapest_variant_within_the_margin_of_every_other_is_named() -> None:
    made = tables({"cheap": 0.9, "middle": 0.9, "best": 0.905}, 2000, np.random.default_rng(0))
    found = goals.cheapest(goals.Contest(made, PRICES, ACCURACY, "best", 0.05, 0.95, 500))
    assert (found.verdict, found.winner) == ("ship", "cheap")
    assert "cheapest variant shown to be within 0.05 of the best on accuracy" in found.reason
    assert "0.100 USD per 1,000 predictions vs 1.00 of middle" in found.reason
    assert goals.cheapest(goals.Contest(made, PRICES, ACCURACY, "cheap", 0.05, 0.95, 500)).verdict == "keep"


def test_cheaper_variant_that_is_not_shown_to_be_good_enough_is_passed_over_and_named() -> None:
    made = tables({"cheap": 0.7, "middle": 0.9, "best": 0.905}, 2000, np.random.default_rng(0))
    found = goals.cheapest(goals.Contest(made, PRICES, ACCURACY, "best", 0.05, 0.95, 500))
    assert found.winner == "middle"
    assert "Cheaper, but not shown to be good enough: cheap." in found.reason


@pytest.mark.parametrize(("rows", "verdict"), [(1_000, "ship"), (60, "inconclusive")])
def test_same_predictions_of_numbers_are_good_enough_where_rows_are_many(rows: int, verdict: str) -> None:
    random = np.random.default_rng(0)
    truth, noise = random.normal(size=rows), random.normal(size=rows)
    schema = Schema("regression", "y", {})
    made = {
        name: PredictionTable(
            schema, np.arange(rows), truth, Predictions(truth + scale * noise), np.full(rows, 0.01),
            pd.DataFrame(index=range(rows)),
        )
        for name, scale in (("cheap", 1.0), ("best", 1.0), ("worse", 2.0))
    }  # fmt: skip
    prices = scores(cheap=(0.1, 1.0), best=(10.0, 100.0), worse=(0.01, 1.0))
    rmse = metrics.get("rmse")
    margin = 0.01 * rmse.value(made["best"])
    found = goals.cheapest(goals.Contest(made, prices, rmse, "best", margin, 0.95, 500))
    assert (found.verdict, found.winner) == (verdict, "cheap" if verdict == "ship" else None)
    dominant = goals.front(goals.Contest(made, prices, rmse, "best", margin, 0.95, 500))
    assert ("best by cheap (cheaper, faster)" in dominant.reason) == (verdict == "ship")


def test_nothing_is_named_without_evidence_price_or_margin() -> None:
    made = tables({"cheap": 0.8, "middle": 0.8, "best": 0.8}, 60, np.random.default_rng(0))
    few = goals.cheapest(goals.Contest(made, PRICES, ACCURACY, "best", 0.01, 0.95, 500))
    assert (few.verdict, few.winner) == ("inconclusive", None) and "no variant is shown" in few.reason
    unpriced = {**PRICES, "middle": {}}
    assert (
        "middle has no price" in goals.cheapest(goals.Contest(made, unpriced, ACCURACY, "best", 0.05, 0.95, 500)).reason
    )
    assert (
        "within a margin of 0" in goals.cheapest(goals.Contest(made, PRICES, ACCURACY, "best", 0.0, 0.95, 500)).reason
    )


def named_wrongly(sets: int) -> int:
    """Count the simulated bake-offs that name a variant which is worse than the best by the margin, or more."""
    wrong = 0
    for seed in range(sets):
        # Both cheap ones lie exactly at the margin: the hardest case that is an error.
        made = tables({"cheap": 0.80, "middle": 0.80, "best": 0.85}, 300, np.random.default_rng(seed))
        wrong += goals.cheapest(goals.Contest(made, PRICES, ACCURACY, "best", 0.05, 0.95, 2000)).winner in (
            "cheap",
            "middle",
        )
    return wrong


def test_inferior_variant_is_named_no_more_often_than_the_error_rate_allows() -> None:
    assert named_wrongly(60) <= binom.ppf(0.999, 60, 0.025)


@pytest.mark.slow
def test_inferior_variant_is_named_no_more_often_in_many_bakeoffs() -> None:
    assert named_wrongly(1000) <= binom.ppf(0.999, 1000, 0.025)


def test_pareto_names_who_is_dominated_and_by_whom() -> None:
    made = tables({"cheap": 0.9, "middle": 0.9, "best": 0.99}, 2000, np.random.default_rng(0))
    found = goals.front(goals.Contest(made, PRICES, ACCURACY, "best", 0.03, 0.95, 500))
    assert found.verdict == "inconclusive"
    assert "2 variants are not dominated in accuracy, price and latency: cheap, best" in found.reason
    assert "Dominated: middle by cheap (cheaper, faster)." in found.reason
    alone = goals.front(
        goals.Contest({k: made[k] for k in ("cheap", "middle")}, PRICES, ACCURACY, "middle", 0.03, 0.95, 500)
    )
    assert (alone.verdict, alone.winner) == ("ship", "cheap")


def test_variant_without_a_latency_is_not_said_to_be_dominated() -> None:
    made = tables({"cheap": 0.9, "middle": 0.9}, 2000, np.random.default_rng(0))
    unknown = {**PRICES, "middle": {"cost_per_1k": Score(1.0)}}
    assert goals.front(goals.Contest(made, unknown, ACCURACY, "middle", 0.03, 0.95, 500)).verdict == "inconclusive"


def test_goal_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match='Did you mean "pareto"'):
        DecisionSettings(goal="paretto")


def test_vetoed_variant_is_no_candidate_of_any_goal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = ("data=breast_cancer", "decision.resamples=300", "metrics.latency_rows=20", "tracker=none", "report=none")
    python.bakeoff(
        *quick, "decision=cheapest_good_enough", "decision.smallest_difference=0.1", "decision.metric=accuracy",
        "incumbent=random_forest", models=["linear", "random_forest"],
    )  # fmt: skip
    capsys.readouterr()
    compare(["outputs/breast_cancer"])
    assert "SHIP linear – linear is the cheapest variant shown to be within 0.1" in capsys.readouterr().out
    compare(["outputs/breast_cancer", "decision.require.model_bytes='<= 1'"])
    out = capsys.readouterr().out
    assert "SHIP" not in out and "linear may not be shipped" in out
