"""Intervals of metrics of labels, from the joint table of truth and predictions.

A percentile interval knows only outcomes that occurred: without an error among 30 rows it has no width. Here the shares
of all outcomes (truth × prediction, or truth × prediction of both variants) have a Dirichlet distribution, with a small
prior that makes every outcome possible: of one row for a value (for a share that is the interval of Jeffreys, which
Brown, Cai & DasGupta 2001 recommend), and of two for a difference (as many as Agresti & Min 2005 add).
Rows that are drawn in groups count as fewer: the counts are divided by the design effect (Rao & Scott 1992).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bakeoff.metrics import FromLabels, Metric
from bakeoff.metrics.resampling import label_groups, label_sums
from bakeoff.task import Predictions, PredictionTable

Floats = NDArray[np.float64]

PRIOR_ROWS = 1.0
"""Rows that the prior is worth, for each variant: half a row for right and wrong predictions each."""

MOST_WEIGHTS, LEAST_DRAWS = 10_000_000, 1_000
"""Weights that are held at a time, and draws all the same: hundreds of classes have many thousands of outcomes."""


@dataclass(frozen=True)
class Outcomes:
    """Distinct outcomes of the rows, each as one row of a table.

    Attributes:
        tables: one or two variants; row i of each is outcome i.
        counts: rows with each outcome, shape (m,).
        prior: prior rows with each outcome, shape (m,).
    """

    tables: tuple[PredictionTable, ...]
    counts: Floats
    prior: Floats
    _shared: dict[tuple[int, float, bool], Weights] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_tables(cls, tables: Sequence[PredictionTable]) -> Outcomes:
        """Count the outcomes of one or two variants on the same rows, and add those that did not occur.

        For each class that occurs, each variant may be right or wrong; a wrong prediction that did not occur is the
        most frequent other class. A variant that gives every row the same label beside one that does not is taken for
        the constant that it seems to be: half a row that it might find would move an F1 of 0 by far.
        """
        import pandas as pd

        target = tables[0].target
        parts = [
            pd.factorize(np.asarray(values, dtype=object))[0] for values in (target, *(_labels(t) for t in tables))
        ]
        joint = parts[0]
        for codes in parts[1:]:
            joint = pd.factorize(joint * (int(codes.max()) + 1) + codes)[0]  # numbered anew: products stay below n²
        _, first, counts = np.unique(joint, return_index=True, return_counts=True)
        classes, sizes = np.unique(target.astype(str), return_counts=True)
        frequent = classes[np.argsort(-sizes, kind="stable")].tolist()
        frequent += [c for c in tables[0].schema.classes if c not in frequent]
        constants = [_only_label(table) for table in tables]
        if all(label is not None for label in constants):
            constants = [None] * len(tables)
        possible = [
            (truth, *outputs)
            for truth in classes.tolist()
            for outputs in _combinations(truth, next((c for c in frequent if c != truth), truth), constants)
        ]
        prior_rows = PRIOR_ROWS * constants.count(None)
        occurred = list(zip(target[first], *(_labels(t)[first] for t in tables), strict=True))
        place = {outcome: i for i, outcome in enumerate(occurred)}
        for outcome in possible:
            place.setdefault(outcome, len(place))
        prior, all_counts = np.zeros(len(place)), np.zeros(len(place))
        all_counts[: len(counts)] = counts
        for outcome in possible:
            prior[place[outcome]] += prior_rows / len(possible)
        outcomes = list(place)
        schema, n = tables[0].schema, len(outcomes)
        truth = _objects([outcome[0] for outcome in outcomes])
        nothing = pd.DataFrame(index=range(n))
        made = tuple(
            PredictionTable(
                schema, np.arange(n), truth, Predictions(_objects([o[i + 1] for o in outcomes])), np.full(n, np.nan),
                nothing,
            )
            for i in range(len(tables))
        )  # fmt: skip
        return cls(made, all_counts, prior)

    def draw(
        self,
        metrics: Sequence[Metric],
        draws: int,
        effect: float = 1.0,
        *,
        with_prior: bool = True,
        share: float = 1.0,
    ) -> Floats:
        """Values of the metric, or differences of that of the first table from that of the second, shape (draws,).

        Args:
            metrics: one for each table, made of labels alone.
            draws: number of draws; fewer where there are many outcomes, but at least 1,000.
            effect: design effect by which the counts are divided.
            with_prior: whether outcomes that did not occur are possible.
            share: share of the value of the second table that is subtracted.
        """
        draws = min(draws, max(LEAST_DRAWS, MOST_WEIGHTS // len(self.counts)))
        key = (draws, effect, with_prior)
        if key not in self._shared:
            # One set of weights serves all metrics of independent rows; each metric of groups has its own effect.
            self._shared.clear()
            self._shared[key] = Weights.draw(self, draws, effect, with_prior)
        shared = self._shared[key]
        values = [shared.evaluate(metric, i, self.tables[i]) for i, metric in enumerate(metrics)]
        return values[0] if len(values) == 1 else values[0] - share * values[1]


@dataclass(frozen=True)
class Weights:
    """Draws of the rows with each outcome.

    Attributes:
        of_outcomes: shape (draws, m); each draw adds up to the number of rows.
        sums: of the labels of each table, as ``label_sums`` gives them, where a metric has asked for them.
    """

    of_outcomes: Floats
    sums: dict[int, tuple[Floats, Floats, Floats]] = field(default_factory=dict)

    @classmethod
    def draw(cls, outcomes: Outcomes, draws: int, effect: float, with_prior: bool) -> Weights:
        """Draw from the distribution of the shares."""
        shape = outcomes.counts / effect + (outcomes.prior if with_prior else 0)
        weights = _generator(with_prior).standard_gamma(np.broadcast_to(shape, (draws, len(shape))))
        weights *= outcomes.counts.sum() / weights.sum(axis=1, keepdims=True)
        return cls(weights)

    def evaluate(self, metric: Metric, number: int, table: PredictionTable) -> Floats:
        """Values of a metric of the table of that number, shape (draws,)."""
        if not isinstance(metric.resample, FromLabels):
            # Weights keep their precision: metrics of sums turn them into float64.
            return metric.resample(table, self.of_outcomes)  # type: ignore[arg-type]
        if number not in self.sums:
            self.sums[number] = label_sums(label_groups(table), self._by_outcome)
        return metric.resample.from_sums(self.sums[number], self._by_outcome)

    @cached_property
    def _by_outcome(self) -> Floats:
        """The draws, shape (m, draws): turning millions of them takes longer than adding them up."""
        return np.ascontiguousarray(self.of_outcomes.T)


def draw_means(
    rows: Sequence[NDArray[np.bool_]], draws: int, effect: float = 1.0, *, with_prior: bool = True, share: float = 1.0
) -> Floats:
    """Means of rows that are 0 or 1, or differences of two means, shape (draws,).

    Args:
        rows: of one or two variants, shape (n,) each.
        draws: number of draws.
        effect: design effect by which the counts are divided.
        with_prior: whether outcomes that did not occur are possible.
        share: share of the second mean that is subtracted.
    """
    joint = sum((2**i * values.astype(np.intp) for i, values in enumerate(rows)), np.zeros(len(rows[0]), dtype=np.intp))
    cells = 2 ** len(rows)
    shape = np.bincount(joint, minlength=cells) / effect + (PRIOR_ROWS * len(rows) / cells if with_prior else 0)
    weights = _generator(with_prior).standard_gamma(np.broadcast_to(shape, (draws, cells)))
    shares = weights / weights.sum(axis=1, keepdims=True)
    means = [shares[:, (np.arange(cells) >> i) % 2 == 1].sum(axis=1) for i in range(len(rows))]
    drawn: Floats = means[0] if len(means) == 1 else means[0] - share * means[1]
    return drawn


def _generator(with_prior: bool) -> np.random.Generator:
    """Draws are the same for the same table: a comparison that is repeated gives the same verdict."""
    return np.random.default_rng([0, int(with_prior)])


def _labels(table: PredictionTable) -> NDArray[np.object_]:
    return np.asarray(table.predictions.output, dtype=object)


def _only_label(table: PredictionTable) -> str | None:
    """The label of all predictions; None where they differ."""
    labels = _labels(table)
    return str(labels[0]) if (labels == labels[0]).all() else None


def _objects(values: Sequence[str]) -> NDArray[np.object_]:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _combinations(truth: str, wrong: str, constants: Sequence[str | None]) -> list[tuple[str, ...]]:
    """Right or wrong outputs of each variant, or the one output of a constant."""
    options = [dict.fromkeys((truth, wrong)) if label is None else (label,) for label in constants]
    return list(itertools.product(*options))
