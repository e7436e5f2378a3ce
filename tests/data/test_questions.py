"""Questions over documents become a task: gold answers, relevance, history, slices, a fingerprint over the corpus."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest

from bakeoff import data
from bakeoff.data.settings import DataSettings, SplitSettings
from bakeoff.data.sources import Rows
from bakeoff.errors import DataError
from bakeoff.task import Gold, Question, Task, Turn, questions

HISTORY = [{"role": "user", "content": "What is a tuple?"}, {"role": "assistant", "content": "An immutable sequence."}]


@dataclass
class Asked:
    """Twenty questions over three documents."""

    frame: pd.DataFrame
    corpus: pd.DataFrame | None = None
    test: pd.DataFrame | None = None
    name: str = field(default="asked.jsonl")

    def read(self) -> Rows:
        return Rows(self.frame.copy(), None if self.test is None else self.test.copy(), self.corpus)


def corpus(**changed: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": ["a", "b", "c"], "title": ["A", "B", "C"], "text": ["x y", "y z", "z x"], **changed})


def asked(n: int = 20, **changed: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"q{i}" for i in range(n)],
            "question": [f"What is {i}?" for i in range(n)],
            "history": ["[]" if i % 4 else json.dumps(HISTORY) for i in range(n)],
            "answers": [json.dumps([] if i % 5 == 0 else [str(i), "it"]) for i in range(n)],
            "relevance": [json.dumps({} if i % 5 == 0 else {"a": 2, "b": 0}) for i in range(n)],
            **changed,
        }
    )


def load(frame: pd.DataFrame, documents: pd.DataFrame | None = None, test: Any = None, **settings: Any) -> Task:
    settings = {"name": "asked", "target": "answers", "kind": "qa", "id": "id"} | settings
    return data.load(Asked(frame, corpus() if documents is None else documents, test), DataSettings(**settings))


def test_a_question_keeps_its_history_and_its_gold() -> None:
    task = load(asked())
    everything = {**dict(zip(task.development.examples.ids, questions(task.development.examples.X), strict=True))}
    everything |= dict(zip(task.test.ids, questions(task.test.X), strict=True))
    assert everything["q4"] == Question("What is 4?", tuple(Turn(**turn) for turn in HISTORY))
    assert everything["q1"] == Question("What is 1?")
    gold = {**dict(zip(task.development.examples.ids, task.development.examples.y, strict=True))}
    gold |= dict(zip(task.test.ids, task.test.y, strict=True))
    assert gold["q1"] == Gold(("1", "it"), {"a": 2}), "a grade of 0 is no relevance"
    assert not gold["q5"].is_answerable
    assert task.development.corpus is not None
    assert len(task.development.corpus) == 3


def test_first_turns_and_follow_ups_are_slices() -> None:
    task = load(asked(), slices=["turn", "answerable"])
    assert set(task.test.slices["turn"]) | set(task.development.examples.slices["turn"]) == {"first", "follow-up"}
    assert list(task.test.slices["answerable"]) == ["yes" if g.is_answerable else "no" for g in task.test.y]


def test_the_data_may_say_where_each_question_goes() -> None:
    parts = ["train"] * 10 + ["dev"] * 4 + ["test"] * 6
    task = load(asked(split=parts), split=SplitSettings(column="split"))
    assert list(task.test.ids) == [f"q{i}" for i in range(14, 20)]
    assert list(task.development.valid.ids) == [f"q{i}" for i in range(10, 14)]
    assert task.split["kind"] == "given"


def test_all_questions_may_be_for_the_test() -> None:
    task = load(asked(0), test=asked())
    assert len(task.test) == 20
    assert len(task.development.examples) == 0


def test_a_changed_document_changes_the_fingerprint() -> None:
    assert load(asked()).fingerprint == load(asked()).fingerprint
    assert load(asked()).fingerprint != load(asked(), corpus(text=["x y", "y z", "z"])).fingerprint


def test_a_changed_answer_changes_the_fingerprint() -> None:
    assert load(asked()).fingerprint != load(asked(answers=['["other"]'] * 20)).fingerprint


@pytest.mark.parametrize(
    ("frame", "documents", "message"),
    [
        (asked(relevance=['{"aa": 1}'] * 20), None, 'names the document "aa", which is not in the corpus'),
        (asked(question=["?"] * 19 + [" "]), None, "question 19 of asked.jsonl, counting from 0, is empty"),
        (asked().drop(columns="answers"), None, 'has no column "answers"'),
        (asked(), corpus(id=["a", "b", "a"]), 'two documents of asked.jsonl have the id "a"'),
        (asked(), corpus().drop(columns="text"), 'have no column "text"'),
        (asked(split="tset"), None, 'Did you mean "test"?'),
    ],
)
def test_what_is_wrong_is_named(frame: pd.DataFrame, documents: pd.DataFrame | None, message: str) -> None:
    column = "split" if "split" in frame else None
    with pytest.raises(DataError, match=message.replace("?", r"\?")):
        load(frame, documents, split=SplitSettings(column=column))


def test_a_task_about_documents_needs_documents() -> None:
    with pytest.raises(DataError, match=r"asked\.jsonl brings none"):
        data.load(Asked(asked()), DataSettings(name="asked", target="answers", kind="qa"))
