"""The smallest gain that test rows detect, and the rows that a gain needs."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from bakeoff.compare.comparison import Comparison
from bakeoff.compare.gains import Difference
from bakeoff.compare.power import Pilot, describe, pilots

PILOT = Pilot("accuracy", 900, 0.01, 0.95, 0.01)


def compared(*differences: Difference) -> Comparison:
    return Comparison(
        task="mails", metric="f1", direction="maximize", smallest_difference=0.01, confidence=0.95,
        joint_confidence=0.95, test_rows=900, incumbent="old", verdict="inconclusive", winner=None, reason="",
        variants=(), differences=differences,
    )  # fmt: skip


def test_rows_for_the_detectable_gain_are_the_rows_that_there_are() -> None:
    assert PILOT.detectable == pytest.approx(0.01 + (1.96 + 0.8416) * 0.01, abs=1e-4)
    assert PILOT.rows_for(PILOT.detectable) in (900, 901)
    assert PILOT.rows_for(0.01 + (PILOT.detectable - 0.01) / 2) == pytest.approx(3_600, abs=1)
    assert PILOT.rows_for(0.01) is None


def test_power_at_the_detectable_gain_is_80_percent() -> None:
    estimates = PILOT.detectable + PILOT.standard_error * np.random.default_rng(0).standard_normal(20_000)
    assert (estimates - 1.96 * PILOT.standard_error > PILOT.margin).mean() == pytest.approx(0.8, abs=0.01)


def test_describe_gives_a_range_over_challengers_and_leaves_out_those_without_an_interval() -> None:
    wide = Difference("a", "f1", 0.02, -0.04, 0.08, 900)
    narrow = Difference("b", "f1", 0.02, 0.0, 0.04, 300)
    unknown, other = Difference("c", "f1", 0.0, nan, nan, 900), Difference("a", "recall", 0.0, -1.0, 1.0, 900)
    assert len(pilots(compared(wide, narrow, unknown, other))) == 2
    (line,) = describe(compared(wide, narrow, unknown, other))
    assert line == (
        "300 to 900 test rows detect a gain in f1 of about 0.0386 to 0.0958 or more (80% power); a gain of 0.02 needs "
        "about 2,500 to 67,000 rows."
    )
    assert describe(compared()) == []
