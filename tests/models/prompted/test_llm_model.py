"""A language model that is asked about each row: labels, numbers and answers, with and without examples."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from counted import Counted, embedded

from bakeoff.errors import ConfigError, LLMError
from bakeoff.llm.base import Completion
from bakeoff.models.prompted.labels import MOST, Spoken
from bakeoff.models.prompted.llm import PromptedLLM
from bakeoff.retrieval.embed import Hashing
from bakeoff.task import NO_ANSWER, NOT_ASKED, OK, Examples, Schema

MAIL = Schema("classification", "label", {"text": "text"}, ("ham", "spam"), "spam")
PRICE = Schema("regression", "price in euros", {"text": "text"})
SPAM = ["WIN a FREE prize! Call now!!!", "Claim your cash reward today, text WIN"]
HAM = ["See you at home tonight, love", "Can you pick up the kids at five?", "Sorry, I'm in a meeting, will call later"]


def table(texts, y):
    X = pd.DataFrame({"text": list(texts)})
    return Examples(X, np.array(y, dtype=object if isinstance(y[0], str) else float), np.arange(len(X)), X.iloc[:, :0])


TRAIN = table([*SPAM, *HAM], ["spam"] * 2 + ["ham"] * 3)
ASKED = table(
    [
        "WIN 0 pounds! Text CASH now, FREE",
        "WIN 1 pounds! Text PRIZE now, FREE",
        "I will cook at 0 tonight, love",
        "I will be home at 1 tonight, love",
    ],
    ["spam", "spam", "ham", "ham"],
)


@pytest.fixture
def fitted(context, prompt):
    """Makes fitted models of the shipped prompts."""

    def make(llm, schema=MAIL, train=TRAIN, told="classify", memo=None, **parameters):
        model = PromptedLLM(llm, prompt(told), **parameters)
        model.check(schema)
        model.fit(train, None, context(schema, memo=memo))
        return model

    return make


def tokens(**logprobs):
    """The first token of an answer, and the candidates for it."""
    ranked = tuple(sorted(logprobs.items(), key=lambda pair: -pair[1]))
    return Completion("ok", ranked[0][0] if ranked else "", logprobs=ranked, seconds=0.1)


def turns(request):
    """The examples in a prompt: text and answer of each."""
    said = [message for message in request.messages if message.role != "system"]
    return [(said[i].content, said[i + 1].content) for i in range(0, len(said) - 1, 2)]


def test_by_logprobs_a_real_model_tells_spam_from_ham_with_probabilities(fitted, llm, tmp_path):
    model = fitted(llm(), method="logprobs", shots=4)
    found = model.predict(ASKED.X)
    assert found.proba.shape == (4, 2) and found.proba.dtype == np.float64
    np.testing.assert_allclose(found.proba.sum(axis=1), 1)
    assert found.output.tolist() == [MAIL.classes[i] for i in found.proba.argmax(axis=1)]
    np.testing.assert_allclose(found.confidence, found.proba.max(axis=1))
    is_spam = found.proba[:, 1]
    assert min(is_spam[:2]) > max(is_spam[2:]), "spam is ranked before ham"
    assert (
        set(found.stage) == {"llm"} and (found.usage.calls == 1).all() and found.usage.output_tokens.tolist() == [1] * 4
    )
    alone = model.predict(ASKED.X.iloc[2:3])
    np.testing.assert_allclose(alone.proba[0], found.proba[2], atol=0.02)
    model.save(tmp_path)
    loaded = PromptedLLM.load(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json"}
    np.testing.assert_allclose(loaded.predict(ASKED.X).proba, found.proba)
    assert loaded.llm.usage()["calls"] == 0, "nothing new is asked: not even what the prompt leans to"


@pytest.mark.slow
@pytest.mark.parametrize(
    "more, least",
    [
        ({}, 0.0),  # without examples of both labels, so small a model only guesses
        ({"shots": 2, "shots_by": "random"}, 0.0),
        ({"shots": 4, "shots_by": "balanced"}, 0.8),
        ({"shots": 4, "shots_by": "nearest", "embedder": Hashing()}, 0.8),
    ],
    ids=["zero", "random", "balanced", "nearest"],
)
def test_with_examples_of_both_labels_spam_is_ranked_before_ham(fitted, llm, more, least):
    spam = [f"WIN {i} pounds! Text {what} now, FREE" for i, what in enumerate(["CASH", "PRIZE", "CLAIM", "GO", "YES"])]
    ham = [f"I will {what} at {i} tonight, love" for i, what in enumerate(["cook", "be home", "call", "sleep", "eat"])]
    found = fitted(llm(), method="logprobs", **more).predict(pd.DataFrame({"text": [*spam, *ham]}))
    assert found.proba.shape == (10, 2) and (found.status == OK).all() and set(found.stage) == {"llm"}
    np.testing.assert_allclose(found.proba.sum(axis=1), 1)
    assert np.mean([a > b for a in found.proba[:5, 1] for b in found.proba[5:, 1]]) >= least


@pytest.mark.parametrize("shots_by", ["random", "nearest"])
def test_by_generation_a_real_model_answers_with_a_label(fitted, llm, shots_by):
    model = fitted(llm(), method="generate", shots=2, shots_by=shots_by, embedder=Hashing())
    found = model.predict(ASKED.X.iloc[1:3])
    assert set(found.output) <= {"ham", "spam"} and found.proba is None and set(found.stage) == {"llm"}
    assert (found.seconds > 0).all() and found.usage.cost_usd.tolist() == [0, 0]


def test_numbers_are_estimated_by_a_real_model(fitted, llm):
    train = table(["a small coffee", "a used car"], [3.0, 5000.0])
    found = fitted(llm(), PRICE, train, "estimate", shots=2).predict(pd.DataFrame({"text": ["a cup of tea"]}))
    assert found.output.dtype == np.float64 and np.isfinite(found.output).all() and found.proba is None
    assert found.stage.tolist() == ["llm"]


def test_questions_are_answered_by_a_real_model(fitted, llm, asked, context):
    model = fitted(llm(), context().schema, asked, "answer", max_tokens=8)
    found = model.predict(asked.X.iloc[7:8])
    assert found.output.shape == (1,) and isinstance(found.output[0], str) and "\n" not in found.output[0]
    assert found.retrieved is None and found.cited is None


def test_what_a_prompt_leans_to_is_divided_out(fitted, scripted):
    """The model says ham to everything, but less so of spam. Three requests measure how much it leans."""
    leaning = [tokens(ham=math.log(0.8), spam=math.log(0.2))] * 3
    rows = [tokens(ham=math.log(0.6), spam=math.log(0.4)), tokens(ham=math.log(0.9), spam=math.log(0.1))]
    X = ASKED.X.iloc[:2]
    found = fitted(scripted(*leaning, *rows), method="logprobs").predict(X)
    assert found.output.tolist() == ["spam", "ham"]
    np.testing.assert_allclose(
        found.proba[0], [0.6 / 0.8 / (0.6 / 0.8 + 0.4 / 0.2), 0.4 / 0.2 / (0.6 / 0.8 + 0.4 / 0.2)]
    )
    plain = fitted(scripted(*rows), method="logprobs", calibrate=False).predict(X)
    assert plain.output.tolist() == ["ham", "ham"]
    np.testing.assert_allclose(plain.proba, [[0.6, 0.4], [0.9, 0.1]])


def test_it_is_measured_once_and_before_a_budget_ends(fitted, scripted):
    llm = scripted(tokens(ham=-0.5, spam=-1.0))
    model = fitted(llm, method="logprobs")
    (estimate,) = model.estimate_requests(TRAIN, ASKED.X, model_context(model))
    for start in range(4):
        model.predict(ASKED.X.iloc[start : start + 1])
    assert [request.messages for request in llm.requests] == [request.messages for request in estimate.requests]
    assert len(llm.requests) == 3 + 4


def test_to_warm_up_a_language_model_sends_no_request(fitted, scripted):
    model = fitted(scripted(Completion("ok", "spam")))
    model.warm_up(ASKED.X)
    assert model.llm.requests == []
    model.predict(ASKED.X.iloc[:1])
    assert len(model.llm.requests) == 1


def model_context(model):
    from bakeoff.models.base import Context

    return Context(model.schema_, seed=3, threads=1)


def test_after_the_budget_nothing_is_asked_and_the_rows_say_so(fitted, llm):
    model = fitted(llm(max_calls=5, cache="off"), method="logprobs")
    found = model.predict(ASKED.X)
    assert (found.status == OK).sum() == 2, "three requests measure what the prompt leans to"
    assert found.stage[found.status == NOT_ASKED].tolist() == ["no answer"] * 2
    np.testing.assert_allclose(found.proba[found.status == OK].sum(axis=1), 1)
    assert model.predict(ASKED.X.iloc[:1]).status.tolist() == [NOT_ASKED], (
        "a batch of which nothing is asked is no fault"
    )
    assert model.report().details["llm"]["budget_ended"] == "llm.max_calls=5 was reached"


@pytest.mark.parametrize("method", ["generate", "logprobs"])
def test_row_whose_request_fails_has_no_answer(fitted, scripted, method):
    said = tokens(spam=-0.1, ham=-3.0) if method == "logprobs" else Completion("ok", "spam")
    llm = scripted(said, Completion("failed", error="hang", reason="error: HTTP 500"))
    found = fitted(llm, method=method, calibrate=False).predict(ASKED.X)
    assert found.output.tolist() == ["spam", ""] * 2 and found.stage.tolist() == ["llm", "no answer"] * 2
    assert found.status.tolist() == [OK, NO_ANSWER] * 2 and found.reason.tolist() == ["", "error: HTTP 500"] * 2
    if method == "logprobs":
        assert np.isnan(found.proba[1]).all() and np.isnan(found.confidence[1])


@pytest.mark.parametrize("method", ["generate", "logprobs"])
def test_where_no_request_gets_an_answer_the_run_says_so(fitted, scripted, method):
    with pytest.raises(
        LLMError, match=r"none of 4 requests got an answer that can be used \(4 error HTTP 500\)\. hang"
    ):
        llm = scripted(Completion("failed", error="hang", reason="error: HTTP 500"))
        fitted(llm, method=method).predict(ASKED.X)


def test_a_server_that_tells_no_logprobs_is_named(fitted, scripted):
    with pytest.raises(LLMError, match=r"returns no log-probabilities. Choose model\.method=generate"):
        llm = scripted(Completion("ok", "ham"))
        fitted(llm, method="logprobs").predict(ASKED.X)
    assert len(llm.requests) == 3, "those that measure what the prompt leans to, and none of a row"


def test_prompt_shows_texts_with_their_lines_and_numbers_with_all_digits(fitted, scripted):
    """Code has its indentation, and an amount its cents: ``1.23457e+06`` is another number."""
    code = table(["def f():\n    return 1\n", "x = 2"], ["spam", "ham"])
    llm = scripted(Completion("ok", "spam"))
    fitted(llm).predict(code.X)
    assert "def f():\n    return 1" in llm.requests[0].messages[-1].content
    schema = Schema("regression", "price", {"amount": "numeric", "rooms": "numeric"})
    X = pd.DataFrame({"amount": [1234567.25, np.nan], "rooms": [0.1 + 0.2, 4.0]})
    llm = scripted(Completion("ok", parsed={"value": 1.0}))
    train = Examples(X, np.array([9876543.5, 2.0]), np.arange(2), X.iloc[:, :0])
    fitted(llm, schema, train, "estimate", shots=2, shots_by="random").predict(X)
    sent = "\n".join(message.content for message in llm.requests[0].messages)
    assert "amount: 1234567.25\nrooms: 0.3\n" in sent and "amount: unknown" in sent
    assert '{"value": 9876543.5}' in sent and '{"value": 2}' in sent


def test_row_without_a_label_among_the_likeliest_tokens_has_no_answer(fitted, scripted):
    """A reply that begins with ``The`` or a thought names no label: the first one would be a guess."""
    rows = [tokens(Ġspam=-0.2, ham=-2.0), tokens(The=-0.1, It=-3.0)]
    found = fitted(scripted(*rows), method="logprobs", calibrate=False).predict(ASKED.X.iloc[:2])
    assert found.output.tolist() == ["spam", ""] and found.status.tolist() == [OK, NO_ANSWER]
    assert np.isnan(found.proba[1]).all() and found.reason[1].startswith("unreadable: as one of the labels")
    five = pd.concat([ASKED.X.iloc[:1]] * 5, ignore_index=True)
    with pytest.raises(LLMError, match=r'none of the likeliest first tokens of 5 answers begins a label \("The", "It"'):
        fitted(scripted(tokens(The=-0.1, It=-3.0)), method="logprobs").predict(five)


def test_one_row_without_a_label_is_a_row_without_answer(fitted, scripted):
    found = fitted(scripted(tokens(The=-0.1, It=-3.0)), method="logprobs").predict(ASKED.X.iloc[:1])
    assert found.status.tolist() == [NO_ANSWER] and found.output.tolist() == [""]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_number_that_is_none_is_no_answer(fitted, scripted, value):
    llm = scripted(Completion("ok", parsed={"value": value}), Completion("ok", parsed={"value": 7}))
    found = fitted(llm, PRICE, table(["a", "b"], [1.0, 4.0]), "estimate").predict(ASKED.X.iloc[:2])
    assert np.isnan(found.output[0]) and found.output[1] == 7.0
    assert found.status.tolist() == [NO_ANSWER, OK] and found.stage.tolist() == ["no answer", "llm"]


def test_examples_are_training_rows_with_their_labels(fitted, scripted):
    known = dict(zip(TRAIN.X["text"], TRAIN.y, strict=True))
    for shots_by in ("random", "balanced", "nearest"):
        llm = scripted(Completion("ok", "ham"))
        fitted(llm, shots=3, shots_by=shots_by, embedder=Hashing(), method="generate").predict(ASKED.X)
        for request in llm.requests:
            shown = turns(request)
            assert len(shown) == 3 == len(set(shown))
            assert all(known[text.split("Message: ")[1].split("\n")[0]] == label for text, label in shown)


def test_balanced_examples_show_each_label_as_often(fitted, scripted):
    train = table([f"text {i}" for i in range(20)], ["spam"] * 2 + ["ham"] * 18)
    for count, wanted in ((2, {"ham": 1, "spam": 1}), (4, {"ham": 2, "spam": 2}), (6, {"ham": 4, "spam": 2})):
        llm = scripted(Completion("ok", "ham"))
        fitted(llm, train=train, shots=count, method="generate").predict(ASKED.X.iloc[:1])
        assert Counter(label for _, label in turns(llm.requests[0])) == wanted


def test_the_nearest_example_stands_last_next_to_the_row(fitted, scripted):
    llm = scripted(Completion("ok", "ham"))
    X = pd.DataFrame({"text": ["Can you pick up the kids at six?", "Claim your cash reward"]})
    model = fitted(llm, shots=2, shots_by="nearest", embedder=Hashing(), method="generate")
    found = model.predict(X)
    assert [turns(request)[-1][1] for request in llm.requests] == ["ham", "spam"]
    assert "kids at five" in turns(llm.requests[0])[-1][0] and "cash reward" in turns(llm.requests[1])[-1][0]
    assert (found.seconds > 0).all(), "finding them takes time, whatever the server says it took"


def test_random_examples_follow_the_seed(prompt, scripted, context):
    said = []
    for seed in (1, 1, 2):
        llm = scripted(Completion("ok", "ham"))
        model = PromptedLLM(llm, prompt("classify"), shots=2, shots_by="random")
        model.fit(table([f"text {i}" for i in range(50)], ["spam", "ham"] * 25), None, context(MAIL, seed=seed))
        model.predict(ASKED.X.iloc[:1])
        said.append(turns(llm.requests[0]))
    assert said[0] == said[1] != said[2]


def test_trials_of_a_search_embed_rows_and_examples_once(fitted, scripted, tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    log, memo = tmp_path / "log", {}
    for shots in (1, 2, 3):
        llm = scripted(Completion("ok", "ham"))
        model = fitted(llm, memo=memo, shots=shots, shots_by="nearest", embedder=Counted(str(log)), method="generate")
        model.estimate_requests(TRAIN, ASKED.X, model_context(model))
        model.predict(ASKED.X)
    assert len(embedded(log)) == len(set(embedded(log))) == len(TRAIN) + len(ASKED)


@pytest.mark.parametrize("shots_by", ["random", "balanced", "nearest"])
@pytest.mark.parametrize("kind", ["mail", "qa"])
def test_a_loaded_model_asks_what_the_saved_one_asked(fitted, llm, scripted, asked, context, tmp_path, shots_by, kind):
    schema, train, told = (MAIL, TRAIN, "classify") if kind == "mail" else (context().schema, asked, "answer")
    model = fitted(
        llm(), schema, train, told, shots=3, shots_by=shots_by, embedder=Hashing(), method="generate",
        names={"ham": "personal"} if kind == "mail" else None,
    )  # fmt: skip
    model.save(tmp_path)
    loaded = PromptedLLM.load(tmp_path)
    one, other = scripted(Completion("ok", "x")), scripted(Completion("ok", "x"))
    model.llm, loaded.llm = one, other
    X = ASKED.X if kind == "mail" else asked.X
    assert model.predict(X).output.tolist() == loaded.predict(X).output.tolist()
    assert one.requests == other.requests and len(one.requests) == len(X)
    assert json.loads((tmp_path / "parameters.json").read_text())["shots_by"] == shots_by


def test_a_plan_is_about_as_long_as_what_is_asked_and_asks_nothing(fitted, scripted):
    llm = scripted(Completion("ok", "ham"))
    model = fitted(llm, shots=2, shots_by="nearest", embedder=Hashing(), method="generate")
    (estimate,) = model.estimate_requests(TRAIN, ASKED.X, model_context(model))
    assert llm.requests == [] and len(estimate.requests) == 4
    model.predict(ASKED.X)
    sizes = [
        sum(len(m.content) for request in requests for m in request.messages)
        for requests in (estimate.requests, llm.requests)
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.3)


def test_labels_whose_beginnings_are_alike_are_told_apart_by_letters():
    spoken = Spoken.from_classes(("card_arrival", "card_lost", "cash"), {}, codes=True)
    assert spoken.words == ("A", "B", "C") and spoken.listed[0] == "A (card_arrival)"
    assert [spoken.label(spoken.word(label)) for label in spoken.classes] == list(spoken.classes)
    assert Spoken.from_classes(("ham", "spam"), {}, codes=True).words == ("ham", "spam")
    assert Spoken.from_classes(("0", "1"), {"0": "no", "1": "yes"}, codes=True).listed == ["no", "yes"]


def test_a_token_counts_for_the_one_label_that_begins_with_it():
    spoken = Spoken.from_classes(("negative", "neutral", "positive"), {"neutral": "so-so"}, codes=True)
    told = [(" Pos", math.log(0.4)), ("pos", math.log(0.1)), ("neg", math.log(0.25)), ("the", math.log(0.05))]
    proba = spoken.probabilities(told)
    assert proba.sum() == pytest.approx(1)
    np.testing.assert_allclose(proba, np.array([0.25, 0.05, 0.5]) / 0.8, err_msg="the least candidate bounds so-so")
    np.testing.assert_allclose(spoken.probabilities([]), 1 / 3)


def test_predicting_before_fitting_is_refused(scripted, prompt):
    with pytest.raises(RuntimeError, match="before fit"):
        PromptedLLM(scripted(), prompt("classify")).predict(ASKED.X)


@pytest.mark.parametrize(
    "kind, told, choose",
    [
        ("classification", "answer", "classify"), ("classification", "estimate", None),
        ("regression", "classify", "estimate"),
        ("qa", "classify", "answer"), ("qa", "answer_from_passages", "answer"),
    ],
)  # fmt: skip
def test_a_prompt_of_another_kind_of_task_is_refused(scripted, prompt, kind, told, choose):
    column = "question" if kind == "qa" else "text"
    schema = Schema(kind, "y", {column: "text"}, ("a", "b") if kind == "classification" else ())
    model = PromptedLLM(scripted(), prompt(told))
    if choose is None:  # a prompt that sees the text alone can ask for a label too
        model.check(schema)
        return
    with pytest.raises(ConfigError, match=f"Choose prompt={choose}"):
        model.check(schema)


def test_what_cannot_be_asked_is_told_before_any_work(scripted, prompt, llm):
    many = Schema("classification", "y", {"text": "text"}, tuple(f"label{i}" for i in range(MOST + 1)))
    for parameters, schema, told in [
        (
            {"method": "logprobs"},
            many,
            rf"model\.method: logprobs distinguishes at most {MOST} labels; there are {MOST + 1}",
        ),
        ({"shots": 2, "shots_by": "nearest"}, MAIL, r"model\.shots_by: nearest needs an embedder"),
        ({"names": {"spm": "advertisement"}}, MAIL, r'model\.names: there is no label "spm".*Did you mean "spam"\?'),
    ]:
        with pytest.raises(ConfigError, match=told):
            PromptedLLM(scripted(), prompt("classify"), **parameters).check(schema)
    with pytest.raises(ConfigError, match=r"llm\.path: there is no file"):
        PromptedLLM(llm(path="absent.gguf"), prompt("classify")).check(MAIL)


def test_a_ranking_of_documents_is_refused(scripted, prompt):
    with pytest.raises(ConfigError, match="this task is retrieval"):
        PromptedLLM(scripted(), prompt("answer")).check(Schema("retrieval", "answers", {"question": "text"}))
