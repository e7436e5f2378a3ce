"""Run folders: begun anew, logged to, and given a fitted model."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import secrets
from bakeoff.record import integrity, names
from bakeoff.record.configs import write_config
from bakeoff.record.writing import write_file, write_text
from bakeoff.unfinished import UNFINISHED, prefix, remove_left

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def begin(folder: Path, config: Mapping[str, Any], installed: str = "", diff: str = "") -> None:
    """Prepare the folder for a run: remove the files of an earlier attempt, and write the resolved config.

    Args:
        folder: the run folder.
        config: the whole resolved config.
        installed: every installed package with its version, one a line.
        diff: of the working directory against its commit; empty if clean or not to be recorded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in (
        names.RESULT,
        names.PREDICTIONS,
        names.TRACE,
        names.TRANSCRIPTS,
        names.BOOTSTRAP,
        names.VALIDATION,
        names.PROFILE,
        names.CURVES,
        names.FITTED,
        names.LEARNT,
        names.DIFF,
    ):
        (folder / file).unlink(missing_ok=True)
    if not config.get("resume", True):
        shutil.rmtree(folder / names.CHECKPOINTS, ignore_errors=True)
        (folder / names.REPLIES).unlink(missing_ok=True)
    shutil.rmtree(folder / names.MODEL, ignore_errors=True)
    remove_left(folder)
    write_config(folder, config)
    if installed:
        write_text(folder / names.INSTALLED, installed)
    if diff:
        write_text(folder / names.DIFF, diff)


def write_learnt(folder: Path, hashes: NDArray[np.uint64]) -> None:
    """Write the hashes of the rows that the model was developed on, for training and validation, shape (n,)."""
    import numpy as np

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, hashes, allow_pickle=False)

    write_file(folder / names.LEARNT, write)


def read_learnt(folder: Path) -> NDArray[np.uint64] | None:
    """Read the hashes that ``write_learnt`` wrote; None for a run of an earlier version without such a file."""
    import numpy as np

    if not integrity.check_file(folder / names.LEARNT):
        return None
    with integrity.readable(folder / names.LEARNT):
        hashes: NDArray[np.uint64] = np.load(folder / names.LEARNT, allow_pickle=False)
    return hashes


@contextmanager
def logged(folder: Path) -> Iterator[None]:
    """Log to the run folder while the block runs, unless Hydra already does."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(folder / names.LOG, encoding="utf-8")
    handler.setFormatter(secrets.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


def write_model(folder: Path, save: Callable[[Path], None]) -> int:
    """Save the model atomically: ``save`` writes into a new folder, which is then moved in place. Returns its bytes."""
    temporary = Path(tempfile.mkdtemp(UNFINISHED, prefix(names.MODEL), folder))
    try:
        save(temporary)
        temporary.chmod(0o755)
        size = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
        shutil.rmtree(folder / names.MODEL, ignore_errors=True)
        temporary.rename(folder / names.MODEL)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return size


def model_folder(folder: Path) -> Path:
    """The folder of the fitted model in a run folder, compared with its recorded digests.

    Raises:
        DataError: a file of it is damaged, gone or new.
    """
    if (folder / names.RESULT).is_file():
        integrity.check(folder, integrity.recorded(folder), names.MODEL)
    return folder / names.MODEL
