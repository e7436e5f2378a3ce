"""Answers that are sentences of the corpus: found, cited, and withheld where they are not sure enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from counted import Counted, embedded

from bakeoff.errors import ConfigError
from bakeoff.models.qa.extractive import Extractive
from bakeoff.models.qa.sentences import Meaning, Words, sentences
from bakeoff.retrieval.embed import Hashing
from bakeoff.retrieval.history import AsAsked, ByLLM, FollowUps
from bakeoff.retrieval.rerank import MMR, Pointwise
from bakeoff.retrieval.retrievers import BM25, Dense, Hybrid, Reranked
from bakeoff.task import concatenated, questions
from bakeoff.words import token_overlap

RETRIEVERS = {
    "bm25": BM25(),
    "dense": Dense(Hashing()),
    "hybrid": Hybrid(Hashing(), top_k=3),
    "reranked": Reranked(Hybrid(Hashing()), MMR(Hashing()), top_k=3),
}
each = pytest.mark.parametrize("retriever", RETRIEVERS.values(), ids=RETRIEVERS)


def fitted(context, train, retriever=RETRIEVERS["bm25"], valid=None, **parameters):
    model = Extractive(retriever, **parameters)
    model.check(context().schema)
    model.fit(train, valid, context())
    return model


@each
def test_it_answers_with_the_sentence_that_holds_the_answer_and_cites_its_document(context, asked, animals, retriever):
    found = fitted(context, asked, retriever, min_confidence=0.0).predict(asked.X)
    texts = dict(zip(animals.documents["id"], animals.documents["text"], strict=True))
    n = len(asked)
    for name in ("output", "stage", "confidence", "retrieved", "cited", "evidence", "seconds"):
        assert getattr(found, name).shape == (n,), name
    assert found.confidence.dtype == np.float64 and (found.confidence >= 0).all() and (found.confidence <= 1).all()
    assert not found.usage.asked_any, "no LLM is asked"
    for row in range(n):
        assert set(found.stage) <= {"sentence", "unsure"}
        assert len(set(found.retrieved[row])) == len(found.retrieved[row])
        if found.output[row]:
            (document,) = found.cited[row]
            assert document in found.retrieved[row]
            assert found.output[row] in texts[document] and found.output[row] in found.evidence[row]
    right = [any(a in output for a in gold.answers) for output, gold in zip(found.output, asked.y, strict=True)]
    assert sum(right) >= 7, "of eight"


@each
def test_alone_a_question_gets_the_same_answer_as_among_others_and_in_a_search(context, asked, retriever):
    model = fitted(context, asked, retriever)
    together = model.predict(asked.X)
    for row in range(len(asked)):
        alone = model.predict(asked.X.iloc[row : row + 1])
        assert (alone.output[0], alone.cited[0]) == (together.output[row], together.cited[row])
    in_search = Extractive(retriever)
    in_search.fit(asked, None, context(memo={}))
    found = in_search.predict(asked.X)
    assert found.output.tolist() == together.output.tolist()
    assert found.seconds is None and together.seconds is not None, "in a search they are answered together, untimed"


def test_the_threshold_is_the_best_on_the_training_questions(context, asked):
    model = fitted(context, asked)
    free = fitted(context, asked, min_confidence=0.0).predict(asked.X)
    worth = [
        max((token_overlap(o, a) for a in g.answers), default=0.0) for o, g in zip(free.output, asked.y, strict=True)
    ]

    def value(threshold):
        pairs = zip(free.confidence, worth, asked.y, strict=True)
        return sum(w if c >= threshold else float(not g.is_answerable) for c, w, g in pairs)

    assert 0 < model.report().details["min_confidence"] < 1
    assert value(model.report().details["min_confidence"]) == pytest.approx(max(map(value, np.linspace(0, 1.01, 500))))
    found = model.predict(asked.X)
    assert (found.stage == "unsure").tolist() == (found.output == "").tolist()
    assert [row for row in range(len(asked)) if not found.output[row]], "it abstains from some"
    assert all(found.cited[row] == () and found.evidence[row] == "" for row in np.flatnonzero(found.output == ""))


def test_validation_questions_have_no_say_in_the_threshold(context, asked, rows):
    train = asked.take(slice(0, 10))
    one = fitted(context, train, valid=rows(("Where do penguins live?", [], [])))
    other = fitted(context, train, valid=rows(("Where do penguins live?", ["south"], ["penguins"])))
    assert one.threshold_ == other.threshold_ == fitted(context, train).threshold_


def test_where_all_training_questions_have_answers_it_always_answers(context, asked):
    answered = asked.take(np.flatnonzero([gold.is_answerable for gold in asked.y]))
    model = fitted(context, answered)
    assert model.threshold_ == 0.0
    assert (model.predict(asked.X).output[:8] != "").all()


def test_the_same_seed_gives_the_same_threshold(context, asked):
    assert fitted(context, asked).threshold_ == fitted(context, asked).threshold_


def test_a_follow_up_is_made_self_contained_before_it_is_looked_up(context, asked):
    follow_up = asked.X.iloc[2:3]
    assert fitted(context, asked, min_confidence=0.0).predict(follow_up).cited[0] == ("whales",)
    as_asked = fitted(context, asked, min_confidence=0.0, rewriter=AsAsked()).predict(follow_up)
    assert "whales" not in as_asked.cited[0]


def test_by_meaning_a_sentence_is_found_that_shares_no_word(context, asked, corpus, rows, minilm):
    only = corpus({"fees": "The office opens at nine. The fee can be transferred to our bank account."})
    said = []
    for scorer in (Words(), Meaning(minilm)):
        model = Extractive(Dense(minilm), scorer, min_confidence=0.0)
        model.fit(asked, None, context(corpus=only))
        said.append(model.predict(rows(("How do I pay?",)).X).output[0])
    assert said == ["The office opens at nine.", "The fee can be transferred to our bank account."]


def test_a_question_that_finds_nothing_gets_no_answer(context, asked, rows):
    found = fitted(context, asked, min_confidence=0.0).predict(rows(("xyzzy",), ("",)).X)
    assert found.output.tolist() == ["", ""] and found.stage.tolist() == ["unsure", "unsure"]
    assert found.retrieved.tolist() == [(), ()] and found.cited.tolist() == [(), ()]
    assert found.confidence.tolist() == [0.0, 0.0]


@each
@pytest.mark.parametrize("scorer", [None, Meaning(Hashing(), 0.4, 0.1)], ids=["words", "meaning"])
def test_a_saved_model_answers_the_same_and_holds_no_pickle(context, asked, tmp_path, retriever, scorer):
    model = fitted(context, asked, retriever, scorer=scorer, rank_weight=0.2)
    model.save(tmp_path)
    loaded = Extractive.load(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".parquet"}
    assert (loaded.retriever, loaded.scorer, loaded.rank_weight) == (retriever, scorer, 0.2)
    was, now = model.predict(asked.X), loaded.predict(asked.X)
    for name in ("output", "stage", "confidence", "retrieved", "cited", "evidence"):
        assert getattr(now, name).tolist() == getattr(was, name).tolist(), name


def test_documents_with_metadata_of_any_kind_are_kept(context, asked, corpus, tmp_path):
    mixed = corpus({"a": "A cat hunts mice.", "b": "A dog barks."}, year=[2020, None], size=[0.5, "25 or more"])
    model = Extractive(BM25(where="year = 2020"), min_confidence=0.0)
    model.fit(asked, None, context(corpus=mixed))
    model.save(tmp_path)
    assert Extractive.load(tmp_path).predict(asked.X.iloc[[0, 3]]).retrieved.tolist() == [("a",), ()]


def test_trials_of_a_search_embed_documents_sentences_and_questions_once(
    context, asked, animals, tmp_path, monkeypatch
):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    log, memo = tmp_path / "log", {}
    embedder = Counted(str(log))
    for share in (0.2, 0.5, 0.8):
        model = Extractive(Dense(embedder, top_k=3), Meaning(embedder, share))
        model.fit(asked, None, context(memo=memo))
        model.predict(asked.X)
    texts = list(animals.documents["text"])
    wanted = {
        *texts,
        *(sentence for text in texts for sentence in sentences(text)),
        *FollowUps().rewrite(questions(asked.X)),
    }
    assert len(embedded(log)) == len(set(embedded(log))) == len(wanted)


def test_what_an_llm_is_asked_to_rewrite_is_counted_for_each_question(context, asked, llm, prompt):
    model = fitted(context, asked, min_confidence=0.0, rewriter=ByLLM(llm(), prompt("rewrite"), max_tokens=16))
    found = model.predict(asked.X)
    is_follow_up = [row == 2 for row in range(len(asked))]
    assert found.usage.calls.tolist() == [float(it) for it in is_follow_up]
    assert ((found.usage.input_tokens > 20) == is_follow_up).all() and (
        (found.usage.output_tokens > 0) == is_follow_up
    ).all()
    assert found.usage.cost_usd.tolist() == [0.0] * len(asked), "what runs here costs nothing, and that is known"
    again = model.predict(asked.X)
    assert again.usage.cached.tolist() == is_follow_up, "an answer of the cache is marked"
    assert again.usage.input_tokens.tolist() == found.usage.input_tokens.tolist()
    assert again.output.tolist() == found.output.tolist()


def test_costs_of_a_search_are_not_lost_in_batches_that_ask_nothing(context, asked, llm, prompt):
    model = Extractive(BM25(), min_confidence=0.0, rewriter=ByLLM(llm(), prompt("rewrite"), max_tokens=16))
    model.fit(asked, None, context(memo={}))
    whole = concatenated([model.predict(asked.X.iloc[:5]), model.predict(asked.X.iloc[5:])])
    assert whole.usage.calls.sum() == pytest.approx(1)
    assert whole.usage.input_tokens.sum() > 20


def test_what_a_reranker_asks_is_counted_and_planned(context, asked, animals, llm):
    """Three passages of each question are judged; questions to calibrate on are asked about as well."""
    retriever = Reranked(Dense(Hashing()), Pointwise(llm(), words=10), top_k=2, depth=3)
    few = asked.take(np.array([0, 8]))
    model = Extractive(retriever)
    (estimate,) = model.estimate_requests(few, asked.X.iloc[1:2], context())
    assert estimate.llm is retriever.reranker.llm and len(estimate.requests) == 3 * (2 + 1)
    (free,) = replace_confidence(model, 0.3).estimate_requests(few, asked.X.iloc[1:2], context())
    assert len(free.requests) == 3, "a confidence that is given need not be found"
    model.fit(few, None, context())
    assert retriever.reranker.llm.usage()["calls"] == 6
    found = model.predict(asked.X.iloc[1:2])
    assert found.usage.calls.tolist() == [3] and (found.usage.input_tokens > 60).all() and (found.seconds > 0).all()
    assert found.usage.cost_usd.tolist() == [0]


def replace_confidence(model, value):
    return Extractive(model.retriever, model.scorer, min_confidence=value)


def test_what_asks_no_llm_plans_nothing(context, asked):
    assert Extractive(RETRIEVERS["reranked"]).estimate_requests(asked, asked.X, context()) == []


def test_predicting_before_fitting_is_refused(asked):
    with pytest.raises(RuntimeError, match="before fit"):
        Extractive(BM25()).predict(asked.X)


@pytest.mark.parametrize("kind", ["classification", "regression", "retrieval"])
def test_other_kinds_of_task_are_refused(context, kind):
    with pytest.raises(ConfigError, match=f"Extractive serves qa, and this task is {kind}"):
        Extractive(BM25()).check(replace(context().schema, kind=kind))


@pytest.mark.parametrize("name", ["rank_weight", "min_confidence"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_share_that_is_none_is_refused(context, name, value):
    with pytest.raises(ConfigError, match=rf"model\.{name}: {value} is not between 0 and 1"):
        Extractive(BM25(), **{name: value}).check(context().schema)


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_share_of_a_scorer_that_is_none_is_refused(value):
    with pytest.raises(ConfigError, match=r"model\.scorer\.length_penalty"):
        Words(value)
    with pytest.raises(ConfigError, match=r"model\.scorer\.share"):
        Meaning(Hashing(), value)


@pytest.mark.parametrize(
    "text, parts",
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Use it, e.g. here, i.e. there.  Then\nstop.", ["Use it, e.g. here, i.e. there.", "Then stop."]),
        ("A heading\n\nSome text\n\n* one\n* two", ["A heading", "Some text", "* one", "two"]),
        ('He said "stop." She did.', ['He said "stop.', "She did."]),
        ("猫は寝る。犬は吠える。", ["猫は寝る。", "犬は吠える。"]),
        ("  \n\n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text, parts):
    assert sentences(text) == parts
