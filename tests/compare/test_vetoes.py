"""Vetoes: no variant that may not be shipped is ever the winner, and a better one is said to be so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakeoff import record
from bakeoff.compare import comparison, vetoes
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import ConfigError
from bakeoff.record import Run, Score
from bakeoff.task import Predictions, PredictionTable, Schema

SCHEMA = Schema("classification", "y", {"x": "numeric"}, ("a", "b"), "a")
CARD = {"family": "rules", "licence": "MIT", "source": "open", "hosting": "local", "data_leaves_network": False}


def finished(folder: Path, name: str, right: float, n: int = 400) -> Run:
    random = np.random.default_rng(0)
    truth = np.where(np.arange(n) % 2, "a", "b").astype(object)
    output = np.where(random.random(n) < right, truth, np.where(truth == "a", "b", "a")).astype(object)
    (folder / name).mkdir()
    table = PredictionTable(
        SCHEMA, np.arange(n), truth, Predictions(output), np.full(n, 0.01), pd.DataFrame(index=range(n))
    )
    record.write_predictions(folder / name, table)
    task = {"name": "t", "schema": {"kind": "classification", "target": "y", "columns": {"x": "numeric"},
                                    "classes": ["a", "b"], "positive": "a"}}  # fmt: skip
    metrics = {"f1": Score(right), "latency_p95_ms": Score(10.0)}
    return Run(folder / name, name, "rules", "ok", name, task, "f", metrics, card=CARD)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    folder = tmp_path_factory.mktemp("runs")
    return [finished(folder, name, right) for name, right in (("old", 0.6), ("good", 0.85), ("best", 0.98))]


cards = st.fixed_dictionaries(
    {
        "hosting": st.sampled_from(["local", "api"]),
        "licence": st.sampled_from(["MIT", "Apache-2.0", "MIT, GPL-3.0", "not stated"]),
        "data_leaves_network": st.booleans(),
    }
)
FAST = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FAST
@given(good=cards, best=cards, hosting=st.sampled_from(["local", None]), licence=st.booleans())
def test_vetoed_variant_never_ships(
    three: list[Run], good: dict, best: dict, hosting: str | None, licence: bool
) -> None:
    required = {
        **({"hosting": hosting} if hosting else {}),
        **({"licence": ["MIT", "Apache-2.0"]} if licence else {}),
        "data_leaves_network": False,
    }
    runs = [three[0], replace(three[1], card={**CARD, **good}), replace(three[2], card={**CARD, **best})]
    found = comparison.compare(runs, DecisionSettings(resamples=100, require=required), "old")
    able = [
        run.variant for run in runs[1:]
        if not run.card["data_leaves_network"]
        and (not hosting or run.card["hosting"] == hosting)
        and (not licence or run.card["licence"] in ("MIT", "Apache-2.0"))
    ]  # fmt: skip
    assert found.winner in ([*able, None] if able else ["old"])
    for run in runs[1:]:
        assert (f"{run.variant} may not be shipped" in found.reason) == (run.variant not in able)


def test_better_variant_that_may_not_be_shipped_is_said_to_be_so(three: list[Run]) -> None:
    runs = [*three[:2], replace(three[2], card={**CARD, "hosting": "api"})]
    found = comparison.compare(runs, DecisionSettings(resamples=100, require={"hosting": "local"}), "old")
    assert (found.verdict, found.winner) == ("ship", "good")
    assert "best may not be shipped: its hosting is api, not local, although its f1 is better" in found.reason


def test_incumbent_that_may_not_be_shipped_is_not_kept(three: list[Run]) -> None:
    old, good, best = three
    barred = replace(best, card={**CARD, "hosting": "api"})
    found = comparison.compare([barred, old], DecisionSettings(resamples=100, require={"hosting": "local"}), "best")
    assert (found.verdict, found.winner) == ("inconclusive", None)
    assert (
        "no variant beats best on f1" in found.reason and "best may not be shipped: its hosting is api" in found.reason
    )
    both = [barred, replace(good, card={**CARD, "hosting": "api"})]
    found = comparison.compare(both, DecisionSettings(resamples=100, require={"hosting": "local"}), "best")
    assert (found.verdict, found.winner) == ("inconclusive", None)
    assert found.reason.startswith("no variant may be shipped.")


def test_variant_that_is_as_good_as_a_barred_incumbent_replaces_it(three: list[Run]) -> None:
    barred = replace(three[1], card={**CARD, "licence": "GPL-3.0"})
    same = replace(three[1], variant="same")
    require = DecisionSettings(resamples=100, require={"licence": ["MIT"]}, smallest_difference="0.05")
    found = comparison.compare([barred, same], require, "good")
    assert (found.verdict, found.winner) == ("as_good", "same")
    assert "and meets the requirements" in found.reason


def test_bound_on_a_metric_is_a_veto(three: list[Run]) -> None:
    runs = [*three[:2], replace(three[2], metrics={"f1": Score(0.98), "fit_seconds": Score(900.0)})]
    required = {"fit_seconds": "<= 60"}
    runs = [replace(run, metrics={**run.metrics, "fit_seconds": Score(1.0)}) for run in runs[:2]] + runs[2:]
    found = comparison.compare(runs, DecisionSettings(resamples=100, require=required), "old")
    assert found.winner == "good"
    assert "best may not be shipped: its fit_seconds is 900, not <= 60" in found.reason


def test_card_that_does_not_say_does_not_meet(three: list[Run]) -> None:
    runs = [three[0], replace(three[2], card={"family": "llm"})]
    found = comparison.compare(runs, DecisionSettings(resamples=100, require={"licence": "MIT"}), "old")
    assert (found.verdict, found.winner) == ("keep", "old")
    assert "its card states no licence" in found.reason


@pytest.mark.parametrize(
    ("required", "message"),
    [({"hostng": "local"}, 'Did you mean "hosting"'), ({"latency_p95_ms": "200"}, 'Write "<= 50" or ">= 0.9"')],
)
def test_requirement_that_is_none_is_refused(required: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        vetoes.check(required)
