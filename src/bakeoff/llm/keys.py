"""API keys: read from the environment when a request is made, and kept out of messages and records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bakeoff.errors import ConfigError
from bakeoff.llm.replies import Trouble


def read(variable: str, whose: str, where: str = "llm.key_env") -> str:
    """The key in an environment variable.

    Args:
        variable: its name.
        whose: server or provider, for a person.
        where: the config key that names the variable.

    Raises:
        ConfigError: it is missing or cannot be sent.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfigError(f"{where}: the environment variable {variable} is not set. Set it to your key of {whose}.")
    if not (key.isascii() and key.isprintable()):
        # The HTTP library would repeat the key in its own error.
        raise ConfigError(f"{where}: {variable} holds characters that no key has, such as a line break.")
    return key


@contextmanager
def hidden(key: str) -> Iterator[None]:
    """Redact a key from errors raised within this block: some servers repeat the key that they refuse."""
    try:
        yield
    except Trouble as trouble:
        if not key or key not in str(trouble):
            raise
        told = str(trouble).replace(key, "…")
        wait, reason = trouble.wait_seconds, trouble.reason.replace(key, "…")
        raise Trouble(trouble.kind, told, wait, trouble.is_final, trouble.is_for_all, reason) from None
