import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from questions import answered, assert_faces_agree, resampled, tables

from bakeoff import metrics
from bakeoff.task import Gold
from bakeoff.words import normalised, support

NAMES = [
    "exact_match",
    "token_f1",
    "rouge_l",
    "citation_precision",
    "citation_recall",
    "groundedness",
    "abstention_precision",
    "abstention_recall",
    "coverage",
    "semantic_similarity",
    "judge",
]
NO_ANSWER = Gold()


def one(name, *rows, **fields) -> float:
    return metrics.score(answered(rows, **fields), [name])[name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat, sat.", "cat sat"),
        ("an  apple a day", "apple day"),
        ("theatre", "theatre"),
        ("__init__", "init"),
        ("don't", "dont"),
        ("**", "**"),
        ("A", "a"),
    ],
)
def test_answers_are_normalised_as_squad_does(text, expected):
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("answer", "gold", "is_same"),
    [
        ("1.5", "15", False), ("1,5", "1.5", True), ("1,234.5", "1234.5", True), ("1,234.5", "12345", False),
        ("1.234,5", "1234.5", True), ("1,234.567", "1234567", False), ("$1,234,567.89", "1234567.89", True),
        ("1.5.", "1.5", True), ("3,000", "3000", True), ("-5", "5", False),
        ("\u22125 °C", "-5 °C", True), ("-$5", "5", False), ("2010-2012", "2010–2012", True), ("1/2", "12", False),
        ("½", "1/2", True), ("31/05/2024", "31.05.2024", True), ("555-1234", "5551234", True), ("C++", "C", False),
        ("C#", "c#", True), ("A+", "A", False), ("No. 5", "No 5", True), ("U.S.", "US", True), ("$5", "5", True),
        ("version 3.12", "version 312", False), ("#1", "1", True), ("(-5)", "-5", True),
    ],
)  # fmt: skip
def test_another_number_or_name_of_the_same_characters_is_no_match(answer, gold, is_same):
    assert one("exact_match", (answer, Gold((gold,)))) == is_same


def test_exact_match_takes_any_gold_answer():
    assert one("exact_match", ("the Cat.", Gold(("dog", "cat"))), ("cats", Gold(("cat",)))) == 0.5


def test_answers_of_signs_alone_are_told_apart():
    rows = ("**", Gold(("**",))), ("//", Gold(("**",))), ("", Gold(("**",)))
    for name in ("exact_match", "token_f1", "rouge_l"):
        assert one(name, *rows) == pytest.approx(1 / 3), name


def test_token_f1_is_the_harmonic_mean_over_words():
    # Of 3 words given, 2 are among the 4 wanted: precision 2/3, recall 1/2. The second gold answer shares nothing.
    assert one("token_f1", ("black cat sat", Gold(("cat sat on mat", "dog")))) == pytest.approx(4 / 7)


def test_a_word_counts_as_often_as_gold_has_it():
    assert one("token_f1", ("cat cat cat", Gold(("cat",)))) == pytest.approx(0.5)


def test_rouge_l_counts_the_words_that_come_in_the_same_order():
    answer, gold = "The black cat sat on my mat", "A cat was on the mat"
    # In common, in order: cat, on, mat. Precision 3/7, recall 3/6.
    assert one("rouge_l", (answer, Gold(("dog", gold)))) == pytest.approx(6 / 13)


def test_rouge_l_knows_letters_beyond_ascii():
    assert one("rouge_l", ("die größe", Gold(("Die Größe",)))) == 1


@pytest.mark.parametrize("name", ["exact_match", "token_f1", "rouge_l"])
def test_a_question_without_answer_counts_as_in_squad_2(name):
    assert one(name, ("", NO_ANSWER)) == 1
    assert one(name, (" \n", NO_ANSWER)) == 1
    assert one(name, ("cat", NO_ANSWER)) == 0
    assert one(name, ("", Gold(("cat",)))) == 0


def test_citation_precision_is_over_the_answers_that_cite():
    gold = Gold(("x",), {"a": 1, "b": 2})
    rows = ("x", gold), ("x", gold), ("", gold), ("x", NO_ANSWER), ("x", Gold(("x",)))
    cited = [("a", "c"), ("a",), (), ("a",), ("a",)]
    # The fourth question has no answer, so citing is wrong; of the fifth nobody said what is relevant.
    assert one("citation_precision", *rows, cited=cited) == pytest.approx((0.5 + 1 + 0) / 3)


def test_citing_a_document_with_the_text_of_a_gold_one_is_right():
    gold = Gold(("x",), {"v2": 1}, twins={"v1": "v2"})
    rows, cited = [("x", gold)] * 3, [("v1",), ("v1", "v2"), ("v3",)]
    assert one("citation_precision", *rows, cited=cited) == pytest.approx(2 / 3)
    assert one("citation_recall", *rows, cited=cited) == pytest.approx(2 / 3)


def test_citation_recall_is_over_the_questions_that_have_gold_documents():
    gold = Gold(("x",), {"a": 1, "b": 2})
    rows = ("x", gold), ("x", gold), ("", gold), ("x", NO_ANSWER)
    cited = [("a", "c"), ("b", "a"), (), ("a",)]
    assert one("citation_recall", *rows, cited=cited) == pytest.approx((0.5 + 1 + 0) / 3)


def test_groundedness_is_over_the_answers_given_and_their_content_words():
    rows = [(text, Gold(("x",))) for text in ("the black cat", "it is a dog", "", "mouse")]
    evidence = ["A cat, black as night.", "There is a cat.", "", ""]
    assert one("groundedness", *rows, evidence=evidence) == pytest.approx((1 + 0 + 0) / 3)


@pytest.mark.parametrize(
    ("answer", "evidence", "expected"),
    [
        ("the", "the end", 1.0),
        ("**", "the operator ** is a power", 1.0),
        ("**", "2**3", 1.0),
        ("**", "the operator //", 0.0),
        ("cat dog", "CATS and a Dog", 0.5),
        ("x_y", "x_y", 1.0),
    ],
)
def test_what_supports_an_answer(answer, evidence, expected):
    assert support(answer, evidence) == expected


def test_abstention_is_judged_against_the_questions_that_have_no_answer():
    rows = ("", NO_ANSWER), ("x", NO_ANSWER), ("", NO_ANSWER), ("", Gold(("x",))), ("x", Gold(("x",)))
    scores = metrics.score(answered(rows), ["abstention_precision", "abstention_recall", "coverage"])
    assert scores == pytest.approx({"abstention_precision": 2 / 3, "abstention_recall": 2 / 3, "coverage": 2 / 5})


def test_grades_are_averaged_over_what_was_graded():
    table = answered([("x", Gold(("x",)))] * 3, grades={"similarity": [1, np.nan, 0.5], "judge": [0, 1, np.nan]})
    assert metrics.score(table, ["semantic_similarity", "judge"]) == {"semantic_similarity": 0.75, "judge": 0.5}


def test_without_a_grader_there_is_no_grade():
    scores = metrics.score(answered([("x", Gold(("x",)))]))
    assert "token_f1" in scores
    assert not {"judge", "semantic_similarity", "citation_recall", "groundedness", "recall_at_1"} & set(scores)


def test_what_no_row_defines_is_undefined_and_not_zero():
    answerable = [("x", Gold(("x",)))]
    assert np.isnan(one("abstention_precision", *answerable))
    assert np.isnan(one("abstention_recall", *answerable))
    assert np.isnan(one("citation_precision", *answerable, cited=[()]))
    assert np.isnan(one("citation_recall", *answerable, cited=[("a",)]))
    assert np.isnan(one("groundedness", ("", NO_ANSWER), evidence=["x"]))


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_have_no_score(name):
    fields = {"cited": [], "evidence": []}
    assert np.isnan(one(name, grades={"similarity": [], "judge": []}, **fields))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(resampled())
def test_resampling_gives_what_the_value_of_each_resample_is(name, sample):
    assert_faces_agree(name, *sample)


@settings(max_examples=20, deadline=None)
@given(tables())
def test_the_gold_answer_itself_is_always_right(table):
    outputs = [gold.answers[-1] if gold.answers else "" for gold in table.target]
    right = answered(list(zip(outputs, table.target, strict=True)))
    assert metrics.score(right, ["exact_match", "token_f1", "rouge_l"]) == {
        "exact_match": 1.0,
        "token_f1": 1.0,
        "rouge_l": 1.0,
    }


def test_metrics_are_imported_without_what_they_compute_with():
    code = "import sys, bakeoff.metrics; print({'ir_measures', 'rapidfuzz', 'sklearn'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
