"""Named points in two dimensions, with boxes of their uncertainty."""

from __future__ import annotations

from bakeoff.record import Score
from bakeoff.report.figures import Points
from bakeoff.report.plain import shown
from bakeoff.report.svg import canvas
from bakeoff.report.svg.canvas import TITLE, WIDTH, Axis, Palette, ends


def draw(figure: Points, palette: Palette) -> str:
    """The figure as an SVG element."""
    top, bottom, height = TITLE + 6, 320, 366
    points = figure.points
    y = canvas.axis([v for p in points for v in ends(p.y)], bottom, top)
    left = canvas.left_of(y)
    x = canvas.axis([v for p in points for v in ends(p.x)], left, WIDTH - 130, is_log=figure.x_scale == "log")
    body = [
        canvas.vertical_grid(x, top, bottom),
        canvas.horizontal_grid(y, left, WIDTH - 20),
        canvas.x_title(figure.x_title, left, height),
        canvas.y_title(figure.y_title),
    ]
    front = sorted((p for p in points if p.stands_out), key=lambda p: p.x.value or 0)
    if len(front) > 1:
        path = " ".join(f"{x(_value(p.x))},{y(_value(p.y))}" for p in front)
        body.append(f'<polyline class="front" points="{path}"/>')
    labels = []
    label_y = canvas.apart([y(_value(p.y)) for p in points], 16, top, bottom)
    for i, (point, css) in enumerate(zip(points, palette.classes([p.name for p in points]), strict=True)):
        at_x, at_y = x(_value(point.x)), y(_value(point.y))
        (left_end, right_end), (low_end, high_end) = _pixels(x, point.x), _pixels(y, point.y)
        strong = " strong" if point.stands_out else ""
        body.append(
            f"<g><title>{shown(point.name)}</title>"
            f'<rect class="box {css}" x="{left_end}" y="{high_end}" width="{max(right_end - left_end, 1):.1f}"'
            f' height="{max(low_end - high_end, 1):.1f}"/>'
            f'<circle class="dot {css}{strong}" cx="{at_x}" cy="{at_y}" r="5.5"/></g>'
        )
        labels.append(
            f'<text class="label halo{strong}" x="{max(at_x, right_end) + 9}" y="{label_y[i] + 4}">'
            f"{canvas.label(point.name, 17)}</text>"
        )
    return canvas.element(figure.title, height, [*body, *labels])


def _value(score: Score) -> float:
    assert score.value is not None, "points have positions"
    return score.value


def _pixels(scale: Axis, score: Score) -> tuple[float, float]:
    values = [value for value in ends(score) if value > 0 or not scale.is_log]
    return scale(min(values)), scale(max(values))
