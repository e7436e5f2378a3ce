"""Rows for 80 % power, as a pilot comparison says: how often the true gain is found on so many.

``python tests/compare/test_power_of_pilots.py [SETS]`` prints the table.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import pytest
from test_coverage import Draw, errors, rare, right

from bakeoff.compare import gains, panels
from bakeoff.compare.decision import Gain
from bakeoff.compare.power import Pilot
from bakeoff.metrics import get

PILOT_ROWS, MARGIN, CONFIDENCE, RESAMPLES = 300, 0.01, 0.95, 400
HALF = 1.96


@dataclass(frozen=True)
class Case:
    """Two variants, the second of which is better by a gain; the other way round for errors.

    Attributes:
        metric: name of the metric.
        draw: draws both.
        gain: true gain.
    """

    metric: str
    draw: Draw
    gain: float


CASES = [
    Case("accuracy", right(0.85, 0.89), 0.04),
    Case("rmse", errors(0), 0.1),
    Case("f1", rare(0.2, (0.7, 0.8)), 0.0505),
]


def gain_on(case: Case, rows: int, seed: int) -> Gain:
    """The gain of the better variant on so many rows."""
    worse, better = case.draw(np.random.default_rng([seed, rows]), rows)
    metric = get(case.metric)
    if metric.direction == "minimize":
        worse, better = better, worse
    (panel,) = panels.panels("old", {"old": worse, "new": better}, [metric], RESAMPLES)
    (gain,) = gains.gains(metric, [panel], CONFIDENCE)
    return gain


def found(case: Case, sets: int) -> float:
    """Share of pilots after which the rows that they ask for show the gain."""
    shown = 0
    for i in range(sets):
        pilot = gain_on(case, PILOT_ROWS, i)
        error = (pilot.high - pilot.low) / 2 / HALF
        rows = Pilot(case.metric, PILOT_ROWS, error, CONFIDENCE, MARGIN).rows_for(case.gain)
        assert rows is not None
        shown += gain_on(case, rows, 10_000 + i).clears(MARGIN)
    return shown / sets


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.metric)
def test_rows_that_a_pilot_asks_for_show_the_gain_in_about_80_percent(case: Case) -> None:
    assert 0.7 <= found(case, 100) <= 0.93


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for each in CASES:
        print(f"{each.metric:10} {found(each, count):.2f} of {count}", flush=True)
