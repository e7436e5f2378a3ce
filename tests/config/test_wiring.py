"""Parts: the chosen LLM or retriever reaches what takes it, and is no part of a variant that does not."""

from __future__ import annotations

from bakeoff.config import wiring
from bakeoff.config.component import Component, read

DENSE = {"_target_": "bakeoff.retrieval.Dense", "top_k": 3}
EXTRACTIVE = {"_target_": "bakeoff.models.Extractive"}
EMBEDDER = {"_target_": "bakeoff.retrieval.Hashing"}
PARTS = wiring.parts({"embedder": EMBEDDER, "retriever": DENSE, "llm": {"_target_": "x.Y"}, "prompt": None})


def test_what_a_model_takes_through_what_it_takes_is_used() -> None:
    assert wiring.used(read(EXTRACTIVE), PARTS) == ["embedder", "retriever"]
    assert wiring.used_parts(read(EXTRACTIVE), PARTS) == {"embedder": read(EMBEDDER), "retriever": read(DENSE)}


def test_a_model_that_takes_nothing_has_no_parts() -> None:
    assert wiring.used_parts(Component("bakeoff.models.Constant"), PARTS) == {}


def test_the_chosen_parts_take_the_places_of_the_parameters_that_take_them() -> None:
    retriever = wiring.assembled(read(EXTRACTIVE), PARTS).arguments["retriever"]
    assert retriever.arguments == {"top_k": 3, "embedder": read(EMBEDDER)}


def test_a_part_of_its_own_goes_before_the_chosen_one() -> None:
    own = {**EXTRACTIVE, "retriever": {"_target_": "bakeoff.retrieval.BM25", "top_k": 9}}
    assert wiring.assembled(read(own), PARTS).arguments["retriever"] == read(own["retriever"])
    assert wiring.used(read(own), PARTS) == []


def test_an_empty_choice_is_none_at_all() -> None:
    parts = wiring.parts({"retriever": {}, "embedder": EMBEDDER, "llm": None})
    assert parts == {"embedder": read(EMBEDDER)}
    assert "retriever" not in wiring.assembled(read(EXTRACTIVE), parts).arguments
