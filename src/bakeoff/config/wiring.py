"""Config groups whose choice goes to whatever takes it: a component with a parameter ``llm`` gets the chosen LLM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bakeoff.config import signatures

GROUPS = ("embedder", "retriever", "llm", "prompt", "trainer")


def taken(node: Mapping[str, Any]) -> list[str]:
    """The groups that a component takes from outside: parameters of its constructor that its own config leaves open."""
    target = node.get("_target_")
    takes = signatures.read(target) if isinstance(target, str) else None
    if takes is None:
        return []
    return [group for group in GROUPS if group in takes.parameters and node.get(group) is None]


def used(content: Mapping[str, Any]) -> list[str]:
    """The groups of a resolved config that its model takes, itself or through what it takes."""
    found: dict[str, None] = {}
    waiting = [content.get("model")]
    while waiting:
        for node in components(waiting.pop()):
            for group in taken(node):
                if group not in found:
                    found[group] = None
                    waiting.append(content.get(group))
    return [group for group in GROUPS if group in found]


def without_unused(content: Mapping[str, Any]) -> dict[str, Any]:
    """The config with those groups set to None that the model does not take: they are no part of the variant."""
    kept = [group for group in used(content) if content.get(group)]
    return {**content, **{group: None for group in GROUPS if group in content and group not in kept}}


def assembled(node: Any, content: Mapping[str, Any]) -> Any:
    """A component's config with the chosen groups in the places of the parameters that take them."""
    if isinstance(node, list):
        return [assembled(item, content) for item in node]
    if not isinstance(node, Mapping):
        return node
    filled = {key: assembled(value, content) for key, value in node.items()}
    for group in taken(node):
        if content.get(group):
            filled[group] = assembled(content[group], {**content, group: None})
    return filled


def components(node: Any) -> Iterator[Mapping[str, Any]]:
    """The component configs in a value, at any depth: those with a ``_target_``, an outer one before what is in it."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield node
        for value in node.values():
            yield from components(value)
    elif isinstance(node, list):
        for item in node:
            yield from components(item)
