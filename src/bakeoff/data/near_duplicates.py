"""Texts that are nearly the same, by MinHash over shingles (Broder, 1997) and locality-sensitive hashing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SHINGLE = 5  # bytes
CHARACTERS = 400  # characters read of each text
COMPARED, AGAINST = 2_000, 20_000  # maximum texts on either side; larger sets are sampled
BANDS, ROWS = 16, 4  # texts with a Jaccard similarity of 0.5 share a band with a chance of 64 %, of 0.8 with 99.98 %
SIMILARITY = 0.8  # similarity from which two texts are near-duplicates
SHORTEST = 20  # minimum length in bytes; shorter texts are similar by chance


@dataclass(frozen=True)
class Similar:
    """Near-duplicates.

    Attributes:
        compared: texts of the first kind that were looked at.
        pairs: position of such a text → position of a text of the second kind that it nearly equals.
    """

    compared: int
    pairs: dict[int, int]


def between(texts: pd.Series, others: pd.Series) -> Similar:
    """Find texts that nearly equal one of the others. Equal texts do not count; nor do case, spaces and digits.

    Args:
        texts: at least one string.
        others: at least one string.
    """
    rng = np.random.default_rng(0)
    here, there = _sample(len(texts), COMPARED, rng), _sample(len(others), AGAINST, rng)
    sampled, against = texts.iloc[here].tolist(), others.iloc[there].tolist()
    mine, theirs = [_normal(text) for text in sampled], [_normal(text) for text in against]
    exact = set(against)
    parameters = rng.integers(1, 2**61, size=(2, BANDS * ROWS), dtype=np.uint64) | np.uint64(1)
    signatures, known = _signatures(mine, parameters), _signatures(theirs, parameters)
    pairs: dict[int, int] = {}
    tables = [_table(known[:, b * ROWS : (b + 1) * ROWS]) for b in range(BANDS)]
    for i, signature in enumerate(signatures):
        if len(mine[i]) < SHORTEST or sampled[i] in exact:
            continue
        keys = (signature[b * ROWS : (b + 1) * ROWS].tobytes() for b in range(BANDS))
        candidates = {j for key, table in zip(keys, tables, strict=True) for j in table.get(key, ())}
        if not candidates:
            continue
        ordered = sorted(candidates)
        agreement = (known[ordered] == signature).mean(axis=1)
        best = int(np.argmax(agreement))
        if agreement[best] >= SIMILARITY:
            pairs[int(here[i])] = int(there[ordered[best]])
    return Similar(len(here), pairs)


def _sample(n: int, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def _normal(text: str) -> bytes:
    """Lower case, one space between words, every digit a 0."""
    plain = " ".join(text[:CHARACTERS].lower().split())
    return plain.translate(_DIGITS).encode()


_DIGITS = str.maketrans("123456789", "000000000")


def _signatures(texts: Sequence[bytes], parameters: NDArray[np.uint64], batch: int = 500) -> NDArray[np.uint32]:
    """The smallest hash of the shingles of each text, by each of m hash functions, shape (n, m)."""
    signatures = np.zeros((len(texts), parameters.shape[1]), dtype=np.uint32)
    weights = (np.uint64(1_000_003) ** np.arange(SHINGLE, dtype=np.uint64)).astype(np.uint64)
    for begin in range(0, len(texts), batch):
        part = [text.ljust(SHINGLE) for text in texts[begin : begin + batch]]
        buffer = np.frombuffer(b"".join(part), dtype=np.uint8).astype(np.uint64)
        windows = np.lib.stride_tricks.sliding_window_view(buffer, SHINGLE)
        hashes = windows @ weights
        lengths = np.array([len(text) for text in part])
        ends = np.cumsum(lengths)
        within = np.arange(len(hashes)) + SHINGLE <= np.repeat(ends, lengths)[: len(hashes)]
        hashes, shingles = hashes[within], lengths - SHINGLE + 1
        begins = np.cumsum(shingles) - shingles
        for k in range(parameters.shape[1]):
            mixed = ((hashes * parameters[0, k] + parameters[1, k]) >> np.uint64(32)).astype(np.uint32)
            signatures[begin : begin + len(part), k] = np.minimum.reduceat(mixed, begins)
    return signatures


def _table(band: NDArray[np.uint32]) -> dict[bytes, list[int]]:
    rows_of: dict[bytes, list[int]] = {}
    for i, row in enumerate(band):
        rows_of.setdefault(row.tobytes(), []).append(i)
    return rows_of
