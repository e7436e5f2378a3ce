"""A judge of texts scores from 1 to 5, with references or without."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bakeoff import metrics
from bakeoff.grading.texts import SCORES, VERDICT, TextJudge
from bakeoff.llm.base import Completion
from bakeoff.task import Gold, Predictions, PredictionTable, Schema

SCHEMA = Schema("generation", "", {"text": "text"})
X = pd.DataFrame({"text": ["A long river.", "A small lake.", "The sea.", "A pond."]})


@dataclass
class Reader:
    """A judge's LLM by rule: a text scores as many points as it has words; it breaks the schema over "odd"."""

    asked: list[Any] = field(default_factory=list)
    max_in_flight: int = 1

    def check(self) -> None: ...

    def complete(self, requests: Sequence[Any]) -> list[Completion]:
        self.asked += requests
        return [self._completion(request) for request in requests]

    def usage(self) -> Mapping[str, Any]:
        return {"calls": len(self.asked)}

    def _completion(self, request: Any) -> Completion:
        text = request.messages[-1].content.partition("<text>\n")[2].partition("\n</text>")[0]
        score = min(5, len(text.split()))
        if request.choices:
            return Completion("failed", error="no") if "mute" in text else Completion("ok", text=str(score))
        if "odd" in text:
            return Completion("invalid", text="well,")
        verdict = {"reason": "words", "score": score}
        return Completion("ok", text=json.dumps(verdict), parsed=verdict)


def table(*outputs: str, references: Sequence[tuple[str, ...]] = ((), (), (), ())) -> PredictionTable:
    targets = np.empty(4, dtype=object)
    targets[:] = [Gold(texts) for texts in references]
    predictions = Predictions(np.array(outputs, dtype=object))
    return PredictionTable(SCHEMA, np.arange(4), targets, predictions, np.full(4, np.nan), X.iloc[:, :0])


def test_grade_scores_become_grades_and_an_empty_text_gets_0_without_a_request() -> None:
    judge = TextJudge(Reader())
    assert judge.grade(X, table("one two three", "one", " ", "a b c d e f")).tolist() == [0.5, 0.0, 0.0, 1.0]
    assert len(judge.llm.asked) == 3  # type: ignore[attr-defined]
    assert [request.schema for request in judge.llm.asked] == [VERDICT] * 3  # type: ignore[attr-defined]


def test_grade_a_broken_reply_is_asked_again_for_the_score_alone_and_counted_where_that_fails() -> None:
    judge = TextJudge(Reader())
    grades = judge.grade(X, table("odd one", "odd mute", "one", "one"))
    assert grades[0] == 0.25 and np.isnan(grades[1])
    assert judge.details()["without_grade"] == 1
    assert judge.llm.asked[-1].choices == SCORES  # type: ignore[attr-defined]
    assert "Texts without a usable score from the judge: 1." in judge.notes()


def test_grade_references_are_shown_where_there_are_any() -> None:
    judge = TextJudge(Reader())
    judge.grade(X, table("one", "one", "one", "one", references=(("A river.", "Water."), (), (), ())))
    first, second = (request.messages[-1].content for request in judge.llm.asked[:2])  # type: ignore[attr-defined]
    assert "Input:\nA long river.\n\nReferences:\n- A river.\n- Water." in first
    assert "References" not in second


def test_metric_judge_is_the_mean_of_the_grades_without_references() -> None:
    from dataclasses import replace

    made = table("one two three", "one", " ", "a b c d e f")
    graded = replace(made, grades={"judge": TextJudge(Reader()).grade(X, made)})
    assert metrics.score(graded, ["judge"]) == {"judge": 0.375}
