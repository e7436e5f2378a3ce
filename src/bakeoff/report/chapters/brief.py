"""The chapter for readers in a hurry: the two variants that the verdict is about, and what would change it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bakeoff import numbers
from bakeoff.compare.comparison import Variant
from bakeoff.compare.gains import Difference
from bakeoff.record import Run, Score
from bakeoff.report.blocks import Column, Table, Text, Value
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block

CARD = {"licence": "licence", "hosting": "runs", "data_leaves_network": "data leaves the network?"}
CAVEATS = ("No incumbent was declared", "On ")
"""Beginnings of the notes that a reader of the verdict must know: an incumbent by default, challengers as good."""
ALIKE = 5
"""Ratio of two scores up to which they are written with the same decimals."""
COST = "cost_per_1k"
OPERATIONS = {
    "latency_p50_ms": "latency, median, ms",
    "latency_p95_ms": "latency, 95th percentile, ms",
    COST: "price per 1,000 predictions, US dollars",
    "net_value_per_1k": "value less cost per 1,000 predictions",
}
MEANINGS = {
    "ship": "Replace {incumbent} with {winner}.",
    "as_good": "{winner} may replace {incumbent}: it is shown to be as good where it counts.",
    "keep": "Stay with {incumbent}.",
    "inconclusive": "Do not decide yet: these test rows neither show a gain that matters nor rule one out.",
}


def in_brief(material: Material) -> list[Block]:
    """Incumbent and winner, or the best challenger, side by side; then what to do, and what would change that."""
    comparison = material.comparison
    of = {variant.name: variant for variant in comparison.variants if variant.status == "ok"}
    challenger = _challenger(material, of)
    incumbent = of.get(comparison.incumbent)
    meaning = MEANINGS[comparison.verdict].format(
        incumbent=comparison.incumbent, winner=comparison.winner or comparison.incumbent
    )
    caveats = [note for note in comparison.notes if note.startswith(CAVEATS)]
    lines = [meaning, *_turning_points(material, challenger), *caveats]
    blocks: list[Block] = [Text(tuple(lines), title="What it means")]
    if incumbent is not None and challenger is not None:
        blocks.append(_side_by_side(material, incumbent, challenger))
    return blocks


def _challenger(material: Material, of: dict[str, Variant]) -> Variant | None:
    """The winner, or the best of the others where the incumbent wins or nobody does."""
    comparison = material.comparison
    if comparison.winner in of and comparison.winner != comparison.incumbent:
        return of[comparison.winner]
    return next((variant for name, variant in of.items() if name != comparison.incumbent), None)


def _turning_points(material: Material, challenger: Variant | None) -> list[str]:
    """Sentences on how far the verdict is from another one."""
    comparison = material.comparison
    gap = _gap(material, challenger)
    margin = comparison.smallest_difference
    if gap is None or challenger is None or not math.isfinite(gap.low) or not math.isfinite(margin):
        return []
    least, most = (gap.low, gap.high) if comparison.direction == "maximize" else (-gap.high, -gap.low)
    key = "decision.smallest_difference"
    unit, named = numbers.threshold(margin), challenger.name
    if comparison.verdict == "ship" and least > margin:
        return [
            f"The gain is at least {numbers.threshold(least)}, the lower end of its interval. The verdict stands as "
            f"long as the smallest gain worth a change is below that; it is now {unit} ({key})."
        ]
    if comparison.verdict == "keep" and most <= margin:
        return [
            f"{named} gains {numbers.threshold(most)} at most; the smallest gain worth a change is {unit} ({key}). "
            "More test rows would not change this, a better variant would."
        ]
    if comparison.verdict == "inconclusive":
        return [
            f"{named} may be {numbers.threshold(abs(least))} {'worse' if least < 0 else 'better'} or "
            f"{numbers.threshold(abs(most))} {'better' if most >= 0 else 'worse'} than {comparison.incumbent}; "
            f"the smallest gain worth a change is {unit} ({key}). More test rows narrow this."
        ]
    return []


def _gap(material: Material, challenger: Variant | None) -> Difference | None:
    comparison = material.comparison
    return next(
        (
            d
            for d in comparison.differences
            if challenger and (d.variant, d.metric) == (challenger.name, comparison.metric)
        ),
        None,
    )


def _side_by_side(material: Material, incumbent: Variant, challenger: Variant) -> Table:
    comparison = material.comparison
    columns = (
        Column("what", ""), Column("incumbent", f"{incumbent.name} (incumbent)", "interval"),
        Column("challenger", challenger.name, "interval"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    titles = {**dict.fromkeys([comparison.metric, *_headlines(material)], ""), **OPERATIONS}
    titles[comparison.metric] = material.metric_title
    for name, title in titles.items():
        pair = [variant.metrics.get(name) for variant in (incumbent, challenger)]
        if any(score is not None and score.value is not None for score in pair):
            texts = [_operation(score, name) if name in OPERATIONS else _text(score, pair) for score in pair]
            rows.append((title or name, *texts))
    wrong = _wrong(material, [incumbent.name, challenger.name])
    rows += [wrong] if wrong else []
    runs = {run.variant: run for run in material.finished}
    for key, title in CARD.items():
        words = [_of_card(runs.get(variant.name), key) for variant in (incumbent, challenger)]
        if any(words):
            rows.append((title, *words))
    return Table(columns, tuple(rows))


def _headlines(material: Material) -> tuple[str, ...]:
    if material.kind is None or material.schema is None:
        return ()
    return tuple(material.kind.headline_metrics(material.schema))


def _text(score: Score | None, pair: Sequence[Score | None]) -> str:
    """A score with its interval; of two that are alike in size, with as many decimals as the narrower supports."""
    if score is None:
        return numbers.MISSING
    sizes = [abs(each.value) for each in pair if each is not None and each.value]
    bounds = [(each.low, each.high) for each in pair if each is not None]
    is_alike = sizes and max(sizes) < ALIKE * min(sizes) and score.low is not None
    decimals = numbers.interval_decimals(bounds) if is_alike else None
    return numbers.with_interval(score.value, score.low, score.high, decimals)


def _operation(score: Score | None, name: str) -> str:
    if score is None or score.value is None:
        return numbers.MISSING
    return numbers.price(score.value) if name == COST else numbers.number(score.value)


def _wrong(material: Material, names: Sequence[str]) -> tuple[Value, ...] | None:
    """Wrong rows of two variants among those that both answered; None where outputs are not right or wrong."""
    tables = [material.answered.get(name) for name in names]
    if material.kind is None or any(table is None for table in tables):
        return None
    right = []
    for table in tables:
        assert table is not None
        is_right = material.kind.is_right(table.predictions.output, table.target)
        if is_right is None:
            return None
        right.append(dict(zip(table.ids.tolist(), is_right, strict=True)))
    common = [identity for identity in right[0] if identity in right[1]]
    counts = [sum(not of[identity] for identity in common) for of in right]
    return (
        f"wrong, of {len(common):,} {'sampled ' if material.sampled else ''}rows that both answered",
        *(f"{count:,}" for count in counts),
    )


def _of_card(run: Run | None, key: str) -> str:
    value = run.card.get(key) if run is not None else None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return {"local": "on this machine", "api": "at a provider"}.get(str(value), str(value)) if value else ""
