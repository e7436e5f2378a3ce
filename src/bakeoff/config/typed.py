"""Keys and values that were typed on the command line, in contrast to those that come from files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, QuotedString
from hydra.errors import HydraException

from bakeoff import environment, secrets

VARIANTS = "hydra.sweeper.variants."
"""Beginning of keys below which values are lists of overrides."""


def values(key: str | None = None) -> set[str]:
    """Values that the command line gives to keys with this last part; without one, to all keys.

    Lists, mappings, sweeps and overrides in lists of variants are taken apart, and references to environment
    variables replaced by their values.
    """
    pairs = _pairs(os.environ.get(environment.COMMAND, ""))
    return {
        secrets.REFERENCE.sub(lambda match: os.environ.get(match["name"], match["default"] or ""), value)
        for name, value in pairs
        if key is None or name.rpartition(".")[2] == key
    }


@cache
def _pairs(command: str) -> frozenset[tuple[str, str]]:
    try:
        arguments = shlex.split(command)
    except ValueError:  # not written by bakeoff
        arguments = command.split()
    return frozenset(pair for argument in arguments for pair in _parsed(argument))


def _parsed(argument: str) -> Iterator[tuple[str, str]]:
    """Keys and values of one override; of what Hydra cannot parse, the text after the equals sign."""
    key, equals, text = argument.partition("=")
    if not equals:
        return
    try:
        override = OverridesParser.create().parse_override(argument)
    except HydraException:
        yield key, text.strip("'\"")
    else:
        yield from _leaves(override.key_or_group, override.value())


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case ChoiceSweep():
            yield from _leaves(key, value.list)
        case Mapping():
            for name, item in value.items():
                yield from _leaves(f"{key}.{name}", item)
        case list():
            for item in value:
                yield from _leaves(key, item)
        case QuotedString():
            yield from _leaves(key, value.text)
        case str():
            yield key, value
            if key.startswith(VARIANTS):
                yield from _parsed(value)
        case _:
            yield key, str(value)
