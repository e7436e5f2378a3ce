"""Installed plugins: what packages declare in their entry points, read without importing any of them.

A plugin is a package with an entry point in the group ``bakeoff.plugins``. Its ``conf`` folder joins the config search
path and its classes may be named in configs. Entry points of further groups declare what else it brings, by name.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bakeoff.errors import ConfigError

log = logging.getLogger(__name__)

API = "2"
"""Version of the plugin interface. It changes when a plugin written for the previous one would break."""

PROVIDER = "plugins"
"""Hydra's name for the source of the configs that plugins bring."""

PLUGINS, VERSION = "bakeoff.plugins", "bakeoff.api"
COLUMN_KINDS = "bakeoff.column_kinds"
METRICS, KINDS, VERBS = "bakeoff.metrics", "bakeoff.kinds", "bakeoff.verbs"
SECTIONS, CHECKS = "bakeoff.sections", "bakeoff.checks"
WORDS = {
    METRICS: "metric",
    KINDS: "kind of task",
    COLUMN_KINDS: "kind of column",
    SECTIONS: "section",
    CHECKS: "method check",
    VERBS: "verb",
}
"""Groups of entry points that declare something by name, and what it is called."""


@dataclass(frozen=True)
class Plugin:
    """Metadata of an installed plugin, known before it is imported.

    Attributes:
        name: name of its entry point.
        package: top-level package that it brings.
        distribution: name of its distribution, as in pip.
        version: version of the distribution.
        fault: reason why it cannot be used at all, in a sentence; empty if it can.
        conf: its folder of configs; None when it has none.
    """

    name: str
    package: str
    distribution: str
    version: str
    fault: str = ""
    conf: Path | None = None

    def __str__(self) -> str:
        return f"plugin {self.name} ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Declared:
    """Something that a plugin declares by name: a metric, a kind of task, a section, a method check, a verb."""

    plugin: Plugin
    group: str
    name: str
    target: str

    def load(self, where: str) -> Any:
        """Import the object. Raises ``ConfigError`` that names the plugin when that fails, whatever the reason."""
        require(self.plugin, where)
        module, _, path = self.target.partition(":")
        value = imported(self.plugin, module, where)
        for name in path.split(".") if path else ():
            if not hasattr(value, name):
                raise ConfigError(f'{where}: {self.plugin} declares {self.target}, and there is no "{name}".')
            value = getattr(value, name)
        return value


@cache
def _found() -> tuple[tuple[Plugin, ...], Mapping[str, Mapping[str, tuple[Declared, ...]]]]:
    """All plugins in the order of their names, and what they declare: group → name → who declares it."""

    plugins: list[Plugin] = []
    declared: dict[str, dict[str, list[Declared]]] = {group: {} for group in WORDS}
    seen = set()
    for folder, text in _entry_points():
        name, version = _name_and_version(folder)
        if name in seen:  # the first on the path is the one that is imported
            continue
        seen.add(name)
        points = list(_points(text))
        api = next((value for group, _, value in points if group == VERSION), API)
        of_dist = [_plugin(key, value, name, version, api) for group, key, value in points if group == PLUGINS]
        if not of_dist:
            of_dist = [Plugin(name, "", name, version, f"It declares {points[0][0]}, and no package in {PLUGINS}.")]
        plugins += of_dist
        for group, key, value in points:
            if group in WORDS:
                top = re.split(r"[.:]", value)[0]
                owner = next((p for p in of_dist if p.package == top), of_dist[0])
                declared[group].setdefault(key, []).append(Declared(owner, group, key, value))
    ordered = {group: {k: tuple(of[k]) for k in sorted(of)} for group, of in declared.items()}
    return tuple(sorted(plugins, key=lambda p: (p.name, p.distribution))), ordered


def _points(text: str) -> Iterator[tuple[str, str, str]]:
    """Group, name and value of each entry point for bakeoff. ``importlib.metadata`` needs three times as long."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[]")
        elif "=" in line and not line.startswith("#") and group.startswith("bakeoff."):
            name, _, value = line.partition("=")
            yield group, name.strip(), value.strip()


def _entry_points() -> Iterator[tuple[Path, str]]:
    """The metadata folder and the entry points of each installed package that brings some for bakeoff, in path order.

    ``importlib.metadata`` says the same, and its import alone takes longer than ``bakeoff --help``.
    """
    for entry in dict.fromkeys(sys.path):
        try:
            folders = sorted(f for f in Path(entry or ".").iterdir() if f.suffix in (".dist-info", ".egg-info"))
        except OSError:  # no folder, such as the archive of the standard library
            continue
        for folder in folders:
            text = _text(folder / "entry_points.txt")
            if "[bakeoff." in text:
                yield folder, text


def _text(file: Path) -> str:
    """Read a file; empty if there is none."""
    try:
        return file.read_text("utf-8")
    except OSError:
        return ""


def _name_and_version(folder: Path) -> tuple[str, str]:
    """Name and version in the metadata folder of a package."""
    head = (_text(folder / "METADATA") or _text(folder / "PKG-INFO")).partition("\n\n")[0]
    matches = {key: re.search(rf"^{key}: *(\S+)", head, re.MULTILINE) for key in ("Name", "Version")}
    name, version = (match[1] if match else "?" for match in matches.values())
    return name, version


def _plugin(name: str, package: str, distribution: str, version: str, api: str) -> Plugin:
    fault, folders = "", []
    if api != API:
        fault = f"It is made for version {api} of the plugin API, and this bakeoff has {API}. Install one that fits."
    if not package.isidentifier():
        return Plugin(name, package, distribution, version, f'"{package}" is not the name of a top-level package.')
    try:
        spec = importlib.util.find_spec(package)
        folders = list(spec.submodule_search_locations or ()) if spec else []
    except (ImportError, ValueError):
        pass
    if not folders:
        fault = fault or f"There is no package {package}."
    conf = next((folder for folder in folders if Path(folder, "conf").is_dir()), None)
    return Plugin(name, package, distribution, version, fault, Path(conf, "conf") if conf else None)


def installed() -> tuple[Plugin, ...]:
    """All plugins in the order of their names, usable or not."""
    return _found()[0]


def declared(group: str) -> Mapping[str, tuple[Declared, ...]]:
    """Declarations of plugins in a group: name → who declares it, in alphabetical order."""
    return _found()[1][group]


def forget() -> None:
    """Clear the caches, so that plugins are discovered again on next use."""
    _found.cache_clear()
    options.cache_clear()
    _places.cache_clear()


def find_by_package(package: str) -> Plugin | None:
    """The plugin that brings a top-level package."""
    return next((plugin for plugin in installed() if plugin.package == package), None)


def require(plugin: Plugin, where: str) -> None:
    """Raise ``ConfigError`` if the plugin cannot be used at all."""
    if plugin.fault:
        raise ConfigError(f"{where}: {plugin} cannot be used. {plugin.fault}")


def imported(plugin: Plugin, module: str, where: str) -> Any:
    """A module of a plugin. Raises ``ConfigError`` that names the plugin when the import fails, whatever the reason."""
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:  # third-party code: it may raise anything
        raise ConfigError(
            f"{where}: {plugin} cannot be imported: {type(error).__name__}: {error}. "
            f"Fix it, or pip uninstall {plugin.distribution}."
        ) from error


def refuse_conflict(group: str, name: str, where: str, is_own: bool) -> None:
    """Raise ``ConfigError`` when two packages bring something of one name; ``is_own``: bakeoff is one of them."""
    who = [str(d.plugin) for d in declared(group).get(name, ())]
    if len(who) + is_own > 1:
        raise ConfigError(
            f'{where}: the {WORDS[group]} "{name}" is brought by {" and by ".join([*["bakeoff"] * is_own, *who])}. '
            "Uninstall one of them."
        )


def load(group: str, name: str, where: str) -> Any:
    """Load the object that a plugin declares under a name. Raises ``ConfigError`` when two do, or loading fails."""
    refuse_conflict(group, name, where, is_own=False)
    return declared(group)[name][0].load(where)


def loadable(group: str, own: Collection[str] = ()) -> Iterator[tuple[Declared, Any]]:
    """All loadable objects that plugins declare in a group; those that fail to load are logged and left out.

    Args:
        group: group of entry points.
        own: names that bakeoff itself has.
    """
    for name in declared(group):
        where = f"{WORDS[group]} {name}"
        try:
            refuse_conflict(group, name, where, is_own=name in own)
            yield declared(group)[name][0], load(group, name, where)
        except ConfigError as error:
            _warn(str(error))


@cache
def _warn(message: str) -> None:
    """Log a warning once."""
    log.warning("%s It is left out.", message)


@cache
def options() -> Mapping[str, tuple[Plugin, ...]]:
    """The config options that plugins bring, such as ``model/acme``, each with who brings it."""
    providers: dict[str, list[Plugin]] = {}
    for plugin in installed():
        for folder, _, files in os.walk(plugin.conf) if plugin.conf else ():
            group = folder[len(str(plugin.conf)) + 1 :].replace(os.sep, "/")
            for file in sorted(files):
                if group and file.endswith(".yaml"):
                    providers.setdefault(f"{group}/{file.removesuffix('.yaml')}", []).append(plugin)
    return {option: tuple(who) for option, who in providers.items()}


def file_of(option: str) -> tuple[Plugin, Path]:
    """Find the plugin that brings a config option, and its config folder. Raises ``ConfigError`` when two do."""
    who = options()[option]
    if len(who) > 1:
        raise _two_bring(option, [f"{plugin}, {plugin.conf}/{option}.yaml" for plugin in who])
    assert who[0].conf is not None
    return who[0], who[0].conf


def refuse_shadowed(sources: Iterable[tuple[str, str]], choices: Mapping[str, Any]) -> None:
    """Raise ``ConfigError`` when a chosen option is in two config folders: Hydra takes the first without a word.

    Args:
        sources: who provides a config folder, and the folder; ``PROVIDER`` stands for those of all plugins.
        choices: config group → option, as Hydra reports them.
    """
    known = tuple(sources)
    for key, option in choices.items():
        group = key.partition("@")[0]
        for name in [option] if isinstance(option, str) else [] if option is None else list(option):
            full = f"{group}/{str(name).removesuffix('.yaml')}"
            places = _places(known, full)
            if len(places) > 1:
                raise _two_bring(full, places)


@cache
def _places(sources: tuple[tuple[str, str], ...], option: str) -> list[str]:
    """List the sources of an option, each with its file."""
    by_file: dict[Path, str] = {}
    for provider, path in sources:
        if provider == PROVIDER:
            of_source = [(str(plugin), Path(str(plugin.conf))) for plugin in options().get(option, ())]
        else:
            who = {"main": "bakeoff", "command-line": "--config-dir"}.get(provider, provider)
            of_source = [(who, Path(path.removeprefix("file://")))]
        for who, folder in of_source:
            file = folder / f"{option}.yaml"
            if "://" not in str(folder) and file.is_file():
                by_file.setdefault(file.resolve(), f"{who}, {file}")
    return list(by_file.values())


def _two_bring(option: str, places: Sequence[str]) -> ConfigError:
    group, _, name = option.rpartition("/")
    return ConfigError(
        f'{group}: the option "{name}" is brought twice: by {"; and by ".join(places)}. '
        "Rename one of the files, or uninstall one of the packages."
    )
