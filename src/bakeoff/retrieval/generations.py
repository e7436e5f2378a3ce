"""Generations of a served embedder: a server that loads another model under the same name gets a new one.

A short text is embedded once a process and compared with its vector of before. Vectors and indexes of other generations
are kept, and not used.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from bakeoff import assets
from bakeoff.errors import LLMError

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBE = "The quick brown fox jumps over the lazy dog."
ALIKE = 0.999
"""Least cosine of two vectors of one text by one model; quantised weights differ by more."""

log = logging.getLogger(__name__)
_known: dict[tuple[str, str], int] = {}
"""Generations that this process has verified, by folder and embedder."""


def generation(embedder: str) -> int:
    """The latest generation of an embedder; 0 for the first. Asks nothing.

    Args:
        embedder: server, model and parameters.
    """
    file = _file(embedder)
    key = str(file.parent), embedder
    return _known[key] if key in _known else max(0, len(_read(file)) - 1)


def verify(embedder: str, embed: Callable[[Sequence[str]], NDArray[np.float32]], is_refreshed: bool) -> None:
    """Find the generation of what is served now, once a process.

    Args:
        embedder: server, model and parameters.
        embed: embeds texts; one is sent.
        is_refreshed: whether to begin a new generation in any case.

    Raises:
        ConfigError: the server cannot be asked: there is no key.
    """
    file = _file(embedder)
    key = str(file.parent), embedder
    if key in _known:
        return
    try:
        vector = embed([PROBE])[0]
    except LLMError as error:
        log.warning("embedder: %s. Its name is trusted: kept vectors are used.", error)
        _known[key] = generation(embedder)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        vectors = _read(file)
        same = [i for i, other in enumerate(vectors) if _are_alike(vector, np.array(other, dtype=np.float32))]
        if same and not is_refreshed:
            _known[key] = same[-1]
            return
        if vectors and not is_refreshed:
            log.warning("embedder: another model than before answers for %s: all texts are embedded anew.", embedder)
        written = file.with_suffix(f".{os.getpid()}")
        written.write_text(json.dumps([*vectors, vector.tolist()]))
        written.replace(file)
        _known[key] = len(vectors)


def _are_alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return one.shape == other.shape and float(one @ other) >= ALIKE


def _file(embedder: str) -> Path:
    name = hashlib.sha256(embedder.encode()).hexdigest()[:24]
    return assets.cache_folder() / "embeddings" / f"{name}.generations"


def _read(file: Path) -> list[Any]:
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return []
    return content if isinstance(content, list) else []
