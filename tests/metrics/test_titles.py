"""Headings of columns."""

from bakeoff import metrics
from bakeoff.task import Schema


def test_a_long_label_leaves_room_for_the_figures() -> None:
    schema = Schema("classification", "y", {}, ("no", "A" * 3000), "A" * 3000)
    assert metrics.get("f1").title(schema) == "f1 of " + "A" * 39 + "…"
