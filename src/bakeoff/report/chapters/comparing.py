"""Chapters on all variants at once: leaderboard, differences, trade-offs, slices."""

from __future__ import annotations

import math

from bakeoff import metrics, numbers
from bakeoff.errors import ConfigError
from bakeoff.record import Score
from bakeoff.report import leaderboard as board
from bakeoff.report.blocks import Text
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.report.figures import Intervals, Matrix, Point, Points

MOST_INTERVALS = 40
MOST_SLICES = 40
LEAST_PRICE = 0.0001
"""Price of 1,000 predictions, in dollars, below which differences in price are left out."""
LOG_FROM = 20.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""


def leaderboard(material: Material) -> list[Block]:
    """All variants, best first, and those without a result."""
    comparison = material.comparison
    failed = [
        f"{variant.name} {variant.status}: {variant.error or 'it has no result yet'}"
        for variant in comparison.variants
        if variant.status != "ok"
    ]
    blocks: list[Block] = [board.from_comparison(comparison, material.schema)]
    blocks += [Text(tuple(failed), style="bad")] if failed else []
    blocks += [Text(tuple(comparison.notes), title="Notes")] if comparison.notes else []
    meanings = _meanings(material)
    return [*blocks, *([Text(meanings, title="What the scores mean", is_folded=True)] if meanings else [])]


def _meanings(material: Material) -> tuple[str, ...]:
    """A sentence on each metric of quality and of cost that the leaderboard shows."""
    shown_columns = board.from_comparison(material.comparison, material.schema).columns
    lines = []
    for column in shown_columns:
        try:
            described = metrics.get(column.name)
        except ConfigError:
            continue
        first = (described.value.__doc__ or "").partition("\n")[0].strip()
        lines += [f"{column.name}: {first}"] if first else []
    return tuple(lines)


def differences(material: Material) -> list[Block]:
    """The difference of each challenger to the incumbent, with its joint interval."""
    comparison = material.comparison
    measured = {d.variant: d for d in comparison.differences if d.metric == comparison.metric}
    rows = [
        (variant.name, Score(d.difference, d.low, d.high))
        for variant in comparison.variants
        if (d := measured.get(variant.name)) is not None and math.isfinite(d.difference)
    ]
    if not rows:
        return []
    threshold = comparison.smallest_difference
    figure = Intervals(
        f"Difference to {comparison.incumbent} on {comparison.metric}",
        tuple(rows[:MOST_INTERVALS]),
        x_title=f"{material.metric_title}: difference to {comparison.incumbent} ({material.better})",
        format="difference",
        reference=0.0,
        threshold=threshold if math.isfinite(threshold) else 0.0,
        emphasised=comparison.winner,
    )
    band = (
        f"Within the grey band, ±{numbers.threshold(threshold)}, differences are below the smallest that matters."
        if math.isfinite(threshold) and threshold > 0
        else ""
    )
    share = f"{comparison.confidence:.0%}"
    looks = comparison.looks
    lines = [
        "The intervals are those of the verdict, wider for each look at these test rows."
        if looks.is_held and looks.number > 1
        else f"All intervals hold together at {share} confidence.",
        "Each pair is compared on the rows that both answered.",
        band,
    ]
    left_out = len(rows) - MOST_INTERVALS
    lines += [f"{left_out} more variants are in the leaderboard."] if left_out > 0 else []
    return [figure, Text(tuple(line for line in lines if line))]


def trade_offs(material: Material) -> list[Block]:
    """Quality against price and against latency, with the variants that nobody beats in both."""
    blocks: list[Block] = []
    for name, title, unit in (
        ("cost_per_1k", "price", "US dollars per 1,000 predictions"),
        ("latency_p95_ms", "latency", "95th percentile of the latency, ms"),
    ):
        figure = _quality_against(material, name, title, unit)
        if figure and name == "cost_per_1k" and max(_value(point.x) for point in figure.points) < LEAST_PRICE:
            blocks.append(Text((f"1,000 predictions of any variant cost less than ${LEAST_PRICE}.",)))
        elif figure:
            blocks.append(figure)
    return blocks


def _quality_against(material: Material, name: str, title: str, unit: str) -> Points | None:
    comparison = material.comparison
    placed = [
        (variant.name, x, y)
        for variant in comparison.variants
        if (x := variant.metrics.get(name))
        and (y := variant.metrics.get(comparison.metric))
        and _known(x)
        and _known(y)
    ][:MOST_INTERVALS]
    if len(placed) < 2 or name == comparison.metric:
        return None
    sign = 1 if comparison.direction == "maximize" else -1
    front = {
        variant
        for variant, x, y in placed
        if not any(
            _value(other_x) <= _value(x)
            and sign * _value(other_y) >= sign * _value(y)
            and (_value(other_x), _value(other_y)) != (_value(x), _value(y))
            for _, other_x, other_y in placed
        )
    }
    ends = [_value(x) for _, x, _ in placed]
    is_log = min(ends) > 0 and max(ends) / min(ends) > LOG_FROM
    return Points(
        f"{comparison.metric} against {title}",
        tuple(Point(variant, x, y, variant in front) for variant, x, y in placed),
        x_title=unit + (", logarithmic" if is_log else ""),
        y_title=f"{material.metric_title} ({material.better})",
        x_scale="log" if is_log else "linear",
        outstanding="on the Pareto front",
    )


def slices(material: Material) -> list[Block]:
    """The decision metric on each slice of the test rows."""
    metric, runs = material.comparison.metric, material.detailed
    sizes = {
        (column, value): int(part.get("rows") or 0)
        for run in runs
        for column, parts in run.slices.items()
        for value, part in parts.items()
    }
    largest = sorted(sizes, key=lambda key: (key[0], -sizes[key]))[:MOST_SLICES]
    if not largest:
        return []

    def value(run_slices: object, column: str, name: str) -> float | None:
        part = run_slices.get(column, {}).get(name) if hasattr(run_slices, "get") else None
        return part["metrics"].get(metric) if part else None

    figure = Matrix(
        f"{metric} on each slice",
        rows=tuple(f"{column}: {name} ({sizes[column, name]:,})" for column, name in largest),
        columns=tuple(run.variant for run in runs),
        values=tuple(tuple(value(run.slices, column, name) for run in runs) for column, name in largest),
        row_title="slice (rows)",
        column_title="variant",
    )
    more = len(sizes) - len(largest)
    notes = [line for line in (f"{more} more slices are in result.json." if more else "", material.left_out) if line]
    return [figure, *([Text(tuple(notes))] if notes else [])]


def _known(score: Score) -> bool:
    return score.value is not None and math.isfinite(score.value)


def _value(score: Score) -> float:
    assert score.value is not None, "known scores have a value"
    return score.value
