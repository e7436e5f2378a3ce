"""API keys: read from the environment when a request is made, and kept out of messages and records."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from bakeoff.errors import ConfigError
from bakeoff.llm.replies import Reply, Trouble

SHORTEST = 8
"""Characters of a secret: a shorter header value is none, and its letters may stand in any reply."""


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


def read_headers(variables: Mapping[str, str], whose: str) -> dict[str, str]:
    """Extra headers: name → value of the environment variable. Raises ``ConfigError`` where one is not set."""
    return {name: read(variable, whose, f"llm.headers.{name}") for name, variable in variables.items()}


@contextmanager
def hidden(*secrets: str) -> Iterator[None]:
    """Redact keys and header values from errors raised within this block: some servers repeat what they refuse."""
    try:
        yield
    except Trouble as trouble:
        message = _without(str(trouble), secrets)
        if message == str(trouble):
            raise
        wait, reason = trouble.wait_seconds, _without(trouble.reason, secrets)
        raise Trouble(trouble.kind, message, wait, trouble.is_final, trouble.is_for_all, reason) from None


def redacted(reply: Reply, *secrets: str) -> Reply:
    """The reply without keys and header values: some servers repeat a request in their reply, which is recorded."""
    return replace(
        reply,
        text=_without(reply.text, secrets),
        reasoning=_without(reply.reasoning, secrets),
        refusal=_without(reply.refusal, secrets),
        added=_without(reply.added, secrets),
    )


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "…")
    return text
