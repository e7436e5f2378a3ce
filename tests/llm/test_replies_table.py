"""A table of real-looking replies, ``replies.jsonl``: what is read from each, or that nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bakeoff.llm.choices import choice
from bakeoff.llm.lists import listed
from bakeoff.llm.reader import Reader

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("replies.jsonl").read_text("utf-8").splitlines()
]
LABELLED = [row for row in ROWS if "label" in row]
LISTED = [row for row in ROWS if "labels" in row]
ANSWERED = [row for row in ROWS if "status" in row]


def test_table_has_some_hundreds_of_replies_of_each_use() -> None:
    assert len(ROWS) == len(LABELLED) + len(LISTED) + len(ANSWERED) >= 400
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
