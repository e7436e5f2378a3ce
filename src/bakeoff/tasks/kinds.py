"""The registry of task kinds: bakeoff's own, then those of plugins. A kind is imported when it is first used."""

from __future__ import annotations

import importlib

from bakeoff import plugins
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.tasks.base import Kind

OWN = ("classification", "regression", "multilabel", "forecast", "qa", "retrieval", "generation")
"""Each is the object ``KIND`` of the module of its name."""

AUTO = "auto"
"""Stands for the kind that the target suggests; no task has it once it is loaded."""

_kinds: dict[str, Kind] = {}


def own() -> frozenset[str]:
    """Names of bakeoff's own kinds."""
    return frozenset(OWN)


def names() -> list[str]:
    """Names of all kinds, those of plugins last."""
    return list(dict.fromkeys([*OWN, *plugins.declared(plugins.KINDS)]))


def get(name: str, where: str = "data.kind") -> Kind:
    """The kind of that name.

    Raises:
        ConfigError: there is none, which names the nearest; or a plugin brings it and fails.
    """
    plugins.refuse_conflict(plugins.KINDS, name, where, is_own=name in OWN)
    if name not in _kinds:
        if name in OWN or name == AUTO:
            _kinds[name] = importlib.import_module(f"bakeoff.tasks.{name}").KIND
        elif name in plugins.declared(plugins.KINDS):
            _kinds[name] = _from_plugin(name, where)
        else:
            raise ConfigError(
                f'{where}: "{name}" is unknown. Allowed: {", ".join(names())}.{did_you_mean(name, names())}'
            )
    return _kinds[name]


def _from_plugin(name: str, where: str) -> Kind:
    kind = plugins.load(plugins.KINDS, name, where)
    if not isinstance(kind, Kind) or kind.name != name:
        raise ConfigError(
            f'{where}: {plugins.declared(plugins.KINDS)[name][0].plugin} declares no kind "{name}": an object of a '
            "subclass of bakeoff.tasks.base.Kind."
        )
    return kind
