"""The shipped model configs: rules come with the data, cards are complete, spaces name what exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from bakeoff.config.settings import register
from bakeoff.config.wiring import GROUPS

CONF = Path(__file__).parents[2] / "conf"
MODELS = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
WITH_RULES = sorted(path.stem for path in (CONF / "rules").glob("*.yaml"))


def content(*overrides: str) -> dict[str, Any]:
    register()
    with initialize_config_dir(str(CONF), version_base=None):
        composed = compose("config", list(overrides))
    chosen: dict[str, Any] = {key: OmegaConf.to_container(composed[key]) for key in ("model", *GROUPS) if composed[key]}
    return chosen


def model(*overrides: str) -> dict[str, Any]:
    made: dict[str, Any] = content(*overrides)["model"]
    return made


@pytest.mark.parametrize("data", WITH_RULES)
def test_the_rules_of_a_sample_set_come_with_it(data: str) -> None:
    assert model("model=rules", f"data={data}")["rules"] == OmegaConf.load(CONF / "rules" / f"{data}.yaml").rules


def test_data_without_rules_composes_and_has_none() -> None:
    assert model("model=rules", "data=csv")["rules"] == []


def test_rules_can_be_taken_from_another_file_or_given() -> None:
    assert model("model=rules", "data=csv", "rules@model=trec")["default"] == "ENTY"
    given = model("model=rules", "data=trec", "model.rules=[{keywords: [who], output: HUM}]")["rules"]
    assert given == [{"keywords": ["who"], "output": "HUM"}]


@pytest.mark.parametrize("name", MODELS)
def test_cards_are_complete(name: str) -> None:
    card = model(f"model={name}", "data=sms_spam")["card"]
    assert list(card) == ["family", "licence", "source", "hosting", "data_leaves_network", "training_data", "summary"]


@pytest.mark.parametrize("name", MODELS)
def test_search_spaces_name_parameters_that_the_config_has(name: str) -> None:
    chosen = content(f"model={name}")
    for key, sweep in chosen["model"].get("search_space", {}).items():
        place = chosen if key.split(".")[0] in GROUPS else chosen["model"]
        for part in key.split("."):
            assert part in place, key
            place = place[part]
        written = sweep if isinstance(sweep, str) else sweep["sweep"]
        assert OverridesParser.create().parse_override(f"x={written}").is_sweep_override()
