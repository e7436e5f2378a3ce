"""Resolved configs of a run: as requested, and as fitted after a search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bakeoff.config import renamed
from bakeoff.errors import DataError
from bakeoff.record import integrity
from bakeoff.record.names import CONFIG, FITTED
from bakeoff.record.writing import write_text

SECTIONS = ("data", "model", "metrics", "decision", "search", "tracker", "cost", "business")
"""Keys of a config whose values are mappings, or null."""


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write the whole resolved config."""
    write_text(folder / CONFIG, _yaml(config))


def read_config(folder: Path) -> dict[str, Any] | None:
    """Read the resolved config of a run folder; None if there is none. Raises ``DataError`` if it is damaged."""
    return _read_yaml(folder / CONFIG)


def write_fitted(folder: Path, config: Mapping[str, Any]) -> None:
    """Write the resolved config with the parameters that a search found."""
    write_text(folder / FITTED, _yaml(config))


def read_fitted(folder: Path) -> dict[str, Any] | None:
    """Read the resolved config of the fitted model, with the parameters that a search found if there was one."""
    return _read_yaml(folder / FITTED) or read_config(folder)


def _yaml(config: Mapping[str, Any]) -> str:
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(OmegaConf.create(dict(config)))


def _read_yaml(file: Path) -> dict[str, Any] | None:
    from omegaconf import OmegaConf

    if not integrity.check_file(file):
        return None
    with integrity.readable(file):
        content = OmegaConf.to_container(OmegaConf.load(file))
    if not isinstance(content, dict):
        return None
    for section in SECTIONS:
        if not isinstance(content.get(section), Mapping | None):
            raise DataError(
                f"{file}: {section} is {content[section]!r:.60} and not a mapping, so this is no config that bakeoff "
                "wrote. Restore it from a copy, or run this variant again."
            )
    return dict(renamed.current(content))
