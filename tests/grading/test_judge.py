"""A judge is asked in words, answers in JSON, and is held against people."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from answered import answered, with_history

from bakeoff import metrics
from bakeoff.errors import ConfigError, DataError
from bakeoff.grading.judge import CHOICES, VERDICT, Judge
from bakeoff.llm.base import Completion, LLMRequest


@dataclass
class Pedant:
    """A judge's LLM by rule: an answer is right when it is a reference answer to the letter. Keeps all requests."""

    fault: Callable[[LLMRequest], Completion | None] = lambda request: None
    asked: list[LLMRequest] = field(default_factory=list)
    max_in_flight: int = 1

    def check(self) -> None: ...

    def complete(self, requests: Sequence[LLMRequest]) -> list[Completion]:
        self.asked += requests
        return [self.fault(request) or self._said(request) for request in requests]

    def usage(self) -> Mapping[str, Any]:
        return {"calls": len(self.asked)}

    def _said(self, request: LLMRequest) -> Completion:
        text = request.messages[-1].content
        output = text.partition("<answer>\n")[2].partition("\n</answer>")[0]
        is_right = f"\n- {output}\n" in text
        if request.choices:
            return Completion("ok", text=request.choices[0 if is_right else 1])
        verdict = {"reason": "By the letter.", "correct": is_right}
        return Completion("ok", text=json.dumps(verdict), parsed=verdict)


ROWS = [
    ("Capital of France?", ("Paris", "Lutetia"), "Lutetia"),
    ("Capital of Spain?", ("Madrid",), "Lisbon"),
    ("Capital of Atlantis?", (), "Poseidonis"),
    ("Capital of Atlantis?", (), ""),
    ("Capital of Italy?", ("Rome",), " "),
]


def test_right_answers_get_1_and_wrong_ones_0():
    judge = Judge(Pedant())
    X, table = answered(*ROWS)
    assert list(judge.grade(X, table)) == [1, 0, 0, 1, 0]


def test_abstaining_is_graded_without_asking():
    llm = Pedant()
    Judge(llm).grade(*answered(*ROWS))
    assert len(llm.asked) == 3


def test_the_judge_sees_the_rubric_the_question_what_was_said_before_and_the_truth():
    llm = Pedant()
    X, table = answered(ROWS[0])
    Judge(llm, rubric="Be fair.").grade(with_history(X, {"role": "user", "content": "About Europe."}), table)
    system, user = llm.asked[0].messages
    assert (system.role, system.content) == ("system", "Be fair.")
    for part in ("user: About Europe.", "Capital of France?", "- Paris", "- Lutetia", "<answer>\nLutetia\n</answer>"):
        assert part in user.content
    assert llm.asked[0].schema == VERDICT


def test_the_judge_is_told_that_a_question_has_no_answer():
    llm = Pedant()
    Judge(llm).grade(*answered(ROWS[2]))
    assert "There is no answer" in llm.asked[0].messages[-1].content


def test_a_verdict_that_breaks_the_schema_is_asked_for_again_without_a_reason():
    llm = Pedant(
        lambda request: (
            Completion("invalid", text='{"reason": "It') if request.schema and "Spain" in _text(request) else None
        )
    )
    judge = Judge(llm)
    assert list(judge.grade(*answered(*ROWS))) == [1, 0, 0, 1, 0]
    assert [request.choices for request in llm.asked] == [(), (), (), CHOICES]
    assert judge.details()["requests"] == {"ok": 3, "invalid": 1}


@pytest.mark.parametrize("status", ["failed", "not_asked", "invalid"])
def test_without_a_verdict_there_is_no_grade_and_it_is_counted(status):
    judge = Judge(Pedant(lambda request: Completion(status) if "Spain" in _text(request) else None))
    np.testing.assert_array_equal(judge.grade(*answered(*ROWS)), [1, np.nan, 0, 1, 0])
    assert (judge.details()["graded"], judge.details()["without_grade"]) == (4, 1)


def test_a_judge_without_labels_is_not_validated():
    judge = Judge(Pedant())
    judge.grade(*answered(*ROWS))
    assert judge.details()["validated"] is False
    assert "not validated" in judge.notes()[0]
    assert "agreement" not in judge.details()


def label(question: str, output: str, correct: Any, **other: Any) -> dict[str, Any]:
    return {"question": question, "answers": ["yes"], "output": output, "correct": correct, **other}


def labelled(tmp_path, *rows: dict[str, Any]) -> str:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_judge_with_labels_shows_how_far_people_agree(tmp_path):
    # The pedant calls "Yes." wrong, a person does not: 3 of 4 agree, chance gives a half, so kappa is a half.
    rows = label("1?", "yes", True), label("2?", "no", False), label("3?", "maybe", False), label("4?", "Yes.", True)
    judge = Judge(Pedant(), labels=labelled(tmp_path, *rows, label("5?", "", False)))
    judge.grade(*answered(*ROWS))
    found = judge.details()
    assert found["validated"] is True
    assert "agrees with people at kappa" in judge.notes()[0]
    assert (found["agreement"]["n"], found["agreement"]["share"]) == (4, 0.75)
    assert found["agreement"]["kappa"] == pytest.approx(0.5)
    assert found["agreement"]["low"] < 0.5 < found["agreement"]["high"]
    assert found["graded"] == 5, "labels are no answers of the model"


def test_details_are_json_even_where_kappa_is_not_defined(tmp_path):
    judge = Judge(Pedant(), labels=labelled(tmp_path, label("1?", "yes", True), label("2?", "yes", True)))
    judge.grade(*answered(*ROWS))
    assert json.loads(json.dumps(judge.details(), allow_nan=False))["agreement"]["kappa"] is None


def test_labels_that_the_judge_cannot_grade_are_no_agreement(tmp_path):
    judge = Judge(Pedant(lambda request: Completion("failed")), labels=labelled(tmp_path, label("1?", "yes", True)))
    judge.grade(*answered(*ROWS))
    assert judge.details()["validated"] is False
    assert "not validated" in judge.notes()[0]
    assert judge.details()["agreement"]["without_grade"] == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "?", "answers": ["x"], "output": "y"}, 'line 1 of labels.jsonl has no "correct"'),
        (label("?", "y", "perhaps"), '"correct" of line 1 of labels.jsonl is "perhaps". Allowed: true, false'),
        ({"answers": ["x"], "output": "y", "correct": True}, 'line 1 of labels.jsonl has no "question"'),
    ],
)
def test_wrong_labels_are_named_before_anything_is_asked(tmp_path, row, message):
    llm = Pedant()
    judge = Judge(llm, labels=labelled(tmp_path, row))
    with pytest.raises(DataError) as raised:
        judge.check()
    with pytest.raises(DataError):
        judge.grade(*answered(*ROWS))
    assert f"metrics.graders.judge.labels: {message}" in str(raised.value)
    assert not llm.asked


def test_a_judge_that_cannot_be_asked_is_refused_before_the_run():
    class Locked(Pedant):
        def check(self) -> None:
            raise ConfigError("llm: OPENAI_API_KEY is not set.")

    Judge(Pedant()).check()
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        Judge(Locked()).check()


def test_labels_that_are_not_there_are_named_with_the_nearest(tmp_path):
    labelled(tmp_path, label("1?", "yes", True))
    with pytest.raises(DataError, match=r'there is no file .*label\.jsonl.*Did you mean "labels\.jsonl"'):
        Judge(Pedant(), labels=str(tmp_path / "label.jsonl")).grade(*answered(*ROWS))


def test_the_metric_is_the_mean_of_the_grades():
    X, table = answered(*ROWS)
    table.grades["judge"] = Judge(Pedant()).grade(X, table)
    assert metrics.score(table, ["judge"]) == {"judge": 0.4}


def test_no_answers_need_no_request():
    llm = Pedant()
    assert len(Judge(llm).grade(*answered())) == 0
    assert math.isnan(metrics.get("judge").value(_graded_by_none()))
    assert not llm.asked


def _graded_by_none():
    table = answered()[1]
    table.grades["judge"] = np.array([])
    return table


def _text(request: LLMRequest) -> str:
    return request.messages[-1].content
