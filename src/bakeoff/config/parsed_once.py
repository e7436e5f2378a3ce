"""Speed-ups for Hydra, which re-reads every config file for each composition, and composes more than necessary."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hydra._internal.config_repository import ConfigRepository
from hydra._internal.hydra import Hydra
from hydra.core.config_loader import ConfigLoader
from hydra.plugins.config_source import ConfigResult


class ParsedOnce(ConfigRepository):
    """Hydra's repository of configs, with what it has read kept by path, and handed out as copies."""

    def __init__(self, of: ConfigRepository) -> None:
        self.sources = list(of.sources)
        self._read: dict[str, ConfigResult | None] = {}

    def initialize_sources(self, config_search_path: Any) -> None:
        """Take another search path, as of ``hydra.searchpath``: other files may stand behind the same names."""
        super().initialize_sources(config_search_path)
        self._read = {}

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Load a config as Hydra does."""
        if config_path not in self._read:
            self._read[config_path] = super().load_config(config_path)
        result = self._read[config_path]
        if result is None:
            return None
        return replace(
            result,
            config=copy.deepcopy(result.config),
            header=dict(result.header),
            defaults_list=copy.deepcopy(result.defaults_list),
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> ParsedOnce:
        """A repository of the same sources, which shares what was read until it takes another search path."""
        other = ParsedOnce(self)
        other._read = self._read
        return other


def parse_once(loader: ConfigLoader) -> None:
    """Let a loader parse each config file once."""
    repository = getattr(loader, "repository", None)
    if isinstance(repository, ConfigRepository) and not isinstance(repository, ParsedOnce):
        loader.repository = ParsedOnce(repository)  # type: ignore[attr-defined]


@contextmanager
def without_search_for_mode(overrides: Sequence[str]) -> Iterator[None]:
    """Let Hydra run as its flag says. It would compose the whole config a first time to look for ``hydra.mode``.

    Args:
        overrides: of the command line; where one of them gives ``hydra.mode``, Hydra looks, and warns.
    """
    if any(override.lstrip("+~").startswith("hydra.mode") for override in overrides):
        yield
        return
    original = Hydra.get_mode
    Hydra.get_mode = lambda self, config_name, overrides: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        Hydra.get_mode = original  # type: ignore[method-assign]
