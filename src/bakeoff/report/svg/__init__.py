"""Figures as inline SVG: axes, ticks, intervals, direct labels. Colours come from the classes of ``page.css``.

An SVG of this package holds no style, no script and no reference to anything outside of it.
"""

from __future__ import annotations

from bakeoff.report.figures import Chart, Figure, Flow, Intervals, Matrix, Parallel, Points
from bakeoff.report.svg import bars, flow, intervals, lines, matrix, parallel, points
from bakeoff.report.svg.canvas import Palette


def draw(figure: Figure, palette: Palette | None = None) -> str:
    """A figure as an SVG element.

    Args:
        figure: the figure to draw.
        palette: colours of the names that it shows; None: in the order in which they appear.

    Raises:
        TypeError: it is no figure.
    """
    palette = palette or Palette()
    match figure:
        case Chart(kind="bar"):
            return bars.draw(figure, palette)
        case Chart():
            return lines.draw(figure, palette)
        case Intervals():
            return intervals.draw(figure)
        case Points():
            return points.draw(figure, palette)
        case Matrix():
            return matrix.draw(figure)
        case Flow():
            return flow.draw(figure)
        case Parallel():
            return parallel.draw(figure)
    raise TypeError(f"{type(figure).__name__} is not a figure")
