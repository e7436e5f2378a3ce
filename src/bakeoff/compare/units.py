"""Units of resampling of a predictions table, and how many rows they are worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.task import PredictionTable

Kind = Literal["row", "group", "block"]

ROUNDING = 1e-18
"""Variance up to which values do not vary."""


@dataclass(frozen=True)
class Units:
    """Units that are drawn with replacement: single rows, groups of rows, or blocks of time.

    Attributes:
        kind: row, group or block.
        codes: unit of each row, numbered from 0 without gaps, shape (n,).
        count: number of units.
    """

    kind: Kind
    codes: NDArray[np.intp]
    count: int

    @classmethod
    def from_table(cls, table: PredictionTable) -> Units:
        """The units of a table; its rows where it names no others."""
        if table.units is None:
            return cls("row", np.arange(len(table)), len(table))
        distinct, codes = np.unique(table.units, return_inverse=True)
        if len(distinct) == len(codes):
            return cls("row", np.arange(len(table)), len(table))
        return cls("block" if table.schema.series is not None else "group", codes.astype(np.intp), len(distinct))

    @property
    def are_rows(self) -> bool:
        """True if each row is a unit."""
        return self.kind == "row"

    def effect(self, draws: NDArray[np.float64], of_rows: Callable[[], NDArray[np.float64]]) -> float:
        """Design effect: variance over units relative to that over as many independent rows (Kish 1965), at least 1.

        Args:
            draws: bootstrap values by unit.
            of_rows: gives values as if the rows were independent.
        """
        if self.are_rows:
            return 1.0
        largest = len(self.codes) / self.count
        by_units, by_rows = float(draws.var()) * self.count / max(1, self.count - 1), float(np.nanvar(of_rows()))
        return largest if by_rows <= ROUNDING else max(1.0, by_units / by_rows)

    def __str__(self) -> str:
        """Describe in words, such as ``905 test rows in 212 groups``."""
        n = f"{len(self.codes):,} test rows"
        if self.are_rows:
            return n
        what = f"{self.count:,} {self.kind}s" if self.count != 1 else f"1 {self.kind}"
        return f"{n} in {what}" if self.kind == "group" else f"{n} in {what} of time"


def effect_on_mean(values: NDArray[np.float64], codes: NDArray[np.intp], count: int) -> float:
    """Variance of a mean over units relative to that over as many independent rows (Kish 1965); NaN without variance.

    Args:
        values: of n rows, shape (n,).
        codes: unit of each row, numbered from 0 without gaps, shape (n,).
        count: number of units, at least 2.
    """
    centred = values - values.mean()
    of_rows = float((centred**2).sum())
    of_units = float((np.bincount(codes, centred, count) ** 2).sum()) * count / (count - 1)
    return of_units / of_rows if of_rows > 0 else math.nan


def with_same_units(tables: Mapping[str, PredictionTable]) -> dict[str, PredictionTable]:
    """Give tables that name no units those of the others: runs of earlier versions recorded none.

    Args:
        tables: variant → predictions of test rows of one task.
    """
    known: dict[str, int] = {}
    for table in tables.values():
        if table.units is not None:
            known |= dict(zip(map(str, table.ids), table.units.tolist(), strict=True))
    if not known:
        return dict(tables)
    return {name: table if table.units is not None else _with_units(table, known) for name, table in tables.items()}


def _with_units(table: PredictionTable, known: Mapping[str, int]) -> PredictionTable:
    # A row of which no unit is known is a unit of its own, numbered apart from the known ones.
    units = [known.get(str(identity), -1 - row) for row, identity in enumerate(table.ids)]
    return replace(table, units=np.array(units, dtype=np.intp))
