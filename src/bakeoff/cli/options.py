"""Options of verbs that are written with dashes: ``--format md``, ``--format=md``, ``--open``."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bakeoff.errors import ConfigError, did_you_mean


def parted(
    verb: str, arguments: Sequence[str], valued: Collection[str], switches: Collection[str] = ()
) -> tuple[list[str], dict[str, list[str]]]:
    """The arguments that are no options, and the values of each option in their order; a switch has the value "".

    Args:
        verb: the verb, for messages.
        arguments: of the verb.
        valued: options that take a value.
        switches: options that take none.

    Raises:
        ConfigError: an option is unknown, or its value is missing.
    """
    others: list[str] = []
    values: dict[str, list[str]] = {}
    remaining = iter(arguments)
    known = [*valued, *switches]
    for argument in remaining:
        if not argument.startswith("-"):
            others.append(argument)
            continue
        name, is_joined, value = argument.partition("=")
        if name not in known:
            near = did_you_mean(name, known)
            raise ConfigError(f"{verb}: there is no option {name}. Options: {', '.join(known)}.{near}")
        if name in switches:
            if is_joined:
                raise ConfigError(f"{verb}: {name} takes no value.")
        elif not is_joined:
            value = next(remaining, "")
        if name in valued and not value:
            raise ConfigError(f"{verb}: {name} needs a value.")
        values.setdefault(name, []).append(value)
    return others, values


def single(verb: str, values: dict[str, list[str]], name: str) -> str | None:
    """The value of an option that may be given once; None if it is not there. Raises ``ConfigError`` for two."""
    given = values.get(name, [])
    if len(given) > 1:
        raise ConfigError(f"{verb}: {name} is there {len(given)} times. Give it once.")
    return given[0] if given else None
