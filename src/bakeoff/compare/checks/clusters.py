"""Check of rows that belong together, such as visits of one patient, and are drawn as if each stood alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import record
from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.checks.losses import row_losses
from bakeoff.compare.units import Units, effect_on_mean
from bakeoff.errors import DataError

LEAST_ROWS, MOST_ROWS, LEAST_UNITS, LEAST_OF_UNIT = 200, 50_000, 20, 2
"""Test rows from which columns are looked at, the most that are, and the fewest values and mean rows of a value."""

MOST_COLUMNS, SHUFFLES, SURE, EFFECT = 60, 50, 4.0, 1.5
"""Columns looked at, random orders that show what chance does, standard deviations beyond it, and the design effect
that matters: intervals are too narrow by a fifth."""

IDENTIFIER = re.compile(r"(^|[_\W])(id|key|code|number|no|nr)$|[a-z]I[dD]$", re.IGNORECASE)
"""Names of whole numbers that name something."""


@check("clustered_rows", "Are test rows that share a value of a column independent?", severity="note")
def clustered_rows(evidence: Evidence) -> list[str]:
    """Thirty visits of one patient are hard or easy together, and say less than thirty of different patients."""
    losses = {name: loss for name, table in evidence.tables.items() if (loss := row_losses(table)) is not None}
    if len(losses) < 2 or evidence.schema.series is not None:
        return []
    first, *others = losses
    table = evidence.tables[first]
    n = min(MOST_ROWS, len(table))
    try:
        inputs = record.read_inputs(evidence.runs[0].folder.parent)
    except DataError:
        return []
    if inputs is None or n < LEAST_ROWS or not Units.from_table(table).are_rows:
        return []
    X = inputs.reindex([str(identity) for identity in table.ids[:n]])
    same = [name for name in others if np.array_equal(evidence.tables[name].ids, table.ids)]
    differences = {name: losses[name][:n] - losses[first][:n] for name in same}
    rng = np.random.default_rng(0)
    shuffles = [rng.permutation(n) for _ in range(SHUFFLES)]
    clusters = []
    for column in list(X.columns)[:MOST_COLUMNS]:
        codes = _units(str(column), X[column], evidence.schema.columns.get(column))
        if codes is None:
            continue
        count = int(codes.max()) + 1
        clusters += [
            (effect, str(column), name, count)
            for name, difference in differences.items()
            if (effect := _effect(difference, codes, count, shuffles)) > EFFECT
        ]
    if not clusters:
        return []
    effect, column, name, count = max(clusters)
    return [
        f"Test rows of one {column} go together: for {name} vs {first}, {n:,} rows with {count:,} values of {column} "
        f"are worth about {round(n / effect):,}. If new rows will bring other values of it, add data.group={column}"
    ]


def _units(name: str, values: Any, kind: str | None) -> NDArray[np.intp] | None:
    """Value of each row, numbered; None for a column whose values are no things that have rows, such as an age."""
    import pandas as pd

    if kind == "numeric" and not (IDENTIFIER.search(name) and (values.dropna() % 1 == 0).all()):
        return None
    if kind not in ("categorical", "numeric"):
        return None
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    is_many = LEAST_UNITS <= len(distinct) <= len(codes) / LEAST_OF_UNIT
    return codes.astype(np.intp) if is_many else None


def _effect(
    difference: NDArray[np.float64], codes: NDArray[np.intp], count: int, shuffles: Sequence[NDArray[np.intp]]
) -> float:
    """Design effect of units on a mean difference, shape (n,); 0 within what rows in random order show."""
    observed = effect_on_mean(difference, codes, count)
    if not observed > EFFECT:
        return 0.0
    by_chance = np.array([effect_on_mean(difference[order], codes, count) for order in shuffles])
    return observed if observed > by_chance.mean() + SURE * by_chance.std() else 0.0
