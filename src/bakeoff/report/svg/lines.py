"""Lines and scattered points over a common axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bakeoff.report.figures import Chart
from bakeoff.report.plain import shown
from bakeoff.report.svg import canvas
from bakeoff.report.svg.canvas import TITLE, WIDTH, Palette

MOST_DOTS = 12
"""Values a line up to which each is marked by a dot."""
LABELS = 132
"""Room for the names of the lines on the right, in pixels."""


def draw(figure: Chart, palette: Palette) -> str:
    """The figure as an SVG element."""
    top, bottom, height = TITLE + 6, 290, 336
    right = WIDTH - LABELS
    names_or_values: tuple[float | str, ...] = figure.x
    are_names = bool(names_or_values) and isinstance(names_or_values[0], str)
    positions = [float(i) if isinstance(value, str) else value for i, value in enumerate(names_or_values)]
    floor = [0.0] if figure.begins_at_zero else []
    y = canvas.axis([*floor, *(v for values in figure.series.values() for v in values if v is not None)], bottom, top)
    left = canvas.left_of(y)
    x = canvas.axis(positions, left, right, is_log=figure.x_scale == "log", margin=0.02)
    body = [
        canvas.horizontal_grid(y, left, right),
        canvas.x_title(figure.x_title, left, height),
        canvas.y_title(figure.y_title),
    ]
    if are_names:
        step = max(1, math.ceil(len(positions) / 8))
        body += [
            f'<text class="tick" x="{x(at)}" y="{bottom + 18}" text-anchor="middle">{canvas.label(name, 14)}</text>'
            for at, name in list(zip(positions, map(str, figure.x), strict=True))[::step]
        ]
    else:
        body.append(canvas.vertical_grid(x, top, bottom))
    drawn = {name: _pieces(positions, values) for name, values in figure.series.items()}
    names = [name for name, pieces in drawn.items() if pieces]
    coloured = [name for name in names if name != figure.reference]
    classes = dict(zip(coloured, palette.classes(coloured), strict=True))
    label_y = canvas.apart([y(drawn[name][-1][-1][1]) for name in names], 16, top, bottom)
    for i, name in enumerate(names):
        css = classes.get(name, "ideal")
        for piece in drawn[name]:
            if figure.kind == "scatter":
                body += [f'<circle class="dot {css}" cx="{x(a)}" cy="{y(b)}" r="2.5"/>' for a, b in piece]
            else:
                path = " ".join(f"{x(a)},{y(b)}" for a, b in piece)
                body.append(f'<polyline class="line {css}" points="{path}"><title>{shown(name)}</title></polyline>')
                if len(piece) == 1 or len(positions) <= MOST_DOTS:
                    body += [f'<circle class="dot {css}" cx="{x(a)}" cy="{y(b)}" r="3"/>' for a, b in piece]
        body.append(
            f'<circle class="dot {css}" cx="{right + 12}" cy="{label_y[i]}" r="4"/>'
            f'<text class="label" x="{right + 22}" y="{label_y[i] + 4}">{canvas.label(name, 16)}</text>'
        )
    return canvas.element(figure.title, height, body)


def _pieces(positions: Sequence[float], values: Sequence[float]) -> list[list[tuple[float, float]]]:
    """The points of a line, parted where a value is missing."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for position, value in zip(positions, values, strict=True):
        if value is not None and math.isfinite(value):
            pieces[-1].append((position, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]
