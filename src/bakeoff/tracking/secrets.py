"""Masking of secrets: keys and passwords, anywhere in the content passed to a tracker."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bakeoff import environment

MASK = "***"
LEAST = 6  # characters: a shorter value would be found in ordinary words
OF_ENVIRONMENT = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
OF_CONFIG = re.compile(
    r"(^|[._])(api_?key|access_?key|secret(_key)?|(auth_|access_)?token|passw(or)?d|pwd)$", re.IGNORECASE
)
IN_QUERY = re.compile(r"([?&](?:password|passwd|token|key|api_key|sig|signature)=)[^&\s]+", re.IGNORECASE)


def known(config: Mapping[str, Any] | None = None) -> list[str]:
    """Secret values from environment variables: those with a secret-like name, or named by a ``*_env`` key."""
    variables = {str(value) for key, value in _leaves(config or {}) if key.endswith("_env")}
    values = {os.environ[name] for name in os.environ if OF_ENVIRONMENT.search(name) or name in variables}
    values |= {value.strip() for value in values}
    return sorted((value for value in values if len(value) >= LEAST), key=len, reverse=True)


def masked(value: Any, secrets: list[str]) -> Any:
    """Replace every secret in a value: known ones, passwords in URLs, and values of secret-like keys."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return IN_QUERY.sub(rf"\1{MASK}", environment.without_user_info(value))
    if isinstance(value, Mapping):
        return {
            str(k): MASK if isinstance(v, str) and v and OF_CONFIG.search(str(k)) else masked(v, secrets)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(item, secrets) for item in value]
    return value


def _leaves(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, str(name))
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _leaves(value, key)
    else:
        yield key, node
