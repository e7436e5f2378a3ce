"""A search for slices that nobody declared: values, or pairs of values, of input columns where a model is much worse.

Slices are searched on one half of the test rows and confirmed on the other, so that the many that are looked at do not
count (as in SliceLine, Sagadeeva & Boehm 2021, whose search is exhaustive; here single values and pairs of the worst).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import record
from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.checks.losses import excess, loss_of_constant, row_losses
from bakeoff.compare.units import Units
from bakeoff.errors import DataError
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.bool_]

LEAST_ROWS, MOST_ROWS, LEAST_OF_SLICE = 200, 50_000, 30
"""Test rows from which slices are searched, the most that are looked at, and the fewest of a slice in each half."""

MOST_COLUMNS, MOST_VALUES, PARTS = 60, 8, 4
"""Columns and values of a column that are looked at, and parts of equal size of a column of numbers."""

WORST, CANDIDATES, WEAK = 12, 5, 1.5
"""Single values that are paired, slices that are confirmed, and the multiple of the mean loss that is much worse."""

ALPHA = 0.05


@dataclass(frozen=True)
class Slice:
    """Rows that have a value, or two.

    Attributes:
        words: description, such as ``plan is free``.
        columns: columns it is about.
        rows: whether each row is in it, shape (n,).
    """

    words: str
    columns: tuple[str, ...]
    rows: Rows

    def __and__(self, other: Slice) -> Slice:
        return Slice(f"{self.words} and {other.words}", self.columns + other.columns, self.rows & other.rows)


@check("found_slices", "Is the best variant about as good on every slice that can be found?", severity="note")
def found_slices(evidence: Evidence) -> list[str]:
    """A mean hides rows that a model handles badly, also where nobody thought of declaring them (data.slices)."""
    losses = {
        name: loss
        for name, table in evidence.tables.items()
        if (loss := row_losses(table)) is not None and len(loss) >= LEAST_ROWS
    }
    inputs = _inputs(evidence)
    if not losses or inputs is None:
        return []
    best = min(losses, key=lambda name: float(losses[name].mean()))
    table = evidence.tables[best].take(np.arange(min(MOST_ROWS, len(losses[best]))))
    loss = losses[best][: len(table)]
    X = inputs.reindex([str(identity) for identity in table.ids])
    # Whole units go to one half: rows of one group are alike on both.
    units = Units.from_table(table)
    first = (np.random.default_rng(0).permutation(units.count) % 2 == 0)[units.codes]
    single = [s for s in _slices(X, evidence.schema.columns, first) if _is_large(s, first)]
    if units.count < 2 or loss[first].std() == 0 or loss[~first].std() == 0:
        return []
    worst = sorted(single, key=lambda s: -excess(loss, s.rows, first, units))[:WORST]
    pairs = [a & b for a, b in combinations(worst, 2) if a.columns != b.columns]
    ranked = sorted(
        (
            s
            for s in (*single, *pairs)
            if _is_large(s, first) and _is_much_worse(loss, table.target, s.rows, first, units)
        ),
        key=lambda s: -excess(loss, s.rows, first, units),
    )
    candidates: list[Slice] = []
    for one in ranked:
        if len(candidates) < CANDIDATES and all(_overlap(one.rows, other.rows) < 0.5 for other in candidates):
            candidates.append(one)
    needed = NormalDist().inv_cdf(1 - ALPHA / max(1, len(candidates)))
    measure = "mean absolute error" if kinds.get(evidence.schema.kind).is_numeric else "error rate"
    return [
        f"{best} is much worse where {s.words} ({int(s.rows.sum()):,} rows): its {measure} is "
        f"{loss[s.rows].mean():.3g} there, and {loss.mean():.3g} over all rows."
        for s in candidates
        if excess(loss, s.rows, ~first, units) > needed and _is_much_worse(loss, table.target, s.rows, ~first, units)
    ]


def _inputs(evidence: Evidence) -> pd.DataFrame | None:
    """Inputs of the test rows; None where they are not recorded, or damaged."""
    try:
        return record.read_inputs(evidence.runs[0].folder.parent) if evidence.runs else None
    except DataError:
        return None


def _slices(X: pd.DataFrame, columns: Any, first: Rows) -> Iterator[Slice]:
    """One for each frequent value of a category, each part of a number, each part of the length of a text."""
    import pandas as pd

    for column in list(X.columns)[:MOST_COLUMNS]:
        kind, values = columns.get(column), X[column]
        if kind == "text":
            lengths = np.array([len(str(text).split()) for text in values], dtype=np.float64)
            yield from _parts(f"words of {column}", column, lengths, first)
        elif kind in ("numeric", "datetime") and pd.api.types.is_numeric_dtype(values):
            yield from _parts(str(column), column, values.to_numpy(dtype=np.float64, na_value=np.nan), first)
        elif kind in ("categorical", "boolean"):
            texts = values.astype("string").fillna("missing")
            for value in texts[first].value_counts().index[:MOST_VALUES]:
                yield Slice(f"{column} is {value}", (str(column),), (texts == value).to_numpy(dtype=bool))


def _parts(words: str, column: Any, values: NDArray[np.float64], first: Rows) -> Iterator[Slice]:
    known = ~np.isnan(values)
    if (~known).any():
        yield Slice(f"{column} is missing", (str(column),), ~known)
    if not (known & first).any():
        return
    edges = np.unique(np.quantile(values[known & first], np.arange(1, PARTS) / PARTS))
    for i, edge in enumerate(edges):
        if i == 0:
            yield Slice(f"{words} ≤ {edge:.4g}", (str(column),), known & (values <= edge))
        else:
            inside = known & (values > edges[i - 1]) & (values <= edge)
            yield Slice(f"{edges[i - 1]:.4g} < {words} ≤ {edge:.4g}", (str(column),), inside)
    if len(edges):
        yield Slice(f"{words} > {edges[-1]:.4g}", (str(column),), known & (values > edges[-1]))


def _is_large(one: Slice, first: Rows) -> bool:
    inside = one.rows & first, one.rows & ~first
    return min(int(half.sum()) for half in inside) >= LEAST_OF_SLICE and not one.rows.all()


def _is_much_worse(loss: NDArray[np.float64], target: NDArray[Any], rows: Rows, half: Rows, units: Units) -> bool:
    """Return whether a slice is clearly worse than the whole, and not only because it is harder for a constant, too."""
    inside = rows & half
    ratio = loss[inside].mean() / loss[half].mean()
    of_constant = loss_of_constant(target[inside]) / max(loss_of_constant(target[half]), 1e-300)
    return bool(ratio > WEAK and ratio > WEAK * of_constant and excess(loss, rows, half, units) > 2)


def _overlap(rows: Rows, other: Rows) -> float:
    return float((rows & other).sum() / max(1, (rows | other).sum()))
