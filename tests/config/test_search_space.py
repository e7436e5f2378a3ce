from __future__ import annotations

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from bakeoff.config import search_space
from bakeoff.config.search_space import Dimension
from bakeoff.errors import ConfigError


@pytest.mark.parametrize(
    ("sweep", "meant"),
    [
        ("choice(a, b, 3)", CategoricalDistribution(["a", "b", 3])),
        ("true,false", CategoricalDistribution([True, False])),
        ("choice('a b', c)", CategoricalDistribution(["a b", "c"])),
        ("range(4, 10)", IntDistribution(4, 9)),
        ("range(4, 10, 3)", IntDistribution(4, 7, step=3)),
        ("range(0, 1, 0.25)", FloatDistribution(0, 0.75, step=0.25)),
        ("interval(4, 10)", FloatDistribution(4, 10)),
        ("int(interval(1, 9))", IntDistribution(1, 9)),
        ("tag(log, interval(0.01, 100))", FloatDistribution(0.01, 100, log=True)),
        ("int(tag(log, interval(1, 100)))", IntDistribution(1, 100, log=True)),
    ],
)
def test_hydras_sweep_grammar(sweep: str, meant: object) -> None:
    assert search_space.distribution(Dimension("k", sweep)) == meant


@pytest.mark.parametrize("sweep", ["5", "range(4", "interval(a, b)"])
def test_what_is_no_sweep_is_refused_with_the_grammar(sweep: str) -> None:
    with pytest.raises(ConfigError, match=r"model\.k: .*choice\(a, b\)"):
        search_space.distribution(Dimension("model.k", sweep))


CONTENT = {
    "model": {
        "_target_": "x.Y",
        "classifier": {"_target_": "x.Z", "C": 1},
        "kernel": "rbf",
        "search_space": {
            "classifier.C": "interval(0, 1)",
            "regressor.alpha": "interval(0, 1)",
            "degree": {"sweep": "range(1, 5)", "when": {"kernel": "poly", "task.columns": "text"}},
        },
    },
    "search": {"space": {"model.classifier.C": "choice(1, 2)"}},
}


def test_spaces_are_gathered_and_the_command_line_goes_first() -> None:
    found = {
        d.key: d for d in search_space.gather({**CONTENT, "model": {**CONTENT["model"], "regressor": {"alpha": 1}}}, "")
    }
    assert list(found) == ["model.classifier.C", "model.regressor.alpha", "model.degree"]
    assert found["model.classifier.C"].sweep == "choice(1, 2)"


def test_gather_unused_head_is_not_searched() -> None:
    assert [d.key for d in search_space.gather(CONTENT, "regressor")] == ["model.classifier.C", "model.degree"]


def test_a_conditional_dimension_applies_when_its_condition_holds() -> None:
    degree = search_space.gather(CONTENT, "regressor")[-1]
    task = {"columns": ["numeric", "text"]}
    assert not degree.applies({**CONTENT, "task": task})
    assert degree.applies({"model": {"kernel": "poly"}, "task": task})
    assert not degree.applies({"model": {"kernel": "poly"}, "task": {"columns": ["numeric"]}})


def test_a_space_for_something_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"there is no modle in the config.*Did you mean \"model\""):
        search_space.gather({**CONTENT, "search": {"space": {"modle.depth": "range(1, 3)"}}}, "regressor")


def test_updating_shares_what_does_not_change_and_leaves_the_original() -> None:
    changed = search_space.updated(CONTENT, {"model.classifier.C": 7})
    assert changed["model"]["classifier"]["C"] == 7
    assert CONTENT["model"]["classifier"]["C"] == 1  # type: ignore[index]
    assert changed["search"] is CONTENT["search"]
