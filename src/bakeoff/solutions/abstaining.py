"""Abstaining: a part that withholds the predictions of which it is not sure enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError
from bakeoff.metrics.bounds import read_bounds
from bakeoff.models.base import ModelReport, require_kind
from bakeoff.predictions import OK, WITHHELD, Predictions, stated_confidence
from bakeoff.solutions import ladder as ladders
from bakeoff.solutions.answers import Answers
from bakeoff.solutions.base import HeldOut, OfOnePart
from bakeoff.solutions.judging import Judge
from bakeoff.solutions.ladder import Ladder
from bakeoff.task import ABSTAINED, Schema
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import pandas as pd

ABSTAINS = "abstains"
MOST_CANDIDATES = 200


@dataclass(eq=False)
class Abstaining(OfOnePart):
    """A part that withholds a prediction where its confidence is below a threshold.

    Args:
        part: name of the part.
        threshold: the least confidence of a prediction that is given; null: learnt on validation rows.
        max_risk: greatest share of errors among the predictions given, such as 0.05; the most rows are answered that
            keep it on new rows with probability ``risk_confidence``.
        risk_confidence: that probability.
        objective: metric for which the threshold is learnt instead, such as ``net_value_per_1k``, under ``limits``.
        limits: metric → bound that the threshold keeps on validation rows.
        parts: name of the part → its model, or the name of a variant of the bake-off; a part that is not here is the
            variant of its own name.
    """

    part: str = ""
    threshold: float | None = None
    max_risk: float | None = None
    risk_confidence: float = 0.9
    objective: str | None = None
    limits: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def learns(self) -> bool:
        """True where the threshold is not given."""
        return self.threshold is None

    def check_solution(self, schema: Schema) -> None:
        """Raise ``ConfigError`` unless exactly one of threshold, risk and objective says when to abstain."""
        require_kind(self, schema, "classification", "qa", "generation")
        given = [name for name in ("threshold", "max_risk", "objective") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ConfigError(
                f"model: {', '.join(given) or 'nothing'} says when to abstain. Give one of model.threshold=0.8 (a "
                "confidence), model.max_risk=0.05 (share of errors) and model.objective=net_value_per_1k (with "
                "business=…)."
            )
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ConfigError(f"model.threshold: {self.threshold} is no confidence from 0 to 1.")
        if self.max_risk is not None and not 0 < self.max_risk < 1:
            raise ConfigError(f"model.max_risk: {self.max_risk} is no share of errors between 0 and 1, such as 0.05.")
        if not 0 < self.risk_confidence < 1:
            raise ConfigError(f"model.risk_confidence: {self.risk_confidence} is not between 0 and 1, such as 0.9.")
        if self.max_risk is not None and schema.kind != "classification":
            raise ConfigError(f"model.max_risk: answers of a {schema.kind} task are not simply right or wrong.")
        bounds = read_bounds(self.limits, "model.limits")
        if bounds and self.objective is None:
            raise ConfigError("model.limits: they bound a threshold that is learnt for model.objective. Give one.")

    def judge(self, schema: Schema, deciding: str | None = None) -> Judge:
        """The declared objective under the declared limits."""
        return Judge.of_schema(schema, self.objective or deciding, tuple(read_bounds(self.limits, "model.limits")))

    def learn(self, held: HeldOut) -> None:
        """Learn the least confidence on validation rows; None: no prediction is given."""
        self.schema_ = held.schema
        given = held.answers.of(self.part, np.arange(len(held)))
        sure = self._confidence(given)
        self.learned_: dict[str, Any] = {"rows": len(held)}
        if self.max_risk is not None:
            right = kinds.get(held.schema.kind).is_right(given.output, held.rows.y)
            assert right is not None
            nobody = np.zeros(len(held), dtype=np.bool_)
            ladder = Ladder(np.stack([given.status == OK, nobody]), np.stack([sure, sure]), (0,), {}, {})
            found = ladders.guaranteed(ladder, np.stack([right, nobody]), self.max_risk, 1 - self.risk_confidence)
            (self.threshold_,) = found.thresholds
            self.learned_ |= {"accepted": found.accepted, "errors": found.errors}
            return
        values = np.unique(np.quantile(sure, np.linspace(0, 1, MOST_CANDIDATES), method="lower"))
        candidates: list[float | None] = [*map(float, values), None]

        def rank(least: float | None) -> tuple[float, ...]:
            return held.judge.rank(held.judge.table(held.schema, held.rows, self._above(given, sure, least)))

        self.threshold_ = max(candidates, key=rank)  # the most lenient of equal ones

    def combine(self, answers: Answers, X: pd.DataFrame) -> Predictions:
        """Withhold what is below the threshold."""
        given = answers.of(self.part, np.arange(len(answers)))
        if not len(given):
            return given
        return self._above(
            given, self._confidence(given), self.threshold_ if self.threshold is None else self.threshold
        )

    def _confidence(self, given: Predictions) -> NDArray[np.float64]:
        sure = stated_confidence(given)
        if sure is None:
            raise ConfigError(f"model.part: {self.part} gives no confidence to compare with a threshold.")
        return np.nan_to_num(sure, nan=-1.0)

    def _above(self, given: Predictions, sure: NDArray[np.float64], least: float | None) -> Predictions:
        is_given = np.zeros(len(given), dtype=np.bool_) if least is None else sure >= least
        hidden = ~is_given & (given.status == OK)
        why = "no confidence is enough" if least is None else f"confidence below {least:.3g}"
        output = given.output.astype(object)
        output[hidden] = ABSTAINED
        return replace(
            given,
            output=output,
            confidence=sure,
            status=np.where(hidden, WITHHELD, given.status).astype(object),
            reason=np.where(hidden, why, given.reason).astype(object),
            stage=np.where(hidden, ABSTAINS, self.part).astype(object),
            trace=(),
        )

    def learned_report(self) -> ModelReport:
        """The threshold, and a note where none promises the risk."""
        if self.threshold is not None:
            return ModelReport({"threshold": self.threshold})
        details = {"threshold": self.threshold_, "learned": self.learned_}
        if self.threshold_ is not None:
            return ModelReport(details)
        why = "does best on" if self.max_risk is None else f"keeps errors at or below {self.max_risk:.1%} on"
        return ModelReport(
            details,
            (f"No threshold {why} {self.learned_['rows']:,} validation rows: every prediction is withheld.",),
        )

    def state(self) -> dict[str, Any]:
        """The threshold, and what the report says of it."""
        return {"threshold": self.threshold_, "learned": self.learned_} if self.threshold is None else {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``state`` gave."""
        if self.threshold is None:
            self.threshold_, self.learned_ = state["threshold"], dict(state["learned"])
