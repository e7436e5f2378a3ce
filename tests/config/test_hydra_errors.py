"""Errors of Hydra, told as bakeoff's own: what, where, and what to type instead."""

from __future__ import annotations

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException

from bakeoff.config import hydra_errors


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("+hydra.sweeper.variants.x=[model=linear]", ["model=linear"]),
        ("+hydra.sweeper.variants.x=[model=linear, seed=3]", ["model=linear", "seed=3"]),
    ],
)
def test_a_list_with_unquoted_items_is_answered_with_one_that_can_be_pasted(typed: str, value: list[str]) -> None:
    with pytest.raises(OverrideParseException) as caught:
        OverridesParser.create().parse_overrides([typed])
    message = hydra_errors.explain(caught.value) or ""
    (pasted,) = shlex.split(message.partition("Quote each item: ")[2])
    assert OverridesParser.create().parse_override(pasted).value() == value


def test_a_secret_in_an_override_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(OverrideParseException) as caught:
        OverridesParser.create().parse_overrides(["llm.base_url=http://h/v1?api_key=canary"])
    assert "canary" not in (hydra_errors.explain(caught.value) or "canary")
