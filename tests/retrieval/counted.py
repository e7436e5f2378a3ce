"""An embedder that records the texts it embeds, and corpora of few words."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bakeoff.task import Corpus

DIMENSIONS = 32


@dataclass(frozen=True)
class Counted:
    """Random vectors by the text's hash. Each text that is embedded becomes a line of a file.

    Args:
        log: the file.
        pause_seconds: taken for each text.
    """

    log: str
    pause_seconds: float = 0.0

    @property
    def identity(self) -> str:
        return "counted-1"

    def embed(self, texts: Sequence[str], threads: int = 1) -> Any:
        time.sleep(self.pause_seconds * len(texts))
        with Path(self.log).open("a") as file:
            file.writelines(line(text) + "\n" for text in texts)
        return np.array([vector(text) for text in texts], dtype=np.float32).reshape(len(texts), DIMENSIONS)


def line(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def vector(text: str) -> Any:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    drawn = np.random.default_rng(seed).normal(size=DIMENSIONS)
    return drawn / np.linalg.norm(drawn)


def corpus(n: int, changed: int | None = None, **metadata: Any) -> Corpus:
    """Documents 0 to n - 1, each of one passage; one of them with another text."""
    texts = [f"Document {i} speaks of topic{i % 7}." + (" Changed." if i == changed else "") for i in range(n)]
    documents = pd.DataFrame({"id": [f"d{i}" for i in range(n)], "title": "", "text": texts, **metadata})
    told = hashlib.sha256(documents.to_csv().encode()).hexdigest()
    return Corpus(documents, told)


def embedded(log: Path) -> list[str]:
    """A line for each text that was embedded."""
    return log.read_text().split() if log.exists() else []
