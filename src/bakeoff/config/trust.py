"""Allow-list of what config files may say below ``hydra:``: there, Hydra itself runs classes and chooses folders.

The check sits where Hydra loads one file and has placed it into the config, so package headers, relocated options and
defaults lists are seen as Hydra will act on them. Overrides of the command line never pass here: they are the user's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.default_element import ConfigDefault, GroupDefault, InputDefault, ResultDefault
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf

from bakeoff import plugins, secrets
from bakeoff.config import consent
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import ConfigError

FLAG = consent.FLAG
"""Flag of the command line that lifts the allow-list."""

PRIMARY, OF_HYDRA = "config", "hydra/"
"""Shipped configs exempt from the allow-list: the primary config, and options of Hydra's own groups."""
MODES = ("RUN", "MULTIRUN")
LAUNCHER_NAMES = frozenset({"backend", "prefer", "require", "partition", "qos", "account", "constraint", "mem_per_cpu"})
"""Settings of launchers whose value may be a name; all others take numbers only."""
NAME = re.compile(r"[\w-]+")
OVERRIDE_KEY = re.compile(r"[+~]{0,2}[\w./@:-]+")
SEPARATORS = re.compile(r"[./@:]")
REFERENCE = re.compile(r"\$\{(?:(?P<resolver>[\w.]+):(?P<arguments>[^${}]*)|[\w.@/\[\]-]+)\}")
"""An interpolation without another in it: a reference to a key, or a call of a resolver."""
RESOLVERS = frozenset({"oc.select", "oc.dict.keys", "oc.dict.values", "hydra", "now"})
"""Resolvers that a config file may call; ``oc.env`` besides, with the variables of ``secrets.READABLE``."""
_load_single_config = ConfigLoaderImpl._load_single_config
_is_lifted = False


def check_files(lifted: bool = False) -> None:
    """Let Hydra refuse config files that say more below ``hydra:`` than the allow-list; ``lifted``: let it load them.

    It holds for every composition in this process from here on.
    """
    global _is_lifted
    _is_lifted = lifted
    ConfigLoaderImpl._load_single_config = _load_checked  # type: ignore[method-assign]


def _load_checked(self: ConfigLoaderImpl, default: ResultDefault, repo: Any) -> ConfigResult:
    result = _load_single_config(self, default, repo)
    if not _is_lifted and not _is_trusted(result, default.config_path or ""):
        for fault in _faults(result, default):
            raise ConfigError(
                f"{_file(result, default)}: {fault}. Below hydra:, a config file may set sweeper.params, "
                "sweeper.variants, mode, and numbers and names of the launcher. Give the rest on the command line, or "
                f"add {FLAG} if you wrote this file. See docs/safety.md."
            )
    return result


def _is_trusted(result: ConfigResult, name: str) -> bool:
    scheme, _, path = result.path.partition("://")
    if scheme != "file" or result.provider in {str(plugin) for plugin in plugins.installed()}:
        return True
    return Path(path).resolve() == conf_dir().resolve() and (name == PRIMARY or name.startswith(OF_HYDRA))


def _file(result: ConfigResult, default: ResultDefault) -> str:
    return f"{result.path.partition('://')[2]}/{default.config_path}.yaml"


def _faults(result: ConfigResult, default: ResultDefault) -> Iterator[str]:
    """List the entries of a file that the allow-list rejects, each as a sentence without its full stop."""
    if "hydra" in (default.package or "").split("."):
        yield f"its package is {default.package}, where only files of bakeoff and of plugins may lie"
    for element in result.defaults_list or ():
        if not _is_allowed_default(element):
            yield f"defaults: {_written(element)} may not be chosen by this file"
    content = OmegaConf.to_container(result.config, resolve=False)
    yield from refused_references(content)
    if isinstance(content, Mapping) and "hydra" in content:
        yield from _refused("hydra", content["hydra"])


def refused_references(value: Any) -> Iterator[str]:
    """List the interpolations in a value, at any depth, that a config file may not use, each as a sentence.

    An escaped one counts too: what it leaves is text that a sweep would read as an interpolation again.
    """
    if _is_lifted:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from refused_references(key)
            yield from refused_references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from refused_references(item)
    elif isinstance(value, str) and "${" in value:
        for match in REFERENCE.finditer(value):
            resolver, variable = match["resolver"], (match["arguments"] or "").partition(",")[0].strip(" '\"")
            if resolver == "oc.env":
                if not secrets.READABLE.fullmatch(variable) or secrets.SECRET.search(variable):
                    yield f"the environment variable {variable!r:.60} may not be read by this file"
            elif resolver is not None and resolver not in RESOLVERS:
                yield f"{match[0]!r:.60} calls a resolver that this file may not use"
        if "${" in REFERENCE.sub("", value):
            yield f"{value!r:.60} builds an interpolation in a way that this file may not"


def _written(element: InputDefault) -> str:
    if isinstance(element, GroupDefault):
        package = f"@{element.package}" if element.package else ""
        return f"{element.group}{package}: {element.value}"
    return f"{element.path}" if isinstance(element, ConfigDefault) else str(element)


def _is_allowed_default(element: InputDefault) -> bool:
    """Return whether an entry of a defaults list stays outside ``hydra`` or chooses a launcher."""
    if "hydra" in (element.package or "").split("."):
        return False
    if isinstance(element, ConfigDefault):
        return "hydra" not in (element.path or "").split("/")
    if isinstance(element, GroupDefault):
        group = (element.group or "").lstrip("/")
        if group == "hydra/launcher":
            return isinstance(element.value, str) and bool(NAME.fullmatch(element.value))
        return "hydra" not in group.split("/")
    return True


def _refused(key: str, node: Any) -> Iterator[str]:
    """Keys of the ``hydra`` node that are not on the allow-list."""
    if not isinstance(node, Mapping):
        yield f"{key} must be a mapping, not {node!r:.60}"
        return
    for name, value in node.items():
        if name == "mode":
            if value not in (None, *MODES):
                yield f"{key}.mode must be {' or '.join(MODES)}, not {value!r:.60}"
        elif name == "launcher":
            yield from _refused_of_launcher(f"{key}.launcher", value)
        elif name == "sweeper" and isinstance(value, Mapping):
            for part, content in value.items():
                if part not in ("params", "variants"):
                    yield f"{key}.sweeper.{part} may not be set in this file"
                else:
                    yield from _refused_of_sweep(f"{key}.sweeper.{part}", content, part == "params")
        else:
            yield f"{key}.{name} may not be set in this file"


def _refused_of_launcher(key: str, node: Any) -> Iterator[str]:
    if not isinstance(node, Mapping):
        yield f"{key} must be a mapping, not {node!r:.60}; choose one with override hydra/launcher in defaults"
        return
    for name, value in node.items():
        if str(name).startswith("_"):
            yield f"{key}.{name} may not be set in this file"
        elif isinstance(value, Mapping):
            yield from _refused_of_launcher(f"{key}.{name}", value)
        elif isinstance(value, str):
            if name not in LAUNCHER_NAMES or not NAME.fullmatch(value):
                yield f"{key}.{name} may not be set to {value!r:.60} in this file"
        elif not isinstance(value, int | float | None):
            yield f"{key}.{name} must be a number, not {value!r:.60}"


def _refused_of_sweep(key: str, node: Any, is_params: bool) -> Iterator[str]:
    """Overrides that a sweep declares and that would reach below ``hydra``, or whose key cannot be read."""
    if node is None:
        return
    if not isinstance(node, Mapping):
        yield f"{key} must be a mapping, not {node!r:.60}"
        return
    for name, value in node.items():
        overrides = [f"{name}="] if is_params else value if isinstance(value, list) else [value]
        for override in overrides:
            if override is None and not is_params:
                continue
            parts = str(override).partition("=")
            if not OVERRIDE_KEY.fullmatch(parts[0].strip()) or not isinstance(override, str):
                yield f"{key}: {override!r:.60} is not an override of the form key=value"
            elif "hydra" in SEPARATORS.split(parts[0].strip().lstrip("+~")):
                yield f"{key}: {override!r:.60} may not be declared by this file"
