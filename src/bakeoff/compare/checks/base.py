"""A method check: its question, how much a finding matters, and the state in which it ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bakeoff import record
from bakeoff.compare.looks import Looks

if TYPE_CHECKING:
    from bakeoff.compare.decision import Gain
    from bakeoff.record import Run
    from bakeoff.task import PredictionTable, Schema

Severity = Literal["note", "caution", "blocks"]
"""Severity of a finding: worth knowing, a reason to doubt the verdict, or a reason for none."""

State = Literal["passed", "found", "not_applicable", "failed"]


@dataclass(frozen=True)
class Evidence:
    """Evidence on which a verdict is based.

    Attributes:
        runs: finished runs, in the order in which they started.
        tables: variant → its predictions for the test rows that it answered.
        schema: schema of the task.
        gains: gains of the challengers in the decision metric; empty where there is no incumbent with results.
        margin: the minimum meaningful gain; NaN if unknown.
        replicates: whether variants that differ in their seed alone are judged as one.
        looks: looks at the test rows.
        metric: name of the decision metric; empty if unknown.
        sign: 1 where more of it is better, -1 where less is.
    """

    runs: Sequence[Run]
    tables: Mapping[str, PredictionTable] = field(repr=False)
    schema: Schema
    gains: Sequence[Gain] = ()
    margin: float = math.nan
    replicates: bool = False
    looks: Looks = field(default_factory=Looks)
    metric: str = ""
    sign: int = 1

    @property
    def is_confirmation(self) -> bool:
        """True in a confirmation: its variants were chosen and fitted before, so checks of both do not apply."""
        return bool(self.runs) and all(map(_is_confirmed, self.runs))


def _is_confirmed(run: Run) -> bool:
    return (record.read_config(run.folder) or {}).get("confirmed_from") is not None


Finds = Callable[[Evidence], Sequence[str]]


@dataclass(frozen=True)
class Check:
    """Looks for one methodological weakness, and returns its findings.

    Attributes:
        name: name of its entry point.
        asks: the question, as a person would ask it.
        finds: returns the weaknesses, one sentence each; empty if the check passes.
        applies: returns whether the check makes sense for such a task.
        severity: how much a finding matters.
    """

    name: str
    asks: str
    finds: Finds
    applies: Callable[[Schema], bool]
    severity: Severity = "caution"


@dataclass(frozen=True)
class Checked:
    """Result of a check.

    Attributes:
        name: name of the check.
        asks: its question.
        findings: one sentence each; empty if it passed or did not apply.
        severity: how much a finding matters.
        state: passed, found, not_applicable, or failed, where the check itself went wrong.
    """

    name: str
    asks: str
    findings: tuple[str, ...] = ()
    severity: Severity = "caution"
    state: State = "passed"


def check(
    name: str,
    asks: str,
    *,
    applies: Callable[[Schema], bool] = lambda schema: True,
    severity: Severity = "caution",
) -> Callable[[Finds], Check]:
    """Decorate a function of the evidence: it becomes a method check.

    Args:
        name: name of its entry point.
        asks: the question, as a person would ask it.
        applies: returns whether the check makes sense for such a task.
        severity: how much a finding matters; one that ``blocks`` leaves no verdict.
    """
    return lambda finds: Check(name, asks, finds, applies, severity)
