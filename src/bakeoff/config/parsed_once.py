"""Speed-ups for Hydra, which reads and places every config file anew for each composition, and composes too often."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from hydra._internal import defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.hydra import Hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.default_element import InputDefault, ResultDefault
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig

Placement = tuple[str | None, str | None, bool]
"""Path of a config file, package that it is placed in, and whether it is the primary config."""


class Kept:
    """A config of which copies can be had: pickled, which copies it in a fifth of deepcopy's time.

    Where Hydra has looked for its plugins twice, the classes of structured configs are no longer those that their
    modules name, and cannot be pickled: such a config is copied by ``deepcopy``.
    """

    def __init__(self, config: Any) -> None:
        try:
            self._pickled, self._config = pickle.dumps(config), None
        except pickle.PicklingError:
            self._pickled, self._config = b"", copy.deepcopy(config)

    def copy(self) -> Any:
        """A config of its own, which may be taken apart."""
        return pickle.loads(self._pickled) if self._pickled else copy.deepcopy(self._config)


@dataclass
class Composed:
    """What compositions have in common, kept between them.

    Attributes:
        read: config files by path.
        placed: config files where a composition put them: each result, and its config.
        last: what the last composition merged, in order.
        beginning: what the last two both began with.
        begun: the config of that.
    """

    read: dict[str, ConfigResult | None] = field(default_factory=dict)
    placed: dict[Placement, tuple[ConfigResult, Kept]] = field(default_factory=dict)
    last: tuple[Placement, ...] = ()
    beginning: tuple[Placement, ...] = ()
    begun: Kept | None = None


class ParsedOnce(ConfigRepository):
    """Hydra's repository of configs, which keeps what it has read."""

    def __init__(self, of: ConfigRepository) -> None:
        self.sources = list(of.sources)
        self.composed = Composed()

    def initialize_sources(self, config_search_path: Any) -> None:
        """Take another search path, as of ``hydra.searchpath``: other files may stand behind the same names."""
        super().initialize_sources(config_search_path)
        self.composed = Composed()

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Load a config as Hydra does. It is shared: Hydra reads headers and defaults, and places copies."""
        if config_path not in self.composed.read:
            self.composed.read[config_path] = super().load_config(config_path)
        return self.composed.read[config_path]

    def __deepcopy__(self, memo: dict[int, Any]) -> ParsedOnce:
        """A repository of the same sources, which shares what is kept until it takes another search path."""
        other = ParsedOnce(self)
        other.composed = self.composed
        return other


@dataclass
class Beginning(ResultDefault):
    """Stands in a defaults list for those that were merged already: their config."""

    config: Kept | None = None


class LoaderParsingOnce(ConfigLoaderImpl):
    """Hydra's loader of configs, which places each file once, and begins where the last compositions parted."""

    def _load_single_config(self, default: ResultDefault, repo: Any) -> ConfigResult:
        if isinstance(default, Beginning) and default.config is not None:
            return ConfigResult("", "", default.config.copy(), {"package": ""})
        placed, key = repo.delegate.composed.placed, _placement(default)
        if key not in placed:
            result: ConfigResult = super()._load_single_config(default, repo)
            placed[key] = result, Kept(result.config)
        known, config = placed[key]
        copied: ConfigResult = replace(known, config=config.copy())
        return copied

    def _compose_config_from_defaults_list(self, defaults: list[ResultDefault], repo: Any) -> DictConfig:
        composed: Composed = repo.delegate.composed
        placements = tuple(map(_placement, defaults))
        beginning = _common_beginning(placements, composed.last)
        composed.last = placements
        if beginning:
            if beginning != composed.beginning:
                config = super()._compose_config_from_defaults_list(defaults[: len(beginning)], repo)
                composed.beginning, composed.begun = beginning, Kept(config)
            defaults = [Beginning(config=composed.begun), *defaults[len(beginning) :]]
        merged: DictConfig = super()._compose_config_from_defaults_list(defaults, repo)
        return merged


def _placement(default: ResultDefault) -> Placement:
    return default.config_path, default.package, default.primary


def _common_beginning(one: Sequence[Placement], other: Sequence[Placement]) -> tuple[Placement, ...]:
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return tuple(first for first, _ in pairs)


def parse_once(loader: ConfigLoader) -> None:
    """Let a loader parse and place each config file once."""
    if type(loader) is ConfigLoaderImpl:
        loader.repository = ParsedOnce(loader.repository)
        loader.__class__ = LoaderParsingOnce
        defaults_list._create_interpolation_map = _create_interpolation_map  # type: ignore[assignment]


_original_map = defaults_list._create_interpolation_map


def _create_interpolation_map(overrides: Any, defaults: list[InputDefault], self_added: bool) -> DictConfig | None:
    """The choices that interpolations in a defaults list refer to: Hydra collects them where there is none, too."""
    if not any(default.is_interpolation() for default in defaults):
        return None
    return _original_map(overrides, defaults, self_added)


@contextmanager
def composing_less(overrides: Sequence[str]) -> Iterator[None]:
    """Let Hydra parse files once, and run as its flag says: it would compose everything first to look for a mode.

    Args:
        overrides: of the command line; where one of them gives ``hydra.mode``, Hydra looks, and warns.
    """
    gives_mode = any(override.lstrip("+~").startswith("hydra.mode") for override in overrides)
    original = Hydra.get_mode

    def get_mode(self: Hydra, config_name: str | None, overrides: list[str]) -> Any:
        parse_once(self.config_loader)
        return original(self, config_name, overrides) if gives_mode else None

    Hydra.get_mode = get_mode  # type: ignore[method-assign]
    try:
        yield
    finally:
        Hydra.get_mode = original  # type: ignore[method-assign]
