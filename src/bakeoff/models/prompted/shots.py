"""Examples for a prompt, drawn from the training rows: at random, balanced over the labels, or nearest to each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bakeoff.models.texts import Reader
from bakeoff.task import Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

Values = Mapping[str, Any]
Shown = list[tuple[Values, str]]


@dataclass
class Shots:
    """The examples to choose from.

    Attributes:
        pool: template values of each, and its correct answer. If the choice is fixed, all of it is shown.
        count: number shown with each row, if they are chosen per row.
        reader: embeds texts to choose by; None if the choice is fixed.
    """

    pool: Shown
    count: int
    reader: Reader | None = None
    _vectors: NDArray[np.float32] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.reader is not None:
            self._vectors = self.reader.learn([_text(values) for values, _ in self.pool])

    @classmethod
    def from_examples(
        cls,
        values: Sequence[Values],
        answers: Sequence[str],
        count: int,
        by: str,
        reader: Reader | None,
        seed: int,
    ) -> Self:
        """Choose among n training rows.

        Args:
            values: template values of each.
            answers: the correct one of each.
            count: number to show.
            by: random, balanced or nearest.
            reader: for nearest.
            seed: of the choice.
        """
        pairs = list(zip(values, answers, strict=True))
        if not count or not pairs:
            return cls([], 0)
        if by == "nearest":
            return cls(pairs, count, reader)
        order = np.random.default_rng(seed).permutation(len(pairs))
        if by == "balanced":
            order = _balanced(order, answers)
        return cls([pairs[i] for i in order[:count]], count)

    def fixed(self) -> Shown:
        """The examples that do not depend on a row."""
        return self.pool if self.reader is None else self.pool[: self.count]

    def beside(self, rows: Sequence[Values]) -> Iterator[tuple[Values, Shown]]:
        """Each row with the examples to show before it; the nearest stands last, next to the row."""
        if self.reader is None or self._vectors is None:
            yield from ((row, self.pool) for row in rows)
            return
        near = self.reader.ask([_text(row) for row in rows]) @ self._vectors.T
        for row, similarity in zip(rows, near, strict=True):
            nearest = np.argsort(-similarity, kind="stable")[: self.count]
            yield row, [self.pool[i] for i in nearest[::-1]]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        pool = [
            [{**v, **({"history": [vars(t) for t in v["history"]]} if "history" in v else {})}, a] for v, a in self.pool
        ]
        return {"pool": pool, "count": self.count, "is_fixed": self.reader is None}

    @classmethod
    def from_json(cls, content: Mapping[str, Any], reader: Reader | None) -> Self:
        """Rebuild from the output of ``to_json``."""
        pool: Shown = []
        for values, answer in content["pool"]:
            turns = {"history": tuple(Turn(**t) for t in values["history"])} if "history" in values else {}
            pool.append(({**values, **turns}, answer))
        return cls(pool, content["count"], None if content["is_fixed"] else reader)


def _text(values: Values) -> str:
    return str(values.get("question") or values.get("text") or "")


def _balanced(order: NDArray[np.intp], answers: Sequence[str]) -> NDArray[np.intp]:
    """The same order, but one row of each answer in turn."""
    count_of: dict[str, int] = {}
    turn = []
    for i in order:
        turn.append(count_of.get(answers[i], 0))
        count_of[answers[i]] = turn[-1] + 1
    return order[np.argsort(turn, kind="stable")]
