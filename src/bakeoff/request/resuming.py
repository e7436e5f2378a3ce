"""Requests beside the runs that their folders hold: whether a finished run can be kept, and what differs."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from bakeoff import record
from bakeoff.config import signatures
from bakeoff.config.component import TARGET
from bakeoff.config.search_space import Dimension
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
    """Keys in which a finished run in the folder differs from the request, with both values. Empty: it can be kept.

    An argument that only one of them has, such as one that a later version has added, is the default of its class for
    the other: a new parameter must leave a model as it was by default.
    """
    earlier = recorded(request.folder)
    old, new = earlier.identity if earlier else {}, Request.from_config(request.to_record(), request.folder).identity
    if ("search" in old) != ("search" in new):
        old["search"], new["search"] = (("on" if "search" in side else "off") for side in (old, new))
    for side in (old, new):
        if isinstance(side.get("search"), Mapping):
            side["search"]["declared"] = _applicable(side["search"]["declared"], _facts(request.folder))
    before, now = flat_values(_completed(old, new)), flat_values(_completed(new, old))
    return [
        f"{key}: {before.get(key, 'nothing')} → {now.get(key, 'nothing')}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


def _facts(folder: Path) -> dict[str, Any]:
    """Recorded properties of the task of a finished run, to which conditions of a search space refer."""
    if not (folder / record.RESULT).is_file():
        return {}
    schema: Mapping[str, Any] = (record.read_run(folder).task or {}).get("schema") or {}
    facts: dict[str, Any] = {"kind": schema.get("kind"), "columns": [*(schema.get("columns") or {}).values()]}
    return facts if schema.get("kind") == "regression" else {**facts, "target": None}  # those are all that have a sign


def _applicable(declared: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Declared search spaces without the parameters that a condition on the task excludes."""
    return {
        component: {key: space for key, space in spaces.items() if not _is_excluded(space, facts)}
        for component, spaces in declared.items()
    }


def _is_excluded(space: Any, facts: Mapping[str, Any]) -> bool:
    conditions = (space.get("when") or {}) if isinstance(space, Mapping) else {}
    about_task = {key.removeprefix("task."): value for key, value in conditions.items() if key.startswith("task.")}
    known = tuple((key, value) for key, value in about_task.items() if key in facts)
    return not Dimension("", "", known).applies(facts)


def _completed(value: Any, other: Any) -> Any:
    """A value with the arguments that only the same components of another value have, as their classes default to."""
    if isinstance(value, list) and isinstance(other, list) and len(value) == len(other):
        return [_completed(item, item_of_other) for item, item_of_other in zip(value, other, strict=True)]
    if not isinstance(value, Mapping) or not isinstance(other, Mapping):
        return value
    content = {key: _completed(item, other.get(key)) for key, item in value.items()}
    target = value.get(TARGET)
    if isinstance(target, str) and other.get(TARGET) == target:
        content |= _defaults(target, other.keys() - value.keys())
    return content


def _defaults(target: str, names: Set[str]) -> dict[str, Any]:
    """Defaults of some arguments of a class, as its source has them; without those that only an import could tell."""
    signature = signatures.read(target) if names else None
    defaults = {}
    for name in names & (signature.parameters.keys() if signature else set()):
        assert signature is not None
        try:
            defaults[name] = ast.literal_eval(signature.parameters[name].default or "")
        except (ValueError, SyntaxError):  # it must be given, or is computed
            continue
    return defaults


def flat_values(value: Any, prefix: str = "") -> dict[str, Any]:
    """Values of nested mappings by dotted key."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    return {
        key: v
        for k, item in value.items()
        for key, v in flat_values(item, f"{prefix}.{k}" if prefix else str(k)).items()
    }
