"""A report is data: every renderer draws the same blocks."""

from __future__ import annotations

from bakeoff.record import Score
from bakeoff.report import html, markdown
from bakeoff.report.blocks import Column, Table, Text
from bakeoff.report.document import Report
from bakeoff.report.figures import Chart
from bakeoff.report.sections import _titled

TABLE = Table(
    (
        Column("variant", "variant"),
        Column("f1", "f1 of <spam>", "interval"),
        Column("difference", "vs a|b", "difference"),
        Column("cost_per_1k", "$ per 1k", "price"),
        Column("trials", "trials", "count"),
    ),
    (
        ("linear", Score(0.95231, 0.9123, 0.9817), Score(0.1123, 0.0504, 0.1721), Score(0.00001), 12),
        ("rules", Score(0.84, None, None), "incumbent", None, None),
    ),
    "mails",
    "linear",
)


def test_cells_are_formatted_by_their_column() -> None:
    assert TABLE.texts() == [
        ["linear", "0.952 [0.912, 0.982]", "+0.11 [+0.05, +0.17]", "<0.0001", "12"],
        ["rules", "0.840", "incumbent", "–", "–"],
    ]


def test_markdown_escapes_what_would_break_the_table() -> None:
    drawn = markdown.render(Report((Text(("a_b", "c"), title="Data"), TABLE, Text(("Verdict: SHIP linear",)))))
    assert drawn.splitlines() == [
        "**Data**",
        "",
        "- a\\_b",
        "- c",
        "",
        "**mails**",
        "",
        "| variant | f1 of \\<spam\\> | vs a\\|b | $ per 1k | trials |",
        "| --- | --- | --- | ---: | ---: |",
        "| linear | 0.952 [0.912, 0.982] | +0.11 [+0.05, +0.17] | \\<0.0001 | 12 |",
        "| rules | 0.840 | incumbent | – | – |",
        "",
        "Verdict: SHIP linear",
    ]


def test_html_escapes_names_and_draws_a_chart_as_its_table() -> None:
    chart = Chart("learning", (1.0, 2.0), {"a & b": (0.5, 0.25)}, x_title="epoch")
    drawn = html.render(Report((TABLE, Text(("Verdict: SHIP <b> – why",), style="good"), chart)))
    assert "<th>f1 of &lt;spam&gt;</th>" in drawn
    assert "<td><b>linear</b></td>" in drawn
    assert "<p><b>Verdict: SHIP &lt;b&gt;</b> – why</p>" in drawn
    assert "<tr><th>epoch</th><th>a &amp; b</th></tr><tr><td><b>1.00</b></td>" not in drawn
    assert "<tr><td>1.00</td><td>0.500</td></tr>" in drawn


def test_a_section_may_return_lines_and_blocks() -> None:
    assert _titled("Missed", ["one", "two"]) == [Text(("one", "two"), title="Missed")]
    assert _titled("Missed", ["one", TABLE, "two"]) == [Text(("one",), title="Missed"), TABLE, Text(("two",))]
    assert _titled("Missed", []) == []
