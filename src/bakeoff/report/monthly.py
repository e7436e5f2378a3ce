"""Value of a month: business value less cost at the declared number of predictions, with intervals."""

from __future__ import annotations

from bakeoff.compare.comparison import Comparison
from bakeoff.record import Score
from bakeoff.report.blocks import Column, Table, Value
from bakeoff.report.document import Block

METRICS = ("net_value_per_1k", "value_per_1k")
"""Metrics of which a month is so many thousands; the first that variants have."""


def blocks(comparison: Comparison) -> list[Block]:
    """A table of the value of a month of each variant, and of its difference to the incumbent; none without a volume.

    A month is a multiple of 1,000 predictions, and so are the intervals.
    """
    per_month = (comparison.business or {}).get("per_month")
    metric = next((name for name in METRICS if any(name in v.metrics for v in comparison.variants)), None)
    if per_month is None or metric is None:
        return []
    thousands = float(per_month) / 1000
    gaps = {d.variant: Score(d.difference, d.low, d.high) for d in comparison.differences if d.metric == metric}
    rows: list[tuple[Value, ...]] = []
    for variant in comparison.variants:
        score = variant.metrics.get(metric)
        if score is None or score.value is None:
            continue
        gap: Value = "incumbent" if variant.name == comparison.incumbent else _times(gaps.get(variant.name), thousands)
        rows.append((variant.name, _times(score, thousands), gap))
    if not rows:
        return []
    words = "net value" if metric == METRICS[0] else "value, without costs"
    columns = (
        Column("variant", "variant"),
        Column("value", f"{words} a month, US dollars [{comparison.confidence:.0%} interval]", "interval"),
        Column("difference", f"vs {comparison.incumbent} [{comparison.confidence:.0%} joint]", "difference"),
    )
    return [Table(columns, tuple(rows), f"Value of a month, {float(per_month):,.0f} predictions", comparison.winner)]


def _times(score: Score | None, factor: float) -> Value:
    if score is None or score.value is None:
        return None
    low, high = (None if bound is None or bound != bound else factor * bound for bound in (score.low, score.high))
    return Score(factor * score.value, low, high)
