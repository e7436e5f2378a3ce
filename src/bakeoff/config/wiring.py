"""Config groups injected into components by name: a component with a parameter ``llm`` gets the chosen LLM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakeoff.config import signatures
from bakeoff.config.component import Component, read, walk

GROUPS = ("embedder", "retriever", "llm", "prompt", "trainer")
PROMPT = "classify"
PROMPTS = {"multilabel": "classify_many", "regression": "estimate", "qa": "answer", "generation": "summarise"}
"""Prompt of a declared kind of task, where nobody chose another than ``PROMPT``, the default."""
Parts = Mapping[str, Component]


def parts(content: Mapping[str, Any]) -> dict[str, Component]:
    """The components of the groups that a config chooses."""
    return {group: Component.from_config(content[group], group) for group in GROUPS if content.get(group)}


def taken(component: Component) -> list[str]:
    """The groups that a component takes from outside: parameters of its class that its own config leaves open."""
    takes = signatures.read(component.target) if component.target else None
    if takes is None:
        return []
    return [group for group in GROUPS if group in takes.parameters and component.arguments.get(group) is None]


def used(model: Any, chosen: Parts) -> list[str]:
    """The groups used by a model: by itself, by anything in it, or by the parts it takes."""
    groups: dict[str, None] = {}
    waiting = [model]
    while waiting:
        for _, component in walk(waiting.pop()):
            for group in taken(component):
                if group not in groups:
                    groups[group] = None
                    waiting.append(chosen.get(group))
    return [group for group in GROUPS if group in groups]


def used_parts(model: Any, chosen: Parts) -> dict[str, Component]:
    """The chosen parts without those that a model does not take: they are no part of the variant."""
    return {group: chosen[group] for group in used(model, chosen) if group in chosen}


def assembled(value: Any, chosen: Parts) -> Any:
    """A component, or a value that holds some, with the chosen parts as the arguments that take them."""
    if isinstance(value, list):
        return [assembled(item, chosen) for item in value]
    if isinstance(value, Mapping):
        return {key: assembled(item, chosen) for key, item in value.items()}
    if not isinstance(value, Component):
        return value
    arguments = {key: assembled(item, chosen) for key, item in value.arguments.items()}
    for group in taken(value):
        if group in chosen:
            others = {other: part for other, part in chosen.items() if other != group}
            arguments[group] = assembled(chosen[group], others)
    return Component(value.target, arguments, value.card, value.search_space, value.search_budget)


def assembled_from(content: Mapping[str, Any], group: str) -> Component:
    """The component of one group of a config, with the chosen parts in it."""
    component: Component = assembled(read(content[group]), parts(content))
    return component
