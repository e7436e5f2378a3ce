"""Figures as inline SVG: axes, ticks, intervals, direct labels. Colours come from the classes of ``page.css``.

An SVG of this module holds no style, no script and no reference to anything outside of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from html import escape
from itertools import pairwise

from bakeoff import numbers
from bakeoff.record import Score
from bakeoff.report.figures import Chart, Intervals, Matrix, Points
from bakeoff.report.plain import shown

WIDTH = 720
ROW = 30
SERIES = 8
"""Colours of ``page.css``; series beyond them repeat the colours with dashes."""
CHARACTER = 6.9
"""Width of a character of the 12.5 px label font, on average; labels are cut to what fits."""
LONGEST_LABEL = 28
SHADES = 10


@singledispatch
def draw(figure: object) -> str:
    """A figure as an SVG element. Raises ``TypeError`` for anything that is no figure."""
    raise TypeError(f"{type(figure).__name__} is not a figure")


@dataclass(frozen=True)
class Axis:
    """A scale from values to pixels, with ticks.

    Attributes:
        low, high: values at its ends.
        start, end: pixels of these ends.
        is_log: whether it is logarithmic; its values are then positive.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high = (math.log10(self.low), math.log10(self.high)) if self.is_log else (self.low, self.high)
        at = math.log10(value) if self.is_log else value
        return round(self.start + (self.end - self.start) * (at - low) / (high - low), 1)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values between its ends, at most about ``most``."""
        if self.is_log:
            decades = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            step = max(1, math.ceil(len(decades) / most))
            within = [10.0**power for power in decades][::step]
            if len(within) >= 2:
                return within
        raw = (self.high - self.low) / most
        magnitude = 10.0 ** math.floor(math.log10(raw))
        step_size = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw)
        first = math.ceil(self.low / step_size)
        return [n * step_size for n in range(first, math.floor(self.high / step_size + 1e-9) + 1)]


def axis(values: Sequence[float], start: float, end: float, *, is_log: bool = False, margin: float = 0.05) -> Axis:
    """The axis that holds all values, with a margin at both ends."""
    finite = [value for value in values if math.isfinite(value) and (value > 0 or not is_log)] or [1.0]
    low, high = min(finite), max(finite)
    if is_log:
        factor = max((high / low) ** margin, 1.25)
        return Axis(low / factor, high * factor, start, end, is_log=True)
    room = (high - low) * margin or abs(high) * margin or 1.0
    return Axis(low - room, high + room, start, end)


@draw.register
def _(figure: Intervals) -> str:
    labels = [_label(name) for name, _ in figure.rows]
    left = 24 + CHARACTER * max([len(label) for label in labels], default=0)
    height = ROW * len(figure.rows) + 56
    ends = [value for _, score in figure.rows for value in _ends(score)]
    if figure.reference is not None:
        ends += [figure.reference - figure.threshold, figure.reference + figure.threshold]
    x = axis(ends, left, WIDTH - 24)
    body = [_vertical_grid(x, 8, height - 44), _x_title(figure.x_title, left, height)]
    if figure.reference is not None:
        if figure.threshold > 0:
            start, end = x(figure.reference - figure.threshold), x(figure.reference + figure.threshold)
            body.append(f'<rect class="band" x="{start}" y="8" width="{end - start:.1f}" height="{height - 52}"/>')
        at = x(figure.reference)
        body.append(f'<line class="reference" x1="{at}" x2="{at}" y1="8" y2="{height - 44}"/>')
    for i, (name, score) in enumerate(figure.rows):
        y = 8 + ROW * i + ROW / 2
        strong = " strong" if name == figure.emphasised else ""
        body.append(f'<text class="label{strong}" x="{left - 12:.1f}" y="{y + 4}" text-anchor="end">{labels[i]}</text>')
        if score.value is None or not math.isfinite(score.value):
            body.append(f'<text class="label" x="{left + 4:.1f}" y="{y + 4}">no value</text>')
            continue
        low, high = x(min(_ends(score))), x(max(_ends(score)))
        mark = "mark strong" if strong else "mark"
        text = escape(numbers.with_interval(score.value, score.low, score.high))
        body.append(
            f"<g><title>{shown(name)}: {text}</title>"
            f'<line class="{mark}" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
            f'<circle class="{mark}" cx="{x(score.value)}" cy="{y}" r="5"/></g>'
        )
    return _svg(figure.title, height, body)


@draw.register
def _(figure: Points) -> str:
    height, left, bottom, top = 380, 74, 334, 14
    points = figure.points
    x = axis([v for p in points for v in _ends(p.x)], left, WIDTH - 150, is_log=figure.x_scale == "log")
    y = axis([v for p in points for v in _ends(p.y)], bottom, top)
    body = [
        _vertical_grid(x, top, bottom),
        _horizontal_grid(y, left, WIDTH - 20),
        _x_title(figure.x_title, left, height),
    ]
    body.append(_y_title(figure.y_title))
    front = sorted((p for p in points if p.stands_out), key=lambda p: p.x.value or 0)
    if len(front) > 1:
        path = " ".join(f"{x(_value(p.x))},{y(_value(p.y))}" for p in front)
        body.append(f'<polyline class="front" points="{path}"/>')
    label_y = _apart([y(_value(p.y)) for p in points], 16)
    for i, point in enumerate(points):
        at_x, at_y = x(_value(point.x)), y(_value(point.y))
        (left_end, right_end), (low_end, high_end) = _pixels(x, point.x), _pixels(y, point.y)
        css = f"s{i % SERIES}"
        body.append(
            f"<g><title>{shown(point.name)}</title>"
            f'<rect class="box {css}" x="{left_end}" y="{high_end}" width="{max(right_end - left_end, 1):.1f}"'
            f' height="{max(low_end - high_end, 1):.1f}"/>'
            f'<circle class="dot {css}{" strong" if point.stands_out else ""}" cx="{at_x}" cy="{at_y}" r="5.5"/>'
            f'<text class="label{" strong" if point.stands_out else ""}" x="{max(at_x, right_end) + 9}"'
            f' y="{label_y[i] + 4}">{_label(point.name, 19)}</text></g>'
        )
    return _svg(figure.title, height, body)


@draw.register
def _(figure: Matrix) -> str:
    labels = [_label(name) for name in figure.rows]
    left = 20 + CHARACTER * max([len(label) for label in labels], default=0)
    cell = min(96.0, max(26.0, (WIDTH - left - 10) / max(1, len(figure.columns))))
    width = max(WIDTH, left + cell * len(figure.columns) + 10)
    is_turned = any(len(name) * CHARACTER > cell - 6 for name in figure.columns)
    head = 26 + (min(LONGEST_LABEL, max(map(len, figure.columns), default=0)) * CHARACTER * 0.75 if is_turned else 14)
    texts = figure.table().texts()
    shades = _shades(figure)
    body = [f'<text class="title" x="{left:.1f}" y="14">{shown(figure.column_title)}</text>']
    for j, name in enumerate(figure.columns):
        at = round(left + cell * (j + 0.5), 1)
        turned = (
            f' transform="rotate(-48 {at} {head - 6:.1f})" text-anchor="start"'
            if is_turned
            else ' text-anchor="middle"'
        )
        body.append(f'<text class="label" x="{at}" y="{head - 6:.1f}"{turned}>{_label(name)}</text>')
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
    return _svg(figure.title, head + ROW * len(labels) + 8, body, width)


@draw.register
def _(figure: Chart) -> str:
    return _bars(figure) if figure.kind == "bar" else _lines(figure)


def _lines(figure: Chart) -> str:
    height, left, bottom, top = 340, 74, 290, 14
    names_or_values: tuple[float | str, ...] = figure.x
    are_names = bool(names_or_values) and isinstance(names_or_values[0], str)
    positions = [float(i) if isinstance(value, str) else value for i, value in enumerate(names_or_values)]
    x = axis(positions, left, WIDTH - 150, margin=0.02)
    y = axis([v for values in figure.series.values() for v in values if v is not None], bottom, top)
    body = [_horizontal_grid(y, left, WIDTH - 150), _x_title(figure.x_title, left, height), _y_title(figure.y_title)]
    if are_names:
        step = max(1, math.ceil(len(positions) / 8))
        body += [
            f'<text class="tick" x="{x(at)}" y="{bottom + 18}" text-anchor="middle">{_label(str(name), 14)}</text>'
            for at, name in list(zip(positions, figure.x, strict=True))[::step]
        ]
    else:
        body.append(_vertical_grid(x, top, bottom))
    drawn = {name: _pieces(positions, values) for name, values in figure.series.items()}
    names = [name for name, pieces in drawn.items() if pieces]
    label_y = _apart([y(drawn[name][-1][-1][1]) for name in names], 16)
    for i, name in enumerate(names):
        css = f"s{i % SERIES}" + (" dashed" if i // SERIES % 2 else "")
        for piece in drawn[name]:
            if figure.kind == "scatter":
                body += [f'<circle class="dot {css}" cx="{x(a)}" cy="{y(b)}" r="2.5"/>' for a, b in piece]
            else:
                path = " ".join(f"{x(a)},{y(b)}" for a, b in piece)
                body.append(f'<polyline class="line {css}" points="{path}"><title>{shown(name)}</title></polyline>')
                if len(piece) == 1:
                    body.append(f'<circle class="dot {css}" cx="{x(piece[0][0])}" cy="{y(piece[0][1])}" r="3"/>')
        body.append(
            f'<circle class="dot {css}" cx="{WIDTH - 140}" cy="{label_y[i]}" r="4"/>'
            f'<text class="label" x="{WIDTH - 130}" y="{label_y[i] + 4}">{_label(name, 18)}</text>'
        )
    return _svg(figure.title, height, body)


def _bars(figure: Chart) -> str:
    labels = [_label(str(name)) for name in figure.x]
    left = 24 + CHARACTER * max([len(label) for label in labels], default=0)
    names = list(figure.series)
    row = max(ROW, 16 * len(names) + 8)
    height = row * len(labels) + 56 + (22 if len(names) > 1 else 0)
    values = [v for series in figure.series.values() for v in series if math.isfinite(v)]
    low, high = min([0.0, *values]), max([0.0, *values])
    x = Axis(low, high if high > low else low + 1, left, WIDTH - 80)
    bottom = 8 + row * len(labels)
    body = [_vertical_grid(x, 8, bottom), _x_title(figure.x_title, left, bottom + 48)]
    for i, label in enumerate(labels):
        middle = 8 + row * (i + 0.5)
        body.append(f'<text class="label" x="{left - 12:.1f}" y="{middle + 4}" text-anchor="end">{label}</text>')
        for j, name in enumerate(names):
            value = figure.series[name][i]
            if not math.isfinite(value):
                continue
            at = middle + 16 * (j - (len(names) - 1) / 2)
            start, end = sorted((x(0.0), x(value)))
            body.append(
                f'<rect class="bar s{j % SERIES}" x="{start}" y="{at - 6}" height="12"'
                f' width="{max(end - start, 0.5):.1f}">'
                f"<title>{label}, {shown(name)}: {numbers.number(value)}</title></rect>"
                f'<text class="tick" x="{end + 5}" y="{at + 4}">{numbers.number(value)}</text>'
            )
    if len(names) > 1:
        for j, name in enumerate(names):
            at = left + 150 * j
            body.append(
                f'<rect class="bar s{j % SERIES}" x="{at:.1f}" y="{height - 16}" width="12" height="12"/>'
                f'<text class="label" x="{at + 18:.1f}" y="{height - 6}">{_label(name, 18)}</text>'
            )
    return _svg(figure.title, height, body)


def _svg(title: str, height: float, body: Sequence[str], width: float = WIDTH) -> str:
    return (
        f'<svg role="img" aria-label="{shown(title)}" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}">{"".join(body)}</svg>'
    )


def _vertical_grid(x: Axis, top: float, bottom: float) -> str:
    ticks = x.ticks()
    text = _formatter(ticks, x.is_log)
    return "".join(
        f'<line class="grid" x1="{x(t)}" x2="{x(t)}" y1="{top}" y2="{bottom}"/>'
        f'<text class="tick" x="{x(t)}" y="{bottom + 18}" text-anchor="middle">{text(t)}</text>'
        for t in ticks
    )


def _horizontal_grid(y: Axis, left: float, right: float) -> str:
    ticks = y.ticks()
    text = _formatter(ticks, y.is_log)
    return "".join(
        f'<line class="grid" x1="{left}" x2="{right}" y1="{y(t)}" y2="{y(t)}"/>'
        f'<text class="tick" x="{left - 8}" y="{y(t) + 4}" text-anchor="end">{text(t)}</text>'
        for t in ticks
    )


def _formatter(ticks: Sequence[float], is_log: bool) -> Callable[[float], str]:
    """Ticks with as many decimals as tell them apart."""
    steps = [abs(b - a) for a, b in pairwise(ticks)]
    if not steps or is_log:
        return lambda tick: f"{tick:g}"
    decimals = max(0, -math.floor(math.log10(min(steps)) + 1e-9))
    decimals += any(round(tick, decimals) != round(tick, decimals + 1) for tick in ticks)
    return lambda tick: numbers.number(tick, decimals)


def _x_title(title: str, left: float, height: float) -> str:
    return f'<text class="title" x="{left:.1f}" y="{height - 6}">{shown(title)}</text>' if title else ""


def _y_title(title: str) -> str:
    return f'<text class="title" transform="translate(14 300) rotate(-90)">{shown(title)}</text>' if title else ""


def _label(name: str, longest: int = LONGEST_LABEL) -> str:
    """A name that fits, cut in the middle: variants of one model differ at their ends."""
    if len(name) > longest:
        end = (longest - 1) // 2
        name = f"{name[: longest - 1 - end]}…{name[-end:]}"
    return shown(name)


def _ends(score: Score) -> list[float]:
    """Value and bounds, as far as they are finite."""
    ends = (score.low, score.value, score.high)
    return [value for value in ends if value is not None and math.isfinite(value)]


def _value(score: Score) -> float:
    assert score.value is not None, "points have positions"
    return score.value


def _pixels(scale: Axis, score: Score) -> tuple[float, float]:
    ends = [value for value in _ends(score) if value > 0 or not scale.is_log]
    return scale(min(ends)), scale(max(ends))


def _pieces(positions: Sequence[float], values: Sequence[float]) -> list[list[tuple[float, float]]]:
    """The points of a line, parted where a value is missing."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for position, value in zip(positions, values, strict=True):
        if value is not None and math.isfinite(value):
            pieces[-1].append((position, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _apart(positions: Sequence[float], distance: float) -> list[float]:
    """The positions moved so that labels do not overlap, in the same order."""
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    moved = list(positions)
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + distance)
    overshoot = max([moved[i] for i in order[-1:]], default=0) - max(positions, default=0)
    return [round(value - overshoot / 2, 1) for value in moved]


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
