"""Config files parsed once give the same configs, and nothing of one composition gets into another."""

from __future__ import annotations

from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import Container, DictConfig

from bakeoff.config.parsed_once import ParsedOnce, composing_less, parse_once
from bakeoff.config.settings import register
from bakeoff.config.shipped import conf_dir

REQUESTS = (
    ["model=linear", "data=diabetes", "variant=a"],
    ["model=catboost", "data=diabetes", "model.depth=9", "variant=b"],
    ["model=linear", "data=diabetes", "variant=a"],
    ["experiment=quickstart", "model=llm", "search=tpe", "hydra/launcher=joblib"],
    ["experiment=quickstart", "model=knn", "search=tpe"],
    ["experiment=churn_value", "model=cascade"],
    ["experiment=python_docs", "model=rag", "prompt=answer_from_passages", "retriever=bm25"],
    ["experiment=python_docs", "model=rag", "retriever=hybrid", "+model.shots=1"],
)


def composed() -> list[DictConfig]:
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    return [
        hydra.config_loader.load_configuration("config", list(overrides), run_mode=RunMode.RUN)
        for overrides in REQUESTS
    ]


def described(node: Any) -> Any:
    """A node with all that OmegaConf knows of it: types, flags and what it holds."""
    metadata = vars(node._metadata)
    about = {name: str(metadata[name]) for name in sorted(metadata) if name != "resolver_cache"}
    content = node._content if isinstance(node, Container) else node._value()
    if isinstance(content, dict):
        return about, {key: described(item) for key, item in content.items()}
    return about, [described(item) for item in content] if isinstance(content, list) else content


def test_parse_once_composes_what_hydra_composes() -> None:
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        plain = composed()
        parse_once(hydra.config_loader)
        assert isinstance(hydra.config_loader.repository, ParsedOnce)  # type: ignore[attr-defined]
        assert [described(config) for config in composed()] == [described(config) for config in plain]


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
        with composing_less(["model=constant", "data=diabetes"]):
            assert hydra.get_mode("config", ["model=constant", "data=diabetes"]) is None
        assert composed_modes == []
        with composing_less(["hydra.mode=RUN"]):
            assert hydra.get_mode("config", ["model=constant", "data=diabetes", "hydra.mode=RUN"]) == RunMode.RUN
        assert composed_modes == [RunMode.MULTIRUN]
