"""Segmented: the part that does best on each segment of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.models.base import ModelReport, require_kind
from bakeoff.models.rules.conditions import MISSING
from bakeoff.predictions import Predictions, merged
from bakeoff.predictions import Stage as Answered
from bakeoff.solutions import language, segments
from bakeoff.solutions.answers import Answers, without_partial_fields
from bakeoff.solutions.base import HeldOut, Solution, require_known
from bakeoff.solutions.judging import Judge
from bakeoff.task import Schema

if TYPE_CHECKING:
    import pandas as pd

SEPARATOR = " / "


@dataclass(eq=False)
class Segmented(Solution):
    """One part for each segment of the rows.

    Args:
        by: columns whose values make the segments, such as ``[region]``. ``language`` is detected in the text columns
            where no column has that name; rows of an unsure language go to the fallback.
        choices: names of the parts among which each segment's is chosen on its validation rows.
        segments: value → name of the part, given; of several columns, their values with `` / `` between. The others are
            chosen.
        fallback: name of the part for small and unseen segments; null: the one that does best on all validation rows.
        min_rows: validation rows that a segment needs for a part of its own.
        parts: name of a part → its model, or the name of a variant of the bake-off; a part that is not here is the
            variant of its own name.
        objective: metric by which parts are chosen; null: the metric that decides.
    """

    by: list[str] | str = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    segments: dict[str, str] = field(default_factory=dict)
    fallback: str | None = None
    min_rows: int = 50
    parts: dict[str, Any] = field(default_factory=dict)
    objective: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The choices, the parts of given segments and the fallback."""
        return tuple(
            dict.fromkeys([*self.choices, *self.segments.values(), *([self.fallback] if self.fallback else [])])
        )

    @property
    def learns(self) -> bool:
        """True where there is something to choose."""
        return len(self.choices) > 1 or self.fallback is None

    def check_solution(self, schema: Schema) -> None:
        """Raise ``ConfigError`` where columns or parts make no sense."""
        require_kind(self, schema, "classification", "multilabel", "regression", "qa", "retrieval", "generation")
        segments.check(self.by, schema)
        if self.fallback is not None:
            require_known([self.fallback], self.names, "model.fallback")
        if not self.learns and not self.segments:
            raise ConfigError("model.choices: name two parts or more, or give model.segments.")
        if self.min_rows < 1:
            raise ConfigError(f"model.min_rows: {self.min_rows} is less than 1.")

    def judge(self, schema: Schema, deciding: str | None = None) -> Judge:
        """The declared objective."""
        return Judge.of_schema(schema, self.objective or deciding, ())

    def learn(self, held: HeldOut) -> None:
        """Choose the part of each segment with enough validation rows, and the fallback."""
        self.schema_ = held.schema
        everywhere = np.arange(len(held))
        choices = self.choices or list(self.names)
        self.fallback_ = self.fallback or self._best(held, everywhere, choices)
        choices = sorted(choices, key=lambda name: name != self.fallback_)  # which is taken where others are no better
        self.chosen_: dict[str, str] = {}
        self.small_: list[str] = []
        segment = self._segment(held.rows.X)
        given = {self._key(str(value)) for value in self.segments}
        for value in sorted(set(segment)):
            rows = np.flatnonzero(segment == value)
            if value in given or language.UNSURE in value:
                continue
            if len(rows) < self.min_rows:
                self.small_.append(value)
                continue
            self.chosen_[value] = self._best(held, rows, choices)

    def _best(self, held: HeldOut, rows: Any, choices: list[str]) -> str:
        """The choice of the best rank on some rows; the first of equal ones, and where the metric has no value."""
        part = held.take(rows)
        ranks = {
            name: part.judge.rank(part.judge.table(part.schema, part.rows, part.answers.predictions[name]))
            for name in choices
        }
        return max(choices, key=lambda name: ranks[name])

    def _segment(self, X: pd.DataFrame) -> Any:
        names = segments.columns_of(self.by)
        values = [segments.values(name, X, self.schema_, missing=MISSING) for name in names]
        return np.array([SEPARATOR.join(row) for row in zip(*values, strict=True)], dtype=object)

    def _key(self, value: str) -> str:
        """A segment that somebody gave, or an earlier version saved: a number may end in ``.0`` there."""
        names, values = segments.columns_of(self.by), value.split(SEPARATOR)
        if len(values) != len(names):
            return value
        numeric = set(self.schema_.of_kind("numeric"))
        return SEPARATOR.join(
            v.removesuffix(".0") if name in numeric else v for name, v in zip(names, values, strict=True)
        )

    def combine(self, answers: Answers, X: pd.DataFrame) -> Predictions:
        """Ask the part of each segment for its rows."""
        chosen, fallback = (self.chosen_, self.fallback_) if self.learns else ({}, self.fallback or self.choices[0])
        of_segment = {self._key(str(value)): name for value, name in {**chosen, **self.segments}.items()}
        owner = np.array([of_segment.get(value, fallback) for value in self._segment(X)], dtype=object)
        if not len(owner):
            return answers.of(fallback, np.arange(0))
        stages = []
        for name in self.names:
            rows = np.flatnonzero(owner == name)
            if len(rows):
                stages.append(Answered(name, rows, answers.of(name, rows), np.ones(len(rows), dtype=np.bool_)))
        return without_partial_fields(merged(len(answers), stages))

    def learned_report(self) -> ModelReport:
        """The part of each segment."""
        if not self.learns:
            return ModelReport({"segments": dict(self.segments)})
        details = {"segments": {**self.chosen_, **self.segments}, "fallback": self.fallback_, "small": self.small_}
        if not self.small_:
            return ModelReport(details)
        return ModelReport(
            details,
            (
                f"Segments with fewer than {self.min_rows} validation rows go to {self.fallback_} (model.min_rows): "
                f"{len(self.small_):,} of {len(self.small_) + len(self.chosen_):,}.",
            ),
        )

    def state(self) -> dict[str, Any]:
        """The chosen parts."""
        if not self.learns:
            return {}
        return {"chosen": self.chosen_, "fallback": self.fallback_, "small": self.small_}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``state`` gave."""
        if self.learns:
            self.chosen_, self.fallback_ = dict(state["chosen"]), str(state["fallback"])
            self.small_ = list(state["small"])
