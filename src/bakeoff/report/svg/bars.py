"""Horizontal bars, one or several a row."""

from __future__ import annotations

import math

from bakeoff import numbers
from bakeoff.report.figures import Chart
from bakeoff.report.plain import shown
from bakeoff.report.svg import canvas
from bakeoff.report.svg.canvas import ROW, WIDTH, Axis, Palette


def draw(figure: Chart, palette: Palette) -> str:
    """The figure as an SVG element."""
    labels = [canvas.label(str(name)) for name in figure.x]
    left = canvas.label_width([str(name) for name in figure.x])
    names, classes = list(figure.series), palette.classes(list(figure.series))
    row = max(ROW, 16 * len(names) + 8)
    bottom = 8 + row * len(labels)
    height = bottom + 48 + (22 if len(names) > 1 else 0)
    values = [v for series in figure.series.values() for v in series if math.isfinite(v)]
    low, high = min([0.0, *values]), max([0.0, *values])
    x = Axis(low, high if high > low else low + 1, left, WIDTH - 80)
    body = [canvas.vertical_grid(x, 8, bottom), canvas.x_title(figure.x_title, left, bottom + 48)]
    for i, text in enumerate(labels):
        middle = 8 + row * (i + 0.5)
        body.append(f'<text class="label" x="{left - 12:.1f}" y="{middle + 4}" text-anchor="end">{text}</text>')
        for j, name in enumerate(names):
            value = figure.series[name][i]
            if not math.isfinite(value):
                continue
            at = middle + 16 * (j - (len(names) - 1) / 2)
            start, end = sorted((x(0.0), x(value)))
            body.append(
                f'<rect class="bar {classes[j]}" x="{start}" y="{at - 6}" height="12"'
                f' width="{max(end - start, 0.5):.1f}">'
                f"<title>{text}, {shown(name)}: {numbers.number(value)}</title></rect>"
                f'<text class="tick" x="{end + 5}" y="{at + 4}">{numbers.number(value)}</text>'
            )
    if len(names) > 1:
        for j, name in enumerate(names):
            at = left + 150 * j
            body.append(
                f'<rect class="bar {classes[j]}" x="{at:.1f}" y="{height - 16}" width="12" height="12"/>'
                f'<text class="label" x="{at + 18:.1f}" y="{height - 6}">{canvas.label(name, 18)}</text>'
            )
    return canvas.element(figure.title, height, body)
