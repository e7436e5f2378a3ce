"""Prices and values of finished runs, as the arguments of verbs change them: ``cost.…``, ``business=…``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from bakeoff import plugins, record
from bakeoff.catalog.options import options
from bakeoff.config import components, shipped
from bakeoff.errors import ConfigError, did_you_mean

MONEY = ("cost", "business")
"""Config groups of the models that price and value runs."""
PRICED_BY = "time_and_requests"
"""Cost model of runs that recorded none."""


def with_money(runs: Sequence[record.Run], overrides: Mapping[str, Any]) -> list[record.Run]:
    """The runs, with other parameters of the models that price and value them, or with other models.

    A run without a model takes that of the others, else the one that it, or one of the others, recorded.
    """
    changed = list(runs)
    for group, asked in overrides.items():
        if group not in MONEY:
            continue
        if not isinstance(asked, Mapping):
            node = _option(group, str(asked))
            changed = [_with_model(run, group, node) for run in changed]
            continue
        recorded = [getattr(run, group) for run in changed] + [getattr(record.read_run(r.folder), group) for r in runs]
        known = next((node for node in recorded if node is not None), None)
        if known is None and group == "business":
            raise ConfigError(
                f"compare: business.{next(iter(asked))}: these runs have no business model. Add business=OPTION first."
            )
        known = known or _option(group, PRICED_BY)
        nodes = [{**(getattr(run, group) or known or {}), **asked} for run in changed]
        for node in nodes:
            components.check_component(node, group, slot=group)
            components.instantiate(node, group, group)
        changed = [_with_model(run, group, node) for run, node in zip(changed, nodes, strict=True)]
    return changed


def _with_model(run: record.Run, group: str, node: Mapping[str, Any] | None) -> record.Run:
    return replace(run, cost=node) if group == "cost" else replace(run, business=node)


def _option(group: str, name: str) -> dict[str, Any] | None:
    """Config of an option of a group; None for ``none``."""
    if name in ("none", "null", "None"):
        return None
    folders = [shipped.conf_dir(), *(plugin.conf for plugin in plugins.installed() if plugin.conf is not None)]
    by_name = {option.name: option for option in options(group, folders) if option.target}
    if name not in by_name:
        raise ConfigError(
            f'compare: there is no option "{name}" of {group}. Options: {", ".join([*by_name, "none"])}.'
            f"{did_you_mean(name, by_name)}"
        )
    node = yaml.safe_load(by_name[name].file.read_text("utf-8"))
    return {key: value for key, value in node.items() if key not in ("card", "defaults")}
