"""Typed settings, and the way from a composed config to plain containers."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from bakeoff.config.settings import DecisionSettings, MetricSettings, plain, typed
from bakeoff.errors import ConfigError


def test_settings_are_typed() -> None:
    made = typed(DecisionSettings, {"metric": "f1", "resamples": "500", "confidence": 0.9}, "decision")
    assert made == DecisionSettings(metric="f1", resamples=500, confidence=0.9)
    assert typed(MetricSettings, {}, "metrics") == MetricSettings()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"metrik": "f1"}, "decision.metrik: there is no such key. Keys: metric, smallest_difference"),
        ({"metrik": "f1"}, 'Did you mean "metric"?'),
        ({"confidence": "high"}, "decision.confidence"),
        ({"resamples": [1]}, "decision.resamples"),
        ({"resamples": None}, "decision.resamples"),
    ],
)
def test_wrong_settings_are_told_with_their_key(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as told:
        typed(DecisionSettings, values, "decision")
    assert said in str(told.value)


def test_a_resolved_config_is_plain() -> None:
    cfg = OmegaConf.create({"name": "${data.name}", "data": {"name": "pets", "columns": ["a"]}})
    made = plain(cfg)
    assert made == {"name": "pets", "data": {"name": "pets", "columns": ["a"]}}
    assert type(made["data"]) is dict


def test_all_values_that_nobody_gave_are_asked_for_at_once() -> None:
    cfg = OmegaConf.create({"data": {"path": "???", "target": "???"}, "seed": 0})
    with pytest.raises(ConfigError) as told:
        plain(cfg)
    assert str(told.value) == (
        "data.path: a value is needed. Add data.path=…; data.target: a value is needed. Add data.target=…"
    )


def test_an_interpolation_of_nothing_is_told_with_its_key() -> None:
    with pytest.raises(ConfigError, match=r"^name: .*nowhere"):
        plain(OmegaConf.create({"name": "${nowhere}"}))
