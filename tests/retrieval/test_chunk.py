import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff.errors import ConfigError
from bakeoff.retrieval.chunk import Markdown, Recursive, Sentences, Whole, count

TEXTS = st.text(st.sampled_from("ab.!? \n#`-,。語") | st.characters(), max_size=400)
SIZES = st.integers(1, 40)


def solid(text):
    return re.sub(r"\s+", "", text)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, words=SIZES)
def test_no_text_is_lost_and_no_passage_is_too_long(text, words):
    for chunker in (Sentences(words), Recursive(words), Markdown(words)):
        parts = chunker.split(text)
        assert len(parts) >= 1
        assert solid("".join(parts)) == solid(text)
        assert all(count(part) <= words for part in parts)
        assert parts == [""] or all(part.strip() for part in parts)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, words=SIZES, share=st.floats(0, 0.99))
def test_an_overlap_repeats_the_end_of_the_passage_before(text, words, share):
    overlap = int(words * share)
    parts = Sentences(words, overlap).split(text)
    assert all(count(part) <= words for part in parts)
    whole = solid(parts[0])
    for part in parts[1:]:
        piece = solid(part)
        common = max(n for n in range(len(piece)) if whole.endswith(piece[:n]))  # less than all: each adds something
        assert any(solid(text).startswith(whole + piece[n:]) for n in range(common + 1) if whole.endswith(piece[:n])), (
            "what follows the repeated words is not what follows in the text"
        )
        n = next(
            n for n in range(len(piece)) if whole.endswith(piece[:n]) and solid(text).startswith(whole + piece[n:])
        )
        whole += piece[n:]
    assert whole == solid(text)


@given(text=TEXTS)
def test_a_whole_document_is_one_passage(text):
    assert Whole().split(text) == [text.strip()]


def test_sentences_end_where_sentences_end():
    text = "It rained. Was it cold? No! We went home."
    assert Sentences(5).split(text) == ["It rained. Was it cold?", "No! We went home."]
    assert Sentences(6, overlap=3).split(text) == ["It rained. Was it cold? No!", "No! We went home."]


def test_recursive_prefers_paragraphs_to_lines_to_sentences():
    text = "one two three\n\nfour five\nsix seven. eight nine"
    assert Recursive(6).split(text) == ["one two three", "four five\nsix seven. eight nine"]
    assert Recursive(4).split(text) == ["one two three", "four five", "six seven. eight nine"]
    assert Recursive(3).split(text) == ["one two three", "four five", "six seven.", "eight nine"]


def test_markdown_keeps_a_heading_with_its_text_and_leaves_code_alone():
    text = "# Title\n\n## First\ntext\n```\n# no heading\n```\n## Second\nmore"
    assert Markdown().split(text) == ["# Title\n\n## First\ntext\n```\n# no heading\n```", "## Second\nmore"]


def test_text_without_spaces_is_cut_too():
    assert [len(p) for p in Recursive(2).split("x" * 100)] == [48, 48, 4]
    assert [len(p) for p in Recursive(40).split("語" * 100)] == [40, 40, 20], "models read a character as a token"


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: Recursive(0), "chunker.words"),
        (lambda: Sentences(5, 5), "chunker.overlap"),
        (lambda: Sentences(5, -1), "chunker.overlap"),
        (lambda: Recursive(5, [""]), "chunker.separators"),
    ],
)
def test_a_wrong_size_is_named(make, key):
    with pytest.raises(ConfigError, match=key):
        make()
