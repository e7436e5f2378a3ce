"""Answers by what was answered before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from counted import Counted, embedded

from bakeoff.errors import ConfigError, DataError
from bakeoff.models.qa.abstention import calibrated
from bakeoff.models.qa.faq import FAQ
from bakeoff.retrieval.embed import Hashing
from bakeoff.retrieval.history import AsAsked, ByLLM
from bakeoff.task import concatenated


def fitted(context, train, embedder=None, valid=None, **parameters):
    model = FAQ(embedder or Hashing(), **parameters)
    model.check(context().schema)
    model.fit(train, valid, context())
    return model


def test_the_answer_is_that_of_the_nearest_question_and_its_documents_are_cited(context, asked, rows, animals, minilm):
    model = fitted(context, asked, minilm, min_confidence=0.5)
    X = rows(("How many legs does a spider have?",), ("What's the honey of bees made from?",), ("Who is the king?",)).X
    found = model.predict(X)
    assert found.output.tolist() == ["eight", "honey", ""]
    assert found.stage.tolist() == ["faq", "faq", "unsure"]
    assert found.retrieved.tolist()[:2] == [("spiders",), ("bees",)] and found.cited.tolist() == [
        ("spiders",),
        ("bees",),
        (),
    ]
    texts = dict(zip(animals.documents["id"], animals.documents["text"], strict=True))
    assert found.evidence.tolist() == [texts["spiders"], texts["bees"], ""]
    assert found.confidence.dtype == np.float64 and ((found.confidence >= 0.5) == (found.output != "")).all()
    assert found.seconds.shape == (3,) and not found.usage.asked_any


def test_the_confidence_is_the_cosine_from_0_to_1(context, asked, rows):
    found = fitted(context, asked, min_confidence=0.0).predict(rows((str(asked.X["question"][0]),), ("xyzzy",)).X)
    assert found.confidence.tolist() == pytest.approx([1, 0], abs=1e-6)
    assert found.output[0] == "mice"


def test_a_question_without_an_answer_is_never_the_one_that_answers(context, asked):
    found = fitted(context, asked, min_confidence=0.0).predict(asked.X)
    assert all(output for output in found.output), "below no threshold, even these are answered by others"
    assert found.output[:8].tolist() == [gold.answers[0] for gold in asked.y[:8]]


def test_to_calibrate_a_training_question_is_answered_by_another(context, rows):
    """Each is nearest to itself with a cosine of 1: by itself, any threshold to 1 would look perfect."""
    train = rows(
        ("how fast is the red car", ["fast"], []),
        ("how slow is the blue bus", ["slow"], []),
        ("why do birds sing songs", ["love"], []),
        ("who wrote the red car book", [], []),
        ("unrelated words altogether", [], []),
    )
    model = fitted(context, train)
    texts = list(train.X["question"])
    vectors = Hashing().embed(texts).astype(float)
    cosines = vectors @ vectors[:3].T
    cosines[range(3), range(3)] = -1
    nearest = cosines.argmax(axis=1)
    answers = [train.y[i].answers[0] for i in nearest]
    assert model.threshold_ == pytest.approx(calibrated(cosines.max(axis=1).tolist(), answers, list(train.y)), abs=1e-5)
    assert model.threshold_ > cosines[3].max() - 1e-6, "no other question answers one of them rightly: rather abstain"


def test_a_question_that_was_asked_twice_may_answer_itself(context, rows):
    """The other one is another question, and a good answer."""
    train = rows(("how fast is it", ["fast"], []), ("how fast is it", ["fast"], []), ("who was the king", [], []))
    model = fitted(context, train)
    assert 0 < model.threshold_ < 1
    assert model.predict(train.X).output.tolist() == ["fast", "fast", ""]


def test_validation_questions_have_no_say_in_the_threshold(context, asked, rows):
    valid = rows(("Where do penguins live?", [], []))
    assert fitted(context, asked, valid=valid).threshold_ == fitted(context, asked).threshold_


def test_where_abstaining_cannot_pay_it_always_answers(context, asked):
    assert fitted(context, asked.take(slice(0, 8))).threshold_ == 0.0
    assert fitted(context, asked.take(slice(7, 11))).threshold_ == 0.0, (
        "a single answer has no other to be compared with"
    )


def test_training_questions_without_any_answer_are_refused(context, asked):
    with pytest.raises(DataError, match="no training question has an answer"):
        fitted(context, asked.take(slice(8, 11)))


def test_a_follow_up_is_made_self_contained_before_it_is_looked_up(context, asked, rows):
    turns = (("user", "Tell me about the blue whale."), ("assistant", "It is an animal."))
    follow_up = rows(("And what is its food?", [], [], turns)).X
    said = fitted(context, asked, min_confidence=0.0).predict(follow_up)
    as_asked = fitted(context, asked, min_confidence=0.0, rewriter=AsAsked()).predict(follow_up)
    assert said.output[0] == "krill" and said.confidence[0] > as_asked.confidence[0] - 0.3
    other = (("user", "Tell me about the camel and its hump."), ("assistant", "It is an animal."))
    elsewhere = rows(("And what does it store?", [], [], other)).X
    assert fitted(context, asked, min_confidence=0.0).predict(elsewhere).output[0] == "fat"


def test_alone_a_question_gets_the_same_answer_as_among_others_and_in_a_search(context, asked):
    model = fitted(context, asked)
    together = model.predict(asked.X)
    for row in range(len(asked)):
        alone = model.predict(asked.X.iloc[row : row + 1])
        assert (alone.output[0], alone.confidence[0]) == (together.output[row], together.confidence[row])
    in_search = FAQ(Hashing())
    in_search.fit(asked, None, context(memo={}))
    found = in_search.predict(asked.X)
    assert found.output.tolist() == together.output.tolist() and found.seconds is None
    assert in_search.threshold_ == model.threshold_


def test_a_saved_model_answers_the_same_and_holds_no_pickle(context, asked, tmp_path):
    model = fitted(context, asked)
    model.save(tmp_path)
    loaded = FAQ.load(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npy", ".parquet"}
    was, now = model.predict(asked.X), loaded.predict(asked.X)
    for name in ("output", "stage", "confidence", "retrieved", "cited", "evidence"):
        assert getattr(now, name).tolist() == getattr(was, name).tolist(), name


def test_trials_of_a_search_embed_each_question_once(context, asked, rows, tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    log, memo = tmp_path / "log", {}
    valid = rows(("Where do owls live?",), ("Who is the king?",))
    for threshold in (None, 0.2, 0.8):
        model = FAQ(Counted(str(log)), threshold)
        model.fit(asked, None, context(memo=memo))
        model.predict(valid.X)
    assert len(embedded(log)) == len(set(embedded(log))) == len(asked) + 2


def test_an_answer_outside_a_search_takes_an_embedding_of_its_own(context, asked, tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    log = tmp_path / "log"
    model = fitted(context, asked, Counted(str(log)))
    for _ in range(2):
        model.predict(asked.X.head(3))
    assert len(embedded(log)) == len(asked) + 6


def test_what_an_llm_is_asked_to_rewrite_is_counted_and_planned(context, asked, llm, prompt):
    rewriter = ByLLM(llm(cache="off"), prompt("rewrite"), max_tokens=16)
    model = FAQ(Hashing(), rewriter=rewriter)
    (estimate,) = model.estimate_requests(asked, asked.X.iloc[:4], context())
    assert estimate.llm is rewriter.llm and len(estimate.requests) == 2, "one to learn from, and one to answer"
    model.fit(asked, None, context())
    assert rewriter.llm.usage()["calls"] == 1, "a training question is rewritten once"
    found = model.predict(asked.X.iloc[:4])
    assert found.usage.calls.tolist() == [0, 0, 1, 0] and found.usage.cost_usd.tolist() == [0] * 4
    assert found.usage.input_tokens[2] > 20 and found.usage.output_tokens[2] > 0
    assert rewriter.llm.usage()["calls"] == 2
    in_search = FAQ(Hashing(), 0.0, rewriter)
    in_search.fit(asked, None, context(memo={}))
    whole = concatenated([in_search.predict(asked.X.iloc[:2]), in_search.predict(asked.X.iloc[2:4])])
    assert whole.usage.calls.tolist() == [0, 0, 0.5, 0.5]


def test_details_tell_how_many_questions_there_are_to_choose_from(context, asked):
    told = fitted(context, asked, min_confidence=0.3).report().details
    assert told == {"neighbours": {"index": "exact", "rows": 8, "recall_at_10": 1.0}, "min_confidence": 0.3}


def test_predicting_before_fitting_is_refused(asked):
    with pytest.raises(RuntimeError, match="before fit"):
        FAQ(Hashing()).predict(asked.X)


@pytest.mark.parametrize("kind", ["classification", "regression", "retrieval"])
def test_other_kinds_of_task_are_refused(context, kind):
    with pytest.raises(ConfigError, match=f"FAQ serves qa, and this task is {kind}"):
        FAQ(Hashing()).check(replace(context().schema, kind=kind))


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_confidence_that_is_none_is_refused(context, value):
    with pytest.raises(ConfigError, match=rf"model\.min_confidence: {value} is not between 0 and 1"):
        FAQ(Hashing(), value).check(context().schema)
