"""Shared parts of all checks: options composed as on the command line, and named steps."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bakeoff.config import components, signatures
from bakeoff.config.settings import plain, register
from bakeoff.config.shipped import conf_dir
from bakeoff.errors import BakeoffError


@dataclass
class Contract:
    """The steps of a check that have passed so far.

    Attributes:
        of: name of the component under test, for messages.
    """

    of: str
    held: list[str] = field(default_factory=list)

    @contextmanager
    def holds(self, name: str) -> Iterator[None]:
        """A step of the contract; what is raised inside becomes an ``AssertionError`` that names it."""
        try:
            yield
        except Exception as error:
            message = str(error) or type(error).__name__
            kind = "" if isinstance(error, AssertionError | BakeoffError) else f"{type(error).__name__}: "
            raise AssertionError(f"{self.of}: {name}: {kind}{message}") from error
        self.held.append(name)


def composed(*overrides: str) -> dict[str, Any]:
    """The resolved config of a variant; what only a user can give, such as a path, is ``x``."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf, open_dict

    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("config", ["variant=x", *overrides])
    with open_dict(cfg):
        for key in OmegaConf.missing_keys(cfg):
            OmegaConf.update(cfg, key, "x")
    return plain(cfg)


def documented(node: dict[str, Any], where: str, needs: Sequence[str] = ()) -> None:
    """Raise ``AssertionError`` where a class has no docstring, does not name a parameter in it, or has no such card."""
    cls = components.locate(node["_target_"], f"{where}._target_")
    text = inspect.getdoc(cls) or ""
    assert text, f"{cls.__name__} has no docstring"
    unnamed = [
        name for name in signatures.inspected(cls).parameters if cls.__module__[:8] != "sklearn." and name not in text
    ]
    assert not unnamed, f"the docstring of {cls.__name__} does not say what {', '.join(unnamed)} is"
    card = node.get("card") or {}
    missing = [key for key in needs if card.get(key) in (None, "")]
    assert not missing, f"{where}.card has no {', '.join(missing)}"
