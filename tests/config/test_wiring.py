"""Parts: the chosen LLM or retriever reaches what takes it, and is no part of a variant that does not."""

from __future__ import annotations

from typing import Any

from bakeoff.config import wiring

DENSE = {"_target_": "bakeoff.retrieval.retrievers.Dense", "top_k": 3}
EXTRACTIVE = {"_target_": "bakeoff.models.qa.extractive.Extractive"}
EMBEDDER = {"_target_": "bakeoff.retrieval.embed.Hashing"}


def content(model: dict[str, Any], **chosen: Any) -> dict[str, Any]:
    return {
        "model": model,
        "embedder": EMBEDDER,
        "retriever": DENSE,
        "llm": {"_target_": "x.Y"},
        "prompt": None,
        "trainer": None,
        **chosen,
    }


def test_what_a_model_takes_through_what_it_takes_is_used() -> None:
    assert wiring.used(content(EXTRACTIVE)) == ["embedder", "retriever"]
    pruned = wiring.without_unused(content(EXTRACTIVE))
    assert pruned["embedder"] == EMBEDDER
    assert pruned["llm"] is None


def test_a_model_that_takes_nothing_has_no_parts() -> None:
    pruned = wiring.without_unused(content({"_target_": "bakeoff.models.rules.constant.ConstantModel"}))
    assert [pruned[group] for group in wiring.GROUPS] == [None] * len(wiring.GROUPS)


def test_the_chosen_parts_take_the_places_of_the_parameters_that_take_them() -> None:
    made = wiring.assembled(EXTRACTIVE, content(EXTRACTIVE))
    assert made["retriever"]["top_k"] == 3
    assert made["retriever"]["embedder"] == EMBEDDER


def test_a_part_of_its_own_goes_before_the_chosen_one() -> None:
    own = {**EXTRACTIVE, "retriever": {"_target_": "bakeoff.retrieval.retrievers.BM25", "top_k": 9}}
    assert wiring.assembled(own, content(own))["retriever"] == own["retriever"]
    assert wiring.used(content(own)) == []


def test_an_empty_choice_is_none_at_all() -> None:
    assert "retriever" not in wiring.assembled(EXTRACTIVE, content(EXTRACTIVE, retriever={}))
    assert wiring.without_unused(content(EXTRACTIVE, retriever={}))["retriever"] is None
