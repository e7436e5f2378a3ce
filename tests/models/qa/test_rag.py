"""Answers from passages: what is cited was found, what is not supported is withheld, and nothing breaks it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bakeoff.errors import ConfigError, LLMError
from bakeoff.llm.base import Completion
from bakeoff.llm.client import OpenAICompatible
from bakeoff.llm.prompts import Prompt
from bakeoff.models.qa.rag import RAG
from bakeoff.retrieval.chunk import Sentences
from bakeoff.retrieval.embed import Hashing
from bakeoff.retrieval.history import ByLLM
from bakeoff.retrieval.rerank import Pointwise
from bakeoff.retrieval.retrievers import BM25, Dense, Hybrid, Reranked
from bakeoff.task import NO_ANSWER, NOT_ASKED, OK, WITHHELD, concatenated

FIELDS = (
    "output", "stage", "confidence", "retrieved", "cited", "evidence", "seconds", "status", "reason",
)  # fmt: skip


@pytest.fixture
def fitted(context, asked, prompt):
    """Makes fitted models; the prompt is the shipped one for the way of citing."""

    def make(llm, retriever=None, memo=None, **parameters):
        told = prompt("answer_plainly" if parameters.get("citations") == "matched" else "answer_from_passages")
        model = RAG(retriever or BM25(top_k=3), llm, parameters.pop("prompt", told), **parameters)
        model.check(context().schema)
        model.fit(asked, None, context(memo=memo))
        return model

    return make


def said(answer, *sources):
    return Completion("ok", "{}", parsed={"answer": answer, "sources": list(sources)}, seconds=0.1)


@pytest.mark.parametrize(
    "citations, n, more",
    [
        ("matched", 2, {"max_tokens": 8, "passage_words": 20}),
        pytest.param("matched", 8, {}, marks=pytest.mark.slow),
        pytest.param("asked", 8, {}, marks=pytest.mark.slow),
    ],
)
def test_a_real_model_answers_and_cites_what_was_found(fitted, llm, asked, animals, citations, n, more):
    few = asked.X.iloc[:n]
    found = fitted(llm(), Hybrid(Hashing(), top_k=2), citations=citations, **more).predict(few)
    for name in FIELDS:
        assert getattr(found, name).shape == (n,), name
    assert set(found.stage) <= {"llm", "unsure", "failed"}
    for row in range(n):
        assert set(found.cited[row]) <= set(found.retrieved[row]) <= set(animals.documents["id"])
        assert (found.output[row] == "") or found.confidence[row] >= 0.5
        assert (found.evidence[row] != "") == (found.cited[row] != ())
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    assert (
        (found.usage.calls == 1).all()
        and (found.usage.input_tokens > 50).all()
        and (found.usage.output_tokens > 0).all()
    )
    assert (found.seconds > 0).all() and found.usage.cost_usd.tolist() == [0] * n and (found.status == OK).all()
    if citations == "matched":
        assert any(output for output in found.output), "it answers some"


def test_a_saved_model_answers_the_same_and_asks_nothing_new(fitted, llm, asked, tmp_path):
    model = fitted(llm(), Dense(Hashing(), top_k=1), citations="matched", max_tokens=8)
    few = asked.X.iloc[:3]
    was = model.predict(few)
    model.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".parquet"}
    loaded = RAG.load(tmp_path)
    now = loaded.predict(few)
    for name in ("output", "stage", "confidence", "retrieved", "cited", "evidence"):
        assert getattr(now, name).tolist() == getattr(was, name).tolist(), name
    assert now.usage.input_tokens.tolist() == was.usage.input_tokens.tolist()
    assert now.usage.cached.all() and loaded.llm.usage()["calls"] == 0
    assert (loaded.retriever, loaded.prompt, loaded.citations) == (model.retriever, model.prompt, "matched")


def test_the_passages_are_numbered_cut_and_each_shown_once(fitted, asked, scripted, corpus, context):
    llm = scripted(said("mice", 1))
    model = RAG(
        Dense(Hashing(), top_k=3), llm,
        Prompt("{% for p in passages %}[{{ p.number }}] {{ p.title }}: {{ p.text }}|{% endfor %} {{ question }}"),
        passage_words=4,
    )  # fmt: skip
    twice = corpus({"a": "A cat hunts mice at night.", "b": "A cat hunts mice at night.", "c": "Owls."}, title="T")
    model.fit(asked, None, context(corpus=twice))
    found = model.predict(asked.X.iloc[:1])
    assert llm.requests[0].messages[-1].content == f"[1] T: A cat hunts mice|[2] T: Owls.| {asked.X['question'][0]}"
    assert found.retrieved[0] == ("a", "b", "c"), "b has the text of a, and was found nevertheless"
    assert found.cited[0] == ("a",)
    assert found.evidence[0] == "A cat hunts mice at night.", "all of the passage, shown or not"


@pytest.mark.parametrize(
    "sources, cited",
    [
        ([1], ("cats",)),
        ([1, 1, 1], ("cats",)),
        ([7, 1, 0, -1, 99999999999999999999], ("cats",)),
        ([1.0], ("cats",)),
        ([7], ()),
        ([], ()),
    ],
)
def test_numbers_that_no_passage_has_are_no_citations(fitted, asked, scripted, sources, cited):
    found = fitted(scripted(said("mice", *sources)), min_confidence=0.0).predict(asked.X.iloc[:1])
    assert found.cited[0] == cited and found.output[0] == "mice"
    assert found.confidence[0] == float(bool(cited)), "what cites nothing is supported by nothing"


def test_two_passages_of_one_document_are_one_citation(fitted, asked, scripted):
    retriever = BM25(top_k=3, chunker=Sentences(words=8))
    found = fitted(scripted(said("cat mice", 1, 2)), retriever, min_confidence=0.0).predict(asked.X.iloc[:1])
    assert found.cited[0] == found.retrieved[0][:1] == ("cats",)


def test_an_answer_that_the_passages_do_not_support_is_withheld(fitted, asked, scripted):
    half = scripted(said("mice elephants", 1))
    X = asked.X.iloc[:1]
    sure = fitted(half, min_confidence=0.5).predict(X)
    assert (sure.output[0], sure.stage[0], sure.confidence[0]) == ("mice elephants", "llm", 0.5)
    unsure = fitted(half, min_confidence=0.51).predict(X)
    assert (unsure.output[0], unsure.stage[0], unsure.confidence[0]) == ("", "unsure", 0.5)
    assert unsure.cited[0] == () and unsure.evidence[0] == "" and unsure.retrieved[0] == sure.retrieved[0]


@pytest.mark.parametrize("answer", ["unknown", "Unknown.", "I don't know", "not mentioned in the text"])
def test_a_model_that_says_it_does_not_know_abstains(fitted, asked, scripted, answer):
    found = fitted(scripted(said(answer, 1))).predict(asked.X.iloc[:1])
    assert (found.output[0], found.stage[0], found.confidence[0], found.cited[0]) == ("", "unsure", 0.0, ())
    assert found.status.tolist() == [WITHHELD]


@pytest.mark.parametrize("answer", ["", "  ", "I'm sorry, I can't help with that."])
def test_empty_reply_and_refusal_are_no_abstentions(fitted, asked, scripted, answer):
    found = fitted(scripted(said(answer, 1))).predict(asked.X.iloc[:1])
    assert found.status.tolist() == [NO_ANSWER] and found.stage.tolist() == ["no answer"]


def test_without_json_the_passage_that_holds_most_of_the_answer_is_cited(fitted, asked, scripted):
    llm = scripted(Completion("ok", ' "strangers at the house." \nMore words.'))
    found = fitted(llm, Dense(Hashing(), top_k=8), citations="matched").predict(asked.X.iloc[:1])
    assert found.short[0] == "strangers at the house" and found.cited[0] == ("dogs",)
    assert llm.requests[0].schema is None


def test_requests_that_fail_are_counted_and_the_others_answered(fitted, asked, scripted):
    llm = scripted(said("mice", 1), Completion("failed", error="no answer"), Completion("invalid", error="no JSON"))
    found = fitted(llm, min_confidence=0.0).predict(asked.X.iloc[:3])
    assert found.stage.tolist() == ["llm", "no answer", "no answer"]
    assert found.output.tolist()[1:] == ["", ""] and found.cited.tolist()[1:] == [(), ()]
    assert found.status.tolist() == [OK, NO_ANSWER, NO_ANSWER]


def test_where_no_request_gets_an_answer_the_run_says_so(fitted, asked, scripted):
    with pytest.raises(LLMError, match="none of 3 requests got an answer that can be used"):
        fitted(scripted(Completion("invalid", error="no JSON"))).predict(asked.X.iloc[:3])


def test_a_server_that_answers_with_broken_json_loses_no_other_row(fitted, asked, proxy, own_cache):
    """A real server, and between it and the model a proxy that spoils some of its answers."""
    broken, good = 'says:{"answer": "mi', 'says:{"answer": "strangers", "sources": [1, 7]}'
    llm = OpenAICompatible(model="smollm2", base_url=proxy.url, concurrency=1, constrain="schema")
    proxy.then(broken, broken, good)
    found = fitted(llm).predict(asked.X.iloc[:2])
    assert found.stage.tolist() == ["no answer", "llm"] and found.output.tolist() == ["", "strangers"]
    assert found.cited.tolist() == [(), ("dogs",)]
    assert llm.usage()["without_answer"] == {"invalid": 1} and llm.usage()["troubles"] == {"invalid_answer": 2}


def test_after_the_budget_nothing_is_asked_and_the_rows_say_so(fitted, llm, asked):
    model = fitted(llm(max_calls=2, parallel=4, cache="off"), BM25(top_k=1), citations="matched", max_tokens=4)
    found = model.predict(asked.X.iloc[:4])
    assert (found.status == OK).sum() == 2
    assert model.predict(asked.X.iloc[4:5]).status.tolist() == [NOT_ASKED], "and all rows may be without an answer"
    assert model.report().details["llm"]["budget_ended"] == "llm.max_calls=2 was reached"


def test_a_follow_up_is_looked_up_self_contained_and_its_history_is_shown(fitted, asked, scripted):
    llm = scripted(said("krill", 1))
    found = fitted(llm).predict(asked.X.iloc[2:3])
    assert found.cited[0] == ("whales",) and found.output[0] == "krill"
    told = [message.content for message in llm.requests[0].messages]
    assert "Which animal is the blue whale?" in told and "What is its food?" in told[-1]


def test_a_question_that_finds_nothing_is_withheld(fitted, rows, scripted):
    for llm, citations in ((scripted(said("mice", 1)), "asked"), (scripted(Completion("ok", "mice")), "matched")):
        found = fitted(llm, citations=citations).predict(rows(("xyzzy",)).X)
        assert (found.output[0], found.retrieved[0], found.cited[0], found.confidence[0]) == ("", (), (), 0.0)


def test_what_is_asked_before_the_answer_is_counted_and_planned(fitted, asked, llm, prompt, context):
    rewriter = ByLLM(llm(), prompt("rewrite"), max_tokens=8)
    retriever = Reranked(Dense(Hashing()), Pointwise(llm(temperature=0.1), words=20), top_k=1, depth=2)
    model = fitted(llm(seed=1), retriever, citations="matched", max_tokens=8, rewriter=rewriter)
    few = asked.X.iloc[1:3]
    estimate = {id(one.llm): one.requests for one in model.estimate_requests(asked, few, context())}
    assert {name: len(requests) for name, requests in estimate.items()} == {
        id(rewriter.llm): 1, id(retriever.reranker.llm): 4, id(model.llm): 2,
    }  # fmt: skip
    found = model.predict(few)
    assert found.usage.calls.tolist() == [3, 4], "two are judged, one is answered; and one is rewritten"
    spent = [part.usage() for part in (rewriter.llm, retriever.reranker.llm, model.llm)]
    assert found.usage.input_tokens.sum() == sum(told["input_tokens"] for told in spent)
    assert found.usage.output_tokens.sum() == sum(told["output_tokens"] for told in spent)
    assert (found.seconds > 0).all() and found.usage.cost_usd.tolist() == [0, 0]


def test_a_plan_shows_as_many_passages_as_an_answer_takes_and_asks_nothing(fitted, asked, scripted, context):
    llm = scripted(said("mice", 1))
    model = fitted(llm, Dense(Hashing(), top_k=4))
    (estimate,) = model.estimate_requests(asked, asked.X, context())
    assert llm.requests == [] and len(estimate.requests) == len(asked)
    model.predict(asked.X)
    sizes = [
        sum(len(m.content) for m in request.messages)
        for requests in (estimate.requests, llm.requests)
        for request in requests
    ]
    assert sum(sizes[: len(asked)]) == pytest.approx(sum(sizes[len(asked) :]), rel=0.2)


def test_in_a_search_answers_come_in_batches_and_are_those_of_all_together(fitted, asked, scripted):
    replies = [said("mice", 1), said("unknown"), said("strangers", 1, 2)]
    whole = fitted(scripted(*replies), Hybrid(Hashing())).predict(asked.X)
    model = fitted(scripted(*replies), Hybrid(Hashing()), memo={}, predict_batch_size=4)
    parts = concatenated([model.predict(asked.X.iloc[i : i + 4]) for i in range(0, len(asked), 4)])
    for name in ("output", "stage", "confidence", "retrieved", "cited", "evidence", "status"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist(), name


def test_details_tell_what_was_indexed_and_asked(fitted, asked, scripted):
    model = fitted(scripted(said("mice", 1)), Dense(Hashing()))
    model.predict(asked.X.iloc[:2])
    told = model.report().details
    assert told["retrieval"]["passages"] == 8 and told["llm"] == {"calls": 2}


def test_predicting_before_fitting_is_refused(asked, scripted, prompt):
    with pytest.raises(RuntimeError, match="before fit"):
        RAG(BM25(), scripted(), prompt("answer_from_passages")).predict(asked.X)


@pytest.mark.parametrize("kind", ["classification", "regression", "retrieval"])
def test_other_kinds_of_task_are_refused(context, scripted, prompt, kind):
    with pytest.raises(ConfigError, match=f"RAG serves qa, and this task is {kind}"):
        RAG(BM25(), scripted(), prompt("answer_from_passages")).check(replace(context().schema, kind=kind))


@pytest.mark.parametrize("template", ["{{ question }}", "{{ passages }}", "{{ text }}"])
def test_a_prompt_without_question_or_passages_is_refused(context, scripted, template):
    with pytest.raises(ConfigError, match="Choose prompt=answer_from_passages"):
        RAG(BM25(), scripted(), Prompt(template)).check(context().schema)


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_confidence_that_is_none_is_refused(context, scripted, prompt, value):
    model = RAG(BM25(), scripted(), prompt("answer_from_passages"), min_confidence=value)
    with pytest.raises(ConfigError, match=rf"model\.min_confidence: {value} is not between 0 and 1"):
        model.check(context().schema)


def test_a_file_that_is_missing_is_told_before_any_work(context, llm, scripted, prompt):
    absent = llm(path="absent.gguf")
    for parts in ({"llm": absent}, {"llm": scripted(), "rewriter": ByLLM(absent, prompt("rewrite"))}):
        with pytest.raises(ConfigError, match=r"llm\.path: there is no file"):
            RAG(BM25(), prompt=prompt("answer_from_passages"), **parts).check(context().schema)


def test_the_same_questions_get_the_same_answers(fitted, llm, asked):
    one, other = (
        fitted(llm(cache="off"), BM25(top_k=1), citations="matched", max_tokens=8).predict(asked.X.iloc[:3])
        for _ in range(2)
    )
    assert one.output.tolist() == other.output.tolist() and not other.usage.cached.any()
    assert np.array_equal(one.confidence, other.confidence)
