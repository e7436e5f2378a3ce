"""Advice that can be pasted: overrides quoted for Hydra and for the shell, and long lists truncated."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MOST_LISTED = 10
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([-./][A-Za-z0-9_]+)*")
# What Hydra or YAML would read as something else than a string.
_SPECIAL = {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "none", "nan", "inf"}
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_ \-./$%*@?|+(),:={}\[\]]*")


def override(key: str, value: Any, *, delete: bool = False) -> str:
    """Format an override as typed in a shell, such as ``'data.ignore=["amount, net"]'``.

    Hydra reads back exactly the given value. A mapping whose keys Hydra cannot read (it takes ASCII letters and few
    signs) is written as a string of JSON.

    Args:
        key: with its ``+`` or ``++``, where it has one.
        value: a string, a number, a boolean, None, or lists and mappings of these.
        delete: write ``~key`` instead.
    """
    return shlex.quote(f"~{key}" if delete else f"{key}={hydra_value(value)}")


def hydra_value(value: Any) -> str:
    """Format a value in Hydra's override grammar, quoting strings where necessary."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        if not all(_KEY.fullmatch(str(key)) and str(key).lower() not in _SPECIAL for key in value):
            return _quoted(json.dumps(dict(value), ensure_ascii=False))
        return "{" + ", ".join(f"{_escaped(str(key))}: {hydra_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(hydra_value, value)) + "]"
    text = str(value)
    return text if _PLAIN.fullmatch(text) and text.lower() not in _SPECIAL else _quoted(text)


def listed(names: Iterable[object], most: int = MOST_LISTED) -> str:
    """Names separated by commas; after ``most`` of them, how many more there are."""
    texts = [str(name) for name in names]
    more = len(texts) - most
    return ", ".join(texts) if more <= 0 else f"{', '.join(texts[:most])} and {more:,} more"


def _quoted(text: str) -> str:
    from hydra.core.override_parser.types import Quote, QuotedString

    # OmegaConf: an escaped interpolation is text, and backslashes before it count double.
    literal = re.sub(r"(\\*)\$\{", lambda match: match[1] * 2 + r"\${", text)
    return QuotedString(literal, Quote.double).with_quotes()


def _escaped(key: str) -> str:
    return re.sub(r"([(),:={}\[\]])", r"\\\1", key)
