"""Secrets: where they stand, and the masks that replace them in all that is written, logged, printed and tracked.

Keys come from environment variables, by name. Passwords may also stand in URLs, and in variables that the command line
refers to as ``${oc.env:NAME}``. ``learn`` notes the secrets of a request when it is read; ``hide`` masks those that
were noted in a text. Masks are exact: no other text of a record is changed.
"""

from __future__ import annotations

import html
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

MASK = "***"
WORD = re.compile(r"[a-z]+|[A-Z]+|[A-Z][a-z]+|\d+")
LEAST = 6  # characters: a shorter value would be found in ordinary words
LEAST_OF_VARIABLE = 12  # characters of a variable's value that is masked wherever it stands
OF_ENVIRONMENT = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
OF_CONFIG = re.compile(
    r"(^|[._])(api_?key|access_?key|secret(_key)?|(auth_|access_)?token|passw(or)?d|pwd)$", re.IGNORECASE
)
IN_QUERY = re.compile(
    r"([?&;](?:password|passwd|pwd|(?:access_|auth_)?token|(?:api_?|access_)?key|secret|sig|signature)=)[^&;\s'\"]+",
    re.IGNORECASE,
)
URL = re.compile(r"\w[\w+.-]*://\S+")
READABLE = re.compile(
    r"BAKEOFF_\w+|USER|LOGNAME|HOSTNAME|HOME|TMPDIR|TZ|CUDA_VISIBLE_DEVICES|OMP_NUM_THREADS|SLURM_\w+"
)
SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|_URL$")
"""Environment variables that files of others may read, and those among all variables that hold secrets."""
REFERENCE = re.compile(r"\$\{oc\.env:\s*(?P<quote>['\"]?)(?P<name>\w+)(?P=quote)\s*(?:,\s*(?P<default>[^${}]*))?\}")

_masks: dict[str, str] = {}


def is_secret(variable: str, value: str = "") -> bool:
    """Return whether an environment variable holds a secret, by its name, or by user info in its value."""
    return bool(SECRET.search(variable)) or without_secrets(value) != value


def learn(content: Any) -> None:
    """Note the passwords in the URLs of a request, and the keys in the environment, for ``hide``."""
    for name, value in os.environ.items():
        if OF_ENVIRONMENT.search(name) and len(value) >= LEAST_OF_VARIABLE and not value.startswith(("/", "~")):
            _note(value.strip(), MASK)
    for key, value in _leaves(content):
        if key.endswith("_env") and len(named := os.environ.get(str(value), "").strip()) >= LEAST_OF_VARIABLE:
            _note(named, MASK)
        if isinstance(value, str) and "://" in value:
            for url in URL.findall(value):
                if (masked_url := without_secrets(url)) != url:
                    _note(url, masked_url)
                    for part in _passwords(url):
                        _note(part, MASK)


def learn_variable(name: str, value: str) -> None:
    """Note the value of a variable that a request refers to, for ``hide``; it is shown as the reference."""
    if is_secret(name, value) and len(value) >= LEAST:
        _note(value, f"${{oc.env:{name}}}")


def hide(text: str) -> str:
    """The text with all noted secrets masked."""
    for secret in sorted(_masks, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, _masks[secret])
    return text


def hide_in(value: Any) -> Any:
    """A value of plain containers with all noted secrets masked in its strings."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {key: hide_in(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hide_in(item) for item in value]
    return value


class Formatter(logging.Formatter):
    """Formatter of log lines and tracebacks, with all noted secrets masked."""

    def format(self, entry: logging.LogRecord) -> str:
        """Format an entry."""
        return hide(super().format(entry))


def without_secrets(text: str) -> str:
    """The text with passwords, lone user names, which may be tokens, and secret parameters masked in each URL."""
    return URL.sub(lambda match: IN_QUERY.sub(rf"\1{MASK}", _without_user_info(match[0])), text)


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
        return IN_QUERY.sub(rf"\1{MASK}", without_secrets(value))
    if isinstance(value, Mapping):
        return {
            str(k): MASK if isinstance(v, str) and v and OF_CONFIG.search(str(k)) else masked(v, secrets)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(item, secrets) for item in value]
    return value


def _note(secret: str, mask: str) -> None:
    """Note a secret as it stands, and as JSON, HTML and a quoted string write it."""
    for form in (str, lambda text: json.dumps(text)[1:-1], html.escape, lambda text: text.replace("'", "''")):
        _masks.setdefault(form(secret), form(mask) if form is html.escape else mask)


def _passwords(url: str) -> Iterator[str]:
    """Passwords in a URL that are long enough to be told from ordinary words."""
    user_info = _user_info(url)
    parts = [
        user_info.partition(":")[2] or user_info,
        *(match[0].partition("=")[2] for match in IN_QUERY.finditer(url)),
    ]
    # A password that is a word or a number would be masked wherever the word or the number stands in a record.
    yield from (part for part in parts if len(part) >= LEAST and not WORD.fullmatch(part))


def _without_user_info(url: str) -> str:
    user_info = _user_info(url)
    if not user_info:
        return url
    scheme, _, rest = url.partition("://")
    user, colon, _ = user_info.partition(":")
    return f"{scheme}://{f'{user}:' if colon else ''}{MASK}{rest[len(user_info) :]}"


def _user_info(url: str) -> str:
    """User name and password of a URL, as database drivers read it; empty if there are none."""
    _, _, rest = url.partition("://")
    try:
        parts = urlsplit(url)
        _ = parts.port
        up_to_path = rest.partition("/")[0]  # a password may hold ? or #, which a parser takes for the end
        end = len(up_to_path if ":" in up_to_path else parts.netloc)
    except ValueError:  # a port that is no number: a password that holds / ? or #, as database drivers read it
        end = len(rest)
    return rest[:end].rpartition("@")[0]


def _leaves(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, str(name))
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _leaves(value, key)
    else:
        yield key, node
