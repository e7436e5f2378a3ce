"""The stages of a cascade side by side, so that hundreds of thresholds are tried in a second."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.predictions import Predictions
from bakeoff.solutions.base import HeldOut
from bakeoff.solutions.judging import Judge
from bakeoff.usage import Usage

Thresholds = tuple[float | None, ...]
"""Least confidence of each learnt stage, in order; None: no prediction is accepted there."""

CHOSEN = ("output", "status", "reason", "short", "proba", "confidence", "retrieved", "cited")
SUMMED = ("seconds", "machine_seconds", "human_usd")
OF_USAGE = ("calls", "input_tokens", "output_tokens", "cost_usd")
STEPS = 24
MOST_COMBINATIONS = 700
MOST_ROUNDS = 6
GRID = 201


@dataclass(frozen=True)
class Ladder:
    """The predictions of every stage for every one of n rows.

    Attributes:
        accepted: rows that meet the conditions of each stage, but for a learnt least confidence, shape (stages, n).
        sure: confidence of each prediction, shape (stages, n).
        learnt: positions of the stages whose least confidence is learnt.
        chosen: field of ``Predictions`` → its values by stage; a row holds those of the stage that answers it.
        summed: field that adds up → its sums over the stages up to each one.
    """

    accepted: NDArray[np.bool_]
    sure: NDArray[np.float64]
    learnt: tuple[int, ...]
    chosen: Mapping[str, NDArray[Any]]
    summed: Mapping[str, NDArray[np.float64]]

    @classmethod
    def from_stages(
        cls,
        predictions: Sequence[Predictions],
        beside: Sequence[Sequence[Predictions]],
        accepted: NDArray[np.bool_],
        sure: NDArray[np.float64],
        learnt: Sequence[int],
    ) -> Ladder:
        """Stack the predictions of the stages.

        Args:
            predictions: of each stage, n rows.
            beside: of each stage, what it asks besides, which costs time and money too.
            accepted, sure, learnt: as the attributes.
        """
        chosen = {}
        for name in CHOSEN:
            values = [getattr(p, name) for p in predictions]
            if all(v is not None for v in values):  # a field that some stages lack describes no whole
                chosen[name] = np.stack(values)
        summed = {}
        for name in (*SUMMED, *OF_USAGE):
            rows = [
                sum((_cost(p, name) for p in others), start=_cost(own, name))
                for own, others in zip(predictions, beside, strict=True)
            ]
            if name in OF_USAGE or any(getattr(p, name) is not None for p in predictions):
                summed[name] = np.cumsum(np.stack(rows), axis=0)
        return cls(accepted, sure, tuple(learnt), chosen, summed)

    def owners(self, thresholds: Thresholds) -> NDArray[np.intp]:
        """Position of the stage that answers each row, shape (n,)."""
        accepted = self.accepted.copy()
        for i, least in zip(self.learnt, thresholds, strict=True):
            accepted[i] &= self.sure[i] >= (math.inf if least is None else least)
        accepted[-1] = True
        return np.asarray(accepted.argmax(axis=0))

    def combined(self, thresholds: Thresholds) -> Predictions:
        """The predictions of the whole, without the trace of the stages."""
        owner = self.owners(thresholds)
        rows = np.arange(len(owner))
        usage = Usage.from_columns(len(owner), **{name: self.summed[name][owner, rows] for name in OF_USAGE})
        sums: dict[str, Any] = {name: self.summed[name][owner, rows] for name in SUMMED if name in self.summed}
        fields: dict[str, Any] = {name: values[owner, rows] for name, values in self.chosen.items()}
        return Predictions(**fields, **sums, usage=usage)

    def candidates(self, steps: int = STEPS) -> list[list[float | None]]:
        """Least confidences to try at each learnt stage: quantiles of its confidences, from strict to lenient."""
        found: list[list[float | None]] = []
        for i in self.learnt:
            sure = self.sure[i][self.accepted[i]]
            values = np.unique(np.quantile(sure, np.linspace(0, 1, steps), method="lower")) if len(sure) else sure
            found.append([None, *(float(value) for value in values[::-1])])
        return found


def _cost(predictions: Predictions, name: str) -> NDArray[np.float64]:
    values = getattr(predictions.usage if name in OF_USAGE else predictions, name)
    return np.zeros(len(predictions)) if values is None else np.asarray(values, dtype=np.float64)


def learn(ladder: Ladder, held: HeldOut, judge: Judge) -> Thresholds:
    """Find the thresholds of the best rank: all combinations where they are few, else by coordinate ascent.

    Of equal ranks the strictest is taken.
    """
    known: dict[Thresholds, tuple[float, ...]] = {}

    def rank(thresholds: Thresholds) -> tuple[float, ...]:
        if thresholds not in known:
            known[thresholds] = judge.rank(judge.table(held.schema, held.rows, ladder.combined(thresholds)))
        return known[thresholds]

    candidates = ladder.candidates()
    if math.prod(map(len, candidates)) <= MOST_COMBINATIONS:
        return max(itertools.product(*candidates), key=rank)
    return max((_ascended(start, candidates, rank) for start in _starts(candidates)), key=rank)


def _starts(candidates: Sequence[Sequence[float | None]]) -> Iterator[Thresholds]:
    yield tuple(values[0] for values in candidates)
    yield tuple(values[len(values) // 2] for values in candidates)
    yield tuple(values[-1] for values in candidates)


def _ascended(start: Thresholds, candidates: Sequence[Sequence[float | None]], rank: Any) -> Thresholds:
    best = start
    for _ in range(MOST_ROUNDS):
        before = best
        for i, values in enumerate(candidates):
            best = max((best, *((*best[:i], value, *best[i + 1 :]) for value in values)), key=rank)
        if best == before:
            break
    return best


@dataclass(frozen=True)
class Guarantee:
    """Thresholds with an upper bound on the error of what the stages before the last accept.

    Attributes:
        thresholds: all None where the bound is out of reach.
        accepted: validation rows that the stages before the last accept.
        errors: how many of them were wrong.
    """

    thresholds: Thresholds
    accepted: int
    errors: int


def guaranteed(ladder: Ladder, is_right: NDArray[np.bool_], max_risk: float, delta: float) -> Guarantee:
    """Find the most lenient common threshold whose error among accepted rows is at most ``max_risk``.

    With probability ``1 - delta`` over the validation rows the bound holds for new rows: learn then test with a fixed
    sequence, from strict to lenient (Angelopoulos et al. 2021, "Learn then test"), and the exact binomial tail.

    Args:
        ladder: the stages; one threshold holds for all learnt ones.
        is_right: whether each stage's prediction of each row is right, shape (stages, n).
        max_risk: greatest acceptable share of errors among accepted rows.
        delta: probability with which the bound may fail.
    """
    from scipy.stats import binom

    last = len(ladder.accepted) - 1
    reached = Guarantee((None,) * len(ladder.learnt), 0, 0)
    rows = np.arange(ladder.accepted.shape[1])
    for least in np.linspace(1.0, 0.0, GRID):  # fixed before any row is seen, as the bound requires
        thresholds = (float(least),) * len(ladder.learnt)
        owner = ladder.owners(thresholds)
        accepted = owner < last
        errors = int((~is_right[owner, rows])[accepted].sum())
        count = int(accepted.sum())
        if (1 - max_risk) ** count > delta:  # so few that even no error would prove nothing
            continue
        if binom.cdf(errors, count, max_risk) > delta:
            break
        reached = Guarantee(thresholds, count, errors)
    return reached
