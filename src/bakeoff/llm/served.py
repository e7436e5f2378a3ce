"""Identity of the model that a server serves, as far as it reports one.

Names stay the same when a server loads another model.

A model is identified by what the server lists about it (a digest, a file, a revision), else by what its completions say
(the name of the model that answered, and the fingerprint of the server's configuration).
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from bakeoff.llm.cache import Entry

TELLING = (
    "digest", "sha256", "sha", "hash", "checksum", "fingerprint", "revision", "version", "root", "parent", "path",
    "file", "filename", "model_path", "meta", "details", "quantization", "size", "modified_at", "canonical_slug",
)  # fmt: skip
"""Fields of a listed model that differ between models. Others, such as ``created``, may differ between two looks."""

Get = Callable[[str], Any]


def identify(get: Get, base_url: str, model: str) -> str | None:
    """Identify the model behind a name by what the server lists: free of charge, without a completion.

    Args:
        get: requests JSON at a URL; raises if there is none.
        base_url: of the server, with its version.
        model: name that is requested.

    Returns:
        A text that changes with the model; None if the server reports none.
    """
    listed = _entry(_listed(get, f"{base_url.rstrip('/')}/models", "data"), model)
    if (telling := _telling(listed, model)) is not None:
        return telling
    is_ollama = (listed or {}).get("owned_by") == "library"
    if not is_ollama and not _is_near(base_url):
        return None
    parts = urlsplit(base_url)
    tags = _listed(get, f"{parts.scheme}://{parts.netloc}/api/tags", "models")
    return _telling(_entry(tags, model), model)


def from_completion(model: str, fingerprint: str | None) -> str:
    """Identify a model by one of its completions."""
    return json.dumps([model, fingerprint], separators=(",", ":"), ensure_ascii=False)


def name(served: str) -> str:
    """Describe an identified model in a few words."""
    try:
        content = json.loads(served)
    except ValueError:
        return served
    if isinstance(content, list):
        return " ".join(str(part) for part in content if part)
    words = [f"{key} {str(value)[:19]}" for key, value in content.items() if not isinstance(value, dict | list)]
    return ", ".join(words[:3])


def fitting(entries: Mapping[str, Sequence[Entry]], served: str) -> dict[str, Entry]:
    """The entries of the model that is served, by key.

    A server with several configurations at once answers one session with several fingerprints: these are one model.
    """
    same_sessions = {e.session for of_key in entries.values() for e in of_key if e.served == served and e.session}
    found = {}
    for key, of_key in entries.items():
        for entry in of_key:
            is_beside = entry.session in same_sessions and not are_different(entry.served, served)
            if entry.served == served or is_beside:
                found[key] = entry
    return found


def are_different(one: str, other: str) -> bool:
    """Check whether two identified models differ in more than the fingerprint of the server's configuration.

    False where one was identified by a list of models and the other by a completion: these cannot be compared.
    """
    try:
        first, second = json.loads(one), json.loads(other)
    except ValueError:
        return one != other
    if type(first) is not type(second):
        return False
    return bool(first[0] != second[0] if isinstance(first, list) else first != second)


def _listed(get: Get, url: str, key: str) -> list[Mapping[str, Any]]:
    """Models that a server lists; none if it does not."""
    try:
        content = get(url)
    except Exception:  # of any client library: a server need not have such a list
        return []
    models = content.get(key) if isinstance(content, Mapping) else None
    return [model for model in models if isinstance(model, Mapping)] if isinstance(models, list) else []


def _entry(models: Sequence[Mapping[str, Any]], model: str) -> Mapping[str, Any] | None:
    """The listed model of a name; the only one, where a server answers to any name."""
    for entry in models:
        if model in (names := (entry.get("id"), entry.get("name"), entry.get("model"))) or f"{model}:latest" in names:
            return entry
    return models[0] if len(models) == 1 else None


def _telling(entry: Mapping[str, Any] | None, model: str) -> str | None:
    if entry is None:
        return None
    told = {key: entry[key] for key in TELLING if entry.get(key) not in (None, "", {}, [], model, entry.get("id"))}
    own_name = entry.get("id") or entry.get("name")
    if own_name not in (None, model, f"{model}:latest"):
        told["id"] = own_name
    return json.dumps(told, sort_keys=True, ensure_ascii=False) if told else None


def _is_near(base_url: str) -> bool:
    """Check whether a server runs on this machine or in this network."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".lan", ".internal"))
