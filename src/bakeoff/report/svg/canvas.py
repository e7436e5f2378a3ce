"""Parts that figures share: scales with ticks, grids, titles, labels that fit, colours by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bakeoff import numbers
from bakeoff.record import Score
from bakeoff.report.plain import shown

WIDTH = 580
ROW = 30
SERIES = 8
"""Colours of ``page.css``; series beyond them repeat the colours with dashes."""
CHARACTER = 7.4
"""Width of a character of the 12.5 px label font, for wide ones rather than on average; labels are cut to what fits."""
LONGEST_LABEL = 28
DIGIT = 7.0
"""Width of a character of the 12 px tick font: digits are the widest of those that numbers have."""
LEAST_LEFT = 64
"""Room on the left of a vertical axis, in pixels; more where its values are longer."""
MOST_TICKS = 6
TITLE = 22
"""Height of the title of a vertical axis, which stands above it."""


@dataclass(frozen=True)
class Palette:
    """Colours by name, the same in every figure of a document.

    Attributes:
        names: names with a colour of their own, in order; others take the next free ones, figure by figure.
    """

    names: Sequence[str] = ()
    _positions: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_positions", {name: i for i, name in enumerate(self.names)})

    def classes(self, names: Sequence[str]) -> list[str]:
        """The class of each name in a figure that shows these."""
        strange = [name for name in names if name not in self._positions]
        taken = {self._positions[name] for name in names if name in self._positions}
        free = [i for i in range(len(strange) + len(taken) + 1) if i not in taken]
        positions = {**self._positions, **dict(zip(strange, free, strict=False))}
        return [f"s{positions[name] % SERIES}{' dashed' * (positions[name] // SERIES % 2)}" for name in names]


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

    def ticks(self, most: int = MOST_TICKS) -> list[float]:
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


def element(title: str, height: float, body: Sequence[str], width: float = WIDTH) -> str:
    """The SVG element around the parts of a figure."""
    return (
        f'<svg role="img" aria-label="{shown(title)}" viewBox="0 0 {width:.0f} {height:.0f}"'
        f' width="{width:.0f}" height="{height:.0f}">{"".join(body)}</svg>'
    )


def vertical_grid(x: Axis, top: float, bottom: float) -> str:
    """Vertical lines at the ticks of a horizontal axis, with their values below."""
    ticks, text = _ticks_that_fit(x)
    return "".join(
        f'<line class="grid" x1="{x(t)}" x2="{x(t)}" y1="{top}" y2="{bottom}"/>'
        f'<text class="tick" x="{x(t)}" y="{bottom + 18}" text-anchor="middle">{text(t)}</text>'
        for t in ticks
    )


def _ticks_that_fit(x: Axis) -> tuple[list[float], Callable[[float], str]]:
    """Ticks of a horizontal axis, so few that their values do not touch, and the function that formats them."""
    for most in range(MOST_TICKS, 0, -1):
        ticks = x.ticks(most)
        text = formatter(ticks, x.is_log)
        if all(DIGIT * (len(text(a)) + len(text(b))) / 2 < abs(x(b) - x(a)) for a, b in pairwise(ticks)):
            return ticks, text
    return ticks[:1], text


def left_of(y: Axis) -> float:
    """Room for the values of a vertical axis on its left, in pixels."""
    ticks = y.ticks()
    text = formatter(ticks, y.is_log)
    return max(LEAST_LEFT, 12 + DIGIT * max((len(text(tick)) for tick in ticks), default=0))


def horizontal_grid(y: Axis, left: float, right: float) -> str:
    """Horizontal lines at the ticks of a vertical axis, with their values on the left."""
    ticks = y.ticks()
    text = formatter(ticks, y.is_log)
    return "".join(
        f'<line class="grid" x1="{left}" x2="{right}" y1="{y(t)}" y2="{y(t)}"/>'
        f'<text class="tick" x="{left - 8}" y="{y(t) + 4}" text-anchor="end">{text(t)}</text>'
        for t in ticks
    )


def formatter(ticks: Sequence[float], is_log: bool) -> Callable[[float], str]:
    """Ticks with as many decimals as tell them apart."""
    steps = [abs(b - a) for a, b in pairwise(ticks)]
    if not steps or is_log:
        return lambda tick: f"{tick:,.0f}" if tick >= 1 else f"{tick:.12f}".rstrip("0")
    decimals = max(0, -math.floor(math.log10(min(steps)) + 1e-9))
    decimals += any(round(tick, decimals) != round(tick, decimals + 1) for tick in ticks)
    return lambda tick: numbers.number(tick, decimals)


def x_title(title: str, left: float, height: float) -> str:
    """Title of a horizontal axis, below it."""
    return f'<text class="title" x="{left:.1f}" y="{height - 6}">{shown(title)}</text>' if title else ""


def y_title(title: str) -> str:
    """Title of a vertical axis, above it and not turned: it is read without turning the head."""
    return f'<text class="title" x="4" y="13">{shown(title)}</text>' if title else ""


def label(name: str, longest: int = LONGEST_LABEL) -> str:
    """A name that fits, cut in the middle: variants of one model differ at their ends."""
    if len(name) > longest:
        end = (longest - 1) // 2
        name = f"{name[: longest - 1 - end]}…{name[-end:]}"
    return shown(name)


def label_width(names: Sequence[str]) -> float:
    """Room for labels on the left, in pixels."""
    return 24 + CHARACTER * max([min(len(name), LONGEST_LABEL) for name in names], default=0)


def ends(score: Score) -> list[float]:
    """Value and bounds, as far as they are finite."""
    known = (score.low, score.value, score.high)
    return [value for value in known if value is not None and math.isfinite(value)]


def apart(positions: Sequence[float], distance: float, low: float = -math.inf, high: float = math.inf) -> list[float]:
    """The positions moved so that labels do not overlap, in the same order and, if there is room, within bounds."""
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    moved = [max(position, low) for position in positions]
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + distance)
    limit = high
    for i in reversed(order):
        moved[i] = min(moved[i], limit)
        limit = moved[i] - distance
    return [round(position, 1) for position in moved]
