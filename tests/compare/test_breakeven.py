"""Break-even: by hand, against a fine grid of volumes, and as a user asks for it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import bakeoff as python
from bakeoff.cli.breakeven import breakeven
from bakeoff.compare.breakeven import HOURS, Spending, break_even
from bakeoff.errors import ConfigError
from bakeoff.report import spending as report

API = Spending("api", 0.0, 0.002, 0.0, prices_of="2026-06-01")
LOCAL = Spending("local", 0.5, 0.0, 1.0, is_rented=True)
QUICK = ("data=diabetes", "decision.resamples=200", "metrics.latency_rows=20", "tracker=none", "report=none")


def test_rented_machine_breaks_even_where_its_rent_equals_the_requests() -> None:
    found = break_even(API, LOCAL)
    assert (found.cheaper_below, found.cheaper_above) == ("api", "local")
    assert found.first == found.last == pytest.approx(HOURS * 1.0 / 0.002)


def test_machine_that_is_idle_most_of_the_time_breaks_even_later() -> None:
    half = Spending("local", 5.0, 0.0, 1.0, utilisation=0.5, is_rented=True)
    # A machine predicts 262,980 rows a month, and a request costs less than its share of a machine: never.
    assert half.capacity == pytest.approx(HOURS * 3600 * 0.5 / 5)
    assert break_even(API, half).is_never
    assert break_even(API, half).cheaper_above == "api"


def test_second_machine_can_make_the_requests_cheaper_again() -> None:
    stepped = Spending("local", 4.0, 0.0, 1.0, is_rented=True)  # 657,450 predictions a machine, 730.5 dollars each
    found = break_even(API, stepped)
    assert found.first == pytest.approx(365_250)
    assert API.usd(660_000) < stepped.usd(660_000)
    assert found.last == pytest.approx(730_500)
    table = report.blocks([API, stepped], "api")[0]
    assert isinstance(table, report.Table)
    (row,) = [row for row in table.rows if row[0] == "local"]
    assert row[-1] == "from 730,500 a month; between 365,250 and 730,500 it varies"


def test_equal_costs_break_even_nowhere() -> None:
    found = break_even(API, Spending("other", 0.0, 0.002, 0.0))
    assert found.is_never and found.cheaper_below is None


spendings = st.builds(
    Spending,
    variant=st.just("x"),
    seconds=st.floats(0.01, 100),
    per_prediction=st.floats(0, 0.01),
    usd_per_hour=st.floats(0.01, 10),
    utilisation=st.floats(0.05, 1),
    is_rented=st.booleans(),
)


@given(spendings, spendings)
def test_break_even_agrees_with_a_grid_of_volumes(one: Spending, two: Spending) -> None:
    a, b = (Spending(**{**vars(s), "variant": name}) for s, name in ((one, "a"), (two, "b")))
    try:
        found = break_even(a, b)
    except ValueError:
        assume(False)
    steps = [s.capacity for s in (a, b) if math.isfinite(s.capacity)]
    top = max([1.0, *steps, *(v for v in (found.first, found.last) if v)])
    grid = np.linspace(top / 4000, 3 * top, 4000)
    gap = b.usd(grid) - a.usd(grid)
    tolerance = 1e-6 * np.maximum(a.usd(grid), b.usd(grid))
    names = {1: "a", -1: "b"}
    for volume, difference, slack in zip(grid, gap, tolerance, strict=True):
        if abs(difference) <= slack:
            continue
        if found.is_never or volume < (found.first or 0):
            assert names[int(np.sign(difference))] == found.cheaper_below
        elif volume > (found.last or 0):
            assert names[int(np.sign(difference))] == found.cheaper_above


def test_table_says_from_which_volume_and_when_never() -> None:
    slow = Spending("slow", 10.0, 0.0, 1.0, is_rented=True)
    table, chart, *_ = report.blocks([API, LOCAL, slow], "api", volume=500_000)
    assert isinstance(table, report.Table) and isinstance(chart, report.Chart)
    words = {row[0]: row[-1] for row in table.rows}
    assert words == {"api": "reference", "local": "from 365,250 a month", "slow": "never"}
    assert {row[0]: row[4] for row in table.rows}["api"] == "2026-06-01"
    assert dict(zip(chart.x, chart.series["api"], strict=True))[500_000.0] == pytest.approx(1000)


def test_break_even_of_recorded_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    python.bakeoff(*QUICK, models=["constant", "linear"])
    capsys.readouterr()
    breakeven(["outputs/diabetes", "--volume", "10000", "cost.usd_per_hour=2", "--format", "md"])
    out = capsys.readouterr().out
    assert "| linear |" in out and "| never |" in out
    assert "| 1,461 |" in out, "a machine for a month"
    with pytest.raises(ConfigError, match='Did you mean "linear"'):
        breakeven(["outputs/diabetes", "--against", "linaer"])
    with pytest.raises(ConfigError, match="utilisation: 2 is no share of time"):
        breakeven(["outputs/diabetes", "cost.utilisation=2"])
