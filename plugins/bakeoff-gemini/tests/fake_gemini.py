"""A small server on this machine that speaks the REST interface of Gemini as Google documents it, with its faults."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "AIza-not-a-key-of-anybody-0123456789"


@dataclass
class Fake:
    """What was asked of the server, and what it does next: a fault of the list for each request, then none."""

    url: str = ""
    faults: deque[str] = field(default_factory=deque)
    seen: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def refusal(code: int, status: str, message: str, details: list[dict[str, Any]] | None = None) -> bytes:
    return json.dumps(
        {"error": {"code": code, "status": status, "message": message, "details": details or []}}
    ).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: Fake

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.fake.lock:
            self.fake.seen.append(body)
            self.fake.times.append(time.monotonic())
            fault, _, value = (self.fake.faults.popleft() if self.fake.faults else "").partition(":")
        if self.headers.get("x-goog-api-key") != KEY or "key=" in self.path:
            told = f"API key not valid: {self.headers.get('x-goog-api-key')}."
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            return self.reply(400, refusal(400, "INVALID_ARGUMENT", told, [info]))
        model, _, verb = self.path.rpartition("/")[2].partition(":")
        if verb != "generateContent" or not self.path.startswith("/v1beta/models/"):
            return self.reply(404, refusal(404, "NOT_FOUND", f"no such method: {self.path}"))
        if model != "gemini-test":
            return self.reply(404, refusal(404, "NOT_FOUND", f"models/{model} is not found"))
        match fault:
            case "rate_limited":
                retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": value}
                self.reply(429, refusal(429, "RESOURCE_EXHAUSTED", "slow down", [retry]))
            case "quota_of_the_day":
                violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
                failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
                self.reply(429, refusal(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", [failure]))
            case "unavailable":
                self.reply(503, refusal(503, "UNAVAILABLE", "The model is overloaded."))
            case "cut":
                self.reply(200, json.dumps(answer(body, self.fake)).encode(), send=0.5)
            case "hang":
                time.sleep(1.5)
                self.close_connection = True
            case "page":
                self.reply(200, b"<html>Welcome to the hotel WLAN</html>")
            case "nothing":
                self.reply(200, b"{}")
            case "blocked":
                self.reply(200, json.dumps({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}).encode())
            case "thinks":
                told = answer(body, self.fake)
                told["candidates"][0] |= {"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}
                told["usageMetadata"] |= {"candidatesTokenCount": 0, "thoughtsTokenCount": 64}
                self.reply(200, json.dumps(told).encode())
            case "":
                self.reply(200, json.dumps(answer(body, self.fake)).encode())
            case _:
                raise AssertionError(fault)
        return None

    def reply(self, status: int, content: bytes, send: float = 1.0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: int(len(content) * send)])
        self.close_connection = send < 1

    def log_message(self, format: str, *args: Any) -> None: ...


def answer(body: dict[str, Any], fake: Fake) -> dict[str, Any]:
    """A sensible answer: JSON as the schema asks for it, the label that is said; or the words, backwards."""
    config = body.get("generationConfig", {})
    texts = [part["text"] for content in body["contents"] for part in content["parts"]]
    said = texts[-1]
    text = " ".join(reversed(said.split()))
    if "responseJsonSchema" in config:
        assert config["responseMimeType"] == "application/json"
        text = json.dumps(_of_schema(config["responseJsonSchema"], said))
    n = min(len(text.split()), config["maxOutputTokens"])
    candidate: dict[str, Any] = {
        "content": {"role": "model", "parts": [{"text": "let me think", "thought": True}, {"text": text}]},
        "finishReason": "STOP",
        "index": 0,
    }
    if config.get("responseLogprobs"):
        likely = [{"token": t, "tokenId": i, "logProbability": -0.2 - i} for i, t in enumerate(("yes", "no", "maybe"))]
        candidate["logprobsResult"] = {
            "topCandidates": [{"candidates": likely[: config["logprobs"]]}],
            "chosenCandidates": likely[:1],
        }
    usage = {
        "promptTokenCount": len(" ".join(texts).split()),
        "candidatesTokenCount": n,
        "thoughtsTokenCount": 3,
    }
    return {
        "candidates": [candidate],
        "usageMetadata": usage | {"totalTokenCount": sum(usage.values())},
        "modelVersion": "gemini-test-001",
        "responseId": f"r{len(fake.seen)}",
    }


def _of_schema(schema: dict[str, Any], said: str) -> Any:
    if "enum" in schema:
        return max(schema["enum"], key=lambda value: (str(value).lower() in said.lower(), str(value)))
    if schema.get("type") == "object":
        return {name: _of_schema(inner, said) for name, inner in schema["properties"].items()}
    return said.split()[0]


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


@contextmanager
def started(*faults: str) -> Iterator[Fake]:
    fake = Fake(faults=deque(faults))
    server = Quiet(("127.0.0.1", 0), type("Bound", (Handler,), {"fake": fake}))
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
