"""The config tree that comes with bakeoff."""

from __future__ import annotations

from pathlib import Path


def conf_dir() -> Path:
    """The shipped config tree: inside the installed package, or at the root of a source checkout."""
    inside = Path(__file__).parents[1] / "conf"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "conf"
