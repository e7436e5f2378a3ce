"""Stages that rows pass in order, as stairs from the first row to the last."""

from __future__ import annotations

from bakeoff import numbers
from bakeoff.report.figures import Flow
from bakeoff.report.plain import shown
from bakeoff.report.svg import canvas
from bakeoff.report.svg.canvas import WIDTH, Axis

STEP = 46
ABOUT = 17
"""Height of the line of text below the bar of a stage."""


def draw(figure: Flow) -> str:
    """The figure as an SVG element."""
    left = canvas.label_width([name for name, *_ in figure.stages])
    bottom = 8 + STEP * len(figure.stages)
    x = Axis(0.0, 1.0, left, WIDTH - 24)
    body = [canvas.vertical_grid(x, 8, bottom), canvas.x_title("share of the rows", left, bottom + 48)]
    for i, (name, seen, answered, about) in enumerate(figure.stages):
        y = 12 + STEP * i
        start = x(max(0.0, 1.0 - seen))
        text = f"{name}: sees {numbers.number(seen)}, answers {numbers.number(answered)}"
        body.append(
            f'<text class="label" x="{left - 12:.1f}" y="{y + 13}" text-anchor="end">{canvas.label(name)}</text>'
            f"<g><title>{shown(text)}</title>"
            f'<rect class="band" x="{start}" y="{y}" width="{max(0.0, x(1.0) - start):.1f}" height="18"/>'
            f'<rect class="bar s0" x="{start}" y="{y}" width="{max(0.5, x(answered) - x(0.0)):.1f}" height="18"/></g>'
        )
        if about:
            at, anchor = (start, "start") if start < WIDTH * 0.6 else (WIDTH - 24, "end")
            body.append(
                f'<text class="tick" x="{at}" y="{y + 18 + ABOUT - 3}" text-anchor="{anchor}">{shown(about)}</text>'
            )
    return canvas.element(figure.title, bottom + 54, body)
