"""Rows as in-memory tensors, and batches made of them by indexing.

All rows are in memory, so a batch takes microseconds: processes that load in parallel would only copy it once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Batch = dict[str, "torch.Tensor"]

TARGET = "target"
LENGTHS = " lengths"
POOL = 32  # batches whose rows are sorted by length among each other, so that little is padded


@dataclass(frozen=True)
class Ragged:
    """Sequences of different lengths, stored contiguously.

    Attributes:
        flat: the items of all sequences, int32.
        ends: where each of the n sequences ends in it, shape (n,).
        padding: the item that fills up a shorter sequence in a batch.
    """

    flat: NDArray[np.int32]
    ends: NDArray[np.int64]
    padding: int = 0

    @classmethod
    def from_sequences(cls, sequences: Sequence[Sequence[int]], padding: int = 0) -> Ragged:
        """Concatenate sequences."""
        lengths = np.fromiter((len(s) for s in sequences), dtype=np.int64, count=len(sequences))
        flat = np.fromiter((item for s in sequences for item in s), dtype=np.int32, count=int(lengths.sum()))
        return cls(flat, np.cumsum(lengths), padding)

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each sequence, shape (n,)."""
        return np.diff(self.ends, prepend=0)

    def padded(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the given sequences padded, shape (b, longest), and their lengths, shape (b,)."""
        ends = self.ends[rows]
        starts = np.where(rows > 0, self.ends[rows - 1], 0)
        lengths = ends - starts
        columns = np.arange(max(1, int(lengths.max(initial=1))))
        is_there = columns < lengths[:, None]
        items = np.full(is_there.shape, self.padding, dtype=np.int64)
        items[is_there] = self.flat[(starts[:, None] + columns)[is_there]]
        return items, lengths


@dataclass(frozen=True)
class Rows:
    """n rows as a network reads them.

    Attributes:
        n: number of rows.
        dense: name → array of shape (n, …).
        ragged: name → sequences; in a batch also ``<name> lengths``.
        target: int64 codes of classes, or float32 values, shape (n,), of a forecast (n, horizon); None for rows to be
            answered.
    """

    n: int
    dense: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    ragged: Mapping[str, Ragged] = field(default_factory=dict)
    target: NDArray[np.generic] | None = None

    def __len__(self) -> int:
        return self.n

    def with_target(self, target: NDArray[np.generic]) -> Rows:
        """Return the same rows with targets, without copying."""
        return replace(self, target=target)

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """Length of each row's longest sequence, shape (n,); None if rows hold no sequences."""
        lengths = [ragged.lengths for ragged in self.ragged.values()]
        return np.max(lengths, axis=0) if lengths else None

    def batch(self, rows: NDArray[np.intp]) -> Batch:
        """Return the given rows as tensors."""
        import torch

        batch: Batch = {name: torch.from_numpy(values[rows]) for name, values in self.dense.items()}
        for name, ragged in self.ragged.items():
            items, lengths = ragged.padded(rows)
            batch[name], batch[name + LENGTHS] = torch.from_numpy(items), torch.from_numpy(lengths)
        if self.target is not None:
            batch[TARGET] = torch.from_numpy(self.target[rows])
        return batch

    @property
    def digest(self) -> str:
        """SHA-256 of the whole content."""
        digest = hashlib.sha256(str(self.n).encode())
        arrays = [*self.dense.items(), *((k, a) for k, r in self.ragged.items() for a in (r.flat, r.ends))]
        for name, values in [*arrays, *([] if self.target is None else [(TARGET, self.target)])]:
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()


class Batches:
    """Iterable over the batches of an epoch; reshuffled on each iteration.

    Training rows are shuffled by seed and epoch alone, so a fit that goes on after an interruption meets the batches
    that it would have met. Where rows are sequences, those of similar length come together.
    """

    def __init__(self, rows: Rows, size: int, shuffle_seed: int | None = None) -> None:
        self.rows = rows
        self.size = size
        self.seed = shuffle_seed
        self.epoch = 0
        self._lengths = rows.lengths

    def __len__(self) -> int:
        return -(-len(self.rows) // self.size)

    def __iter__(self) -> Iterator[Batch]:
        for rows in self.positions():
            yield self.rows.batch(rows)

    def positions(self) -> Iterator[NDArray[np.intp]]:
        """Row positions in each batch."""
        n, size = len(self.rows), self.size
        if self.seed is None:
            order: NDArray[np.intp] = (
                np.arange(n) if self._lengths is None else np.argsort(self._lengths, kind="stable")
            )
            yield from (order[start : start + size] for start in range(0, n, size))
            return
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(n)
        if self._lengths is None:
            yield from (order[start : start + size] for start in range(0, n, size))
            return
        for start in range(0, n, size * POOL):
            pool = order[start : start + size * POOL]
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            starts = np.arange(0, len(pool), size)
            for i in rng.permutation(len(starts)):
                yield pool[starts[i] : starts[i] + size]
