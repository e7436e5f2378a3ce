"""Advice is pasted into a shell: what arrives must be what was meant."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from bakeoff.advice import listed, override


def pasted(command: str) -> tuple[str, Any]:
    """What the shell hands over, and Hydra and OmegaConf make of it."""
    (word,) = shlex.split(command)
    read = OverridesParser.create().parse_override(word)
    config = OmegaConf.create({"value": read.value()})
    return read.key_or_group, OmegaConf.to_container(config, resolve=True)["value"]  # type: ignore[index,call-overload]


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("'\"\\${}[](),:= #"), max_size=12
)


@given(st.lists(names))
def test_columns_of_any_name_arrive_as_they_are(columns: list[str]) -> None:
    assert pasted(override("data.ignore", columns)) == ("data.ignore", columns)


@given(names)
def test_any_text_arrives_as_it_is(text: str) -> None:
    assert pasted(override("data.target", text)) == ("data.target", text)


@pytest.mark.parametrize("value", ["yes", "No", "true", "null", "1", "1.5", "on", "", " ", "a b", "nan", "${x}"])
def test_a_text_stays_a_text(value: str) -> None:
    assert pasted(override("data.positive", value)) == ("data.positive", value)


@pytest.mark.parametrize("value", [True, False, None, 3, 0.25, -1, [1, "a, b"], {"zip code": "id", "a,b": "number"}])
def test_other_values_keep_their_type(value: Any) -> None:
    assert pasted(override("+data.columns", value)) == ("data.columns", value)


def test_what_needs_no_quotes_has_none() -> None:
    assert override("data.ignore", ["id"]) == "'data.ignore=[id]'"
    assert override("resume", False) == "resume=false"
    assert override("data.path", "my/data-1.csv") == "data.path=my/data-1.csv"
    assert override("data.ignore", ["amount, net"]) == """'data.ignore=["amount, net"]'"""


def test_long_lists_are_cut_after_ten() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert listed(range(1234)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,224 more"
