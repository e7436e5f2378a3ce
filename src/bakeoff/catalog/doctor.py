"""Inspection of every installed plugin, imports included, for ``bakeoff doctor``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from omegaconf import OmegaConf

from bakeoff import metrics, plugins
from bakeoff.columns import kinds as column_kinds
from bakeoff.compare import checks
from bakeoff.config import components, slots
from bakeoff.config.component import read
from bakeoff.errors import ConfigError
from bakeoff.plugins import Plugin
from bakeoff.tasks import kinds


def findings(conf: Path, verbs: Sequence[str]) -> list[tuple[str, str]]:
    """Name of each plugin, with a sentence on what it provides or what is wrong with it.

    Args:
        conf: the config tree of bakeoff itself.
        verbs: of bakeoff itself.
    """
    rows = []
    for plugin in plugins.installed():
        wrong = list(dict.fromkeys(faults(plugin, conf, verbs)))
        if wrong:
            rows += [(plugin.name, f"{plugin.distribution} {plugin.version}: {fault}") for fault in wrong]
        else:
            rows.append((plugin.name, f"{plugin.distribution} {plugin.version}: {_brings(plugin)}"))
    return rows


def faults(plugin: Plugin, conf: Path, verbs: Sequence[str]) -> Iterator[str]:
    """List the faults of a plugin, one sentence each. Imports everything that it declares."""
    if plugin.fault:
        yield plugin.fault
        return
    try:
        plugins.imported(plugin, plugin.package, plugin.package)
    except ConfigError as error:
        yield str(error)
        return
    for declared in declared_by(plugin):
        yield from _of_declared(declared, verbs)
    for option in options(plugin):
        yield from _of_option(plugin, option, conf)


def options(plugin: Plugin) -> list[str]:
    """The config options of a plugin, such as ``model/acme``."""
    return sorted(option for option, who in plugins.options().items() if plugin in who)


def declared_by(plugin: Plugin) -> list[plugins.Declared]:
    """Names that a plugin declares, by group."""
    return [d for group in plugins.WORDS for who in plugins.declared(group).values() for d in who if d.plugin == plugin]


def _of_declared(declared: plugins.Declared, verbs: Sequence[str]) -> Iterator[str]:
    own = {
        plugins.METRICS: metrics.own(),
        plugins.KINDS: kinds.own(),
        plugins.COLUMN_KINDS: column_kinds.OWN,
        plugins.VERBS: verbs,
        plugins.CHECKS: checks.own(),
    }
    is_own = declared.name in own.get(declared.group, ())
    where = f"{plugins.WORDS[declared.group]} {declared.name}"
    try:
        plugins.refuse_conflict(declared.group, declared.name, where, is_own)
        declared.load(where)
    except ConfigError as error:
        yield str(error)


def _of_option(plugin: Plugin, option: str, conf: Path) -> Iterator[str]:
    assert plugin.conf is not None
    group, _, name = option.rpartition("/")
    try:
        plugins.refuse_shadowed([("main", str(conf)), (plugins.PROVIDER, "")], {group: name})
        content = read(OmegaConf.to_container(OmegaConf.load(plugin.conf / f"{option}.yaml")))
        components.locate_all(content, f"{option}.yaml", group if group in slots.SLOTS else slots.ANY)
    except ConfigError as error:
        yield str(error)


def _brings(plugin: Plugin) -> str:
    brought = [option for option in options(plugin) if "/base/" not in option]
    brought += [f"{plugins.WORDS[d.group]} {d.name}" for d in declared_by(plugin)]
    return ", ".join(brought) or "nothing"
