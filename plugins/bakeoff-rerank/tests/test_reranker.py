"""The reranker: trained small on the questions over Python's reference that are shipped, and held to the contracts."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd
import pytest

from bakeoff.data.python_docs import PythonDocs
from bakeoff.extend import BM25, ConfigError, Corpus, Hit, Rows, assets, check_plugin, check_retriever, components
from bakeoff_rerank import pairs
from bakeoff_rerank.reranker import TrainedCrossEncoder

WORDS = ("apple", "bread", "chair", "drum", "eagle", "ferry", "glass", "honey")


def text_of(word: str) -> str:
    return f"The {word} is in room {word}."


class Things:
    """Where things are, which one document of each tells; another tells its price, in as many words of the question."""

    name = "things"

    def read(self) -> Rows:
        asked = [
            {
                "question": f"where is the {word} {i}",
                "answers": json.dumps([f"room {word}"]),
                "relevance": json.dumps({word: 1}),
                "history": "[]",
                "split": "test" if word == "honey" else "train",
            }
            for word in WORDS
            for i in range(3)
        ]
        told = {word: text_of(word) for word in WORDS} | {f"{w}-price": f"The {w} costs 3 coins." for w in WORDS}
        return Rows(pd.DataFrame(asked), corpus=pd.DataFrame({"id": list(told), "title": "", "text": told.values()}))


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def tiny(**more: Any) -> TrainedCrossEncoder:
    return TrainedCrossEncoder(**{"train_on": Things(), "base": "tiny", "epochs": 1, "negatives": 2, **more})


def test_the_plugin_holds_to_its_contract():
    assert "retriever/cross_encoder composes, and its classes take these arguments" in check_plugin("rerank")


def test_pairs_are_of_training_questions_and_of_passages_that_answer_them():
    found = pairs.build_pairs(PythonDocs(), "split", negatives=3, seed=0)
    right = [pair for pair in found if pair.label == 1]
    frame = PythonDocs().read().frame
    may = set(frame.loc[frame["split"] == "train", "question"])
    never = set(frame.loc[frame["split"] != "train", "question"])
    assert {pair.question for pair in found} <= may
    assert not {pair.question for pair in found} & never
    assert len(right) > 60
    answers = dict(zip(frame["question"], frame["answers"], strict=True))
    says = [any(a.lower() in p.passage.lower() for a in json.loads(answers[p.question])) for p in right]
    assert sum(says) > len(right) / 2, "where an answer stands word for word in the document, that passage is taken"
    assert pairs.build_pairs(PythonDocs(), "split", negatives=3, seed=0) == found


def test_a_retriever_with_it_holds_to_the_contract(own_cache: Path):
    overrides = ["retriever.reranker.base=tiny", "retriever.reranker.epochs=1", "retriever.reranker.weight=0.1"]
    assert "it indexes" in check_retriever("cross_encoder", overrides)


def test_it_is_trained_once_and_equally(own_cache: Path):
    first = tiny().trained()
    made = (first / "model.safetensors").stat().st_mtime_ns
    assert tiny().trained() == first
    assert (first / "model.safetensors").stat().st_mtime_ns == made, "what was trained is used again"
    assert tiny(seed=1).trained() != first
    content = (first / "model.safetensors").read_bytes()
    (first / "model.safetensors").unlink()
    first.rename(own_cache / "moved")
    assert (tiny().trained() / "model.safetensors").read_bytes() == content, "the same seed gives the same weights"


@pytest.fixture
def untrained_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache with what the user fetched, in which nothing is trained yet."""
    (tmp_path / "cache").mkdir()
    for kept in ("assets", "wheels"):
        fetched = assets.cache_folder() / kept
        fetched.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / kept).symlink_to(fetched)
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))


@pytest.mark.slow
@pytest.mark.usefixtures("untrained_cache")
def test_what_it_learns_ranks_questions_that_it_never_saw():
    """With real weights: of what BM25 finds, the right passages come first more often than by chance."""
    source = PythonDocs()
    rows = source.read()
    frame = rows.frame
    asked = frame[(frame["split"] == "test") & (frame["history"] == "[]") & (frame["relevance"] != "{}")]
    found = BM25(top_k=10).index(Corpus(rows.corpus, "python_docs")).search(asked["question"].tolist(), 10)
    alone = TrainedCrossEncoder(source, weight=1.0).rerank(asked["question"].tolist(), found)

    def reciprocal_rank(hits: Sequence[Hit], relevant: Collection[str]) -> float:
        return next((1 / rank for rank, hit in enumerate(hits, 1) if hit.passage.document in relevant), 0.0)

    chance = random.Random(0)
    of_encoder, of_chance = [], []
    for hits, first, relevance in zip(alone, found, asked["relevance"], strict=True):
        relevant = json.loads(relevance)
        of_encoder.append(reciprocal_rank(hits, relevant))
        of_chance += [reciprocal_rank(chance.sample(first, len(first)), relevant) for _ in range(20)]
    assert len(of_encoder) > 50
    assert fmean(of_encoder) > fmean(of_chance) + 0.1


def test_what_is_wrong_is_said(own_cache: Path):
    with pytest.raises(ConfigError, match=r"retriever\.reranker\.weight: 2 is not between 0 and 1"):
        tiny(weight=2)
    with pytest.raises(ConfigError, match=r'split_column: things has no column "part"'):
        tiny(split_column="part").trained()


def test_it_can_be_described_and_made_again():
    made = TrainedCrossEncoder(PythonDocs(), base="tiny")
    assert components.instantiate(components.describe(made), "reranker") == made
