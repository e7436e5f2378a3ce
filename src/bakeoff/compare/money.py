"""Prices and values of predictions that were recorded without them, or are priced by another model now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bakeoff import business, cost, record
from bakeoff.errors import ConfigError, DataError
from bakeoff.record import Run
from bakeoff.task import PredictionTable


@dataclass(frozen=True)
class Money:
    """Configs of the cost model and of the business model; None for none."""

    cost: Mapping[str, Any] | None
    business: Mapping[str, Any] | None

    def applied(self, run: Run) -> Run:
        """The run, priced and valued by these models."""
        return replace(run, cost=self.cost, business=self.business)


def priced(run: Run, notes: list[str]) -> PredictionTable:
    """Read the predictions of a run, with their cost and value.

    A run of an earlier version has no cost model, and no costs. Where the cost or business model fails, or is not
    installed here, a sentence is added to the notes.
    """
    table = _valued(run, record.read_predictions(run), notes)
    throughput = run.metrics["throughput_rows_per_s"].value if "throughput_rows_per_s" in run.metrics else None
    if not throughput:
        return table
    try:
        return cost.priced(table, run.cost, cost.run_seconds(run.seconds, run.search, throughput))
    except ConfigError as error:
        notes.append(f"{run.variant}: what its answers cost is not known: {error}")
        return table


def _valued(run: Run, table: PredictionTable, notes: list[str]) -> PredictionTable:
    """The predictions with their business value; where it cannot be known, the notes say why."""
    if run.business is None:
        return table
    import pandas as pd

    try:
        columns = business.columns_of(run.business)
        X = pd.DataFrame(index=range(len(table)))
        if columns:
            inputs = record.read_inputs(run.folder.parent)
            if inputs is None:
                raise DataError(f"{', '.join(columns)} would be read from {record.INPUTS}, which is not there.")
            missing = [name for name in columns if name not in inputs]
            if missing:
                raise DataError(f"{record.INPUTS} has no column {', '.join(missing)}.")
            X = inputs[columns].reindex([str(identity) for identity in table.ids])
        return business.build_valuer(run.business, table.schema)(table, X)
    except (ConfigError, DataError) as error:
        notes.append(f"{run.variant}: what its predictions are worth is not known: {error}")
        return table
