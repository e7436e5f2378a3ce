"""What answers cost: by hand, with what is unknown, and asked anew of what is on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff import cost, metrics
from bakeoff.cost import RunSeconds, TimeAndRequests
from bakeoff.errors import ConfigError
from bakeoff.task import Predictions, PredictionTable, Schema, Usage
from command_line import CommandLine
from recorded_runs import rewrite

SCHEMA = Schema("regression", "y", {"x": "numeric"})
NODE = {"_target_": "bakeoff.cost.TimeAndRequests", "usd_per_hour": 3.6, "answers_per_fit": 1000}


def table(seconds: list[float], requests: list[float] | None = None) -> PredictionTable:
    n = len(seconds)
    answers = Predictions(np.zeros(n), usage=Usage.from_columns(n, cost_usd=requests or [0.0] * n))
    return PredictionTable(SCHEMA, np.arange(n), np.zeros(n), answers, np.array(seconds), pd.DataFrame(index=range(n)))


def test_time_fit_and_requests_add_up() -> None:
    # 3.6 dollars an hour are 0.001 a second: 2 s an answer, 10 s of fit for 1,000 answers, and the request.
    priced = cost.priced(table([np.nan, np.nan], [0.004, 0.0]), NODE, RunSeconds(fit=10.0, per_prediction=2.0))
    assert priced.cost == pytest.approx([0.00201 + 0.004, 0.00201])
    assert metrics.score(priced, ["cost_per_1k"])["cost_per_1k"] == pytest.approx(4.01)


def test_the_time_of_all_is_shared_as_each_was_timed() -> None:
    model = TimeAndRequests(usd_per_hour=3600.0, answers_per_fit=None)
    assert model.dollars(table([1.0, 3.0]), RunSeconds(99.0, 0.5)) == pytest.approx([0.25, 0.75])
    assert model.dollars(table([1.0, np.nan]), RunSeconds(99.0, 0.5)) == pytest.approx([0.5, 0.5])


def test_an_unknown_price_leaves_the_cost_unknown() -> None:
    priced = cost.priced(table([1.0, 1.0], [np.nan, 0.0]), NODE, RunSeconds(1.0, 1.0))
    assert np.isnan(metrics.score(priced, ["cost_per_1k"])["cost_per_1k"])


def test_where_nobody_asks_there_is_no_cost() -> None:
    assert "cost_per_1k" not in metrics.score(cost.priced(table([1.0]), None, RunSeconds(1.0, 1.0)))


@given(st.lists(st.floats(0.001, 10), min_size=1, max_size=20), st.floats(0, 5), st.floats(0.001, 5))
def test_however_it_is_shared_the_machine_is_paid_once(
    seconds: list[float], price: float, per_prediction: float
) -> None:
    dollars = TimeAndRequests(price, None).dollars(table(seconds), RunSeconds(0.0, per_prediction))
    assert dollars.sum() == pytest.approx(len(seconds) * per_prediction * price / 3600)
    assert (dollars >= 0).all()


@pytest.mark.parametrize("wrong", [{"usd_per_hour": -1.0}, {"usd_per_hour": float("nan")}, {"answers_per_fit": 0}])
def test_what_is_no_price_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"cost: TimeAndRequests refuses its arguments: {next(iter(wrong))}: "):
        cost.priced(table([1.0]), NODE | wrong, RunSeconds(1.0, 1.0))


def test_a_search_is_paid_whole_however_often_it_was_resumed() -> None:
    assert cost.run_seconds({"search": 1.0, "fit": 2.0}, {"seconds": 30.0}, 4.0) == RunSeconds(
        fit=32.0, per_prediction=0.25
    )
    assert cost.run_seconds({"fit": 2.0}, None, 4.0).fit == 2.0


class Failing:
    """A cost model that fails."""

    def dollars(self, table: PredictionTable, run_seconds: RunSeconds) -> np.ndarray:
        raise KeyError("tariff")


def test_a_cost_model_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost.components, "instantiate", lambda node, where, slot: Failing())
    with pytest.raises(ConfigError, match="cost: Failing fails: KeyError"):
        cost.priced(table([1.0]), NODE, RunSeconds(1.0, 1.0))


def costs(folder: Path) -> dict[str, float]:
    variants = json.loads((folder / "comparison.json").read_text())["variants"]
    return {v["name"]: v["metrics"]["cost_per_1k"]["value"] for v in variants}


def test_another_price_needs_no_other_run(bakeoff: CommandLine, tmp_path: Path) -> None:
    asked = ("-m", "model=constant,linear", "data=diabetes", "decision.resamples=500")
    folder = tmp_path / "outputs/diabetes"
    assert bakeoff(*asked).returncode == 0
    before = costs(folder)
    assert 0 < before["constant"] < before["linear"]
    again = bakeoff(*asked, "cost.usd_per_hour=1.0")
    assert "2 finished runs were kept" in again.stdout
    assert costs(folder) == pytest.approx({name: 10 * dollars for name, dollars in before.items()})
    assert bakeoff("compare", "outputs/diabetes", "cost.usd_per_hour=0", "decision.resamples=500").returncode == 0
    assert set(costs(folder).values()) == {0}
    gone = folder / "linear/result.json"
    rewrite(gone.parent, json.loads(gone.read_text().replace("bakeoff.cost.TimeAndRequests", "bakeoff_gone.Cost")))
    (folder / "comparison.json").unlink()  # it says by which model all runs were priced last
    done = bakeoff("compare", "outputs/diabetes", "decision.resamples=500")
    assert done.returncode == 0, "one whose cost model is not installed is compared as well"
    assert 'linear: the cost of its predictions is unknown: cost._target_: "bakeoff_gone.Cost"' in done.stdout
    wrong = bakeoff("compare", "outputs/diabetes", "cost.usd_per_huor=1")
    assert wrong.returncode == 2
    assert 'Did you mean "usd_per_hour"?' in wrong.stderr


def test_one_timing_decides_nothing(bakeoff: CommandLine) -> None:
    done = bakeoff("-m", "model=constant,linear", "data=diabetes", "decision.metric=cost_per_1k")
    assert done.returncode == 2
    assert "decision.metric: cost_per_1k cannot decide: it rests on one timing of a run" in done.stderr


def test_a_class_that_prices_nothing_is_refused_before_any_work(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff("model=linear", "data=diabetes", "cost._target_=bakeoff.retrieval.Recursive",
                   "~cost.usd_per_hour", "~cost.answers_per_fit")  # fmt: skip
    assert done.returncode == 2
    assert '"bakeoff.retrieval.Recursive" is not allowed here' in done.stderr
    assert not list(tmp_path.glob("outputs/*/[!.]*"))


def test_a_search_may_be_held_to_a_cost(bakeoff: CommandLine, tmp_path: Path) -> None:
    asked = ("model=linear", "data=diabetes", "search=random", "search.trials=2", "decision.resamples=500")
    done = bakeoff(*asked, 'search.constraints={cost_per_1k: "<= 0"}')
    assert done.returncode == 0, done.stderr
    assert "Caution: linear: no trial met search.constraints" in done.stdout


def test_what_a_search_paid_for_requests_is_spread_over_the_predictions() -> None:
    took = cost.run_seconds({"fit": 0.0}, {"seconds": 0.0, "spent_usd": 5.0}, 1e9)
    dollars = TimeAndRequests(answers_per_fit=1000).dollars(table([1.0, 1.0]), took)
    assert dollars == pytest.approx([0.005, 0.005], rel=1e-3)
    assert TimeAndRequests(answers_per_fit=None).dollars(table([1.0]), took) == pytest.approx([0.0], abs=1e-9)


def test_people_are_paid_beside_the_machine() -> None:
    rows = table([1.0, 1.0])
    paid = replace(rows, predictions=replace(rows.predictions, human_usd=np.array([0.0, 2.0])))
    assert TimeAndRequests(0.0, None).dollars(paid, RunSeconds(0.0, 0.0)) == pytest.approx([0.0, 2.0])
