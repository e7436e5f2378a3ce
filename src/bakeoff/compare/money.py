"""Prices and values of recorded runs: by which models, and what each prediction costs and is worth by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff import business, cost, metrics, record
from bakeoff.advice import listed
from bakeoff.compare import dated_prices
from bakeoff.errors import ConfigError, DataError
from bakeoff.record import Run

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.task import PredictionTable


@dataclass(frozen=True)
class Money:
    """Configs of the cost model and of the business model; None for none."""

    cost: Mapping[str, Any] | None
    business: Mapping[str, Any] | None

    @classmethod
    def shared(cls, runs: Sequence[Run]) -> Money | None:
        """The models by which all runs are priced and valued; None where they differ, or there is no run."""
        models = [(run.cost, run.business) for run in runs]
        return cls(*models[0]) if models and all(model == models[0] for model in models) else None

    def applied(self, run: Run) -> Run:
        """The run, priced and valued by these models."""
        return replace(run, cost=self.cost, business=self.business)


def of_difference(runs: Sequence[Run]) -> list[str]:
    """Notes where runs are priced or valued by different models, so that their figures in money do not compare."""
    notes = []
    for group, figures in (("cost", "prices"), ("business", "values")):
        models: list[Mapping[str, Any]] = [getattr(run, group) or {} for run in runs]
        keys = dict.fromkeys(key for model in models for key in model)
        different = [key for key in keys if any(model.get(key) != models[0].get(key) for model in models)]
        if not different:
            continue
        key = different[0]
        by_value: dict[str, list[str]] = {}
        for run, model in zip(runs, models, strict=True):
            by_value.setdefault(str(model.get(key)) if model else "not there", []).append(run.variant)
        stated = "; ".join(f"{value} for {listed(names)}" for value, names in by_value.items())
        notes.append(
            f"The {figures} of these variants do not compare: {group}.{key} is {stated}. "
            f"Give {group}.{key}=… to use one for all."
        )
    return notes


def metrics_of(tables: Iterable[PredictionTable]) -> set[str]:
    """Names of the metrics in money that some predictions have, whether or not the runs recorded them."""
    in_money = [metrics.get(name) for name in metrics.names() if metrics.is_money(name)]
    return {metric.name for table in tables for metric in in_money if metrics.applies_to(metric, table)}


def priced(run: Run, notes: list[str]) -> PredictionTable:
    """Predictions of a run with their cost and value. A run of an earlier version has no cost model, and no costs.

    A model that fails, or that is not installed here, is named in the notes.
    """
    table = record.read_predictions(run)
    if (day := (run.cost or {}).get("prices_of")) is not None:
        try:
            table = dated_prices.at(run, table, cost.read_date(str(day)), notes)
        except ValueError as error:
            notes.append(f"{run.variant}: {error}")
    table = _valued(run, table, notes)
    throughput = run.metrics["throughput_rows_per_s"].value if "throughput_rows_per_s" in run.metrics else None
    if not throughput:
        return table
    try:
        return cost.priced(table, run.cost, cost.run_seconds(run.seconds, run.search, throughput, run.details))
    except ConfigError as error:
        notes.append(f"{run.variant}: the cost of its predictions is unknown: {error}")
        return table


def features(run: Run, table: PredictionTable) -> pd.DataFrame:
    """The feature columns that the business model of a run reads, for the rows of a table.

    Raises:
        ConfigError: the business model cannot be made.
        DataError: the test rows were not recorded, or lack a column.
    """
    import pandas as pd

    columns = business.columns_of(run.business)
    if not columns:
        return pd.DataFrame(index=range(len(table)))
    inputs = record.read_inputs(run.folder.parent)
    if inputs is None:
        raise DataError(f"{', '.join(columns)} would be read from {record.INPUTS}, which is not there.")
    missing = [name for name in columns if name not in inputs]
    if missing:
        raise DataError(f"{record.INPUTS} has no column {', '.join(missing)}.")
    return inputs[columns].reindex([str(identity) for identity in table.ids])


def _valued(run: Run, table: PredictionTable, notes: list[str]) -> PredictionTable:
    """The predictions with their business value; where it cannot be known, the notes say why."""
    if run.business is None:
        return table
    try:
        valued = business.build_valuer(run.business, table.schema)(table, features(run, table))
        unknown = 0 if valued.value is None else int(np.isnan(valued.value[table.predictions.is_answered]).sum())
        if unknown:
            columns = business.columns_of(run.business)
            because = f" ({', '.join(columns)} has no number there)" if columns else ""
            rows = f"{unknown:,} of {len(table):,} predictions have no value{because}"
            notes.append(f"{run.variant}: {rows}, so that of all is unknown.")
        return valued
    except (ConfigError, DataError) as error:
        notes.append(f"{run.variant}: the value of its predictions is unknown: {error}")
        return table
