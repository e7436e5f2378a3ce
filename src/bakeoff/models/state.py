"""What a model learnt, as one JSON file beside the schema it was learnt for."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bakeoff.task import Schema

FILE = "state.json"


def write(folder: Path, schema: Schema, **learnt: Any) -> None:
    """Write the schema and the learnt values (plain numbers, strings, lists and dicts) into ``folder``."""
    content = {"schema": asdict(schema), **learnt}
    (folder / FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def read(folder: Path) -> tuple[Schema, dict[str, Any]]:
    """Read back what ``write`` wrote."""
    learnt = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return Schema.of(learnt.pop("schema")), learnt
