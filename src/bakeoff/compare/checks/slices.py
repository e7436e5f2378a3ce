"""Checks of slices: rows that a model handles worse than the others."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bakeoff.compare.checks.base import Evidence, check
from bakeoff.compare.checks.losses import excess, loss_of_constant, row_losses
from bakeoff.compare.units import Units
from bakeoff.task import SEEN_INPUT, PredictionTable
from bakeoff.tasks import kinds

FEW_SEEN = 30  # minimum number of test rows for comparing scores on seen and on new inputs
WORSE_ON_NEW = 0.05  # minimum reported difference in accuracy, or in error relative to the mean error
WEAK_SLICE = 1.5  # multiple of the mean loss from which a slice counts as much worse


@check("seen_inputs", "Are scores as good on new inputs as on inputs that also occur in training?")
def seen_inputs(evidence: Evidence) -> list[str]:
    """Equal inputs on both sides of the split let a model score well by memorising them and little else."""
    return [
        finding
        for name, table in evidence.tables.items()
        if SEEN_INPUT in table.slices and (finding := _better_on_seen(name, table))
    ]


@check("weak_slice", "Is the best variant about as good on every slice?")
def weak_slice(evidence: Evidence) -> list[str]:
    """A mean hides rows that a model handles badly; rows that are as hard for a constant do not count."""
    losses = {name: loss for name, table in evidence.tables.items() if (loss := row_losses(table)) is not None}
    if not losses:
        return []
    best = min(losses, key=lambda name: float(losses[name].mean()))
    loss, target = losses[best], evidence.tables[best].target
    units = Units.from_table(evidence.tables[best])
    slices = evidence.tables[best].slices.drop(columns=SEEN_INPUT, errors="ignore")
    measure = "mean absolute error" if kinds.get(evidence.schema.kind).is_numeric else "error rate"
    parts = [
        (column, value, np.asarray(rows, dtype=np.intp))
        for column in slices.columns
        for value, rows in slices.groupby(column, dropna=False).indices.items()
        if FEW_SEEN <= len(rows) < len(loss)
    ]
    return [
        f"{best} is much worse where {column} is {value} ({len(rows):,} rows): its {measure} is "
        f"{loss[rows].mean():.3g} there, and {loss.mean():.3g} over all rows."
        for column, value, rows in parts
        if loss[rows].mean() > WEAK_SLICE * loss.mean()
        and loss[rows].mean() * loss_of_constant(target) > WEAK_SLICE * loss.mean() * loss_of_constant(target[rows])
        and _is_clearly_worse(loss, rows, units, len(parts))
    ]


def _is_clearly_worse(loss: NDArray[np.float64], rows: NDArray[np.intp], units: Units, looks: int) -> bool:
    """Test whether the rows have a higher mean loss than the others, at 5 % over all looks (Welch, Bonferroni)."""
    inside = np.zeros(len(loss), dtype=np.bool_)
    inside[rows] = True
    return excess(loss, inside, np.ones(len(loss), dtype=np.bool_), units) > NormalDist().inv_cdf(1 - 0.05 / looks)


def _better_on_seen(name: str, table: PredictionTable) -> str | None:
    """A sentence where a variant is clearly better on seen inputs, by more than twice the standard error."""
    is_seen = table.slices[SEEN_INPUT].to_numpy(dtype=object) == "yes"
    loss = row_losses(table)
    if loss is None or min(is_seen.sum(), (~is_seen).sum()) < FEW_SEEN:
        return None
    is_numeric = kinds.get(table.schema.kind).is_numeric
    known, of_new = loss[is_seen], loss[~is_seen]
    error = math.sqrt(known.var() / len(known) + of_new.var() / len(of_new))
    if of_new.mean() - known.mean() <= max(2 * error, WORSE_ON_NEW * (loss.mean() if is_numeric else 1)):
        return None
    measured = (
        f"has a mean absolute error of {known.mean():.3g} on the {len(known):,} test rows whose input also stands in "
        f"training, and of {of_new.mean():.3g} on the {len(of_new):,} others"
        if is_numeric
        else f"is right about {1 - known.mean():.1%} of the {len(known):,} test rows whose input also stands in "
        f"training, and about {1 - of_new.mean():.1%} of the {len(of_new):,} others"
    )
    return f"{name} {measured}. If most inputs will be new, set data.duplicates=group."
