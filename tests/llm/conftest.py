"""A real OpenAI-compatible server: the one of llama.cpp, with a small model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import build_request
from proxy import Proxy, started

from bakeoff import assets
from bakeoff.llm.base import LLMRequest
from bakeoff.llm.client import OpenAICompatible


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The model's file; fetched as the sample data are, from the index that pip installs from."""
    return assets.resolve("smollm2")


@pytest.fixture(scope="session")
def peer(smollm2: Path) -> str:
    """The address of a real server that lives as long as the tests."""
    from bakeoff.llm.local import server

    return server(smollm2, context_tokens=1024, parallel=4, threads=1)


@pytest.fixture
def proxy(peer: str) -> Iterator[Proxy]:
    """A way to the server that fails on demand."""
    with started(peer) as proxy:
        yield proxy


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of answers; fetched files are those of the user."""
    folder = tmp_path / "cache"
    folder.mkdir()
    for kept in ("assets", "wheels"):
        (folder / kept).symlink_to(assets.cache_folder() / kept)
    monkeypatch.setenv("BAKEOFF_CACHE", str(folder))
    return folder


@pytest.fixture
def client(proxy: Proxy, own_cache: Path) -> Callable[..., OpenAICompatible]:
    """Makes clients of the proxy."""

    def make(**settings: Any) -> OpenAICompatible:
        return OpenAICompatible(**{"model": "smollm2", "base_url": proxy.url, "concurrency": 2, **settings})

    return make


@pytest.fixture
def requests() -> list[LLMRequest]:
    """Requests that differ."""
    return [build_request(f"Repeat the number {i}.") for i in range(6)]
