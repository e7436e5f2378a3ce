"""Chapters on money: value per month, and the volume from which one variant is cheaper than another."""

from __future__ import annotations

from bakeoff.compare import breakeven
from bakeoff.report import monthly, spending
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block


def value(material: Material) -> list[Block]:
    """Value of a month with intervals, where the business declares how many predictions it makes."""
    return monthly.blocks(material.comparison)


def break_even(material: Material) -> list[Block]:
    """Monthly costs by number of predictions, where several variants have a price."""
    priced = [run for run in material.detailed if run.cost is not None]
    if len(priced) < 2:
        return []
    known, notes = breakeven.spendings(priced)
    per_month = (material.comparison.business or {}).get("per_month")
    if per_month is None and not any(one.prices_of or one.has_people for one in known):
        return []  # machines alone: their differences are in the leaderboard
    names = [one.variant for one in known]
    reference = next((name for name in (material.comparison.incumbent, *names) if name in names), "")
    return spending.blocks(known, reference, notes, None if per_month is None else float(per_month))
