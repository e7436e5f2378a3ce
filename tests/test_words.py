"""Words of every script: what is compared, what is searched, and what an answer rests on."""

from __future__ import annotations

import pytest

from bakeoff.words import bigrams, folded, is_english, normalised, support, token_overlap, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat, 1,204 times", ["the", "cat", "1204", "times"]), ("Größe", ["größe"]), ("北京市", ["北", "京", "市"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]), ("ＡＢＣ", ["abc"]), ("3.14", ["3", "14"]), ("**", ["**"]),
    ],
)  # fmt: skip
def test_words_of_every_script(text, expected):
    assert words(text) == expected


def test_answers_in_scripts_without_spaces_are_compared_by_characters():
    assert token_overlap("北京市", "北京") == pytest.approx(0.8)
    assert token_overlap("the cat", "a cat sat") == pytest.approx(2 / 3)
    assert normalised("北京。") == normalised("北京") and normalised("“Paris”") == "paris"


@pytest.mark.parametrize(
    ("answer", "evidence", "share"),
    [
        ("yes", "It opens at nine.", 1.0), ("No.", "It opens at nine.", 1.0), ("yes", "", 0.0),
        ("是", "博物馆九点开门", 1.0),
        ("九点", "博物馆九点开门。", 1.0), ("1204", "It has 1,204 seats.", 1.0), ("ten", "It opens at nine.", 0.0),
        ("The Who", "The Who played.", 1.0), ("to be", "to be or not to be", 1.0),
    ],
)  # fmt: skip
def test_support_works_for_yes_and_no_numbers_names_and_every_script(answer, evidence, share):
    assert support(answer, evidence) == share


def test_bigrams_part_scripts_without_spaces_and_leave_others():
    assert bigrams("plain text") == "plain text"
    assert bigrams("北京大学").split() == ["北京", "京大", "大学"]
    assert bigrams("the 城 wall").split() == ["the", "城", "wall"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat sat on the mat, and it was as happy as it could be. " * 10, True),
        ("Die Katze saß auf der Matte, und sie war so froh wie nie zuvor in ihrem Leben. " * 10, False),
        ("猫坐在垫子上，它很高兴。" * 20, False),
        ("كانت القطة تجلس على السجادة وهي سعيدة جدا. " * 20, False),
        ("Kurz und knapp.", True),
    ],
    ids=["english", "german", "chinese", "arabic", "too short to say"],
)
def test_running_text_is_told_to_be_english_by_its_commonest_words(text: str, expected: bool) -> None:
    assert is_english([text]) is expected


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        ("No, at night.", 1.0), ("Yes, it is.", 1.0), ("Nein, nachts.", 0.0), ("Yes, in Paris", 0.0),
        ("No, cats hunt mice", 1.0), ("是的，晚上", 0.0), ("Nobody", 0.0),
    ],
)  # fmt: skip
def test_support_of_a_yes_or_no_with_a_reason_is_that_of_the_reason(answer: str, share: float) -> None:
    assert support(answer, "At night the cats hunt mice.") == share


@pytest.mark.parametrize(
    ("written", "searched"),
    [
        ("Gro\u0308\u00dfe", "Größe"), ("ＡＢＣ１", "abc1"), ("كِتَابٌ", "كتاب"), ("جمـيل", "جميل"), ("ΣΚΥΛΟΣ", "σκυλος"),
        ("İSTANBUL", "istanbul"), ("IĞDIR", "ığdır"), ("שָׁלוֹם", "שלום"), ("Ёлка", "елка"), ("が", "か\u3099"),
    ],
)  # fmt: skip
def test_folded_texts_of_one_word_are_equal_however_it_is_written(written: str, searched: str) -> None:
    assert folded(written) == folded(searched)


def test_answers_are_compared_in_any_composition_and_width() -> None:
    assert token_overlap("Mu\u0308ller", "Müller") == 1 and normalised("２０２４") == normalised("2024")


@pytest.mark.parametrize(
    ("answer", "evidence", "share"),
    [
        ("1.204", "Es hat 1204 Plätze.", 1.0), ("1 204", "It has 1,204 seats.", 1.0), ("3.14", "It is 3.15.", 0.5),
        ("José", "Jose Martinez sang.", 1.0), ("كتاب", "هذا كِتَابٌ", 1.0), ("2024年", "２０２４年に開業", 1.0),
        ("Mu\u0308ller", "Herr Müller kam.", 1.0), ("İstanbul", "ISTANBUL'da", 1.0),
    ],
)  # fmt: skip
def test_support_sees_numbers_and_names_however_they_are_written(answer: str, evidence: str, share: float) -> None:
    assert support(answer, evidence) == share
