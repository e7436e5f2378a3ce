"""Looks at test rows: which are new, what each may spend, and how the ledger lasts."""

from __future__ import annotations

import itertools
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff.compare.ledger import FILE, Ledger
from bakeoff.compare.looks import Looks, Question, digest, numbered, share, spent
from bakeoff.task import Predictions, PredictionTable, Schema


def ask(ledger: Ledger, *questions: Question) -> list[int]:
    """Numbers of the looks of these questions."""
    numbers = {q.key: q.number for q in ledger.take("rows", questions)}
    return [numbers[q.key] for q in questions]


def pair(challenger: str, incumbent: str = "old", metric: str = "f1") -> Question:
    return Question(metric, incumbent, challenger)


def alone(variant: str) -> Question:
    return Question("f1", "", variant)


def test_shares_of_all_looks_add_up_to_alpha_and_the_first_is_the_declared_interval() -> None:
    assert Looks(alpha=0.05).confidence(1) == pytest.approx(0.95)
    assert spent(1, 0.05) == 0.025
    assert 0.0499 > spent(100, 0.05) > 0.045
    assert spent(100_000, 0.05) < 0.05
    assert all(share(k, 0.05) > share(k + 1, 0.05) for k in range(1, 1_000))


def test_question_asked_again_is_no_new_look(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE)
    assert ask(ledger, pair("a"), pair("b")) == [1, 1]
    assert ask(ledger, pair("c")) == [2]
    assert ask(ledger, pair("a"), pair("b"), pair("c")) == [1, 1, 2]
    assert ask(Ledger(tmp_path / FILE), pair("a", metric="mcc")) == [3]
    assert ask(ledger, pair("old", incumbent="a")) == [4]


def test_variants_run_one_by_one_count_as_looks_and_their_comparison_uses_these(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE)
    assert ask(ledger, alone("old")) == [0]
    for look, name in enumerate("abcde", 1):
        assert ask(ledger, alone(name)) == [look]
    assert ask(ledger, pair("c")) == [3]
    assert ask(ledger, pair("c", incumbent="other")) == [6]
    assert ask(ledger, alone("c")) == [3]


def test_variant_alone_that_was_compared_before_is_no_look(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE)
    assert ask(ledger, pair("new")) == [1]
    assert ask(ledger, alone("old"), alone("new")) == [0, 0]
    assert ask(ledger, pair("other")) == [2]


def test_first_variant_alone_and_then_another_beside_it_is_the_first_look(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE)
    assert ask(ledger, alone("old")) == [0]
    assert ask(ledger, pair("new")) == [1]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(["", "old", "other"]), st.sampled_from("abcdef"), st.sampled_from(["f1", "mcc"])),
            min_size=1,
            max_size=4,
        ),
        max_size=12,
    )
)
def test_comparisons_in_any_order_keep_their_numbers_and_spend_at_most_alpha(
    comparisons: list[list[tuple[str, str, str]]],
) -> None:
    known: dict[tuple[str, str, str], Question] = {}
    batches: dict[int, set[int]] = {}
    for at, comparison in enumerate(comparisons):
        questions = [Question(metric, incumbent, challenger) for incumbent, challenger, metric in set(comparison)]
        result = numbered(questions, known.values())
        for question in result:
            assert known.get(question.key, question).number == question.number
            if question.key not in known and question.incumbent:
                assert question.number >= 1
                batches.setdefault(question.number, set()).add(at)
        known |= {question.key: question for question in result}
    # Questions of different comparisons never share a look: each look is spent once.
    assert all(len(of) == 1 for of in batches.values())
    assert sum(share(look, 0.05) for look in batches) <= 0.05 + 1e-12


def test_copy_of_a_folder_keeps_the_numbers_on_another_machine(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "here" / FILE)
    ask(first, pair("a"))
    ask(first, pair("b"))
    copy = Looks("rows", asked=tuple(first.take("rows", [pair("c")])))
    assert ask(Ledger(tmp_path / "there" / FILE, [copy]), pair("c")) == [3]
    assert ask(Ledger(tmp_path / "there" / FILE), pair("b"), pair("d")) == [2, 4]


def test_ledgers_of_other_rows_do_not_count(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE)
    ask(ledger, pair("a"))
    assert [q.number for q in ledger.take("other rows", [pair("b")])] == [1]


def test_damaged_ledger_is_set_aside_with_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger(tmp_path / FILE)
    ask(ledger, pair("a"))
    (tmp_path / FILE).write_bytes(b"no database" * 500)
    assert ask(ledger, pair("b")) == [1]
    assert not ledger.problems
    assert len(caplog.records) == 1
    assert "damaged" in caplog.text
    assert (tmp_path / "looks.damaged").is_file()


def test_ledger_that_cannot_be_written_is_read_and_the_comparison_goes_on(tmp_path: Path) -> None:
    ask(Ledger(tmp_path / "ledger" / FILE), pair("a"))
    blocked = tmp_path / "file"
    blocked.write_text("")
    ledger = Ledger(blocked / FILE)
    assert ask(ledger, pair("b")) == [1]
    assert "could not be recorded" in ledger.problems[0]
    assert "BAKEOFF_LEDGER" in ledger.problems[0]


def test_full_disk_is_said_and_known_looks_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / FILE)
    ask(ledger, pair("a"))
    with sqlite3.connect(tmp_path / FILE) as connection:  # what SQLite says of a full disk, made by a trigger
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON looks BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
    assert ask(ledger, pair("b")) == [2]
    assert "disk is full" in ledger.problems[0]


def test_several_processes_at_once_never_share_a_look(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bakeoff.compare.ledger import Ledger;"
        "from bakeoff.compare.looks import Question;"
        "ledger = Ledger(Path(sys.argv[1]));"
        "[ledger.take('rows', [Question('f1', 'old', f'{sys.argv[2]}-{i}')]) for i in range(8)];"
        "sys.exit(len(ledger.problems))"
    )
    file = tmp_path / FILE
    processes = [subprocess.Popen([sys.executable, "-c", code, str(file), str(n)]) for n in range(3)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    numbers = [q.number for q in Ledger(file).take("rows", [])]
    assert numbers == list(range(1, 25))


def test_batches_are_judged_at_the_confidence_of_their_look() -> None:
    looks = Looks("rows", {"a": 1, "b": 1, "c": 4}, alpha=0.05)
    assert looks.batches(["c", "a", "b"]) == [(looks.confidence(1), ["a", "b"]), (looks.confidence(4), ["c"])]
    assert looks.confidence(4) > 0.99
    off = Looks("rows", {"a": 1, "b": 1, "c": 4}, alpha=0.05, is_held=False)
    assert off.batches(["c", "a", "b"]) == [(pytest.approx(0.95), ["c", "a", "b"])]
    assert "decision.ledger=false" in off.describe()
    assert Looks("rows", {"a": 1}).describe() == ""


def test_confidence_never_falls_from_look_to_look() -> None:
    levels = [Looks(alpha=0.05).confidence(k) for k in range(1, 60)]
    assert all(low < high for low, high in itertools.pairwise(levels))


def test_part_of_a_look_compared_again_has_its_part_of_the_share(tmp_path: Path) -> None:
    asked = Ledger(tmp_path / FILE).take("rows", [pair("a"), pair("b"), pair("c"), pair("d")])
    looks = Looks("rows", {"only a": 1}, 0.05, asked=tuple(asked))
    assert looks.batches(["only a"]) == [(pytest.approx(1 - 0.05 / 4), ["only a"])]
    whole = Looks("rows", dict.fromkeys("abcd", 1), 0.05, asked=tuple(asked))
    assert whole.batches(list("abcd")) == [(pytest.approx(0.95), list("abcd"))]


def test_rankings_with_the_same_first_document_are_other_answers() -> None:
    def digests(*rankings: list[str]) -> list[str]:
        outputs = np.array([ranking[0] for ranking in rankings], dtype=object)
        retrieved = np.empty(len(rankings), dtype=object)
        retrieved[:] = rankings
        n = len(rankings)
        predictions = Predictions(outputs, retrieved=retrieved)
        schema = Schema("retrieval", "answers", {"question": "text"})
        of = PredictionTable(
            schema, np.arange(n), outputs, predictions, np.full(n, np.nan), pd.DataFrame(index=range(n))
        )
        return [digest(of, ("retrieved",)), digest(of)]

    one, other = digests(["a", "b"], ["c", "d"]), digests(["a", "z"], ["c", "d"])
    assert one[0] != other[0]
    assert one[1] == other[1]


def test_other_probabilities_are_another_question_only_where_the_metric_reads_them() -> None:
    labels = np.array(["no", "yes", "no"], dtype=object)
    schema = Schema("classification", "y", {}, ("no", "yes"), "yes")

    def of(high: float) -> PredictionTable:
        proba = np.array([[high, 1 - high], [1 - high, high], [high, 1 - high]])
        nothing = pd.DataFrame(index=range(3))
        return PredictionTable(schema, np.arange(3), labels, Predictions(labels, proba), np.full(3, np.nan), nothing)

    assert digest(of(0.9)) == digest(of(0.8))
    assert digest(of(0.9), ("proba",)) != digest(of(0.8), ("proba",))
