"""Templates as outputs of rules: ``{column}`` is the value of a column, ``{group}`` what the rule's regex matched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from string import Formatter

from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.task import Schema


def check(template: str, schema: Schema, groups: Iterable[str], where: str) -> str:
    """The template itself. Raises ``ConfigError`` where it cannot be read, or names neither a column nor a group."""
    known = [*schema.columns, *groups]
    try:
        fields = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise ConfigError(f"{where}: {template!r} is no template: {error}. Write {{{{ for a brace.") from None
    for name in fields:
        if name not in known:
            raise ConfigError(
                f'{where}: there is no column or group "{name}". There are: {", ".join(known)}.'
                f"{did_you_mean(name, known)}"
            )
    return template


def fill(template: str, row: Mapping[str, str], patterns: Iterable[re.Pattern[str]], texts: Iterable[str]) -> str:
    """The text that a template makes of a row, given the regexes of its rule and the texts in which they look."""
    values = dict(row)
    parts = list(texts)
    for pattern in patterns:
        match = next((match for text in parts if (match := pattern.search(text))), None)
        values |= {name: text or "" for name, text in (match.groupdict() if match else {}).items()}
    return " ".join(template.format_map(values).split())
