"""The names of ``bakeoff.extend``: a table for docs/plugins.md, and their signatures, to detect changes.

python -m bakeoff.catalog.public_names docs/plugins.md              writes the table
python -m bakeoff.catalog.public_names tests/fixtures/extend.json   writes the signatures
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from bakeoff import extend

START, END = (
    "<!-- public names: python -m bakeoff.catalog.public_names docs/plugins.md -->",
    "<!-- end of public names -->",
)
ROOMS = {
    "errors": "errors", "task": "the task", "predictions": "the task", "models": "models", "retrieval": "retrieval",
    "llm": "language models", "data": "data", "columns": "data", "tasks": "task kinds", "metrics": "metrics",
    "grading": "metrics",
    "compare": "verdicts and reports", "report": "verdicts and reports", "record": "verdicts and reports",
    "cost": "verdicts and reports", "tracking": "verdicts and reports", "testing": "contract tests",
}  # fmt: skip
OTHER = "tools"


def names() -> list[str]:
    """Names that a plugin may import from ``bakeoff.extend``, in alphabetical order."""
    return sorted(extend.__dir__() - vars(extend).keys() | {"API_VERSION"})


def signatures() -> dict[str, Any]:
    """The version of the interface, and of each name its signature, fields and public methods as text."""
    return {"version": extend.API_VERSION, "names": dict(_described(name, getattr(extend, name)) for name in names())}


def table() -> str:
    """The names by what they are for, as a table in Markdown."""
    by_room: dict[str, list[str]] = {room: [] for room in (*dict.fromkeys(ROOMS.values()), OTHER)}
    for name in names():
        found = getattr(extend, name)
        home = found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", "")
        by_room[ROOMS.get(home.split(".")[1] if "." in home else "", OTHER)].append(f"`{name}`")
    lines = [f"| for | `bakeoff.extend`, `API_VERSION` {extend.API_VERSION} |", "|---|---|"]
    return "\n".join(lines + [f"| {room} | {', '.join(found)} |" for room, found in by_room.items()])


def written_into(text: str) -> str:
    """A document with the table between its marks. Raises ``ValueError`` when they are not there."""
    before, _, rest = text.partition(START)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"there is no place for the table: it goes between {START} and {END}")
    return f"{before}{START}\n{table()}\n{END}{after}"


def _described(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, ModuleType):
        if value.__name__.startswith("bakeoff.testing."):
            return name, {}  # toy tasks: more of them change no plugin
        own = {n: v for n, v in vars(value).items() if getattr(v, "__module__", "") == value.__name__ and _is_public(n)}
        return name, {n: _signature(v) for n, v in sorted(own.items())}
    if isinstance(value, type):
        return name, dict(_members(value))
    return name, _signature(value)


def _members(cls: type) -> Iterator[tuple[str, str]]:
    if is_dataclass(cls):
        yield "fields", ", ".join(f"{f.name}: {f.type}" for f in fields(cls) if _is_public(f.name))
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("bakeoff."):
            for name, value in vars(base).items():
                if _is_public(name) and (callable(value) or isinstance(value, property | classmethod | staticmethod)):
                    yield name, _signature(value)


def _signature(value: Any) -> str:
    if isinstance(value, property):
        return f"-> {inspect.signature(value.fget).return_annotation}" if value.fget else ""
    if isinstance(value, classmethod | staticmethod):
        value = value.__func__
    text = str(inspect.signature(value)) if inspect.isroutine(value) else type(value).__name__
    return re.sub(r" at 0x[0-9a-f]+", "", text)  # of a function that is a default


def _is_public(name: str) -> bool:
    return not name.startswith("_")


if __name__ == "__main__":
    file = Path(sys.argv[1])
    text = written_into(file.read_text("utf-8")) if file.suffix == ".md" else json.dumps(signatures(), indent=1) + "\n"
    file.write_text(text, encoding="utf-8")
