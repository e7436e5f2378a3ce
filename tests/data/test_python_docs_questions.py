"""The questions over Python's language reference hold what their README says, on the Python that runs."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pydoc_data.topics import topics
from typing import Any

import pytest

from bakeoff import data
from bakeoff.data.python_docs import JUDGED, QUESTIONS, PythonDocs
from bakeoff.data.settings import DataSettings, SplitSettings

READ_WITH = {(3, 11), (3, 12), (3, 13)}
"""The versions whose reference was held against every answer; in another one, sentences may have been rewritten."""
SHARES = {"train": 0.4, "valid": 0.2, "test": 0.4}
KEYS = {"id", "question", "answers", "documents", "history", "difficulty", "split"}


def lines(path: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


ASKED = lines(QUESTIONS)
LABELLED = lines(JUDGED)
TEXTS = {name: " ".join(re.sub(r"-\n\s*", "-", text).split()).lower() for name, text in topics.items()}


def holds(text: str, answer: str) -> bool:
    """Whether the answer occurs in whole words, whatever the case and the line breaks."""
    return re.search(rf"(?<!\w){re.escape(' '.join(answer.split()).lower())}(?!\w)", text) is not None


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard index of two sets of words."""
    return len(one & other) / len(one | other)


def test_every_line_has_its_fields() -> None:
    for asked in ASKED:
        assert set(asked) - {"verbatim"} == KEYS
        assert asked["question"].strip() == asked["question"] != ""
        assert asked["difficulty"] in ("lookup", "paraphrase")
        assert asked["split"] in SHARES
        assert asked.get("verbatim", False) is False


def test_ids_are_unique_and_so_are_questions_with_their_history() -> None:
    assert len({asked["id"] for asked in ASKED}) == len(ASKED)
    assert len({(asked["question"].lower(), json.dumps(asked["history"])) for asked in ASKED}) == len(ASKED)


def test_answers_are_short_and_each_is_given_once() -> None:
    for asked in ASKED:
        assert len(asked["answers"]) <= 4, asked["id"]
        assert len(asked["answers"]) == len(set(asked["answers"])), asked["id"]
        for answer in asked["answers"]:
            assert 1 <= len(answer.split()) <= 8, asked["id"]
            assert words(answer), f"{asked['id']}: nothing is left of {answer!r} without punctuation"


def test_gold_documents_are_topics_and_one_is_the_main_one() -> None:
    for asked in ASKED:
        assert set(asked["documents"]) <= set(topics), asked["id"]
        assert set(asked["documents"].values()) <= {1, 2}, asked["id"]
        main = {TEXTS[name] for name, grade in asked["documents"].items() if grade == 2}
        # Two topics may have the same text, as "if" and "else"; they are then both the main one.
        assert len(main) == bool(asked["answers"]), asked["id"]


def test_an_unanswerable_question_has_no_gold_and_every_other_has() -> None:
    for asked in ASKED:
        assert bool(asked["answers"]) == bool(asked["documents"]), asked["id"]


def test_an_answer_stands_in_each_gold_document() -> None:
    pairs = [(asked, name) for asked in ASKED if "verbatim" not in asked for name in asked["documents"]]
    missing = [
        (asked["id"], name)
        for asked, name in pairs
        if not any(holds(TEXTS[name], answer) for answer in asked["answers"])
    ]
    if sys.version_info[:2] in READ_WITH:
        assert missing == []
    else:
        assert len(missing) <= 0.1 * len(pairs), missing


def test_follow_ups_have_turns_of_both_in_alternation() -> None:
    for asked in ASKED:
        roles = [turn["role"] for turn in asked["history"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2), asked["id"]
        assert len(roles) <= 6
        assert all(turn["content"].strip() for turn in asked["history"])


def test_there_are_enough_of_each_kind_and_most_topics_are_asked_about() -> None:
    assert len(ASKED) >= 130
    assert sum(not asked["answers"] for asked in ASKED) >= 20
    assert sum(bool(asked["history"]) for asked in ASKED) >= 25
    assert sum(bool(asked["history"]) and not asked["answers"] for asked in ASKED) >= 4
    assert sum("verbatim" in asked for asked in ASKED) <= 0.05 * len(ASKED)
    assert len({name for asked in ASKED for name, grade in asked["documents"].items() if grade == 2}) >= 55


@pytest.mark.parametrize("split", SHARES)
def test_each_split_has_its_share_of_every_kind(split: str) -> None:
    kinds = Counter((bool(asked["answers"]), bool(asked["history"])) for asked in ASKED)
    here = Counter((bool(asked["answers"]), bool(asked["history"])) for asked in ASKED if asked["split"] == split)
    assert here.total() == pytest.approx(SHARES[split] * len(ASKED), abs=2)
    for kind, n in kinds.items():
        assert here[kind] == pytest.approx(SHARES[split] * n, abs=1), kind


def test_what_is_nearly_the_same_question_is_in_one_split() -> None:
    first = [(asked, words(asked["question"])) for asked in ASKED if not asked["history"]]
    for i, (one, its) in enumerate(first):
        for other, others in first[i + 1 :]:
            assert alike(its, others) < 0.7 or one["split"] == other["split"], (one["id"], other["id"])


def test_no_history_tells_the_answer_of_a_question_in_another_split() -> None:
    first = [(asked, words(asked["question"])) for asked in ASKED if not asked["history"]]
    for follow_up in (asked for asked in ASKED if asked["history"]):
        for turn in (turn for turn in follow_up["history"] if turn["role"] == "user"):
            for asked, its in first:
                near = alike(its, words(turn["content"])) >= 0.6
                assert not near or asked["split"] == follow_up["split"], (follow_up["id"], asked["id"])


def test_labelled_answers_are_half_right_and_of_questions_here() -> None:
    gold = {asked["id"]: asked for asked in ASKED}
    assert len(LABELLED) == 60
    assert len({label["id"] for label in LABELLED}) == len({label["output"] for label in LABELLED}) == 60
    assert sum(label["correct"] for label in LABELLED) == 30
    for label in LABELLED:
        assert set(label) == {"id", "question", "answers", "output", "correct"}
        asked = gold[label["id"].rpartition("-")[0]]
        assert (label["question"], label["answers"]) == (asked["question"], asked["answers"])
        assert not asked["history"]


def test_words_alone_do_not_tell_right_from_wrong_among_the_labelled() -> None:
    told = [(any(holds(label["output"].lower(), gold) for gold in label["answers"]), label) for label in LABELLED]
    assert sum(label["correct"] and not has for has, label in told) >= 8
    assert sum(has and not label["correct"] for has, label in told) >= 8


def test_they_load_as_a_task_in_their_own_split() -> None:
    settings = DataSettings(
        name="python_docs",
        target="answers",
        kind="qa",
        id="id",
        slices=["turn", "answerable"],
        split=SplitSettings(column="split"),
    )
    task = data.load(PythonDocs(), settings)
    assert list(task.test.ids) == [asked["id"] for asked in ASKED if asked["split"] == "test"]
    assert task.development.corpus is not None
    assert set(task.development.corpus.documents["id"]) == set(topics)
