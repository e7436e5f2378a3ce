"""False ships over many looks at the same test rows, with a ledger and without. Run as a script for the table.

python tests/compare/test_false_looks.py [SETS] [WORD]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from bakeoff.compare import gains, panels
from bakeoff.compare.looks import Looks, Question, numbered
from bakeoff.compare.panels import Panel
from bakeoff.metrics import get
from bakeoff.task import Predictions, PredictionTable, Schema

ROWS, RESAMPLES, ALPHA = 300, 1_000, 0.05
SCHEMA = Schema("classification", "label", {}, ("no", "yes"), "yes")
NAMES = np.array(SCHEMA.classes, dtype=object)
METRICS = (
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc", "roc_auc", "average_precision", "log_loss",
    "brier",
)  # fmt: skip
Scores = NDArray[np.float64]


def table(truth: NDArray[np.bool_], score: Scores) -> PredictionTable:
    labels = NAMES[(score > 0.5).astype(int)]
    predictions = Predictions(labels, np.column_stack([1 - score, score]))
    n, none = len(truth), np.full(len(truth), np.nan)
    return PredictionTable(
        SCHEMA, np.arange(n), NAMES[truth.astype(int)], predictions, none, pd.DataFrame(index=range(n))
    )


def equals(random: np.random.Generator, count: int) -> list[PredictionTable]:
    """Equally good variants whose predictions correlate as those of models that learnt from the same rows."""
    signal = 1.6 * random.standard_normal(ROWS)
    truth = random.random(ROWS) < 1 / (1 + np.exp(-signal))
    shared = random.standard_normal(ROWS)
    noisy = [signal + 0.8 * (0.8 * shared + 0.6 * random.standard_normal(ROWS)) for _ in range(count)]
    return [table(truth, 1 / (1 + np.exp(-x))) for x in noisy]


@dataclass
class Variants:
    """Equally good variants, and the pairs of them that were drawn; with a ledger and without, these are the same."""

    tables: Sequence[PredictionTable]
    _drawn: dict[tuple[str, int, tuple[int, ...]], list[Panel]] = field(default_factory=dict)

    def pairs(self, metric: str, incumbent: int, challengers: Sequence[int]) -> list[Panel]:
        key = (metric, incumbent, tuple(challengers))
        if key not in self._drawn:
            tables = {str(i): self.tables[i] for i in (incumbent, *challengers)}
            self._drawn[key] = panels.panels(str(incumbent), tables, [get(metric)], RESAMPLES)
        return self._drawn[key]


@dataclass
class Person:
    """Someone who asks one question after the other of the same test rows."""

    variants: Variants
    is_held: bool
    asked: tuple[Question, ...] = ()

    def ships(self, metric: str, incumbent: int, challengers: Sequence[int]) -> list[int]:
        """Challengers that ship in one comparison, at a threshold of 0."""
        questions = [Question(metric, str(incumbent), str(c)) for c in challengers]
        known = {q.key: q for q in self.asked}
        now = numbered(questions, self.asked)
        self.asked = tuple({**{q.key: q for q in now}, **known}.values())
        looks = Looks("", {q.challenger: q.number for q in now}, ALPHA, self.is_held, self.asked)
        pairs = self.variants.pairs(metric, incumbent, challengers)
        batches = looks.batches([str(c) for c in challengers])
        by_gain_alone = replace(get(metric), yardstick=None)  # a yardstick could only stop a false ship
        gained = gains.in_batches(by_gain_alone, pairs, 1 - ALPHA, batches)
        return [int(gain.variant) for gain in gained if gain.low > 0]


def one_a_day_under_a_name_of_its_own(variants: Variants, is_held: bool) -> bool:
    person = Person(variants, is_held)
    return any(person.ships("accuracy", 0, [day]) for day in range(1, 21))


def one_more_a_day_in_the_same_folder(variants: Variants, is_held: bool) -> bool:
    person = Person(variants, is_held)
    return any(person.ships("accuracy", 0, list(range(1, day + 1))) for day in (1, 3, 6, 10))


def ten_metrics(variants: Variants, is_held: bool) -> bool:
    person = Person(variants, is_held)
    return any(person.ships(metric, 0, [1]) for metric in METRICS)


def fifty_against_the_last_winner(variants: Variants, is_held: bool) -> bool:
    """Whether any ships: until the first does, the incumbent is the same."""
    person = Person(variants, is_held)
    return any(person.ships("accuracy", 0, [challenger]) for challenger in range(1, 51))


WAYS = {
    "20 days, each a name of its own": (one_a_day_under_a_name_of_its_own, 21),
    "10 variants, added to one folder in four goes": (one_more_a_day_in_the_same_folder, 11),
    "10 metrics in turn": (ten_metrics, 2),
    "50 variants, each against the last winner": (fifty_against_the_last_winner, 51),
}


def measured(sets: int, names: Sequence[str] = tuple(WAYS)) -> Iterator[tuple[str, float, float]]:
    """False ships of each way to look: share of data sets with any, without and with the ledger."""
    for name in names:
        way, count = WAYS[name]
        shipped = np.zeros(2)
        for i in range(sets):
            variants = Variants(equals(np.random.default_rng((i, count)), count))
            shipped += [way(variants, is_held=False), way(variants, is_held=True)]
        yield name, *(shipped / sets)


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_all_looks_together_ship_noise_in_at_most_five_percent(name: str) -> None:
    sets = 1_000
    ((_, without, held),) = measured(sets, [name])
    error = float(np.sqrt(ALPHA * (1 - ALPHA) / sets))
    assert held <= ALPHA + 2 * error
    assert held <= without


def test_ledger_lowers_false_ships_of_ten_metrics() -> None:
    ((_, without, held),) = measured(8, ["10 metrics in turn"])
    assert held <= without


if __name__ == "__main__":
    count, word = int(sys.argv[1]) if len(sys.argv) > 1 else 300, sys.argv[2] if len(sys.argv) > 2 else ""
    for way_name, without_ledger, with_ledger in measured(count, [name for name in WAYS if word in name]):
        print(f"{way_name:48} without {without_ledger:.3f}  with {with_ledger:.3f}", flush=True)
