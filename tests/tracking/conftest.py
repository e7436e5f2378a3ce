"""One small bake-off, tracked offline as a user gets it, and copies of it that a test may change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tracked_pets import PETS, command, write_pets

from bakeoff.tracking.process import Worker


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user's: the other tests turn tracking off."""
    monkeypatch.delenv("WANDB_MODE", raising=False)


@pytest.fixture(scope="session")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bake-off that was run and tracked by the command line."""
    folder = tmp_path_factory.mktemp("tracked")
    write_pets(folder)
    done = command(
        folder, "-m", "model=linear,constant", *PETS, "search=tpe", "search.trials=3", "tracker.wait=100",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "outputs/pets"


@pytest.fixture
def recorded(tracked: Path, tmp_path: Path) -> Path:
    """The same bake-off, as if nothing had been tracked yet."""
    copy = tmp_path / "outputs/pets"
    shutil.copytree(tracked, copy, ignore=shutil.ignore_patterns("wandb", "tracking.json"))
    return copy


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """One working process for many tests: it loads W&B once."""
    one = Worker()
    yield one
    one.rest()
