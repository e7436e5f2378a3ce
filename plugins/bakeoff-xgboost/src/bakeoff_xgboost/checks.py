"""Parameter checks of both models, before any fit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bakeoff.extend import ConfigError, did_you_mean


def ranges(model: object, allowed: Mapping[str, tuple[float, float | None]]) -> None:
    """Raise ``ConfigError`` where a parameter is out of its range, given as lowest and highest (None: none)."""
    for name, (low, high) in allowed.items():
        value = getattr(model, name)
        if value is not None and (value < low or (high is not None and value > high)):
            told = f"from {low:g} to {high:g}" if high is not None else f"{low:g} or more"
            raise ConfigError(f"model.{name}: {value} is out of range. Allowed: {told}.")


def extra(
    given: Mapping[str, Any] | None, taken: Mapping[str, str], known: Collection[str], library: str
) -> Mapping[str, Any]:
    """The extra parameters. Raises ``ConfigError`` for one that is no extra, or that the library does not have.

    Args:
        given: by the user.
        taken: the library's name of what the constructor or the run decides → what sets it here.
        known: the library's names.
        library: as messages call it.
    """
    for name in given or {}:
        if name in taken:
            raise ConfigError(f"model.extra.{name}: this is not an extra. {taken[name]}.")
        if name not in known:
            raise ConfigError(f'model.extra.{name}: {library} has no parameter "{name}".{did_you_mean(name, known)}')
    return given or {}
