"""Embedders: vectors of length 1 that depend on nothing but the text, from models here and from a server."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from bakeoff.config import components
from bakeoff.errors import ConfigError, LLMError
from bakeoff.retrieval import embeddings, generations
from bakeoff.retrieval.embed import Hashing, MiniLM, OpenAIEmbeddings, SentenceTransformers

KEY = "sk-a-key-that-must-not-show"
TEXTS = ["A cat sleeps.", "Kittens are napping.", "The stock market fell.", "", "word " * 600]


@pytest.fixture(scope="module", params=[MiniLM(), Hashing()], ids=["minilm", "hashing"])
def embedder(request):
    return request.param


def test_vectors_are_of_length_one_and_near_for_what_is_alike(embedder):
    found = embedder.embed(TEXTS)
    lengths = np.linalg.norm(found, axis=1)
    assert found.dtype == np.float32
    assert np.allclose(lengths[[0, 1, 2, 4]], 1, atol=1e-5)
    assert np.isfinite(found).all()
    if isinstance(embedder, MiniLM):
        assert found[0] @ found[1] > 0.5 > 0.2 > found[0] @ found[2]


def test_a_vector_does_not_depend_on_the_texts_beside_it(embedder):
    together = embedder.embed(TEXTS, threads=2)
    alone = np.vstack([embedder.embed([text]) for text in TEXTS])
    assert np.allclose(together, alone, atol=1e-5)
    assert embedder.embed([]).shape == (0, together.shape[1])


def test_the_end_of_a_long_text_counts_for_its_vector_and_the_text_is_counted():
    filler = "The committee met on Monday and adjourned without a decision. " * 40
    ends = ["Cats hunt mice at night. " * 20, "Bonds lost value last week. " * 20]
    first, second, question = MiniLM().embed([*(filler + end for end in ends), "What do cats hunt?"])
    assert first @ question > second @ question + 0.05
    assert MiniLM().count_longer([filler, "Cats hunt mice.", "", filler]) == 2


def test_more_tokens_than_the_model_has_positions_are_refused():
    with pytest.raises(ConfigError, match=r"embedder\.max_tokens: 1024.*8 to 512"):
        MiniLM(max_tokens=1024)


def test_identity_changes_with_all_that_changes_vectors_and_with_nothing_else():
    assert MiniLM(batch=8).identity == MiniLM(batch=64).identity
    assert MiniLM(max_tokens=64).identity != MiniLM().identity
    assert np.abs(MiniLM(max_tokens=64).embed(TEXTS[4:]) - MiniLM().embed(TEXTS[4:])).max() > 1e-4
    assert len({Hashing(*given).identity for given in ((512, 1), (512, 2), (256, 2))}) == 3
    given = {"model": "m", "base_url": "http://127.0.0.1:1/v1"}
    changed = [{"model": "n"}, {"base_url": "http://127.0.0.2:1/v1"}, {"dimensions": 8}]
    assert len({OpenAIEmbeddings(**(given | change)).identity for change in [{}, *changed]}) == 4
    assert OpenAIEmbeddings(**given, batch=1, key_env=None).identity == OpenAIEmbeddings(**given).identity
    names = [{"model": "a"}, {"model": "b"}, {"model": "a", "revision": "1"}, {"model": "a", "prefix": "query: "}]
    assert len({SentenceTransformers(**name).identity for name in names}) == 4


def test_a_model_in_a_folder_is_another_after_training_wrote_it_anew(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    before = SentenceTransformers(str(tmp_path)).identity
    assert SentenceTransformers(str(tmp_path)).identity == before
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    assert SentenceTransformers(str(tmp_path)).identity != before


def test_a_library_that_is_missing_is_named_with_the_way_to_get_it():
    try:
        import sentence_transformers  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigError, match=r"pip install 'bakeoff\[sentence-transformers\]'"):
            SentenceTransformers("any").embed(["a"])


class Server:
    """Speaks OpenAI's embeddings protocol over HTTP; each fault in ``faults`` answers one request."""

    def __init__(self):
        self.requests, self.faults = [], []
        self.vectors = vectors_of
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append((self.path, self.headers["Authorization"], body))
                status, headers, answer = server.faults.pop(0) if server.faults else (200, {}, server.vectors(body))
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *told):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"


def vectors_of(body):
    n = body.get("dimensions", 8)
    data = [
        {"object": "embedding", "index": i, "embedding": [float(b) for b in hashlib.sha256(text.encode()).digest()[:n]]}
        for i, text in enumerate(body["input"])
    ]
    return {
        "object": "list",
        "model": body["model"],
        "data": data[::-1],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


def asking(server, **given):
    return OpenAIEmbeddings(**({"model": "e5", "base_url": server.url, "key_env": "TEST_KEY", "retries": 2} | given))


def wanted(texts, n=8):
    raw = np.array([list(hashlib.sha256(text.encode()).digest()[:n]) for text in texts], dtype=np.float32)
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def test_a_server_is_asked_in_batches_and_each_text_gets_its_vector(server):
    texts = [f"text {i}" for i in range(10)]
    assert np.allclose(asking(server, batch=4).embed(texts), wanted(texts), atol=1e-6)
    assert [len(body["input"]) for _, _, body in server.requests] == [4, 4, 2]
    path, authorization, body = server.requests[0]
    assert (path, authorization, body["model"]) == ("/v1/embeddings", f"Bearer {KEY}", "e5")
    assert "dimensions" not in body
    assert asking(server, dimensions=4).embed(["a"]).shape == (1, 4)
    assert asking(server, dimensions=4).embed([]).shape == (0, 4)


def test_redirect_to_another_host_gets_neither_rows_nor_key(server, monkeypatch):
    other = Server()
    server.faults = [(307, {"Location": f"{other.url}/embeddings"}, {})] * 3
    with pytest.raises(LLMError, match="307"):
        asking(server).embed(["a"])
    assert other.requests == []
    other.http.shutdown()
    other.http.server_close()


def test_server_on_this_machine_gets_texts_past_a_proxy_of_the_environment(server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert np.allclose(asking(server, retries=0).embed(["a"]), wanted(["a"]), atol=1e-6)


def test_texts_of_a_request_that_was_answered_are_not_paid_twice(server, tmp_path):
    texts = [f"text number {i}" for i in range(80)]
    embedder = asking(server, batch=16, retries=0)
    embedder.verify()
    server.requests.clear()
    vectors, stop = server.vectors, []
    server.vectors = lambda body: vectors(body) if len(server.requests) <= 3 or stop else []
    with pytest.raises(LLMError):
        embeddings.embedded(embedder, texts, folder=tmp_path)
    stop.append(True)
    embeddings.embedded(embedder, texts, folder=tmp_path)
    sent = [text for _, _, body in server.requests for text in body["input"]]
    assert sorted(sent.count(text) for text in texts) == [1] * 64 + [2] * 16, "only the failed request is repeated"


def test_a_request_that_fails_for_a_while_is_asked_again(server):
    server.faults = [(429, {"Retry-After": "0"}, {}), (503, {"Retry-After": "0"}, {})]
    assert np.allclose(asking(server).embed(["a"]), wanted(["a"]), atol=1e-6)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "answer",
    [
        (401, {}, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        (404, {}, {"error": {"message": "no such model"}}),
        (200, {}, {"object": "list", "data": []}),
        (
            200,
            {},
            {"object": "list", "data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]},
        ),
        (
            200,
            {},
            {"object": "list", "data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [None]}]},
        ),
        (200, {}, {"unexpected": 1}),
        (200, {}, b"<html>not JSON"),
        (200, {"Content-Type": "text/html"}, b"<html>a captive portal"),
    ],
)
def test_an_answer_that_is_of_no_use_is_told_without_the_key(server, answer):
    server.faults = [answer] * 5
    with pytest.raises(LLMError, match="embedder: e5") as error:
        asking(server).embed(["a", "b"])
    assert KEY not in str(error.value)
    assert KEY not in repr(error.value.__context__ if error.value.__suppress_context__ is False else "")


def test_a_server_that_is_not_there_is_told(server):
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(LLMError, match="APIConnectionError"):
        asking(server, retries=0).embed(["a"])


def test_a_key_comes_from_the_environment_and_goes_nowhere_but_to_the_server(server, monkeypatch):
    embedder = asking(server)
    assert KEY not in embedder.identity + repr(embedder) + json.dumps(components.describe(embedder))
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(ConfigError, match="no TEST_KEY"):
        embedder.embed(["a"])
    assert asking(server, key_env=None).embed(["a"]).shape == (1, 8)


@pytest.fixture
def own_vectors(tmp_path, monkeypatch):
    """A cache of its own, as a new process has it: nothing is verified yet."""
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))

    def begin():
        generations._known.clear()
        embeddings._kept.clear()

    begin()
    yield begin
    begin()


def test_vectors_of_another_model_under_the_same_name_are_not_used(server, own_vectors, caplog):
    texts = ["a", "b", "c"]
    first, _, _ = embeddings.embedded(asking(server), texts)
    assert [len(body["input"]) for *_, body in server.requests] == [1, 3], "a short text, then all"
    own_vectors()
    again, reused, _ = embeddings.embedded(asking(server), texts)
    assert reused == 3 and (again == first).all() and len(server.requests) == 3

    def other_model(body):
        found = vectors_of(body)
        return found | {"data": [d | {"embedding": d["embedding"][::-1]} for d in found["data"]]}

    server.vectors = other_model
    own_vectors()
    other, reused, _ = embeddings.embedded(asking(server), texts)
    assert reused == 0 and not (other == first).all() and "another model" in caplog.text
    own_vectors()
    server.vectors = vectors_of
    back, reused, _ = embeddings.embedded(asking(server), texts)
    assert reused == 3 and (back == first).all(), "both are kept"


def test_refresh_embeds_anew_once_and_a_server_that_is_gone_is_trusted(server, own_vectors):
    embeddings.embedded(asking(server), ["a", "b"])
    own_vectors()
    _, reused, _ = embeddings.embedded(asking(server, cache="refresh"), ["a", "b"])
    assert reused == 0
    own_vectors()
    _, reused, _ = embeddings.embedded(asking(server, base_url=server.url), ["a", "b"])
    assert reused == 2
    own_vectors()
    server.faults = [(404, {}, {"error": {"message": "no such model"}})]
    _, reused, _ = embeddings.embedded(asking(server), ["a", "b"])
    assert reused == 2
