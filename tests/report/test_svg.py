"""Figures as SVG: every value has a place, and nothing else comes in."""

from __future__ import annotations

import itertools
import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.record import Score
from bakeoff.report import svg
from bakeoff.report.figures import Chart, Figure, Flow, Intervals, Matrix, Parallel, Point, Points
from bakeoff.report.svg import canvas
from bakeoff.report.svg.canvas import Palette

NAN = float("nan")
FIGURES: list[Figure] = [
    Chart("lines", (0.0, 0.5, 1.0), {"a": (0.1, NAN, 0.3), "b": (NAN, NAN, NAN), "c": (1.0, 1.0, 1.0)}, "x", "y"),
    Chart("named", ("one", "two"), {"a": (1.0, 2.0)}),
    Chart("dots", (1.0, 2.0), {"a": (1.0, 2.0)}, kind="scatter"),
    Chart("bars", ("one", "two"), {"a": (1.0, NAN), "b": (-2.0, 3.0)}, kind="bar"),
    Intervals(
        "forest",
        (("a", Score(0.1, -0.1, 0.3)), ("b", Score(None)), ("c", Score(0))),
        reference=0.0,
        threshold=0.1,
    ),
    Points("dots", (Point("a", Score(1.0, 0.5, 2.0), Score(0.9, 0.8, 1.0), True), Point("b", Score(1e-6), Score(0.5)))),
    Points("log", (Point("a", Score(1.0, 0.0, 2.0), Score(0.9)), Point("b", Score(1e-6), Score(0.5))), x_scale="log"),
    Matrix("heat", ("r1", "r2"), ("c1", "c2"), ((1.0, None), (NAN, 0.0)), shade="row_share"),
    Matrix("same", ("r",), ("c1", "c2"), ((0.5, 0.5),)),
    Chart("held against", (1.0, 100.0), {"a": (1.0, 2.0), "ideal": (1.0, 1.0)}, x_scale="log", reference="ideal"),
    Flow("stairs", (("rules", 1.0, 0.7, "cheap"), ("llm", 0.3, 0.3, ""), ("human", 0.0, 0.0, ""))),
    Parallel("trials", ("depth", "rate", "kind", "f1"), ((4.0, 0.001, "a", 0.5), (8.0, 0.3, "b", 0.9))),
    Parallel("one", ("f1",), ((0.5,),), is_higher_better=False),
]  # fmt: skip


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.title)
def test_figure_is_well_formed_has_finite_places_and_a_table(figure: Figure) -> None:
    drawn = svg.draw(figure)
    root = ElementTree.fromstring(drawn)
    assert root.get("role") == "img"
    assert root.get("aria-label") == figure.title
    for element in root.iter():
        for name, value in element.attrib.items():
            if name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"):
                assert math.isfinite(float(value)), (element.tag, name, value)
            if name in ("width", "height"):
                assert float(value) >= 0
        assert "style" not in element.attrib
        assert element.tag in {"svg", "g", "line", "rect", "circle", "polyline", "text", "title"}
    assert figure.table().texts()


def test_lines_are_broken_where_a_value_is_missing() -> None:
    drawn = svg.draw(Chart("t", (0.0, 1.0, 2.0, 3.0, 4.0), {"a": (1.0, 2.0, NAN, 3.0, 4.0)}))
    assert drawn.count("<polyline") == 2


def test_names_are_cut_in_the_middle() -> None:
    drawn = svg.draw(
        Chart("t", (0.0, 1.0), {"extractive-retriever=bm25": (0.0, 1.0), "extractive-retriever=dense": (0, 1)})
    )
    assert "=bm25<" in drawn
    assert "=dense<" in drawn


@given(
    st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1, max_size=20),
    st.booleans(),
)
def test_axis_holds_all_values_and_its_ticks(values: list[float], is_log: bool) -> None:
    positive = [abs(value) + 1e-9 for value in values] if is_log else values
    axis = canvas.axis(positive, 0, 100, is_log=is_log)
    assert all(-0.11 <= axis(value) <= 100.11 for value in positive)
    ticks = axis.ticks()
    assert ticks == sorted(ticks)
    assert len(ticks) <= 15
    assert all(tick >= axis.low - 1e-9 * max(abs(axis.low), abs(axis.high)) for tick in ticks)


def test_values_of_axes_are_shown_whole_and_apart() -> None:
    for low, step in ((73.05, 1e-7), (1e11, 1e10), (-1e-6, 1e-7), (0.0, 0.1)):
        values = tuple(low + step * i for i in range(5))
        points = Points("p", tuple(Point(str(v), Score(v), Score(v)) for v in values))
        for figure in (Chart("c", values, {"a": values}), points):
            root = ElementTree.fromstring(svg.draw(figure))
            ticks = [(float(t.get("x", 0)), len(t.text or ""), t.get("text-anchor")) for t in root.iter("text")
                     if t.get("class") == "tick"]  # fmt: skip
            assert all(x - canvas.DIGIT * n >= 0 for x, n, anchor in ticks if anchor == "end"), figure
            below = sorted((x, n) for x, n, anchor in ticks if anchor == "middle")
            assert all(a + canvas.DIGIT * (n + m) / 2 < b for (a, n), (b, m) in itertools.pairwise(below)), figure


def test_amounts_that_are_nearly_equal_look_so() -> None:
    chart = Chart("t", (0.0, 1.0), {"a": (73.05, 73.05), "b": (73.05, 73.06)}, begins_at_zero=True)
    ends = [
        float(points.get("points", "").split(",")[-1])
        for points in ElementTree.fromstring(svg.draw(chart)).iter("polyline")
    ]
    assert abs(ends[0] - ends[1]) < 1


@given(st.lists(st.floats(0, 200), min_size=1, max_size=10))
def test_labels_do_not_overlap_and_stay_within_the_figure(positions: list[float]) -> None:
    moved = canvas.apart(positions, 16, 0, 200)
    assert all(b - a >= 15.8 for a, b in zip(sorted(moved), sorted(moved)[1:], strict=False))
    assert all(-0.1 <= position <= 200.1 for position in moved)
    assert [moved[i] for i in sorted(range(len(moved)), key=lambda i: positions[i])] == sorted(moved)


def test_turned_labels_of_a_matrix_end_within_it() -> None:
    names = tuple(f"transfer_not_received_by_recipient_{i}" for i in range(12))
    root = ElementTree.fromstring(svg.draw(Matrix("t", names, names, tuple((1.0,) * 12 for _ in names))))
    width, turned = float(root.get("width", 0)), [text for text in root.iter() if text.get("transform")]
    assert len(turned) == 12
    for text in turned:
        length = 7.4 * len(text.text or "")
        assert float(text.get("x", 0)) + length * math.cos(math.radians(48)) <= width
        assert length * math.sin(math.radians(48)) <= float(text.get("y", 0))


def test_name_has_one_colour_in_all_figures() -> None:
    palette = Palette(("a", "b", "c"))
    assert palette.classes(["c", "new", "a"]) == ["s2", "s1", "s0"]
    assert len(set(Palette([str(i) for i in range(16)]).classes([str(i) for i in range(16)]))) == 16


def test_hostile_names_stay_text() -> None:
    name = '"><script>alert(1)</script>'
    for figure in (
        Chart(name, (name,), {name: (1.0,)}, name, name, "bar"),
        Intervals(name, ((name, Score(1.0, 0.5, 2.0)),), name),
        Matrix(name, (name,), (name,), ((1.0,),), name, name),
        Points(name, (Point(name, Score(1.0), Score(2.0)),), name, name),
    ):
        assert not re.search("<script", svg.draw(figure))
        ElementTree.fromstring(svg.draw(figure))
