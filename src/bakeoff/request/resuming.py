"""Requests beside the runs that their folders hold: whether a finished run can be kept, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bakeoff import record
from bakeoff.errors import ConfigError
from bakeoff.request.spec import BUDGET, Request


def recorded(folder: Path) -> Request | None:
    """The request that a run folder records; None where it records none.

    Raises:
        ConfigError: it was recorded by a version with other keys.
    """
    content = record.read_config(folder)
    if content is None:
        return None
    try:
        return Request.from_config(content, folder)
    except ConfigError as error:
        raise ConfigError(
            f"{folder} was recorded by a version of bakeoff with other keys: {error}\n"
            "Add resume=false to replace it, or name=… to keep both."
        ) from None


def is_longer(request: Request) -> bool:
    """Return whether the requested search is longer than the finished one in the folder."""
    earlier = recorded(request.folder)
    if earlier is None or not request.is_tuned:
        return False
    sides = (earlier.search, request.search)
    is_raced = all(search.racing is not None for search in sides)  # then the race decides what each variant gets
    before, now = ((search.total if is_raced else search) for search in sides)
    budgets = [(getattr(before, key), getattr(now, key)) for key in BUDGET]
    return any(old is not None and (new is None or new > old) for old, new in budgets)


def changes(request: Request) -> list[str]:
    """Keys in which a finished run in the folder differs from the request, with both values. Empty: it can be kept."""
    earlier = recorded(request.folder)
    old, new = earlier.identity if earlier else {}, Request.from_config(request.to_record(), request.folder).identity
    if ("search" in old) != ("search" in new):
        old["search"], new["search"] = (("on" if "search" in side else "off") for side in (old, new))
    before, now = flat_values(old), flat_values(new)
    return [
        f"{key}: {before.get(key, 'nothing')} → {now.get(key, 'nothing')}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


def flat_values(value: Any, prefix: str = "") -> dict[str, Any]:
    """Values of nested mappings by dotted key."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    return {
        key: v
        for k, item in value.items()
        for key, v in flat_values(item, f"{prefix}.{k}" if prefix else str(k)).items()
    }
