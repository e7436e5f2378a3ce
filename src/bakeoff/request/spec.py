"""One typed request: task, variant and run folder. The only place that converts it from and to YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bakeoff import metrics, secrets
from bakeoff.config import cards, component, consent, search_space, wiring
from bakeoff.config.component import Component
from bakeoff.config.search_space import Dimension
from bakeoff.config.settings import (
    BELONGS,
    IN_IDENTITY,
    IN_NAME,
    IN_NEITHER,
    BudgetSettings,
    DecisionSettings,
    MetricSettings,
    Reference,
    SearchSettings,
    typed,
)
from bakeoff.config.signatures import mismatch
from bakeoff.data.settings import DataSettings
from bakeoff.errors import ConfigError, did_you_mean

BUDGET = tuple(f.name for f in fields(BudgetSettings))
ROLES = tuple(f.name for f in fields(DataSettings))


@dataclass(frozen=True)
class Request:
    """One variant of one task.

    The metadata of each field says whether it belongs to the variant's identity and name, to its identity, or to
    neither; fields of ``SearchSettings`` say it one by one, and what lies in other fields belongs where they do.

    Attributes:
        folder: the run folder.
        name: name of the bake-off.
        variant: name of the variant.
        seed: seed of every random choice of the model and of the search. The split has its own seed.
        seeds: number of seeds with which the variant is fitted, this one among them.
        incumbent: name of the variant that is in production.
        resume: whether a finished run is kept.
        record_git: whether the state of the working directory is recorded.
        record_inputs: whether the test rows are recorded, and categories named in profiles.
        record_transcripts: whether prompts and raw replies are recorded, unless the test rows are not.
        record_validation: whether the validation rows are predicted out of sample.
        report: ``html`` writes report.html into the bake-off folder, ``none`` nothing.
        test_rows: number of test rows to predict; None: all.
        data: settings of columns and split.
        source: component that reads the rows.
        model: the model, as its config has it, with its search space.
        parts: components that the model takes from config groups: retriever, LLM and the like.
        metrics: settings of the metrics.
        decision: settings of the verdict.
        search: settings of the search.
        tracker: component that tracks the run, such as W&B; None: no tracking.
        cost: cost model; None: predictions are not priced.
        business: business model; None: predictions have no value in money.
        refreshed_from: the run folder that ``bakeoff refresh`` made this request from.
        confirmed_from: the run folder whose fitted model ``bakeoff confirm`` let predict the sealed rows.
        parts_from: folder of the bake-off that holds the runs of a solution's parts; None: its own.
        references: strings of the config that refer to environment variables, which its record keeps as references.
        referenced: digests of the values of those variables, by name; None where there are none.
    """

    folder: Path = field(metadata=IN_NEITHER)
    name: str = field(metadata=IN_NEITHER)
    variant: str = field(metadata=IN_NEITHER)
    data: DataSettings = field(metadata=IN_IDENTITY)
    source: Component = field(metadata=IN_IDENTITY)
    model: Component = field(metadata=IN_NAME)
    parts: Mapping[str, Component] = field(default_factory=dict, metadata=IN_NAME)
    seed: int = field(default=0, metadata=IN_NAME)
    seeds: int = field(default=1, metadata=IN_NEITHER)
    test_rows: int | None = field(default=None, metadata=IN_NAME)
    metrics: MetricSettings = field(default_factory=MetricSettings, metadata=IN_NEITHER)
    decision: DecisionSettings = field(default_factory=DecisionSettings, metadata=IN_NEITHER)
    search: SearchSettings = field(default_factory=SearchSettings, metadata=IN_IDENTITY)
    tracker: Component | None = field(default=None, metadata=IN_NEITHER)
    cost: Component | None = field(default=None, metadata=IN_NEITHER)
    business: Component | None = field(default=None, metadata=IN_NEITHER)
    incumbent: str | None = field(default=None, metadata=IN_NEITHER)
    resume: bool = field(default=True, metadata=IN_NEITHER)
    record_git: bool = field(default=True, metadata=IN_NEITHER)
    record_inputs: bool = field(default=True, metadata=IN_NEITHER)
    record_transcripts: bool = field(default=True, metadata=IN_NEITHER)
    record_validation: bool = field(default=False, metadata=IN_NEITHER)
    report: str = field(default="html", metadata=IN_NEITHER)
    refreshed_from: str | None = field(default=None, metadata=IN_NEITHER)
    confirmed_from: str | None = field(default=None, metadata=IN_NEITHER)
    parts_from: str | None = field(default=None, metadata=IN_NEITHER)
    references: tuple[Reference, ...] = field(default=(), metadata=IN_NEITHER)
    referenced: Mapping[str, str] | None = field(default=None, metadata=IN_IDENTITY)

    @classmethod
    def from_config(cls, content: Mapping[str, Any], folder: Path) -> Request:
        """Read a resolved config, composed just now or recorded in a run folder.

        Raises:
            ConfigError: a key is unknown, or a value of a wrong type; all faults of the settings, one a line.
        """
        known = [
            *(f.name for f in fields(cls) if f.name not in ("folder", "source", "parts", "references")),
            *wiring.GROUPS,
        ]
        faults = [f"{key}: there is no such key.{did_you_mean(key, known)}" for key in content if key not in known]
        if wrong := _wrong_types(content):
            raise ConfigError("\n".join([*faults, *wrong]))
        data, search = dict(content.get("data") or {}), dict(content.get("search") or {})
        model = Component.from_config(content.get("model"), "model")
        if search.get("sampler") is not None:
            search |= model.search_budget or {}
        settings: dict[str, Any] = {}
        for key, settings_class, values in (
            ("data", DataSettings, {k: v for k, v in data.items() if k in ROLES}),
            ("metrics", MetricSettings, content.get("metrics") or {}),
            ("decision", DecisionSettings, content.get("decision") or {}),
            ("search", SearchSettings, search),
        ):
            try:
                settings[key] = _with_components(typed(settings_class, values, key), key)
            except ConfigError as error:
                faults.append(str(error))
        if faults:
            raise ConfigError("\n".join(dict.fromkeys(faults)))
        plain = (
            "seed",
            "seeds",
            "test_rows",
            "incumbent",
            "resume",
            "record_git",
            "record_inputs",
            "record_transcripts",
            "record_validation",
            "report",
            "refreshed_from",
            "confirmed_from",
            "parts_from",
            "referenced",
        )
        if content.get("seeds", 1) > 1:  # seeds of one variant must not compete with each other
            settings["decision"] = replace(settings["decision"], replicates=True)
        return cls(
            folder=folder,
            name=str(content.get("name") or folder.parent.name),
            variant=str(content.get("variant") or folder.name),
            source=Component.from_config({k: v for k, v in data.items() if k not in ROLES}, "data"),
            model=model,
            parts=wiring.parts(content),
            tracker=component.read(content.get("tracker") or None, "tracker"),
            cost=component.read(content.get("cost") or None, "cost"),
            business=component.read(content.get("business") or None, "business"),
            **{key: content[key] for key in plain if key in content},
            **settings,
        )

    def to_config(self) -> dict[str, Any]:
        """The config that reads back as an equal request, in the order in which the shipped one has its keys."""
        content = {f.name: component.write(getattr(self, f.name)) for f in fields(self) if f.name not in NOT_IN_CONFIG}
        content["data"] = {**self.source.to_config(), **content["data"]}
        content |= dict.fromkeys(wiring.GROUPS) | component.write(self.parts)
        for key in ONLY_WHERE_SET:
            if getattr(self, key) is not None:
                content[key] = getattr(self, key)
        return content

    def to_record(self) -> dict[str, Any]:
        """The config as it is recorded: references to environment variables stay references, secrets are masked."""
        texts = {(reference.key, reference.value): reference.text for reference in self.references}
        recorded: dict[str, Any] = secrets.hide_in(_with_texts(self.to_config(), texts))
        return recorded

    @classmethod
    def from_record(cls, content: Mapping[str, Any], folder: Path) -> Request:
        """Read the config of a run folder, with references to environment variables replaced by their values.

        Raises:
            ConfigError: as ``from_config``; or the record refers to a variable that it may not read, or that is not
                set, or lacks a password that was masked.
        """
        values = consent.resolved(content, str(folder))
        found = tuple(_differing(content, values))
        return replace(cls.from_config(values, folder), references=found)

    @property
    def bakeoff(self) -> Path:
        """The folder of the bake-off that the run belongs to."""
        return self.folder.parent

    @property
    def parts_folder(self) -> Path:
        """The folder of the bake-off that holds the runs of a solution's parts."""
        return self.bakeoff if self.parts_from is None else Path(self.parts_from)

    @property
    def components(self) -> dict[str, Component]:
        """Tunable components: the model and its parts, by the name of their group."""
        return {"model": self.model, **self.parts}

    @property
    def assembled_model(self) -> Component:
        """The model with its parts inserted."""
        assembled: Component = wiring.assembled(self.model, self.parts)
        return assembled

    @cached_property
    def card(self) -> dict[str, Any]:
        """Declared properties of the model: family, licence, hosting. The most restrictive value of its parts wins."""
        return cards.joint_card(self.assembled_model)

    def dimensions(self, unused: str = "") -> list[Dimension]:
        """Dimensions of the search space. Raises ``ConfigError`` if a search space is invalid.

        Args:
            unused: a parameter of the model that the kind of task makes no use of.
        """
        return search_space.gather(self.components, self.search.space, unused, self.search.fixed)

    @cached_property
    def is_tuned(self) -> bool:
        """True if a search is on and the variant has something to search over."""
        return self.search.sampler is not None and bool(self.dimensions())

    def updated(self, values: Mapping[str, Any]) -> Request:
        """The request with other values at some dotted keys of its components."""
        tree: Any = self.components
        for key, value in values.items():
            tree = component.updated(tree, key.split("."), value)
        return self.with_components(tree)

    def with_components(self, components: Mapping[str, Component]) -> Request:
        """The request with another model and other parts, by the name of their group."""
        parts = {key: part for key, part in components.items() if key != "model"}
        return replace(self, model=components["model"], parts=parts)

    @property
    def identity(self) -> dict[str, Any]:
        """Identity of this variant of this task: equal identities give equal results."""
        content: dict[str, Any] = _identity(self)
        content["data"] = {**content.pop("source"), **content["data"]}
        content |= content.pop("parts")
        if self.referenced is None:
            del content["referenced"]
        if self.search.sampler is None:
            del content["search"]
        else:
            content["search"]["declared"] = {
                key: dict(part.search_space) for key, part in component.walk(self.components) if part.search_space
            }
        if self._learns_for_decision:
            content["learned_for"] = self.decision.metric
        if self._learns and self._capacity is not None:
            content["learned_within"] = self._capacity
        if any(metrics.is_money(name) for name in self._optimised):
            content |= {"cost": _identity(self.cost), "business": _identity(self.business)}
        return content

    @property
    def _learns(self) -> bool:
        """True for a solution that learns for some metric."""
        return {"parts", "objective"} <= self.model.arguments.keys()

    @property
    def _capacity(self) -> dict[str, Any] | None:
        """The capacity of the business model, with the volume that turns it into a share; None where there is none."""
        declared = {} if self.business is None else self.business.arguments
        capacity = declared.get("capacity")
        return None if capacity is None else {"capacity": str(capacity), "per_month": declared.get("per_month")}

    @property
    def _learns_for_decision(self) -> bool:
        """True for a solution that learns for the metric that decides."""
        return self._learns and self.model.arguments["objective"] is None

    @property
    def _optimised(self) -> list[str]:
        """Names of the metrics that a search or a solution optimises or keeps within bounds."""
        arguments = self.model.arguments
        names: list[str] = []
        if "parts" in arguments:
            names += [*map(str, arguments.get("limits") or ()), *filter(None, [arguments.get("objective")])]
        if self._learns_for_decision or (self.search.sampler is not None and not self.search.objectives):
            names += [self.decision.metric] if self.decision.metric else []
        if self.search.sampler is not None:
            names += [*(self.search.objectives or ()), *map(str, self.search.constraints or ())]
        return names

    @cached_property
    def data_key(self) -> str:
        """Key of the data: equal for requests of the same task."""
        return json.dumps(component.write([self.source, self.data]), sort_keys=True, default=str)


ONLY_WHERE_SET = ("refreshed_from", "confirmed_from", "parts_from", "referenced")
"""Fields of a request that its config has only where they are set."""
MAPPINGS = (("data",), ("metrics", "graders"), ("decision", "require"), ("search", "space", "constraints"))
"""Sections of a config, each with those of its keys whose values are mappings."""
NOT_IN_CONFIG = ("folder", "source", "parts", "references", *ONLY_WHERE_SET)
"""Fields of a request that its config has in another place, or only where they are set."""


def is_named(key: str) -> bool:
    """Return whether an override of a top-level key, or of a group absent from the shipped config, is in the name."""
    unnamed = [f.name for f in fields(Request) if f.metadata[BELONGS] != IN_NAME[BELONGS]]
    return key not in (*unnamed, "experiment", "hydra")


def _with_texts(value: Any, texts: Mapping[tuple[str, str], str], key: str = "") -> Any:
    """Plain containers with the text of each reference in place of its value."""
    if isinstance(value, Mapping):
        return {name: _with_texts(item, texts, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_texts(item, texts, key) for item in value]
    return texts.get((key, value), value) if texts and isinstance(value, str) else value


def _differing(texts: Any, values: Any, key: str = "") -> Iterator[Reference]:
    """The references of a recorded config: strings that are not their own values."""
    if isinstance(texts, Mapping):
        for name, text in texts.items():
            yield from _differing(text, values[name], str(name))
    elif isinstance(texts, list):
        for text, value in zip(texts, values, strict=True):
            yield from _differing(text, value, key)
    elif texts != values:
        yield Reference(key, values, texts)


def _with_components(settings: Any, where: str) -> Any:
    """Settings with components in place of their configs, at any depth."""
    values = {f"{where}.{f.name}": getattr(settings, f.name) for f in fields(settings)}
    nested = {k: _with_components(v, k) if is_dataclass(v) else component.read(v, k) for k, v in values.items()}
    return replace(settings, **{key.rpartition(".")[2]: value for key, value in nested.items()})


def _wrong_types(content: Mapping[str, Any]) -> list[str]:
    """Describe the values of a config that are of a wrong type, among those that are not components."""
    faults = []
    for section, *keys in MAPPINGS:
        settings = content.get(section)
        if not isinstance(settings, Mapping | None):
            faults.append(f"{section}: {settings!r:.60} is not a mapping. Give its keys one by one: {section}.KEY=…")
            continue
        for key in keys:
            value = (settings or {}).get(key)
            if not isinstance(value, Mapping | None) or component.TARGET in (value or {}):
                faults.append(f"{section}.{key}: {value!r:.60} is not a mapping of keys to values.")
    for each in fields(Request):
        if each.name in (*NOT_IN_CONFIG, "name", "variant") or each.name not in content:
            continue
        if expected := mismatch(str(each.type), content[each.name]):
            faults.append(f"{each.name}: {content[each.name]!r:.60} is not of type {expected}.")
    return faults


def _identity(value: Any) -> Any:
    """A value as plain containers, without fields outside the identity and without metadata of components."""
    if isinstance(value, Component):
        return {component.TARGET: value.target, **_identity(value.arguments)}
    if isinstance(value, Mapping):
        return {str(key): _identity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_identity(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        belonging = [f.name for f in fields(value) if f.metadata.get(BELONGS) != IN_NEITHER[BELONGS]]
        return {name: _identity(getattr(value, name)) for name in belonging}
    return value
