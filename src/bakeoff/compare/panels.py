"""Pairs of variants on the rows that both answered, and the uncertainty of their differences.

Each challenger is compared with the incumbent on the rows that these two answered: an expensive variant that was
evaluated on a sample takes no rows away from the others. Challengers that share these rows with the incumbent form a
panel, and share its resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bakeoff import metrics
from bakeoff.compare.intervals import Side, Uncertainty, Unknown, uncertainty
from bakeoff.compare.outcomes import Outcomes
from bakeoff.compare.replicates import OverSeeds, Replicates
from bakeoff.compare.statistics import Values as Draws
from bakeoff.compare.statistics import bootstrap
from bakeoff.compare.units import Units
from bakeoff.metrics import Metric
from bakeoff.task import PredictionTable
from bakeoff.tasks import kinds

Floats = NDArray[np.float64]
Tables = Mapping[str, PredictionTable]
NOTHING: Draws = MappingProxyType({})


@dataclass(frozen=True)
class Corrected:
    """A metric of a challenger and of the incumbent, corrected by people's labels.

    Attributes:
        value, against: the values of challenger and incumbent.
        uncertainty: uncertainty of their difference.
    """

    value: float
    against: float
    uncertainty: Uncertainty


@dataclass(frozen=True)
class Panel:
    """The incumbent and some challengers on the same rows.

    Attributes:
        incumbent: name of the variant to beat.
        tables: variant → predictions of the same rows in the same order, the incumbent's among them.
        values: variant → metric → value on these rows.
        draws: variant → metric → values over the same resamples of these rows.
        challengers: names of the others.
        replicates: values of the replicates of each variant that has any.
        corrected: metric → challenger → both values as people's labels correct them.
    """

    incumbent: str
    tables: Tables
    values: Mapping[str, Mapping[str, float]]
    draws: Draws
    challengers: tuple[str, ...]
    replicates: Replicates = field(default_factory=dict)
    corrected: Mapping[str, Mapping[str, Corrected]] = field(default_factory=dict)
    _outcomes: dict[str, Outcomes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.tables[self.incumbent])

    @property
    def units(self) -> Units:
        """Units of resampling of the rows."""
        return Units.from_table(self.tables[self.incumbent])

    def has(self, challenger: str, metric: str) -> bool:
        """Return whether the challenger and the incumbent both have the metric."""
        return metric in self.values[challenger] and metric in self.values[self.incumbent]

    def difference(self, challenger: str, metric: str) -> float:
        """The challenger's value less the incumbent's."""
        value, against = self.both(challenger, metric)
        return value - against

    def both(self, challenger: str, metric: str) -> tuple[float, float]:
        """Values of the challenger and of the incumbent that it is compared with."""
        if (known := self.corrected.get(metric, {}).get(challenger)) is not None:
            return known.value, known.against
        return self.value(challenger, metric), self.value(self.incumbent, metric)

    def value(self, variant: str, metric: str) -> float:
        """Value of a variant, the mean over its replicates; NaN without the metric."""
        replicates = self._each(variant, metric)
        return sum(replicates) / len(replicates)

    def _each(self, variant: str, metric: str) -> tuple[float, ...]:
        of_one = (self.values[variant].get(metric, float("nan")),)
        return self.replicates.get(variant, {}).get(metric, of_one)

    def drawn(self, challenger: str, metric: str, share: float = 1.0) -> Floats:
        """Bootstrap values of the difference from a share of the incumbent's value, shape (resamples,)."""
        return self.draws[challenger][metric] - share * self.draws[self.incumbent][metric]

    def uncertainty(self, challenger: str, metric: Metric, share: float = 1.0) -> Uncertainty:
        """Uncertainty of the difference from a share of the incumbent's value: 0.99 for a margin of 1 % of an error."""
        name = metric.name
        if (known := self.corrected.get(name, {}).get(challenger)) is not None:
            return known.uncertainty
        sides = [Side(metric, self.tables[v], self.values[v][name], share) for v in (challenger, self.incumbent)]
        over_rows = uncertainty(sides, self.drawn(challenger, name, share), self._joint(challenger))
        new, old = self._each(challenger, name), [share * value for value in self._each(self.incumbent, name)]
        if isinstance(over_rows, Unknown) or len(new) == len(old) == 1:
            return over_rows
        return OverSeeds.from_values(over_rows, new, old)

    def _joint(self, challenger: str) -> Outcomes | None:
        """The joint table of truth and both variants' predictions, counted once for all metrics."""
        if not kinds.get(self.tables[challenger].schema.kind).has_one_label:
            return None
        if challenger not in self._outcomes:
            # With many classes the draws of one pair fill much memory: only those of the last pair are kept.
            self._outcomes.clear()
            both = [self.tables[challenger], self.tables[self.incumbent]]
            self._outcomes[challenger] = Outcomes.from_tables(both)
        return self._outcomes[challenger]


def panels(
    incumbent: str,
    tables: Tables,
    measured: Sequence[Metric],
    resamples: int,
    known: Draws = NOTHING,
    seed: int = 0,
    recipes: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> list[Panel]:
    """Compare each variant with the incumbent on the rows that both answered.

    Args:
        incumbent: name of the variant to beat; in ``tables``.
        tables: variant → predictions of the rows that it answered.
        measured: metrics.
        resamples: as given to ``bootstrap``.
        known: bootstrap values of each whole table, which are used where no row is left out.
        seed: seed of the draws.
        recipes: variant → names of its replicates, itself first; the others are in no panel of their own.

    Returns:
        One panel for each set of rows; a challenger that shares no row with the incumbent is in none.
    """
    own = tables[incumbent]
    place = {str(identity): row for row, identity in enumerate(own.ids)}
    members: dict[bytes, dict[str, PredictionTable]] = {}
    inner = {name for names in recipes.values() for name in names[1:]}
    for name, table in tables.items():
        if name == incumbent or name in inner:
            continue
        first, second = common_rows(own, table, place)
        if len(first):
            graded = [
                ~np.isnan(first.grades[g]) & ~np.isnan(second.grades[g]) for g in first.grades if g in second.grades
            ]
            key = b"".join([first.ids.astype(str).tobytes(), *(mask.tobytes() for mask in graded)])
            panel = members.setdefault(key, {incumbent: _with_grades_of(first, second)})
            panel[name] = _with_grades_of(second, first)
    made = [_panel(incumbent, panel, tables, measured, resamples, known, seed) for panel in members.values()]
    return [replace(panel, replicates=_replicates(panel, tables, measured, recipes)) for panel in made]


def _replicates(
    panel: Panel, tables: Tables, measured: Sequence[Metric], recipes: Mapping[str, tuple[str, ...]]
) -> Replicates:
    """Values of the replicates on the rows of a panel; a replicate that did not answer all of them is left out."""
    rows = {str(identity): row for row, identity in enumerate(panel.tables[panel.incumbent].ids)}
    values: dict[str, dict[str, tuple[float, ...]]] = {}
    for name in panel.tables:
        for other in recipes.get(name, ())[1:]:
            second = common_rows(panel.tables[name], tables[other], rows)[1]
            if len(second) < panel.rows:
                continue
            for m in measured:
                if m.name in panel.values[name] and metrics.applies_to(m, second):
                    before = values.setdefault(name, {}).get(m.name, (panel.values[name][m.name],))
                    values[name][m.name] = (*before, m.value(second))
    return values


def _panel(
    incumbent: str,
    members: Tables,
    whole: Tables,
    measured: Sequence[Metric],
    resamples: int,
    known: Draws,
    seed: int,
) -> Panel:
    values = {
        name: {m.name: m.value(table) for m in measured if metrics.applies_to(m, table)}
        for name, table in members.items()
    }
    reusable = {name: known.get(name, {}) for name, table in members.items() if table is whole[name]}
    draws = bootstrap(members, measured, resamples, seed, known=reusable)
    challengers = tuple(name for name in members if name != incumbent)
    return Panel(incumbent, members, values, draws, challengers)


def common_rows(
    first: PredictionTable, second: PredictionTable, place: Mapping[str, int]
) -> tuple[PredictionTable, PredictionTable]:
    """Both tables on the rows that they share, in the order of the first; the same objects where these are all rows.

    Args:
        first: the table whose order is kept.
        second: the other.
        place: id → row of the first.
    """
    if np.array_equal(first.ids, second.ids):
        return first, second
    at = np.array([place.get(str(identity), -1) for identity in second.ids], dtype=np.intp)
    rows = np.flatnonzero(at >= 0)
    order = rows[np.argsort(at[rows], kind="stable")]
    shared = at[order]
    is_whole = len(shared) == len(first)
    return first if is_whole else first.take(shared), second.take(order)


def _with_grades_of(table: PredictionTable, other: PredictionTable) -> PredictionTable:
    """The table with the grades of rows that the other has a grade for as well."""
    missing = {
        name: np.isnan(other.grades[name]) & ~np.isnan(grades)
        for name, grades in table.grades.items()
        if name in other.grades
    }
    if not any(mask.any() for mask in missing.values()):
        return table
    grades = {name: np.where(missing[name], np.nan, g) if name in missing else g for name, g in table.grades.items()}
    return replace(table, grades=grades)
