"""Simulated bake-offs, row by row: what is required, what is measured, and what the first release measured.

``python tests/compare/test_table.py [SETS] [WORD]`` prints the rows whose title has the word. Coverage by metric, size
and unit is in test_coverage.py, noise under every deciding metric in test_false_ship.py, seeds in test_seeds.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from test_coverage import BINARY, CASES, ndtr, over_a_constant, rare, table
from test_coverage import measure as coverage

from bakeoff.compare import gains, panels
from bakeoff.compare.decision import Decision, decide
from bakeoff.compare.selection import corrected_gain
from bakeoff.metrics import get
from bakeoff.task import PredictionTable

SETS, RESAMPLES, JOINT = 1_000, 400, 2_000
"""Simulated bake-offs, and resamples of each: a joint level of several challengers lies farther out in the tails."""

ACCURACY, F1 = get("accuracy"), get("f1")
NAMES = np.array(BINARY.classes, dtype=object)


@dataclass(frozen=True)
class Row:
    """One row: what is simulated, the share that is required, and how it is measured.

    Attributes:
        title: what is simulated.
        before: the figure of the first release.
        required: the bound.
        is_most: whether the bound is the most, else the least.
        measure: number of sets → share.
    """

    title: str
    before: str
    required: float
    is_most: bool
    measure: Callable[[int], float]

    def holds(self, share: float, sets: int) -> bool:
        """Whether the share is within the bound, as far as so many sets tell."""
        count = round(share * sets)
        if self.is_most:
            return bool(binom.sf(count - 1, sets, self.required) > 0.01)
        return bool(binom.cdf(count, sets, self.required) > 0.01)


def right(rng: np.random.Generator, rows: int, shares: dict[str, float]) -> dict[str, PredictionTable]:
    """Variants that are right about these shares of the rows, mostly about the same ones."""
    y, common = rng.integers(2, size=rows), rng.standard_normal(rows)
    tables = {}
    for name, share in shares.items():
        hardness = ndtr(np.sqrt(0.7) * common + np.sqrt(0.3) * rng.standard_normal(rows))
        tables[name] = table(BINARY, NAMES[y], NAMES[np.where(hardness < share, y, 1 - y)])
    return tables


def decided(tables: dict[str, PredictionTable], margin: float, metric: str = "accuracy") -> Decision:
    """The verdict on all others against ``old``."""
    chosen = get(metric)
    (panel,) = panels.panels("old", tables, [chosen], RESAMPLES if len(tables) == 2 else JOINT)
    gained = gains.gains(chosen, [panel], 0.95)
    return decide(chosen, "old", panel.value("old", metric), gained, margin, panel.rows)


def verdicts(word: str, new: tuple[float, ...], rows: int, margin: float, old: float = 0.85) -> Callable[[int], float]:
    """How often a verdict is reached, with an incumbent and challengers that are right so often."""

    def measure(sets: int) -> float:
        shares = {"old": old} | {f"c{i}": share for i, share in enumerate(new)}
        drawn = (right(np.random.default_rng([13, i]), rows, shares) for i in range(sets))
        return sum(decided(tables, margin).verdict == word for tables in drawn) / sets

    return measure


def power_over_mcnemar(new: tuple[float, ...], rows: int) -> Callable[[int], float]:
    """Power at no margin less that of exact McNemar tests with Holm's correction, plus 0.5."""

    def measure(sets: int) -> float:
        ours = theirs = 0
        for i in range(sets):
            shares = {"old": 0.85} | {f"c{j}": share for j, share in enumerate(new)}
            tables = right(np.random.default_rng([17, i]), rows, shares)
            ours += decided(tables, 0.0).verdict == "ship"
            is_right = {name: t.predictions.output == t.target for name, t in tables.items()}
            p = []
            for name in tables:
                if name != "old":
                    better = int((is_right[name] & ~is_right["old"]).sum())
                    worse = int((~is_right[name] & is_right["old"]).sum())
                    p.append(binomtest(better, better + worse).pvalue if better > worse else 1.0)
            theirs += min(p) <= 0.05 / len(p)  # Holm's first step: some challenger is better
        return 0.5 + (ours - theirs) / sets

    return measure


def power_to_keep(new: tuple[float, ...], rows: int) -> Callable[[int], float]:
    """Power to keep the incumbent less that of intervals that hold jointly for all challengers, plus 0.5."""

    def measure(sets: int) -> float:
        alone = jointly = 0
        for i in range(sets):
            shares = {"old": 0.85} | {f"c{j}": share for j, share in enumerate(new)}
            (panel,) = panels.panels("old", right(np.random.default_rng([37, i]), rows, shares), [ACCURACY], JOINT)
            gained = gains.gains(ACCURACY, [panel], 0.95)
            alone += decide(ACCURACY, "old", panel.value("old", "accuracy"), gained, 0.01, rows).verdict == "keep"
            jointly += all(g.high <= 0.01 for g in gained)
        return 0.5 + (alone - jointly) / sets

    return measure


def noise_over_a_constant(metric: str, share: float, rows: int) -> Callable[[int], float]:
    """How often guesses ship against always predicting the negative class."""

    def measure(sets: int) -> float:
        shipped = 0
        for i in range(sets):
            rng = np.random.default_rng([19, i])
            y, guess = (rng.random(rows) < share).astype(int), (rng.random(rows) < 0.5).astype(int)
            tables = {"old": table(BINARY, NAMES[y], NAMES[0 * y]), "new": table(BINARY, NAMES[y], NAMES[guess])}
            shipped += decided(tables, 0.0, metric).verdict == "ship"
        return shipped / sets

    return measure


def flawless_over_a_constant(rows: int) -> Callable[[int], float]:
    """How often a variant that is right about 99.9 % of the rows ships against a constant under F1."""

    def measure(sets: int) -> float:
        shipped = 0
        for i in range(sets):
            old, new = over_a_constant(0.5, 0.999)(np.random.default_rng([23, i]), rows)
            shipped += decided({"old": old, "new": new}, 0.01, "f1").verdict == "ship"
        return shipped / sets

    return measure


def rare_and_alike(rows: int) -> Callable[[int], float]:
    """How often one of two equally good variants ships against the other, with few positives."""

    def measure(sets: int) -> float:
        pairs = (rare(0.1, (0.8, 0.8), 0.9)(np.random.default_rng([29, i]), rows) for i in range(sets))
        return sum(decided({"old": a, "new": b}, 0.0, "f1").verdict == "ship" for a, b in pairs) / sets

    return measure


def corrected_is_nearer(rows: int) -> Callable[[int], float]:
    """Mean distance of the corrected gain of the best of ten equal challengers from the truth, over the raw one's."""

    def measure(sets: int) -> float:
        raw, corrected = [], []
        for i in range(sets):
            shares = {"old": 0.82} | {f"c{j}": 0.85 for j in range(10)}
            tables = right(np.random.default_rng([31, i]), rows, shares)
            (panel,) = panels.panels("old", tables, [ACCURACY], RESAMPLES)
            raw.append(max(panel.difference(name, "accuracy") for name in panel.challengers))
            corrected.append(corrected_gain(ACCURACY, panel, list(panel.challengers)) or 0.0)
        return abs(float(np.mean(corrected)) - 0.03) / abs(float(np.mean(raw)) - 0.03)

    return measure


def covered(case: str) -> Callable[[int], float]:
    """Coverage of the interval of the difference in a case of test_coverage.py."""
    (chosen,) = [each for each in CASES if str(each) == case]
    return lambda sets: coverage(chosen, sets)["difference"]


ROWS = [
    *(
        Row(f"false ship, {k} equal challengers, n = {n}", "≤ 0.05", 0.05, True, verdicts("ship", (0.85,) * k, n, 0.0))
        for k in (1, 4, 9)
        for n in (50, 300)
    ),
    Row("false ship at the margin of 0.03, n = 300", "≤ 0.05", 0.05, True, verdicts("ship", (0.88,), 300, 0.03)),
    Row("false keep at twice the margin, n = 20", "0.61", 0.05, True, verdicts("keep", (0.91,), 20, 0.03)),
    Row("false keep just above the margin, n = 300", "≤ 0.05", 0.05, True, verdicts("keep", (0.885,), 300, 0.03)),
    Row(
        "power to keep, 4 worse - that of joint intervals + 0.5", "0.50", 0.5, False, power_to_keep((0.83,) * 4, 1_000)
    ),
    Row("power - McNemar's + 0.5, k = 1", "0.50", 0.49, False, power_over_mcnemar((0.9,), 200)),
    Row("power - McNemar's + Holm's + 0.5, k = 9", "0.42", 0.49, False, power_over_mcnemar((0.9,) * 9, 200)),
    *(
        Row(f"noise ships over a constant, {m}, 10 % positive", was, 0.05, True, noise_over_a_constant(m, 0.1, 150))
        for m, was in (("f1", "1.00"), ("mcc", "≤ 0.05"), ("recall", "1.00"), ("balanced_accuracy", "≤ 0.05"))
    ),
    Row("few positives, equal variants ship, f1, n = 150", "≤ 0.05", 0.05, True, rare_and_alike(150)),
    *(
        Row(f"flawless ships over a constant, f1, n = {n}", "0.00", 0.9, False, flawless_over_a_constant(n))
        for n in (29, 60)
    ),
    Row("corrected gain: bias over that of the raw one, n = 300", "1.00", 0.5, True, corrected_is_nearer(300)),
    Row("coverage, 100 groups of 30 rows", "0.64", 0.93, False, covered("100 groups of 30, accuracy, 3000 rows")),
    Row("coverage, every row twice", "0.83", 0.93, False, covered("each row twice, accuracy, 300 rows")),
    Row("coverage, daily forecasts", "0.82", 0.93, False, covered("daily forecasts, AR(1) 0.6, mase, 300 rows")),
    Row("coverage, horizon 12 stride 1", "0.42", 0.93, False, covered("horizon 12, stride 1, mase, 200 rows")),
    Row("coverage, accuracy 0.97, n = 50", "0.63", 0.93, False, covered("right 0.97, accuracy, 50 rows")),
    Row("coverage, f1 with 3 % positives, n = 100", "0.56", 0.93, False, covered("3 % positive, f1, 100 rows")),
    Row("coverage, RMSE with a long tail, n = 100", "0.69", 0.93, False, covered("heavy tails, rmse, 100 rows")),
]


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_simulated_share_is_within_its_bound(row: Row) -> None:
    share = row.measure(SETS)
    assert row.holds(share, SETS), f"{row.title}: {share:.3f}"


def test_flawless_variant_ships_and_equal_ones_rarely_do_in_a_few_sets() -> None:
    assert flawless_over_a_constant(60)(10) >= 0.9
    assert verdicts("ship", (0.85,), 100, 0.0)(30) <= 0.15


if __name__ == "__main__":
    count, word = int(sys.argv[1]) if len(sys.argv) > 1 else SETS, sys.argv[2] if len(sys.argv) > 2 else ""
    print(f"{'':<60}{'first release':>14}{'required':>10}{'today':>8}   ({count} sets)")
    for each in ROWS:
        if word in each.title:
            today = each.measure(count)
            bound = f"{'≤' if each.is_most else '≥'} {each.required:g}"
            mark = "" if each.holds(today, count) else "   MISS"
            print(f"{each.title:<60}{each.before:>14}{bound:>10}{today:>8.3f}{mark}", flush=True)
