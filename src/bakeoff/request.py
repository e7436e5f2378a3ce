"""One request, read from a composed config and checked: which task, which variant, into which folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from bakeoff import config, metrics, record
from bakeoff.config import DecisionSettings, MetricSettings
from bakeoff.data.settings import DataSettings
from bakeoff.errors import ConfigError

# Keys that do not change what a variant is or learns: they may differ when a finished run is kept.
INCIDENTAL = frozenset({"name", "variant", "incumbent", "resume", "metrics", "decision"})
ROLES = tuple(f.name for f in fields(DataSettings))


@dataclass(frozen=True)
class Request:
    """One variant of one task, checked, before any work.

    Attributes:
        content: the whole resolved config as plain containers.
        folder: the run folder.
    """

    content: Mapping[str, Any]
    folder: Path

    @property
    def bakeoff(self) -> Path:
        """The folder of the bake-off that the run belongs to."""
        return self.folder.parent

    @property
    def variant(self) -> str:
        """Name of the variant."""
        return str(self.content["variant"])

    @property
    def seed(self) -> int:
        """Of every random choice, the split included."""
        return int(self.content["seed"])

    @property
    def data(self) -> DataSettings:
        """What bakeoff does with the rows."""
        return config.typed(DataSettings, {k: v for k, v in self.content["data"].items() if k in ROLES}, "data")

    @property
    def source(self) -> dict[str, Any]:
        """The component config that reads the rows."""
        return {k: v for k, v in self.content["data"].items() if k not in ROLES}

    @property
    def model(self) -> dict[str, Any]:
        """The component config of the model."""
        return dict(self.content["model"])

    @property
    def card(self) -> dict[str, Any]:
        """What is declared about the model: family, licence, hosting."""
        return dict(self.model.get("card") or {})

    @property
    def metrics(self) -> MetricSettings:
        """What is measured."""
        return config.typed(MetricSettings, self.content["metrics"], "metrics")

    @property
    def decision(self) -> DecisionSettings:
        """How the verdict is reached."""
        return config.typed(DecisionSettings, self.content["decision"], "decision")

    @property
    def data_key(self) -> str:
        """Equal for requests that ask for the same task."""
        return json.dumps([self.content["data"], self.seed], sort_keys=True, default=str)


def read(cfg: DictConfig, folder: Path) -> Request:
    """Read a composed config (without Hydra's own part) and check all that can be checked without data or imports.

    Raises:
        ConfigError: with all faults, one a line.
    """
    request = Request(config.plain(cfg), folder)
    faults = list(_faults(request))
    if faults:
        raise ConfigError("\n".join(faults))
    return request


def changes(request: Request) -> list[str]:
    """Keys, with both values, in which a finished run in the folder differs from the request. Empty: it can be kept."""
    recorded = record.read_config(request.folder) or {}
    before, now = _flat(_identity(recorded)), _flat(_identity(request.content))
    return [
        f"{key}: {before.get(key, 'nothing')} → {now.get(key, 'nothing')}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


def _faults(request: Request) -> list[str]:
    def check_data() -> None:
        config.check_component(request.source, "data", also=ROLES)
        if request.data.metric:
            metrics.get(request.data.metric, "data.metric")

    def check_model() -> None:
        config.check_component(request.model, "model")

    def check_metrics() -> None:
        for name in request.metrics.names or ():
            metrics.get(name, "metrics.names")

    def check_decision() -> None:
        if request.decision.metric:
            metrics.get(request.decision.metric, "decision.metric")

    faults = []
    for check in (check_data, check_model, check_metrics, check_decision):
        try:
            check()
        except ConfigError as error:
            faults.append(str(error))
    return list(dict.fromkeys(faults))


def _identity(content: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in content.items() if k not in INCIDENTAL}
    for key in ("data", "model"):
        if isinstance(kept.get(key), dict):
            kept[key] = {k: v for k, v in kept[key].items() if k not in ("card", "search_space", "metric")}
    return kept


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {prefix: value}
    return {
        key: v for k, item in value.items() for key, v in _flat(item, f"{prefix}.{k}" if prefix else str(k)).items()
    }
