"""Values with intervals, one below the other (a forest plot)."""

from __future__ import annotations

import math
from html import escape

from bakeoff import numbers
from bakeoff.report.figures import Intervals
from bakeoff.report.plain import shown
from bakeoff.report.svg import canvas
from bakeoff.report.svg.canvas import ROW, WIDTH, ends


def draw(figure: Intervals) -> str:
    """The figure as an SVG element."""
    left = canvas.label_width([name for name, _ in figure.rows])
    bottom = 8 + ROW * len(figure.rows)
    height = bottom + 48
    values = [value for _, score in figure.rows for value in ends(score)]
    if figure.reference is not None:
        values += [figure.reference - figure.threshold, figure.reference + figure.threshold]
    x = canvas.axis(values, left, WIDTH - 24)
    body = [canvas.vertical_grid(x, 8, bottom), canvas.x_title(figure.x_title, left, height)]
    if figure.reference is not None:
        if figure.threshold > 0:
            start, end = x(figure.reference - figure.threshold), x(figure.reference + figure.threshold)
            body.append(f'<rect class="band" x="{start}" y="8" width="{end - start:.1f}" height="{bottom - 8}"/>')
        at = x(figure.reference)
        body.append(f'<line class="reference" x1="{at}" x2="{at}" y1="8" y2="{bottom}"/>')
    for i, (name, score) in enumerate(figure.rows):
        y = 8 + ROW * i + ROW / 2
        strong = " strong" if name == figure.emphasised else ""
        body.append(
            f'<text class="label{strong}" x="{left - 12:.1f}" y="{y + 4}" text-anchor="end">{canvas.label(name)}</text>'
        )
        if score.value is None or not math.isfinite(score.value):
            body.append(f'<text class="label" x="{left + 4:.1f}" y="{y + 4}">no value</text>')
            continue
        low, high = x(min(ends(score))), x(max(ends(score)))
        mark = f"mark{strong}"
        text = escape(numbers.with_interval(score.value, score.low, score.high))
        body.append(
            f"<g><title>{shown(name)}: {text}</title>"
            f'<line class="{mark}" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
            f'<circle class="{mark}" cx="{x(score.value)}" cy="{y}" r="5"/></g>'
        )
    return canvas.element(figure.title, height, body)
