"""Config files parsed once give the same configs, and nothing of one composition gets into another."""

from __future__ import annotations

from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from bakeoff.config.parsed_once import ParsedOnce, parse_once, without_search_for_mode
from bakeoff.config.settings import register
from bakeoff.config.shipped import conf_dir

REQUESTS = (
    ["model=linear", "variant=a"],
    ["model=catboost", "model.depth=9", "variant=b"],
    ["model=linear", "variant=a"],
)


def composed() -> list[DictConfig]:
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    loader = hydra.config_loader
    return [
        loader.load_configuration("config", [*overrides, "data=diabetes"], run_mode=RunMode.RUN)
        for overrides in REQUESTS
    ]


def test_parse_once_composes_what_hydra_composes() -> None:
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        plain = composed()
        parse_once(hydra.config_loader)
        assert isinstance(hydra.config_loader.repository, ParsedOnce)  # type: ignore[attr-defined]
        once = composed()
    for before, after in zip(plain, once, strict=True):
        keys = [key for key in before if key != "hydra"]
        assert OmegaConf.masked_copy(after, keys) == OmegaConf.masked_copy(before, keys)
    assert once[1].model.depth == 9


def test_nothing_is_composed_to_look_for_a_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    register()
    composed_modes: list[RunMode] = []
    compose_config = Hydra.compose_config

    def counted(self: Hydra, *args: Any, **options: Any) -> DictConfig:
        composed_modes.append(options["run_mode"])
        return compose_config(self, *args, **options)

    monkeypatch.setattr(Hydra, "compose_config", counted)
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        with without_search_for_mode(["model=constant", "data=diabetes"]):
            assert hydra.get_mode("config", ["model=constant", "data=diabetes"]) is None
        assert composed_modes == []
        with without_search_for_mode(["hydra.mode=RUN"]):
            assert hydra.get_mode("config", ["model=constant", "data=diabetes", "hydra.mode=RUN"]) == RunMode.RUN
        assert composed_modes == [RunMode.MULTIRUN]
