"""Uncertainty of the scores: one bootstrap of the test rows, shared by all variants and all metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from bakeoff import environment
from bakeoff.compare.units import Units
from bakeoff.metrics import FromLabels, FromQuantile, FromRanks, FromSums, Metric, Resample, applies_to
from bakeoff.metrics.abstention import FromRisks, Selection
from bakeoff.metrics.ranking import rank_values, rankings
from bakeoff.metrics.resampling import Whole, counting, label_groups, label_sums
from bakeoff.task import PredictionTable

Floats = NDArray[np.float64]
Counts = NDArray[np.float32]
Job = tuple[str, Metric]
Values = Mapping[str, Mapping[str, Floats]]
Evaluate = Callable[[Whole], Iterator[tuple[str, str, Floats]]]

BLOCK, LEAST_BLOCK = 2_000_000, 8
"""Entries of the counts matrix that each thread holds at a time, and resamples all the same: sparse products add up
whole stretches of resamples at once."""

MOST_DRAWS, LEAST_RESAMPLES = 200_000_000, 1_000
"""Rows drawn in all, and resamples all the same: large test splits need fewer resamples for equally steady bounds."""

PIECE = 65_536
"""Entries of it that the other metrics process at a time: small arrays stay in cache and keep their memory, which
makes these metrics three times faster."""

DRAWN = 16_384
"""Rows drawn by one generator: for a small test split, making a generator takes longer than drawing the rows."""


def bootstrap(
    tables: Mapping[str, PredictionTable],
    metrics: Sequence[Metric],
    resamples: int = 10_000,
    seed: int = 0,
    threads: int | None = None,
    known: Values = MappingProxyType({}),
) -> Values:
    """Values of each metric of each variant over resamples of the test rows (Efron & Tibshirani 1993).

    Whole units are drawn, where rows are not independent: groups (Davison & Hinkley 1997), blocks of time (Carlstein
    1986).

    Every variant sees the same draws, so the difference of two variants' values is the paired bootstrap of their
    difference. Resample i depends on ``seed`` and i alone: not on the number of resamples, the variants or the threads.

    Args:
        tables: predictions of each variant, the same rows in the same order.
        metrics: metrics to resample; a metric that is not defined for a variant is absent from its values.
        resamples: number of resamples; fewer above 20,000 rows, where ``MOST_DRAWS`` limits them, but at least 1,000.
        seed: seed of the draws.
        threads: number of threads; None for one per core.
        known: values that the same draws gave before: where they are enough, they are not computed again.

    Returns:
        Variant → metric → values, shape (resamples,), NaN where a resample leaves the metric undefined.

    Raises:
        ValueError: the tables are not of the same rows in the same order, or hold no row.
    """
    n = _rows_in_common(tables)
    units = Units.from_table(next(iter(tables.values())))
    resamples = actual_resamples(resamples, n)
    applying = [(variant, m) for variant, table in tables.items() for m in metrics if applies_to(m, table)]
    values: dict[str, dict[str, Floats]] = {variant: {} for variant in tables}
    jobs: list[Job] = []
    for variant, metric in applying:
        before = known.get(variant, {}).get(metric.name, ())
        if len(before) < resamples:
            before = np.empty(resamples)
            jobs.append((variant, metric))
        values[variant][metric.name] = np.asarray(before[:resamples])
    parts = _parts(tables, jobs)
    if not parts:
        return values

    def evaluate(numbers: range) -> None:
        drawn = count_rows(units, numbers, seed)
        for part in parts:
            for variant, name, some in part(drawn):
                values[variant][name][numbers.start : numbers.stop] = some

    together = max(1, DRAWN // units.count)
    blocks = _ranges(range(resamples), max(together, BLOCK // n // together * together, LEAST_BLOCK))
    threads = min(len(blocks), threads or environment.cores())
    # Threads take whole blocks. More of them inside a matrix product wait for each other: on a busy machine, 20 times
    # slower.
    with _libraries().limit(limits=1, user_api="blas"):
        if threads == 1:
            for block in blocks:
                evaluate(block)
        else:
            with ThreadPoolExecutor(threads) as pool:
                for _ in pool.map(evaluate, blocks):
                    pass
    return values


@cache
def _libraries() -> ThreadpoolController:
    """Libraries with threads of their own: finding them takes longer than the resamples of a small test split."""
    return ThreadpoolController()


def actual_resamples(resamples: int, rows: int) -> int:
    """Number of resamples that ``bootstrap`` draws from that many rows when ``resamples`` are requested."""
    return min(resamples, max(LEAST_RESAMPLES, MOST_DRAWS // rows))


def interval(values: Floats, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap values (Efron & Tibshirani 1993, chapter 13), over those that are not NaN.

    Returns NaN, NaN when no value is defined.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _rows_in_common(tables: Mapping[str, PredictionTable]) -> int:
    if not tables:
        raise ValueError("there is no table to resample")
    (first, reference), *others = tables.items()
    if not len(reference):
        raise ValueError(f'the predictions of "{first}" hold no row')
    for variant, table in others:
        if not np.array_equal(table.ids, reference.ids):
            raise ValueError(f'"{first}" and "{variant}" were not tested on the same rows in the same order')
    return len(reference)


def _ranges(numbers: range, step: int) -> list[range]:
    """The numbers in consecutive ranges of at most ``step`` of them, and at least one."""
    return [numbers[start : start + max(1, step)] for start in range(0, len(numbers), max(1, step))]


def count_rows(units: Units, numbers: range, seed: int) -> Whole:
    """Count how often each row is drawn in each numbered resample of whole units, shape (n, len(numbers))."""
    drawn = _draw(units.count, numbers, seed)
    if units.are_rows:
        return drawn
    # Units of unequal size can add up to more than n rows: wide integers hold any sum.
    return np.ascontiguousarray(drawn[units.codes].astype(np.int32))


def _draw(n: int, numbers: range, seed: int) -> Whole:
    """Count how often each of n rows is drawn in each numbered resample, shape (n, len(numbers))."""
    counts = np.empty((len(numbers), n), dtype=counting(n))
    for some in _ranges(numbers, DRAWN // n):
        draws = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(some.start,)))
        rows = draws.integers(n, size=(len(some), n)) + n * np.arange(len(some))[:, None]
        times = np.bincount(rows.ravel(), minlength=rows.size)
        counts[some.start - numbers.start : some.stop - numbers.start] = times.reshape(rows.shape)
    return np.ascontiguousarray(counts.T)


def _parts(tables: Mapping[str, PredictionTable], jobs: Sequence[Job]) -> list[Evaluate]:
    """The jobs, grouped by the work that they share."""
    groups: dict[Callable[[Mapping[str, PredictionTable], Sequence[Job]], Evaluate], list[Job]] = {}
    for variant, metric in jobs:
        ways = ((FromSums, _sums), (FromLabels, _labels), (FromRanks, _ranks), (FromRisks, _risks))
        shared = next((way for of, way in ways if isinstance(metric.resample, of)), _alone)
        groups.setdefault(shared, []).append((variant, metric))
    return [shared(tables, of_group) for shared, of_group in groups.items()]


def _sums(tables: Mapping[str, PredictionTable], jobs: Sequence[Job]) -> Evaluate:
    """All sums of all variants in one matrix product, each different column once.

    A column that variants share (the truth, the same predictions) must have one sum: a matrix product may round the
    same column differently in another place, and a variant would differ from itself.
    """
    columns: dict[bytes, int] = {}
    blocks: dict[tuple[str, object], NDArray[np.intp]] = {}
    for variant, metric in jobs:
        assert isinstance(metric.resample, FromSums)
        key = variant, metric.resample.columns
        if key not in blocks:
            block = np.ascontiguousarray(metric.resample.columns(tables[variant]).T)
            blocks[key] = np.array([columns.setdefault(column.tobytes(), len(columns)) for column in block])
    matrix = np.stack([np.frombuffer(column) for column in columns])

    def evaluate(drawn: Whole) -> Iterator[tuple[str, str, Floats]]:
        sums = (matrix @ drawn.astype(np.float64)).T
        for variant, metric in jobs:
            assert isinstance(metric.resample, FromSums)
            yield variant, metric.name, metric.resample.combine(sums[:, blocks[variant, metric.resample.columns]])

    return evaluate


def _labels(tables: Mapping[str, PredictionTable], jobs: Sequence[Job]) -> Evaluate:
    """All metrics of a variant's confusion matrix from one count of it."""
    by_variant = _by_variant(jobs)
    groups = {variant: label_groups(tables[variant]) for variant in by_variant}

    def evaluate(drawn: Whole) -> Iterator[tuple[str, str, Floats]]:
        for variant, metrics in by_variant.items():
            sums = label_sums(groups[variant], drawn)
            for metric in metrics:
                assert isinstance(metric.resample, FromLabels)
                yield variant, metric.name, metric.resample.from_sums(sums, drawn)

    return evaluate


def _ranks(tables: Mapping[str, PredictionTable], jobs: Sequence[Job]) -> Evaluate:
    """All rank metrics of a variant from one ranking."""
    by_variant = _by_variant(jobs)
    ranked = {variant: rankings(tables[variant]) for variant in by_variant}

    def evaluate(drawn: Whole) -> Iterator[tuple[str, str, Floats]]:
        for variant, metrics in by_variant.items():
            statistics = [m.resample.statistic for m in metrics if isinstance(m.resample, FromRanks)]
            for metric, values in zip(metrics, rank_values(ranked[variant], drawn, statistics), strict=True):
                yield variant, metric.name, values

    return evaluate


def _risks(tables: Mapping[str, PredictionTable], jobs: Sequence[Job]) -> Evaluate:
    """All metrics of a variant's risks from one accumulation of its errors."""
    by_variant = _by_variant(jobs)
    selections = {variant: Selection.from_table(tables[variant]) for variant in by_variant}

    def evaluate(drawn: Whole) -> Iterator[tuple[str, str, Floats]]:
        counts = np.ascontiguousarray(drawn.T)
        pieces = _ranges(range(len(counts)), PIECE // len(drawn))
        for variant, metrics in by_variant.items():
            risks = (selections[variant].risks(counts[some.start : some.stop]) for some in pieces)
            values = [[m.resample.of(*each) for m in metrics if isinstance(m.resample, FromRisks)] for each in risks]
            for metric, parts in zip(metrics, zip(*values, strict=True), strict=True):
                yield variant, metric.name, np.concatenate(parts)

    return evaluate


def _alone(tables: Mapping[str, PredictionTable], jobs: Sequence[Job]) -> Evaluate:
    """Metrics that share no work."""
    prepared = [(variant, metric.name, _prepare(metric.resample, tables[variant])) for variant, metric in jobs]

    def evaluate(drawn: Whole) -> Iterator[tuple[str, str, Floats]]:
        counts = np.ascontiguousarray(drawn.T, dtype=np.float32)
        pieces = _ranges(range(len(counts)), PIECE // len(drawn))
        for variant, name, resample in prepared:
            yield variant, name, np.concatenate([resample(counts[some.start : some.stop]) for some in pieces])

    return evaluate


def _by_variant(jobs: Sequence[Job]) -> dict[str, list[Metric]]:
    metrics: dict[str, list[Metric]] = {}
    for variant, metric in jobs:
        metrics.setdefault(variant, []).append(metric)
    return metrics


def _prepare(resample: Resample, table: PredictionTable) -> Callable[[Counts], Floats]:
    return resample.prepare(table) if isinstance(resample, FromQuantile) else partial(resample, table)
