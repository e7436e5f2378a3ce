"""The contract of a retriever, and of the chunker, embedder and reranker in it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bakeoff.config import components, wiring
from bakeoff.retrieval.base import Hit
from bakeoff.testing import tasks
from bakeoff.testing.contract import Contract, composed, documented
from bakeoff.testing.tasks import TOPICS


def check_retriever(option: str, overrides: Sequence[str] = ()) -> list[str]:
    """Check a retriever of the group ``retriever`` on six documents.

    Args:
        option: its name.
        overrides: of the config, as on the command line, such as ``embedder=acme``.

    Returns:
        The names of all that was found to hold.

    Raises:
        AssertionError: names what does not hold.
    """
    contract = Contract(f"retriever={option}")
    with contract.holds("it composes"):
        content = composed("model=retrieve", "data=csv", "embedder=hashing", f"retriever={option}", *overrides)
        node = wiring.assembled_from(content, "retriever").to_config()
    with contract.holds("its classes are allowed, and take these arguments"):
        components.check_component(node, "retriever", slot="retriever")
    with contract.holds("its class says what it is"):
        documented(node, "retriever")
    retriever, corpus = components.instantiate(node, "retriever"), tasks.corpus()
    with contract.holds("passages have ids of their own, and come from the documents"):
        passages = {passage.id: passage for passage in retriever.passages(corpus)}
        assert len(passages) == len(retriever.passages(corpus)), "two passages have one id"
        assert {p.document for p in passages.values()} == set(TOPICS), "a document has no passage"
    with contract.holds("it indexes"):
        index = retriever.index(corpus, threads=1)
    queries = list(TOPICS.values())
    with contract.holds("a document is found by its own words, best first"):
        results = index.search(queries, 3)
        assert len(results) == len(queries), f"{len(results)} answers to {len(queries)} queries"
        for topic, hits in zip(TOPICS, results, strict=True):
            assert 1 <= len(hits) <= 3, f"{len(hits)} hits, where 3 were asked"
            assert hits[0].passage.document == topic, f"for {topic}, {hits[0].passage.document} comes first"
            assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True), "scores do not fall"
            assert len({h.passage.id for h in hits}) == len(hits), "a passage is found twice"
    with contract.holds("a query alone finds what it finds among others"):
        assert _ids(index.search(queries[:1], 3)) == _ids(results[:1])
    with contract.holds("no queries find nothing, and odd ones are no obstacle"):
        assert len(index.search([], 3)) == 0, "it answered"
        assert len(index.search(["", "?", "'\"*()"], 2)) == 3, "a query has no answer"
    with contract.holds("an index made again finds the same"):
        assert _ids(components.instantiate(node, "retriever").index(corpus).search(queries, 3)) == _ids(results)
    with contract.holds("what it says of itself is JSON"):
        json.dumps(index.details())
    return contract.held


def _ids(results: Sequence[Sequence[Hit]]) -> list[list[str]]:
    return [[hit.passage.id for hit in hits] for hits in results]
