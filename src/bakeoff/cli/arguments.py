"""Arguments of verbs: folders, and options written as ``key=value``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bakeoff.config.consent import FLAG
from bakeoff.errors import ConfigError, did_you_mean


def folders_of(verb: str, arguments: Sequence[str], example: str) -> list[Path]:
    """The folders among the arguments. Raises ``ConfigError`` that shows an example where there is none."""
    folders = [Path(argument) for argument in arguments if _names_folder(argument) and argument != FLAG]
    if not folders:
        raise ConfigError(f"{verb}: name a folder, e.g. {example}")
    return folders


def overrides_of(arguments: Sequence[str]) -> list[str]:
    """The arguments written as ``key=value``."""
    return [argument for argument in arguments if not _names_folder(argument)]


def _names_folder(argument: str) -> bool:
    """Return whether an argument is a folder: names of variants, such as ``linear-seed=1``, may hold an equals sign."""
    return "=" not in argument or Path(argument).is_dir()


def options_of(verb: str, arguments: Sequence[str], known: Mapping[str, type]) -> dict[str, Any]:
    """The ``key=value`` arguments of a verb, read as their types.

    Raises:
        ConfigError: a key is unknown, or a value is not of its type.
    """
    values: dict[str, Any] = {}
    for argument in overrides_of(arguments):
        key, _, text = argument.partition("=")
        if key not in known:
            raise ConfigError(
                f"{verb}: there is no option {key}. Options: {', '.join(known)}.{did_you_mean(key, known)}"
            )
        value = text if known[key] is str else yaml.safe_load(text)
        if known[key] is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, known[key]):
            raise ConfigError(f"{verb}: {key}={text} is not of type {known[key].__name__}.")
        values[key] = value
    return values


def config_dirs(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The folders that ``--config-dir`` names, and the other arguments. Raises ``ConfigError`` where one is missing."""
    folders, others = [], []
    remaining = iter(arguments)
    for argument in remaining:
        flag, _, value = argument.partition("=")
        if flag not in ("--config-dir", "-cd"):
            others.append(argument)
            continue
        folders.append(Path(value or next(remaining, "")))
        if not folders[-1].is_dir():
            raise ConfigError(f"--config-dir: there is no folder {folders[-1]}.")
    return folders, others
