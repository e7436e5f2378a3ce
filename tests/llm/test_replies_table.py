"""A table of real-looking replies, ``replies.jsonl``: what is read from each, or that nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bakeoff.llm.base import Completion, LLMRequest, Message
from bakeoff.llm.choices import choice
from bakeoff.llm.lists import listed
from bakeoff.llm.reader import Reader
from bakeoff.llm.reading import formed
from bakeoff.llm.wrapping import value
from bakeoff.models.prompted.llm import NUMBER

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("replies.jsonl").read_text("utf-8").splitlines()
]
LABELLED = [row for row in ROWS if "label" in row]
LISTED = [row for row in ROWS if "labels" in row]
NUMBERS = [row for row in ROWS if "number" in row]
ANSWERED = [row for row in ROWS if "status" in row]


def test_table_has_some_hundreds_of_replies_of_each_use() -> None:
    assert len(ROWS) == len(LABELLED) + len(LISTED) + len(ANSWERED) + len(NUMBERS) >= 440
    assert min(len(LABELLED), len(ANSWERED)) >= 120 and len(LISTED) >= 40


@pytest.mark.parametrize("row", LABELLED, ids=lambda row: row["reply"][:40])
def test_label_of_a_reply_is_read_or_unreadable(row: dict[str, Any]) -> None:
    assert choice(row["reply"], row["choices"]) == row["label"]


@pytest.mark.parametrize("row", LISTED, ids=lambda row: row["reply"][:40])
def test_labels_that_a_reply_lists_are_read_or_unreadable(row: dict[str, Any]) -> None:
    labels = listed(row["reply"], row["choices"])
    assert (None if labels is None else sorted(labels)) == row["labels"]


@pytest.mark.parametrize("row", ANSWERED, ids=lambda row: row["reply"][:40])
def test_answer_in_free_text_is_read_withheld_refused_or_unreadable(row: dict[str, Any]) -> None:
    answer = Reader().answer(row["reply"])
    assert answer.status == row["status"]
    assert answer.short == row.get("short", "")


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row["reply"][:40])
def test_number_is_read_alone_and_not_beside_a_unit(row: dict[str, Any]) -> None:
    if row["number"] is None:
        with pytest.raises(ValueError, match=r"\w"):
            value(row["reply"], NUMBER)
    else:
        assert value(row["reply"], NUMBER) == {"value": row["number"]}


@pytest.mark.parametrize(
    ("reply", "form", "reason"),
    [
        ("1", {"choices": ("1", "10")}, "cut"),
        ("1", {"choices": ("1", "2")}, ""),
        ("10", {"choices": ("1", "10")}, ""),
        ("4", {"schema": NUMBER}, "cut"),
        ('{"value": 4}', {"schema": NUMBER}, ""),
    ],
)
def test_reply_that_was_cut_is_not_read_where_it_may_go_on(reply: str, form: dict[str, Any], reason: str) -> None:
    request = LLMRequest((Message("user", "?"),), **form)
    completion = formed(Completion("ok", raw=reply, finish="length", is_cut=True), request)
    assert completion.reason.partition(":")[0] == reason


def test_json_that_the_reply_takes_back_is_unreadable() -> None:
    request = LLMRequest((Message("user", "?"),), schema=NUMBER)
    completion = formed(Completion("ok", raw='{"value": 4}. Wait, 5 is better.', finish="stop"), request)
    assert (completion.status, completion.parsed) == ("invalid", None)
