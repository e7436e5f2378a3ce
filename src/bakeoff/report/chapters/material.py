"""Material of the chapters: a comparison, its runs and their files, each file read once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bakeoff import metrics, record
from bakeoff.compare.comparison import Comparison
from bakeoff.errors import BakeoffError, ConfigError
from bakeoff.record import Run
from bakeoff.tasks import kinds
from bakeoff.tasks.base import Kind

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.metrics import Metric
    from bakeoff.task import PredictionTable, Schema

MOST_ROWS = 100_000
"""Test rows up to which all are shown in figures; of more, about as many."""
MOST_DETAILED = 10
"""Variants whose predictions are read; the leaderboard and the differences show all."""


class Material:
    """Material of the chapters.

    Args:
        comparison: the comparison to report.
        runs: in it, finished or not.
        folder: folder of the bake-off.
    """

    def __init__(self, comparison: Comparison, runs: Sequence[Run], folder: Path) -> None:
        self.comparison = comparison
        self.runs = runs
        self.folder = folder

    @cached_property
    def finished(self) -> list[Run]:
        """The finished runs, in the order of the leaderboard."""
        order = [variant.name for variant in self.comparison.variants]
        return sorted(
            (run for run in self.runs if run.status == "ok" and run.variant in order),
            key=lambda run: order.index(run.variant),
        )

    @cached_property
    def detailed(self) -> list[Run]:
        """The runs that are shown in detail: winner and incumbent, then the best."""
        first = [run for run in self.finished if run.variant in (self.comparison.winner, self.comparison.incumbent)]
        others = [run for run in self.finished if run not in first]
        chosen = [*first, *others[: MOST_DETAILED - len(first)]]
        return [run for run in self.finished if run in chosen]

    @property
    def left_out(self) -> str:
        """A sentence on the finished variants that are not shown in detail; empty if all are."""
        if len(self.detailed) == len(self.finished):
            return ""
        return f"In detail: {len(self.detailed)} of {len(self.finished)} variants, the best and the incumbent."

    @cached_property
    def schema(self) -> Schema | None:
        """Schema of the task; None if no run loaded its data."""
        reached = [run for run in (*self.finished, *self.runs) if run.task is not None]
        return record.schema_of(reached[0]) if reached else None

    @cached_property
    def kind(self) -> Kind | None:
        """The task kind; None if no run loaded its data."""
        return kinds.get(self.schema.kind) if self.schema else None

    @cached_property
    def metric(self) -> Metric | None:
        """The decision metric; None if it is of a plugin that is not installed here."""
        try:
            return metrics.get(self.comparison.metric)
        except ConfigError:
            return None

    @property
    def metric_title(self) -> str:
        """Heading of the decision metric."""
        return self.metric.title(self.schema) if self.metric and self.schema else self.comparison.metric

    @property
    def better(self) -> str:
        """Direction of the decision metric, in words."""
        return "higher is better" if self.comparison.direction == "maximize" else "lower is better"

    @cached_property
    def tables(self) -> dict[str, PredictionTable]:
        """Predictions of the runs shown in detail, as far as they can be read; of very many rows a sample."""
        read = {}
        for run in self.detailed:
            try:
                read[run.variant] = _sampled(record.read_predictions(run))
            except BakeoffError:
                continue  # without its predictions a variant is missing from figures, and stays in the leaderboard
        return read

    @property
    def sampled(self) -> str:
        """A sentence on the rows that are left out of figures; empty if none are."""
        rows = self.comparison.test_rows
        if rows <= MOST_ROWS:
            return ""
        shown = max((len(table) for table in self.tables.values()), default=0)
        return f"Of a random sample of {shown:,} of {rows:,} test rows; scores and verdict are of all of them."

    @cached_property
    def answered(self) -> dict[str, PredictionTable]:
        """The same, rows with an answer only; without variants that answered none."""
        some = {name: table.answered for name, table in self.tables.items()}
        return {name: table for name, table in some.items() if len(table)}

    @property
    def leading(self) -> str | None:
        """The variant to look at first: the winner, else the best."""
        return self.comparison.winner or (self.finished[0].variant if self.finished else None)

    @cached_property
    def inputs(self) -> pd.DataFrame | None:
        """Feature columns of the test rows, indexed by id; None where they were not recorded."""
        return record.read_inputs(self.folder)

    def frame(self, run: Run, name: str) -> pd.DataFrame | None:
        """A Parquet file of a run folder; None if there is none."""
        return record.read_frame(run.folder, name)


def _sampled(table: PredictionTable) -> PredictionTable:
    """About ``MOST_ROWS`` rows, chosen by their ids: the same ones for every variant."""
    if len(table) <= MOST_ROWS:
        return table
    import pandas as pd

    digests = pd.util.hash_array(table.ids.astype(str).astype(object))
    return table.take(np.flatnonzero(digests < np.uint64(2**64 * (MOST_ROWS / len(table)))))
