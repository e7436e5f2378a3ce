"""Trials of a search as lines over parallel axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from bakeoff import numbers
from bakeoff.report.figures import Parallel
from bakeoff.report.svg import canvas
from bakeoff.report.svg.canvas import WIDTH
from bakeoff.report.svg.matrix import SHADES

LOG_FROM = 50.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""
MOST_NAMES = 8


def draw(figure: Parallel) -> str:
    """The figure as an SVG element: the better a trial, the darker its line; the best one stands out."""
    top, bottom, height = 34, 270, 300
    gap = (WIDTH - 150) / max(1, len(figure.axes) - 1)
    at = [round(64 + gap * i, 1) for i in range(len(figure.axes))]
    scales, body = [], []
    for i, name in enumerate(figure.axes):
        scale, ticks = _scale([row[i] for row in figure.rows], bottom, top)
        scales.append(scale)
        body.append(
            f'<line class="reference" x1="{at[i]}" x2="{at[i]}" y1="{top}" y2="{bottom}"/>'
            f'<text class="label" x="{at[i]}" y="{14 if i % 2 == 0 else bottom + 22}" text-anchor="middle">'
            f"{canvas.label(name, 20)}</text>"
        )
        body += [f'<text class="tick" x="{at[i] + 6}" y="{y + 4}">{text}</text>' for y, text in ticks]
    order = sorted(
        figure.rows,
        key=lambda row: _number(row[-1]) if figure.is_higher_better else -_number(row[-1]),
    )
    lines = []
    for rank, row in enumerate(order):
        shade = min(SHADES - 1, 2 + int((SHADES - 2) * (rank + 1) / len(order)))
        css = "line s1" if rank == len(order) - 1 else f"line t{shade}"
        path = " ".join(f"{at[i]},{scales[i](value)}" for i, value in enumerate(row))
        lines.append(f'<polyline class="{css}" points="{path}"/>')
    return canvas.element(figure.title, height, [*lines, *body])


def _number(value: float | str) -> float:
    return value if isinstance(value, float | int) else math.nan


def _scale(
    values: Sequence[float | str], bottom: float, top: float
) -> tuple[Callable[[float | str], float], list[tuple[float, str]]]:
    """The pixel of each value of an axis, and its ticks as pixels and texts."""
    named = any(isinstance(value, str) for value in values)
    if named:
        names = list(dict.fromkeys(sorted(map(str, values))))
        step = (bottom - top) / max(1, len(names) - 1)
        pixels = {
            name: round(bottom - step * i if len(names) > 1 else (bottom + top) / 2, 1) for i, name in enumerate(names)
        }
        return lambda value: pixels[str(value)], [(pixels[n], canvas.label(n, 14)) for n in names[:MOST_NAMES]]
    known = [float(value) for value in values]
    is_log = min(known) > 0 and max(known) / min(known) > LOG_FROM
    axis = canvas.axis(known, bottom, top, is_log=is_log, margin=0.02)
    ticks = [(axis(value), numbers.number(value)) for value in dict.fromkeys((min(known), max(known)))]
    return lambda value: axis(float(value)), ticks
