"""Heat maps and confusion matrices."""

from __future__ import annotations

import math
from html import escape

from bakeoff.report.figures import Matrix
from bakeoff.report.plain import shown
from bakeoff.report.svg import canvas
from bakeoff.report.svg.canvas import CHARACTER, LONGEST_LABEL, ROW, WIDTH

SHADES = 10
ANGLE = 48
"""Degrees by which labels of narrow columns are turned."""
SINE, COSINE = math.sin(math.radians(ANGLE)), math.cos(math.radians(ANGLE))


def draw(figure: Matrix) -> str:
    """The figure as an SVG element."""
    labels = [canvas.label(name) for name in figure.rows]
    left = canvas.label_width(figure.rows) - 4
    longest = CHARACTER * max([min(len(name), LONGEST_LABEL) for name in figure.columns], default=0)
    cell = _cell(figure, left)
    is_turned = longest > cell - 6
    beyond = longest * COSINE if is_turned else 0.0  # the last label leans over the edge of its column
    cell = _cell(figure, left + beyond)
    width = max(WIDTH, left + cell * len(figure.columns) + beyond + 10)
    head = 26 + (longest * SINE if is_turned else 14)
    texts = figure.table().texts()
    shades = _shades(figure)
    body = [f'<text class="title" x="{left:.1f}" y="14">{shown(figure.column_title)}</text>']
    for j, name in enumerate(figure.columns):
        at = round(left + cell * (j + 0.5), 1)
        turned = (
            f' transform="rotate(-{ANGLE} {at} {head - 6:.1f})" text-anchor="start"'
            if is_turned
            else ' text-anchor="middle"'
        )
        body.append(f'<text class="label" x="{at}" y="{head - 6:.1f}"{turned}>{canvas.label(name)}</text>')
    for i, name in enumerate(labels):
        top = round(head + ROW * i, 1)
        body.append(f'<text class="label" x="{left - 10:.1f}" y="{top + 19}" text-anchor="end">{name}</text>')
        for j in range(len(figure.columns)):
            shade, text = shades[i][j], escape(texts[i][j + 1])
            at = round(left + cell * j, 1)
            css = "empty" if shade is None else f"h{shade}"
            body.append(
                f'<rect class="cell {css}" x="{at}" y="{top}" width="{cell - 2:.1f}" height="{ROW - 2}">'
                f"<title>{shown(figure.rows[i])}, {shown(figure.columns[j])}: {text}</title></rect>"
            )
            if len(text) * CHARACTER < cell:
                light = " on-dark" if shade is not None and shade >= SHADES * 0.6 else ""
                body.append(
                    f'<text class="value{light}" x="{at + cell / 2 - 1:.1f}" y="{top + 19}"'
                    f' text-anchor="middle">{text}</text>'
                )
    return canvas.element(figure.title, head + ROW * len(labels) + 8, body, width)


def _cell(figure: Matrix, beside: float) -> float:
    """Width of a column, where that many pixels are taken beside the columns."""
    return min(96.0, max(26.0, (WIDTH - beside - 10) / max(1, len(figure.columns))))


def _shades(figure: Matrix) -> list[list[int | None]]:
    """The shade of each cell, 0 to ``SHADES`` - 1; None where there is no value."""
    shares: list[list[float | None]] = []
    finite = [v for row in figure.values for v in row if v is not None and math.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    for row in figure.values:
        total = sum(v for v in row if v is not None and math.isfinite(v))
        shares.append(
            [
                None
                if v is None or not math.isfinite(v)
                else (v / total if total else 0.0)
                if figure.shade == "row_share"
                else ((v - low) / (high - low) if high > low else 0.5)
                for v in row
            ]
        )
    return [[None if s is None else min(SHADES - 1, int(s * SHADES)) for s in row] for row in shares]
