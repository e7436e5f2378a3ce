"""Check of repeated looks at the same test rows."""

from __future__ import annotations

from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.looks import percent

MANY = 5
"""Looks from which a method check speaks of them."""


@check("looks_spent", "Were these test rows looked at only a few times?", severity="note")
def looks_spent(evidence: Evidence) -> list[str]:
    """Each new question to the same test rows makes it more likely that luck answers it."""
    looks = evidence.looks
    if looks.count < MANY:
        return []
    held = (
        f"{looks.alpha - looks.left:.2g} of {looks.alpha:.2g} is spent, and a new variant needs an interval of "
        f"{percent(looks.confidence(looks.count + 1))} to ship"
        if looks.is_held
        else "decision.ledger=false judges each as if it were the first"
    )
    return [
        f"{looks.count} looks were taken at these test rows: {held}. Judge the winner on rows that nobody has seen: "
        "data.split.sealed=0.2, then bakeoff confirm."
    ]
