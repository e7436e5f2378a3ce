"""Components as a config has them: read, written, walked, changed, and what their cards say together."""

from __future__ import annotations

import pytest

from bakeoff.config import component
from bakeoff.config.component import Component, read, write

INNER = {"_target_": "x.Inner", "depth": 2, "card": {"hosting": "api", "licence": "MIT"}}
OUTER = {
    "_target_": "x.Outer",
    "one": INNER,
    "named": {"a": INNER, "b": 3},
    "listed": [1, {"of": INNER}],
    "card": {"hosting": "local", "licence": "BSD-3-Clause", "source": "open"},
    "search_space": {"size": "range(1, 3)"},
    "search_budget": {"trials": 4},
}


def test_what_is_read_is_written_back_as_it_was() -> None:
    outer = read(OUTER)
    assert isinstance(outer, Component)
    assert outer.arguments["listed"][1]["of"] == read(INNER)
    assert write(outer) == OUTER
    assert write(read({"a": [INNER], "b": None})) == {"a": [INNER], "b": None}


def test_keys_that_are_numbers_stay_numbers() -> None:
    weighted = {"_target_": "x.Y", "class_weight": {0: 1, 1: 5}}
    assert write(read(weighted)) == weighted
    changed = component.updated(read(weighted), ["class_weight", "1"], 7)
    assert changed.arguments["class_weight"] == {0: 1, 1: 7}


def test_components_are_found_at_any_depth_outer_ones_first() -> None:
    keys = [key for key, _ in component.walk({"model": read(OUTER)})]
    assert keys == ["model", "model.one", "model.named.a", "model.listed.1.of"]


@pytest.mark.parametrize("key", ["one.depth", "named.a.depth", "listed.1.of.depth", "one.new"])
def test_a_value_at_any_depth_is_changed_and_the_original_is_not(key: str) -> None:
    outer, path = read(OUTER), key.split(".")
    changed = component.updated(outer, path, 7)
    assert component.get(changed, path) == 7
    assert write(outer) == OUTER
    assert changed.search_space is outer.search_space, "what lies beside is shared"


@pytest.mark.parametrize("key", ["two.depth", "listed.5", "listed.first", "named.c.depth"])
def test_a_change_of_what_is_not_there_is_an_error(key: str) -> None:
    with pytest.raises(KeyError):
        component.updated(read(OUTER), key.split("."), 7)
