from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakeoff import plugins
from bakeoff.columns import kinds as column_kinds
from bakeoff.config import signatures
from bakeoff.metrics import base
from bakeoff.tasks import kinds


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages that this process sees; what it brought is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    registries = base._registry, kinds._kinds, column_kinds._kinds
    registered = [dict(registry) for registry in registries]
    _forget()
    yield folder
    for registry, before in zip(registries, registered, strict=True):
        registry.clear()  # type: ignore[attr-defined]
        registry.update(before)  # type: ignore[arg-type]
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    for name in [name for name in sys.modules if name.startswith("bakeoff_")]:
        del sys.modules[name]
    signatures._source.cache_clear()
    plugins.forget()
