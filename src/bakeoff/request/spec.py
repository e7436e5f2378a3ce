"""One request, read from a composed config and checked: which task, which variant, into which folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bakeoff import record
from bakeoff.config import search_space, wiring
from bakeoff.config.settings import DecisionSettings, MetricSettings, SearchSettings, typed
from bakeoff.data.settings import DataSettings

# Keys that do not change what a variant is or learns: they may differ when a finished run is kept.
INCIDENTAL = frozenset(
    {"name", "variant", "incumbent", "resume", "record_git", "metrics", "decision", "tracker", "cost"}
)
# Keys of the search that change how long it goes on or where, but not what a trial is.
BUDGET = ("trials", "seconds", "dollars")
HOW_LONG_AND_WHERE = (*BUDGET, "usd_per_hour", "total", "storage", "workers", "threads", "worker")
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
        """Of every random choice of the model and of the search. The split has a seed of its own."""
        return int(self.content["seed"])

    @property
    def data(self) -> DataSettings:
        """What bakeoff does with the rows."""
        return typed(DataSettings, {k: v for k, v in self.content["data"].items() if k in ROLES}, "data")

    @property
    def source(self) -> dict[str, Any]:
        """The component config that reads the rows."""
        return {k: v for k, v in self.content["data"].items() if k not in ROLES}

    @property
    def model(self) -> dict[str, Any]:
        """The component config of the model."""
        return dict(self.content["model"])

    @property
    def parts(self) -> dict[str, Any]:
        """The component configs that the model takes: retriever, LLM and the like."""
        return {group: self.content[group] for group in wiring.GROUPS if self.content.get(group) is not None}

    @property
    def card(self) -> dict[str, Any]:
        """What is declared about the model: family, licence, hosting. The strictest of its parts holds."""
        card = dict(self.model.get("card") or {})
        for part in self.parts.values():
            other = part.get("card") or {}
            for key, strict in (("hosting", "api"), ("source", "commercial"), ("data_leaves_network", True)):
                if other.get(key) == strict:
                    card[key] = strict
            licences = [text for text in (card.get("licence"), other.get("licence")) if text]
            if licences:
                card["licence"] = ", ".join(dict.fromkeys(", ".join(licences).split(", ")))
        return card

    @property
    def metrics(self) -> MetricSettings:
        """What is measured."""
        return typed(MetricSettings, self.content["metrics"], "metrics")

    @property
    def decision(self) -> DecisionSettings:
        """How the verdict is reached."""
        return typed(DecisionSettings, self.content["decision"], "decision")

    @property
    def tracker(self) -> Mapping[str, Any] | None:
        """The component config of what is told of the run; None: nothing is."""
        return self.content.get("tracker") or None

    @property
    def cost(self) -> Mapping[str, Any] | None:
        """The component config of what answers cost; None: nobody asks."""
        return self.content.get("cost") or None

    @property
    def search(self) -> SearchSettings:
        """How the variant is tuned; a component's ``search_budget`` goes before the common one."""
        values = dict(self.content["search"])
        if values.get("sampler") is not None:
            values |= self.model.get("search_budget") or {}
        return typed(SearchSettings, values, "search")

    @property
    def is_tuned(self) -> bool:
        """Whether a search is on, and the variant has something to search over."""
        return self.content["search"].get("sampler") is not None and bool(search_space.gather(self.content))

    @property
    def identity(self) -> dict[str, Any]:
        """What makes this variant of this task what it is: equal identities give equal results."""
        return _identity(self.content)

    @property
    def data_key(self) -> str:
        """Equal for requests that ask for the same task."""
        return json.dumps(self.content["data"], sort_keys=True, default=str)


def is_longer(request: Request) -> bool:
    """Whether a search is asked for that goes on longer than the finished one in the folder."""
    if not request.is_tuned:
        return False
    before, now = (record.read_config(request.folder) or {}).get("search") or {}, request.content["search"]
    return any(before.get(key) is not None and (now.get(key) is None or now[key] > before[key]) for key in BUDGET)


def changes(request: Request) -> list[str]:
    """Keys, with both values, in which a finished run in the folder differs from the request. Empty: it can be kept."""
    recorded = record.read_config(request.folder) or {}
    old, new = _identity(recorded), _identity(request.content)
    if ("search" in old) != ("search" in new):
        old["search"], new["search"] = (("on" if "search" in side else "off") for side in (old, new))
    before, now = _flat(old), _flat(new)
    return [
        f"{key}: {before.get(key, 'nothing')} → {now.get(key, 'nothing')}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


def _identity(content: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in content.items() if k not in INCIDENTAL}
    for key in ("data", "model", *wiring.GROUPS):
        if isinstance(kept.get(key), dict):
            kept[key] = {k: v for k, v in kept[key].items() if k not in ("card", "search_space", "metric")}
    if not ((kept.get("data") or {}).get("forecast") or {}).get("horizon"):
        (kept.get("data") or {}).pop("forecast", None)
    search = kept.pop("search", None) or {}
    if search.get("sampler") is not None:
        kept["search"] = {k: v for k, v in search.items() if k not in HOW_LONG_AND_WHERE}
        kept["search"]["declared"] = (content.get("model") or {}).get("search_space")
        of_parts = {group: (content.get(group) or {}).get("search_space") for group in wiring.GROUPS}
        if any(of_parts.values()):
            kept["search"]["declared_of_parts"] = of_parts
    # Keys that runs of earlier versions do not have, where they change nothing.
    return {k: v for k, v in kept.items() if v is not None or k not in (*wiring.GROUPS, "test_rows")}


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {prefix: value}
    return {
        key: v for k, item in value.items() for key, v in _flat(item, f"{prefix}.{k}" if prefix else str(k)).items()
    }
