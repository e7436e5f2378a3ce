"""Servers that redirect, never end, or send a flood: neither key, rows, time nor memory are lost to them."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import build_request

from bakeoff.errors import LLMError
from bakeoff.llm import limits, wire
from bakeoff.llm.client import OpenAICompatible
from bakeoff.retrieval import embed

KEY = "sk-key-that-goes-nowhere-else"
REPLY = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that answers each request in this way; its address, and the headers of all requests."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append(dict(self.headers))
            with suppress(OSError):
                answer(self)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        server.server_close()


def sending(content: bytes, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def without_end(handler: BaseHTTPRequestHandler, pause: float = 0.02, chunk: bytes = b" ") -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    while True:
        handler.wfile.write(chunk)
        handler.wfile.flush()
        time.sleep(pause)


def completed(url: str, **settings: Any) -> Any:
    given = {"model": "m", "base_url": url, "key_env": "SOME_KEY", "retries": 0, "cache": "off", **settings}
    return OpenAICompatible(**given).complete([build_request("canary row")])[0]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_not_followed_and_says_so(status: int) -> None:
    with serving(sending(json.dumps(REPLY).encode())) as (other, seen):

        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Location", f"{other}/chat/completions")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with serving(redirect) as (url, _), pytest.raises(Exception, match="redirects are not followed"):
            completed(url)
        assert seen == []


def test_reply_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LONGEST", 2)
    with serving(without_end) as (url, _):
        started = time.monotonic()
        reply = completed(url, timeout_seconds=0.5)
    assert time.monotonic() - started < 10
    assert (reply.status, reply.reason) == ("failed", "error: (reply without end)")


@pytest.mark.parametrize(
    "answer",
    [
        sending(json.dumps(REPLY | {"id": "x" * (wire.MOST_BYTES + 1)}).encode()),
        sending(gzip.compress(json.dumps(REPLY | {"id": " " * 200_000_000}).encode()), Content_Encoding="gzip"),
        lambda handler: without_end(handler, 0, b"x" * 1_000_000),
    ],
    ids=["large", "packed", "flood"],
)
def test_flood_is_cut_off(answer: Answer) -> None:
    with serving(answer) as (url, _):
        reply = completed(url)
    assert (reply.status, reply.reason) == ("failed", "error: (reply without end)")


def test_small_packed_reply_is_read() -> None:
    with serving(sending(gzip.compress(json.dumps(REPLY).encode()), Content_Encoding="gzip")) as (url, seen):
        reply = completed(url)
    assert reply.text == "yes"
    assert {name.lower(): value for name, value in seen[0].items()}["accept-encoding"] == "identity"


def test_packed_vectors_are_read_up_to_the_limit_of_unpacked_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = np.random.default_rng(0).normal(size=(32, 1536)).tolist()
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(numbers)]
    packed = gzip.compress(json.dumps({"object": "list", "model": "m", "data": data}).encode())
    assert len(packed) > limits.MOST_PACKED_BYTES
    with serving(sending(packed, Content_Encoding="gzip")) as (url, _):
        embedder = embed.OpenAIEmbeddings(model="m", base_url=url, key_env="SOME_KEY", retries=0)
        assert embedder.embed(["a text"] * 32).shape == (32, 1536)
        monkeypatch.setattr(embed, "MOST_BYTES", 1_000_000)
        with pytest.raises(LLMError, match=r"its reply has more than 1,000,000 bytes"):
            embedder.embed(["a text"] * 32)
