"""The leaderboard: one row a variant, best first, with raw values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bakeoff import metrics
from bakeoff.compare.comparison import Comparison, Variant
from bakeoff.errors import ConfigError
from bakeoff.record import Score
from bakeoff.report.blocks import Column, Format, Table, Value
from bakeoff.task import Schema
from bakeoff.tasks import kinds

MOST_QUALITY = 2
"""Quality metrics shown beside the one that decides."""

OF_ROWS, OF_QUALITY, OF_PLUGIN, OF_OPERATION, OF_SEARCH, OF_FAMILY = 60, 50, 45, 40, 20, 10
"""Importance of columns, by what they show."""


@dataclass(frozen=True)
class _Filled:
    """A column and how to read its value from a variant."""

    column: Column
    read: Callable[[Variant], Value]


def from_comparison(comparison: Comparison, schema: Schema | None) -> Table:
    """The leaderboard of a comparison.

    The metric that decides and the difference to the incumbent with their intervals, then the headline metrics of the
    task kind, metrics of plugins, and what is measured of every variant.

    Args:
        comparison: comparison of finished runs.
        schema: schema of the task; None if no run loaded its data.
    """
    gaps = {
        d.variant: Score(d.difference, d.low, d.high) for d in comparison.differences if d.metric == comparison.metric
    }
    share = f"{comparison.confidence:.0%}"
    looks = comparison.looks
    joint = f"joint, look {looks.number}" if looks.is_held and looks.number > 1 else f"{share} joint"

    def deciding(variant: Variant) -> Value:
        return variant.metrics.get(comparison.metric) if variant.status == "ok" else variant.status

    def against(variant: Variant) -> Value:
        return "incumbent" if variant.name == comparison.incumbent else gaps.get(variant.name, "")

    filled = [
        _Filled(Column("variant", "variant"), lambda variant: variant.name),
        _Filled(Column("family", "family", importance=OF_FAMILY), lambda variant: variant.family),
        _Filled(
            Column(comparison.metric, f"{_title(comparison.metric, schema)} [{share} interval]", "interval"), deciding
        ),
        *(
            [_Filled(Column("difference", f"vs {comparison.incumbent} [{joint}]", "difference"), against)]
            if len(comparison.variants) > 1
            else []
        ),
        *(_Filled(column, _reader(column.name)) for column in _others(comparison, schema)),
    ]
    if len({variant.rows for variant in comparison.variants if variant.rows is not None}) > 1:
        filled.append(_Filled(Column("rows", "test rows", "count", OF_ROWS), lambda variant: variant.rows))
    if any(variant.trials is not None for variant in comparison.variants):
        filled.append(_Filled(Column("trials", "trials", "count", OF_SEARCH), lambda variant: variant.trials))
    rows = tuple(tuple(each.read(variant) for each in filled) for variant in comparison.variants)
    title = f"{comparison.task}, {comparison.test_rows:,} test rows"
    return Table(tuple(each.column for each in filled), rows, title, comparison.winner)


def _reader(name: str) -> Callable[[Variant], Value]:
    return lambda variant: variant.metrics.get(name)


def _others(comparison: Comparison, schema: Schema | None) -> list[Column]:
    """The columns beside the metric that decides, those that no variant has left out."""
    present = dict.fromkeys(name for variant in comparison.variants for name in variant.metrics)
    headlines = kinds.get(schema.kind).headline_metrics(schema) if schema else ()
    quality = [name for name in headlines if name in present and name != comparison.metric][:MOST_QUALITY]
    deciding = _known(comparison.metric) if comparison.metric else None
    of_positive = deciding is not None and deciding.is_of_positive  # its own title names the class: once is enough
    columns = [Column(name, name if of_positive else _title(name, schema), "number", OF_QUALITY) for name in quality]
    of_plugins, of_operation = [], []
    for name in present:
        if name == comparison.metric or name in quality:
            continue
        measured = metrics.MEASUREMENTS.get(name)
        known = measured or _known(name)
        if known is None:
            continue
        title = measured.title if measured else _title(name, schema)
        format_: Format = "price" if known.group == "cost" else "number"
        if measured is None and name not in metrics.own():
            of_plugins.append(Column(name, title, format_, OF_PLUGIN))
        elif known.is_headline:
            of_operation.append(Column(name, title, format_, OF_OPERATION))
    order = [*metrics.names(), *metrics.MEASUREMENTS]
    return [*columns, *of_plugins, *sorted(of_operation, key=lambda column: order.index(column.name))]


def _known(name: str) -> metrics.Metric | None:
    try:
        return metrics.get(name)
    except ConfigError:  # of a plugin that is not installed here
        return None


def _title(name: str, schema: Schema | None) -> str:
    metric = _known(name) if name else None
    return metric.title(schema) if metric is not None and schema is not None else name
