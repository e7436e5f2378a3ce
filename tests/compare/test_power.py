"""The smallest gain that test rows detect, and the rows that a gain needs."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from bakeoff.compare.comparison import Comparison
from bakeoff.compare.gains import Difference
from bakeoff.compare.power import Pilot, assume, describe, pilots
from bakeoff.metrics import get
from bakeoff.task import Schema

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


def test_gain_without_a_pilot_is_a_range_under_a_stated_assumption() -> None:
    """Paired proportions: the standard error of a difference is the root of the discordant share over the rows."""
    schema = Schema("classification", "y", {}, ("no", "yes"), "yes")
    line = assume(get("accuracy"), schema, 1_000, 1_000, 0.1, 1)
    least, most = (0.01 + (1.96 + 0.8416) * np.sqrt(share / 1_000) for share in (0.05, 0.2))
    assert f"a gain in accuracy of about {least:.4f} to {most:.4f} or more (80% power)" in line
    assert "if two variants disagree on 5% to 20% of the rows; a gain of 0.02 needs about" in line
    rarer = assume(get("f1"), schema, 1_000, 1_000, 0.1, 1)
    assert f"of about {0.01 + (1.96 + 0.8416) * np.sqrt(0.05 / 100):.4f} to" in rarer and "of the rows of yes" in rarer


def test_gain_without_a_pilot_counts_units_and_challengers() -> None:
    schema = Schema("regression", "y", {})
    alone = assume(get("rmse"), schema, 400, 400, 1.0, 1)
    assert "of about 5.90% to 15.0% or more" in alone and "a gain of 2% needs" in alone
    grouped = assume(get("rmse"), schema, 400, 40, 1.0, 1)
    assert "400 test rows in 40 units detect a gain in rmse of about 5.90% to 45.3%" in grouped
    assert "to 17." in assume(get("rmse"), schema, 400, 400, 1.0, 4)
    assert assume(get("latency_p50_ms"), schema, 400, 400, 1.0, 1)
