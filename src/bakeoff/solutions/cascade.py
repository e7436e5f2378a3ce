"""Cascade: parts in order, each of which answers what it is sure of and passes the rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.errors import ConfigError
from bakeoff.metrics.bounds import read_bounds
from bakeoff.models.base import ModelReport, require_kind
from bakeoff.predictions import Predictions, merged
from bakeoff.predictions import Stage as Answered
from bakeoff.solutions import ladder as ladders
from bakeoff.solutions.answers import Answers, Rows, with_confidence, without_partial_fields
from bakeoff.solutions.base import HeldOut, Solution
from bakeoff.solutions.judging import Judge
from bakeoff.solutions.ladder import Ladder, Thresholds
from bakeoff.solutions.stages import (
    Stage,
    check_stage,
    decided_by_person,
    is_confident,
    meets_conditions,
    read_stages,
    require_confidence,
)
from bakeoff.task import Schema
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import pandas as pd


@dataclass(eq=False)
class Cascade(Solution):
    """Stages in order: a row is answered by the first stage whose prediction is accepted, or by the last.

    Args:
        stages: names of parts, whose least confidence is learnt on validation rows, or mappings: ``part``; then
            ``accept`` (a confidence, or ``learnt``), ``covered`` (a rule holds), ``where`` (column: condition) or
            ``agree`` (another part that must give the same answer), all of which must hold. The last may be ``human``,
            with ``usd`` (price of a decision), ``accuracy`` (null: right by definition) and ``seconds``.
        parts: name of a part → its model, or the name of a variant of the bake-off; a part that is not here is the
            variant of its own name.
        objective: metric for which thresholds are learnt; null: the metric that decides.
        limits: metric → bound that the learnt thresholds keep on validation rows, such as ``cost_per_1k: "<= 0.5"``.
        max_risk: greatest share of errors among what the stages before the last accept; null: not limited. It replaces
            the objective: the most rows are accepted that this permits.
        risk_confidence: probability with which ``max_risk`` is kept on new rows like the validation rows.
    """

    stages: list[Any] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)
    objective: str | None = None
    limits: dict[str, str] = field(default_factory=dict)
    max_risk: float | None = None
    risk_confidence: float = 0.9

    @cached_property
    def declared(self) -> tuple[Stage, ...]:
        """The stages, read. Raises ``ConfigError``."""
        return read_stages(self.stages, self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The parts of all stages, and those that must agree with one."""
        stages = self.declared
        own = [stage.part for stage in stages if not stage.is_human]
        return (*own, *dict.fromkeys(s.agree for s in stages if s.agree is not None and s.agree not in own))

    @property
    def asks_people(self) -> bool:
        """True if the last stage is a person."""
        return any(stage.is_human for stage in self.declared)

    @property
    def learns(self) -> bool:
        """True if a least confidence is learnt."""
        return any(stage.is_learnt for stage in self.declared[:-1])

    def check_solution(self, schema: Schema) -> None:
        """Raise ``ConfigError`` where the stages cannot serve the task."""
        require_kind(self, schema, "classification", "multilabel", "qa", "retrieval", "regression", "generation")
        if len(self.declared) < 2:
            raise ConfigError("model.stages: a cascade needs two stages or more, such as [rules, linear].")
        for i, stage in enumerate(self.declared):
            check_stage(stage, schema, f"model.stages.{i}")
        read_bounds(self.limits, "model.limits")
        if self.max_risk is not None and not 0 < self.max_risk < 1:
            raise ConfigError(f"model.max_risk: {self.max_risk} is no share of errors between 0 and 1, such as 0.05.")
        if not 0 < self.risk_confidence < 1:
            raise ConfigError(f"model.risk_confidence: {self.risk_confidence} is not between 0 and 1, such as 0.9.")
        if self.max_risk is not None and not self.learns:
            raise ConfigError("model.max_risk: no stage has a threshold to learn. Write accept: learnt, or remove it.")
        if self.max_risk is not None and schema.kind not in ("classification", "multilabel"):
            raise ConfigError(f"model.max_risk: answers of a {schema.kind} task are not simply right or wrong.")

    def judge(self, schema: Schema, deciding: str | None = None) -> Judge:
        """The declared objective under the declared limits."""
        return Judge.of_schema(schema, self.objective or deciding, tuple(read_bounds(self.limits, "model.limits")))

    def learn(self, held: HeldOut) -> None:
        """Learn the least confidences on validation rows."""
        self.schema_, self.seed_ = held.schema, held.seed
        ladder = self.ladder(held)
        self.notes_: list[str] = []
        self.learned_: dict[str, Any] = {"rows": len(held)}
        if self.max_risk is None:
            self.thresholds_: Thresholds = ladders.learn(ladder, held, held.judge)
            return
        is_right = np.stack([self._is_right(output, held.rows.y) for output in ladder.chosen["output"]])
        found = ladders.guaranteed(ladder, is_right, self.max_risk, 1 - self.risk_confidence)
        self.thresholds_ = found.thresholds
        self.learned_ |= {"accepted": found.accepted, "errors": found.errors}
        if not found.accepted:
            self.notes_.append(
                f"No threshold keeps errors at or below {self.max_risk:.1%} with {self.risk_confidence:.0%} confidence "
                f"on {len(held):,} validation rows: every row goes to the last stage (model.max_risk)."
            )

    def _is_right(self, output: Any, target: Any) -> Any:
        return kinds.get(self.schema_.kind).is_right(output, target)

    def ladder(self, held: HeldOut) -> Ladder:
        """The stages over all validation rows. Raises ``ConfigError`` where a stage lacks the confidence it needs."""
        rows, X = np.arange(len(held)), held.rows.X
        predictions, beside, accepted, sure = [], [], [], []
        for stage in self.declared:
            given = self._answers_of(stage, held.answers, rows)
            conditions = np.ones(len(rows), dtype=bool)
            if not stage.is_human:
                conditions = meets_conditions(stage, given, held.answers, rows, X, held.schema)
            if stage.accept is not None and not stage.is_learnt:
                conditions = conditions & is_confident(stage, given, None)
            is_threshold = stage.is_learnt and stage is not self.declared[-1]
            predictions.append(with_confidence(given))
            other = stage.agree if self._asks_beside(stage) else None
            beside.append([] if other is None else [held.answers.of(other, rows)])
            accepted.append(conditions)
            sure.append(
                np.nan_to_num(require_confidence(stage, given), nan=-1.0) if is_threshold else np.zeros(len(rows))
            )
        learnt = [i for i, stage in enumerate(self.declared[:-1]) if stage.is_learnt]
        return Ladder.from_stages(predictions, beside, np.stack(accepted), np.stack(sure), learnt)

    def combine(self, answers: Answers, X: pd.DataFrame) -> Predictions:
        """Ask stage by stage, each for the rows that no earlier one answered."""
        schema = self.schema_
        waiting = np.arange(len(answers))
        thresholds = iter(self.thresholds_ if self.learns else ())
        seen: list[Answered] = []
        for position, stage in enumerate(self.declared):
            is_last = position == len(self.declared) - 1
            threshold = next(thresholds) if stage.is_learnt and not is_last else None
            if seen and not len(waiting):
                break
            given = with_confidence(self._answers_of(stage, answers, waiting))
            accepted = np.ones(len(waiting), dtype=bool)
            if not is_last:
                accepted = meets_conditions(stage, given, answers, waiting, X, schema)
                accepted &= is_confident(stage, given, threshold)
            seen.append(Answered(stage.part, waiting, given, accepted))
            if self._asks_beside(stage) and stage.agree is not None:
                other = answers.of(stage.agree, waiting)
                seen.append(Answered(f"{stage.part}+{stage.agree}", waiting, other, np.zeros(len(waiting), dtype=bool)))
            waiting = waiting[~accepted]
        return without_partial_fields(merged(len(answers), seen))

    def _answers_of(self, stage: Stage, answers: Answers, rows: Rows) -> Predictions:
        if stage.is_human:
            return decided_by_person(stage, answers, rows, self.schema_, getattr(self, "seed_", 0))
        return answers.of(stage.part, rows)

    def _asks_beside(self, stage: Stage) -> bool:
        """Return whether a stage asks a part that no stage asks by itself."""
        return stage.agree is not None and stage.agree not in [s.part for s in self.declared]

    def learned_report(self) -> ModelReport:
        """The least confidence of each stage, and what was found on the way."""
        stages = {}
        notes = [*getattr(self, "notes_", ())]
        last = self.declared[-1]
        if last.is_human and not last.usd:
            always = "" if last.accuracy is not None else ", and right always (accuracy)"
            notes.append(f"Decisions of a person are taken to be free (usd){always}: model.stages.")
        thresholds = iter(self.thresholds_ if self.learns else ())
        for position, stage in enumerate(self.declared[:-1]):
            least = next(thresholds) if stage.is_learnt else stage.accept
            stages[stage.part] = {"accept": least, "is_learnt": stage.is_learnt, "position": position}
        return ModelReport(
            {"thresholds": stages, **({"learned": self.learned_} if self.learns else {})},
            tuple(notes),
        )

    def state(self) -> dict[str, Any]:
        """Thresholds and what the report says of them."""
        if not self.learns:
            return {}
        return {"thresholds": list(self.thresholds_), "learned": self.learned_, "notes": self.notes_}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``state`` gave."""
        if self.learns:
            self.thresholds_ = tuple(state["thresholds"])
            self.learned_, self.notes_ = dict(state["learned"]), list(state["notes"])
