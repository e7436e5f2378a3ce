"""A text is embedded once, whoever asks: in this process, in others, and after one of them was killed."""

import contextlib
import json
import random
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from counted import Counted, corpus, embedded, vector

from bakeoff.errors import AssetError
from bakeoff.retrieval import embeddings
from bakeoff.retrieval.embed import Hashing
from bakeoff.retrieval.retrievers import Dense, Hybrid


def test_equal_texts_are_embedded_once_and_each_gets_its_vector(cache, tmp_path):
    embedder = Counted(str(tmp_path / "log"))
    found, reused, _ = embeddings.embedded(embedder, ["a", "b", "a"])
    assert np.allclose(found, [vector("a"), vector("b"), vector("a")], atol=1e-6)
    found, reused, _ = embeddings.embedded(embedder, ["c", "b", "a"])
    assert (reused, len(embedded(tmp_path / "log"))) == (2, 3)
    assert np.allclose(found, [vector("c"), vector("b"), vector("a")], atol=1e-6)


def test_vectors_of_another_embedder_are_not_mistaken_for_its_own(cache):
    wide, _, _ = embeddings.embedded(Hashing(64), ["a cat"])
    narrow, reused, _ = embeddings.embedded(Hashing(32), ["a cat"])
    assert (wide.shape, narrow.shape, reused) == ((1, 64), (1, 32), 0)


@dataclass(frozen=True)
class Fickle:
    """Gives vectors of any length under one name."""

    dimensions: int
    value: float = 1.0
    identity: str = "fickle"

    def embed(self, texts, threads=1):
        return np.full((len(texts), self.dimensions), self.value, dtype=np.float32)


def test_embedder_that_changes_its_dimensions_or_gives_no_numbers_is_refused(cache):
    embeddings.embedded(Fickle(4), ["a", "b"])
    with pytest.raises(AssetError, match="fickle gave vectors of 2 and of 4 dimensions: it has changed"):
        embeddings.embedded(Fickle(2), ["a", "b", "c", "d"])  # 12 numbers would also be 4 vectors of 3
    with pytest.raises(AssetError, match=r"fickle gives vectors that hold no numbers \(NaN\)"):
        embeddings.embedded(Fickle(4, np.nan), ["e"])


def test_a_changed_document_embeds_that_document_only(cache, tmp_path):
    embedder = Counted(str(tmp_path / "log"))
    Dense(embedder).index(corpus(40))
    assert len(embedded(tmp_path / "log")) == 40
    about = Dense(embedder).index(corpus(40, changed=11)).details()
    assert len(embedded(tmp_path / "log")) == 41
    assert (about["texts_reused"], about["reused"]) == (39, False)
    Dense(embedder).index(corpus(45))
    assert len(embedded(tmp_path / "log")) == 46, "added documents are embedded, and no other"


def test_trials_and_other_retrievers_embed_nothing_again(cache, tmp_path, start):
    log = str(tmp_path / "log")
    for k in (1, 3, 5):
        for weight in (0.2, 0.8):
            Hybrid(Counted(log), top_k=k, weight=weight).index(corpus(30))
    Dense(Counted(log)).index(corpus(30))
    assert len(embedded(tmp_path / "log")) == 30
    other = start(f"print(json.dumps(Dense(Counted({log!r})).index(corpus(30)).details()))")
    about = json.loads(other.communicate(timeout=60)[0])
    assert len(embedded(tmp_path / "log")) == 30
    assert (about["reused"], about["texts_reused"]) == (True, 30)


def test_one_query_is_timed_as_it_is_and_several_are_looked_up(cache, tmp_path):
    embedder = Counted(str(tmp_path / "log"))
    for _ in range(2):
        embeddings.of_queries(embedder, ["why?", "how?"])
    assert len(embedded(tmp_path / "log")) == 2
    embeddings.of_queries(embedder, ["why?"])
    assert len(embedded(tmp_path / "log")) == 3


def test_processes_that_embed_at_the_same_time_lose_nothing(cache, tmp_path, start):
    log = str(tmp_path / "log")
    program = f"""
from bakeoff.retrieval import embeddings
embeddings.embedded(Counted({log!r}, 0.0005), [f"text {{i}}" for i in range(FIRST, FIRST + 400)])
"""
    processes = [start(program.replace("FIRST", str(first))) for first in (0, 100, 200, 300)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    before = len(embedded(tmp_path / "log"))
    found, reused, _ = embeddings.embedded(Counted(log), [f"text {i}" for i in range(700)])
    assert (reused, len(embedded(tmp_path / "log"))) == (700, before)
    assert np.allclose(found, [vector(f"text {i}") for i in range(700)], atol=1e-6)


def test_what_was_embedded_before_a_kill_is_not_embedded_again(cache, tmp_path, start):
    log, n = tmp_path / "log", 3 * embeddings.AT_ONCE
    process = start(f"Dense(Counted({str(log)!r}, 0.002)).index(corpus({n}))")
    wait_until(lambda: len(embedded(log)) >= 2 * embeddings.AT_ONCE)
    process.kill()
    process.wait()
    killed_at = len(embedded(log))
    assert killed_at < n
    about = Dense(Counted(str(log))).index(corpus(n)).details()
    again = Counter(embedded(log))
    assert len(again) == n
    assert sum(times - 1 for times in again.values()) <= embeddings.AT_ONCE, "only what had not been committed"
    assert about["texts_reused"] >= killed_at - embeddings.AT_ONCE


def wait_until(is_so, seconds=60.0):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def damaged_file(folder):
    (file,) = folder.glob("*.sqlite")
    return file


@pytest.mark.parametrize("damage", ["zeros", "short", "truncated", "no database", "flips"])
def test_a_damaged_cache_is_computed_again(tmp_path, damage):
    texts = [f"text number {i}" for i in range(300)]
    embedder = Hashing()
    sound = embeddings.embedded(embedder, texts, folder=tmp_path)[0].copy()
    file = damaged_file(tmp_path)
    if damage in ("zeros", "short"):
        value = "zeroblob(length(vector))" if damage == "zeros" else "substr(vector, 1, 8)"
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            database.execute(f"UPDATE checked SET vector = {value}")
    else:
        content, generator = bytearray(file.read_bytes()), random.Random(3)
        for _ in range(60):
            content[generator.randrange(200, len(content))] ^= 8
        file.write_bytes({"truncated": content[: len(content) // 2], "no database": b"x" * 9000}.get(damage, content))
    embeddings._kept.clear()
    vectors, _, _ = embeddings.embedded(embedder, texts, folder=tmp_path)
    np.testing.assert_array_equal(vectors, sound)
    embeddings._kept.clear()
    assert embeddings.embedded(embedder, texts, folder=tmp_path)[1] == 300, "written anew"


def test_vectors_of_earlier_versions_are_taken_over(tmp_path):
    embedder = Hashing()
    sound = embeddings.embedded(embedder, ["one", "two"], folder=tmp_path)[0].copy()
    with contextlib.closing(sqlite3.connect(damaged_file(tmp_path))) as database, database:
        database.execute("CREATE TABLE vectors (text BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        database.execute("INSERT INTO vectors SELECT text, vector FROM checked")
        database.execute("DROP TABLE checked")
    embeddings._kept.clear()
    vectors, replayed, _ = embeddings.embedded(embedder, ["one", "two"], folder=tmp_path)
    assert replayed == 2
    np.testing.assert_array_equal(vectors, sound)
