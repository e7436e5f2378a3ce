"""Shipped config files, parsed once in a process: tests compose them thousands of times."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource

FOLDER = (Path(__file__).parents[1] / "conf").resolve()

Plugins.instance()  # which finds the class that Hydra will use
_of_files = SourcesRegistry.instance().resolve("file")
_load_config = _of_files.load_config
_parsed: dict[tuple[Path, str, int, int], tuple[ConfigResult, bytes]] = {}


def parse_once() -> None:
    """Let Hydra parse each file of ``conf`` once, until it changes. Each composition gets a copy of its own."""
    _of_files.load_config = _load  # type: ignore[method-assign]


def _load(self: ConfigSource, config_path: str) -> ConfigResult:
    file = (Path(self.path) / self._normalize_file_name(config_path)).resolve()
    if not file.is_relative_to(FOLDER) or not file.is_file():
        return _load_config(self, config_path)
    state = file.stat()
    key = (file, f"{self.provider} {self.path}", state.st_mtime_ns, state.st_size)
    if key not in _parsed:
        parsed = _load_config(self, config_path)
        _parsed[key] = replace(parsed), pickle.dumps((parsed.config, parsed.header))
    result, content = _parsed[key]
    config, header = pickle.loads(content)
    return replace(result, config=config, header=header)
