"""Neighbours by meaning: their votes, their distances, and that no text is embedded twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from counted import Counted, embedded

from bakeoff.errors import ConfigError
from bakeoff.models.similarity.knn import KNN
from bakeoff.models.similarity.neighbours import Neighbours
from bakeoff.models.texts import Reader
from bakeoff.retrieval.embed import Hashing
from bakeoff.task import Examples, Schema

LABELLED = Schema("classification", "label", {"text": "text"}, ("bird", "cat", "dog"))
PRICED = Schema("regression", "price", {"text": "text"})
TEXTS = ["the cat sleeps", "the cat hunts mice", "a cat purrs", "the dog barks", "a dog guards the house"]
LABELS = ["cat", "cat", "cat", "dog", "dog"]


def table(texts, y):
    X = pd.DataFrame({"text": list(texts)})
    truth = np.array(y, dtype=float if isinstance(y[0], float) else object)
    return Examples(X, truth, np.arange(len(X)), X.iloc[:, :0])


def fitted(context, texts=TEXTS, y=LABELS, schema=LABELLED, embedder=None, **parameters):
    model = KNN(embedder or Hashing(), **parameters)
    model.check(schema)
    model.fit(table(texts, y), None, context(schema))
    return model


def shown(*texts):
    return pd.DataFrame({"text": texts})


def test_the_nearest_rows_vote_and_their_shares_are_probabilities(context):
    found = fitted(context, k=3, weights="uniform").predict(shown("a cat sleeps", "the dog guards the house"))
    assert found.output.tolist() == ["cat", "dog"]
    assert found.proba.shape == (2, 3) and found.proba.dtype == found.confidence.dtype == np.float64
    np.testing.assert_allclose(found.proba.sum(axis=1), 1)
    np.testing.assert_allclose(found.proba[0], [0, 1, 0])
    np.testing.assert_allclose(found.confidence, found.proba.max(axis=1))


def test_by_distance_one_that_says_the_same_outvotes_two_that_do_not(context):
    texts, labels = ["the dog barks", "the cat hunts", "the cat sleeps"], ["dog", "cat", "cat"]
    asked = shown("the dog barks")
    assert fitted(context, texts, labels, k=3, weights="uniform").predict(asked).output[0] == "cat"
    assert fitted(context, texts, labels, k=3, weights="distance").predict(asked).output[0] == "dog"


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_a_value_is_the_mean_of_those_nearby_and_within_their_range(context, weights):
    values = [1.0, 2.0, 3.0, 10.0, 20.0]
    model = fitted(context, TEXTS, values, PRICED, k=2, weights=weights)
    found = model.predict(shown("a dog barks and guards the house"))
    assert found.output.dtype == np.float64 and found.proba is None
    assert 10 < found.output[0] < 20
    if weights == "uniform":
        assert found.output[0] == 15
    alone = fitted(context, TEXTS, values, PRICED, k=1, weights=weights)
    assert alone.predict(shown(*TEXTS)).output.tolist() == values, "each is nearest to itself"


def test_more_neighbours_than_rows_are_all_rows(context):
    found = fitted(context, k=100, weights="uniform").predict(shown("a cat"))
    np.testing.assert_allclose(found.proba[0], [0, 0.6, 0.4])


def test_neighbours_alone_are_those_among_others_to_the_last_bit(tmp_path):
    """Sums in 32 bits differ with the number of rows that are asked; neighbours and their weights must not."""
    texts = [f"text {i % 150}" for i in range(300)]
    reader = Reader(Counted(str(tmp_path / "log")), threads=1)
    rows = Neighbours.from_texts(texts, reader)
    asked = reader.learn(texts)
    positions, cosines = rows.nearest_of(asked, 7)
    assert positions[:150, :2].tolist() == positions[150:, :2].tolist() == [[i, i + 150] for i in range(150)]
    for i in range(0, 300, 10):
        alone = rows.nearest_of(asked[i : i + 1], 7)
        assert alone[0].tolist() == positions[i : i + 1].tolist()
        assert alone[1].tolist() == cosines[i : i + 1].tolist()


def test_of_rows_that_are_all_alike_the_first_are_taken(context):
    model = fitted(context, ["the same"] * 150, [float(i) for i in range(150)], PRICED, k=3)
    assert model.predict(shown("the same", "the same?")).output.tolist() == [1.0, 1.0]
    assert model.predict(shown("the same")).output.tolist() == [1.0]


def test_with_a_model_that_knows_meaning_other_words_for_the_same_are_near(context, minilm):
    texts = ["The film was wonderful.", "I loved this movie.", "What a waste of time.", "Terribly boring."]
    model = fitted(context, texts, ["cat", "cat", "dog", "dog"], embedder=minilm, k=2)
    assert model.predict(shown("An excellent picture", "Dull and tedious")).output.tolist() == ["cat", "dog"]


@pytest.mark.parametrize("schema, y", [(LABELLED, LABELS), (PRICED, [1.0, 2.0, 3.5, 4.0, 5.0])])
def test_a_saved_model_answers_the_same_and_holds_no_pickle(context, tmp_path, schema, y):
    model = fitted(context, y=y, schema=schema, k=2)
    model.save(tmp_path)
    asked = shown("a cat that hunts", "a dog", "")
    loaded = KNN.load(tmp_path)
    assert loaded.predict(asked).output.tolist() == model.predict(asked).output.tolist()
    assert (loaded.k, loaded.weights, loaded.embedder) == (2, "distance", Hashing())
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".npy"}
    np.load(tmp_path / "vectors.npy", allow_pickle=False)


def test_a_loaded_model_needs_no_cache(context, tmp_path, monkeypatch):
    model, folder = fitted(context, k=2), tmp_path / "model"
    folder.mkdir()
    model.save(folder)
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "empty"))
    assert KNN.load(folder).predict(shown("a cat sleeps")).output.tolist() == ["cat"]


def test_trials_of_a_search_embed_each_text_once(context, tmp_path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    log, memo = tmp_path / "log", {}
    valid = shown("a cat sleeps", "a dog barks", TEXTS[0])
    for k in (1, 2, 3):
        model = KNN(Counted(str(log)), k=k)
        model.fit(table([*TEXTS, TEXTS[0]], [*LABELS, "cat"]), None, context(LABELLED, memo=memo))
        model.predict(valid)
    assert len(embedded(log)) == len(set(embedded(log))) == len({*TEXTS, *valid["text"]})


def test_an_answer_outside_a_search_takes_an_embedding_of_its_own(context, tmp_path, monkeypatch):
    """Or a clock around it would time the reading of a cache."""
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    log = tmp_path / "log"
    model = fitted(context, embedder=Counted(str(log)), k=1)
    for _ in range(2):
        model.predict(shown("a cat sleeps"))
    assert len(embedded(log)) == len(TEXTS) + 2


def test_its_vectors_lie_where_the_store_is(context, tmp_path):
    fitted(context, k=1, store=str(tmp_path / "store")).predict(shown("a cat"))
    assert any((tmp_path / "store").rglob("*.lance"))


def test_it_tells_how_many_rows_there_are_and_how_well_they_are_found(context):
    assert fitted(context).report().details == {"neighbours": {"index": "exact", "rows": 5, "recall_at_10": 1.0}}


def test_no_neighbour_at_all_is_refused():
    with pytest.raises(ConfigError, match=r"model\.k: 0\. Ask at least 1 neighbour"):
        KNN(Hashing(), k=0).check(LABELLED)


@pytest.mark.parametrize("kind", ["qa", "retrieval"])
def test_questions_over_documents_are_refused(kind):
    with pytest.raises(ConfigError, match=f"this task is {kind}"):
        KNN(Hashing()).check(Schema(kind, "answers", {"question": "text"}))
