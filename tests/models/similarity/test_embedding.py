"""Vectors of meaning under a scikit-learn estimator. The contract of all models is tested beside."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from counted import Counted, embedded
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from bakeoff.errors import ConfigError, DataError
from bakeoff.models.similarity.embedding import Embedding
from bakeoff.retrieval.embed import Hashing
from bakeoff.task import Examples, Schema

LABELLED = Schema("classification", "label", {"text": "text"}, ("bad", "good"), "good")
PRICED = Schema("regression", "price", {"text": "text"})
GOOD = ["The film was wonderful.", "I loved this movie.", "A joy from start to end.", "Superb acting and a great plot."]
BAD = ["What a waste of time.", "Terribly boring.", "I hated every minute.", "Awful acting and a silly plot."]


def table(texts, y):
    X = pd.DataFrame({"text": list(texts)})
    return Examples(X, np.asarray(y), np.arange(len(X)), X.iloc[:, :0])


def labelled(texts=(*GOOD, *BAD), labels=("good",) * 4 + ("bad",) * 4):
    return table(texts, np.array(labels, dtype=object))


def fitted(context, embedder, classifier=None):
    model = Embedding(embedder, classifier or LogisticRegression(C=10), Ridge())
    model.check(LABELLED)
    model.fit(labelled(), None, context(LABELLED))
    return model


def shown(*texts):
    return pd.DataFrame({"text": texts})


def test_it_reads_meaning_that_no_word_of_the_training_rows_tells(context, minilm):
    found = fitted(context, minilm).predict(shown("Brilliant and moving!", "Dull and tedious", "Dreadful"))
    assert found.output.tolist() == ["good", "bad", "bad"]
    assert found.proba.shape == (3, 2)
    np.testing.assert_allclose(found.proba.sum(axis=1), 1)


def test_one_row_gets_the_same_answer_as_among_others_of_any_length(context, minilm):
    model = fitted(context, minilm)
    texts = ["Brilliant!", "dull " * 100, "", "A film.", *GOOD, *BAD]
    together = model.predict(shown(*texts)).proba
    for i, text in enumerate(texts[:4]):
        np.testing.assert_allclose(model.predict(shown(text)).proba[0], together[i], atol=1e-5)


def test_values_are_estimated(context, minilm):
    stars = [5.0, 4.5, 5.0, 4.0, 1.0, 1.5, 1.0, 2.0]
    model = Embedding(minilm, LogisticRegression(), Ridge(alpha=0.1))
    model.check(PRICED)
    model.fit(table([*GOOD, *BAD], stars), None, context(PRICED))
    found = model.predict(shown("Brilliant and moving!", "Dull and tedious"))
    assert found.output.dtype == np.float64 and found.output.shape == (2,) and found.proba is None
    assert found.output[0] > found.output[1]


def test_an_estimator_without_probabilities_gives_none(context):
    found = fitted(context, Hashing(), LinearSVC()).predict(shown(*GOOD, *BAD))
    assert found.output.tolist() == labelled().y.tolist() and found.proba is None


def test_the_estimator_of_the_config_stays_unfitted_and_takes_the_seed_of_the_run(context):
    classifier = LogisticRegression(C=10)
    model = fitted(context, Hashing(), classifier)
    assert not hasattr(classifier, "coef_")
    assert model.head_.random_state == 3 and model.head_.C == 10


def test_trials_of_a_search_embed_each_text_once(context, tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    log, memo = tmp_path / "log", {}
    valid = shown("another film", GOOD[0])
    for C in (0.1, 1.0, 10.0):
        model = Embedding(Counted(str(log)), LogisticRegression(C=C))
        model.fit(labelled(), None, context(LABELLED, memo=memo))
        for start in range(2):  # a search asks some rows at a time
            model.predict(valid.iloc[start : start + 1])
    assert len(embedded(log)) == len(set(embedded(log))) == 9


def test_an_answer_outside_a_search_takes_an_embedding_of_its_own(context, tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    log = tmp_path / "log"
    model = fitted(context, Counted(str(log)))
    for _ in range(2):
        model.predict(shown(GOOD[0]))
    assert len(embedded(log)) == 8 + 2


def test_a_saved_model_answers_the_same(context, tmp_path, minilm):
    model = fitted(context, minilm)
    model.save(tmp_path)
    asked = shown("Brilliant and moving!", "Dull and tedious", "")
    loaded = Embedding.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(asked).proba, model.predict(asked).proba)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".skops"}


def test_a_folder_that_names_what_is_not_trusted_is_not_read(context, tmp_path):
    fitted(context, Hashing()).save(tmp_path)
    from subprocess import Popen

    import skops.io

    skops.io.dump({"head": Popen}, tmp_path / "head.skops")
    with pytest.raises(DataError, match="subprocess"):
        Embedding.load(tmp_path)


def test_a_folder_that_names_a_part_which_is_not_allowed_is_not_read(context, tmp_path):
    fitted(context, Hashing()).save(tmp_path)
    file = tmp_path / "parameters.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "embedder": {"_target_": "subprocess.Popen"}}))
    with pytest.raises(ConfigError, match=r"subprocess\.Popen"):
        Embedding.load(tmp_path)


def test_a_wrong_estimator_is_told_before_any_work():
    with pytest.raises(ConfigError, match=r"model\.classifier"):
        Embedding(Hashing(), Ridge()).check(LABELLED)
    with pytest.raises(ConfigError, match=r"model\.regressor"):
        Embedding(Hashing(), LogisticRegression()).check(PRICED)
    with pytest.raises(ConfigError, match=r"model\.classifier\.C"):
        Embedding(Hashing(), LogisticRegression(C=-1)).check(LABELLED)


@pytest.mark.parametrize("kind", ["qa", "retrieval"])
def test_questions_over_documents_are_refused(kind):
    with pytest.raises(ConfigError, match=f"this task is {kind}"):
        Embedding(Hashing(), LogisticRegression()).check(Schema(kind, "answers", {"question": "text"}))


def test_texts_in_a_language_that_the_embedder_does_not_know_are_noted(context, minilm, tmp_path):
    german = "Der Film war von Anfang bis Ende eine Freude und wir haben sehr gelacht, sagte er"
    rows = labelled([f"{german} {i}." for i in range(8)])
    model = Embedding(minilm, LogisticRegression(), Ridge())
    model.fit(rows, None, context(LABELLED))
    (note,) = model.report().notes
    assert "not in English" in note
    assert fitted(context, minilm).report().notes == ()
    model.save(tmp_path)
    assert Embedding.load(tmp_path).report().notes == ()
