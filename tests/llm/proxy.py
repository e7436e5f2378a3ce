"""A proxy before a real server that does, on demand, what servers and networks do on bad days."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2


@dataclass
class Seen:
    """A request as it came in."""

    authorization: str
    body: dict[str, Any]
    at: float
    fault: str | None


@dataclass
class Proxy:
    """A fault for each of the next requests, whichever it is; then none.

    Attributes:
        peer: address of the real server.
        seen: all requests so far.
        most_at_once: requests that were open at a time.
        answer: changes the text of an answer, given the request; None leaves them.
    """

    peer: str
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    faults: deque[str | None] = field(default_factory=deque)
    most_at_once: int = 0
    answer: Callable[[dict[str, Any], str], str] | None = None
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    hang: threading.Event = field(default_factory=threading.Event)

    def then(self, *faults: str | None) -> None:
        self.faults.extend(faults)

    @property
    def messages(self) -> list[str]:
        """The last message of each request that was let through."""
        return [seen.body["messages"][-1]["content"] for seen in self.seen if seen.fault is None]

    @contextmanager
    def taken(self, authorization: str, body: dict[str, Any]) -> Iterator[str | None]:
        with self._lock:
            fault = self.faults.popleft() if self.faults else None
            self.seen.append(Seen(authorization, body, time.monotonic(), fault))
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        try:
            yield fault
        finally:
            with self._lock:
                self._open -= 1


def error(message: str, **more: Any) -> bytes:
    return json.dumps({"error": {"message": message, "type": "error", "param": None, "code": None} | more}).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def do_GET(self) -> None:
        reply = httpx2.get(f"{self.proxy.peer}{self.path}", timeout=60, trust_env=False)
        self.reply(reply.status_code, reply.content)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        authorization = self.headers.get("Authorization", "")
        with self.proxy.taken(authorization, body) as fault:
            name, _, value = (fault or "").partition(":")
            match name:
                case "rate_limited":
                    self.reply(429, error("slow down"), {"Retry-After": value} if value else {})
                case "no_quota":
                    self.reply(429, error("You exceeded your current quota", code="insufficient_quota"))
                case "server_error":
                    self.reply(500, error("out of luck"))
                case "hang":
                    self.proxy.hang.wait(20)
                    self.close_connection = True
                case "cut":
                    self.reply(200, self.forward(body), {}, send=0.5)
                case "malformed":
                    self.reply(200, b'{"choices": [{"message": {"cont')
                case "nothing":
                    self.reply(200, b'{"object": "chat.completion"}')
                case "page":
                    self.reply(200, b"<html>Welcome to the hotel WLAN</html>", {"Content-Type": "text/html"})
                case "echo_key":
                    self.reply(401, error(f"Incorrect API key provided: {authorization.removeprefix('Bearer ')}."))
                case "refused":
                    self.reply(400, error(value))
                case "says":
                    self.reply(200, self.forward(body, lambda body, text: value))
                case "thinks":
                    self.reply(200, self.forward(body, lambda body, text: "", finish_reason="length"))
                case "":
                    self.reply(200, self.forward(body, self.proxy.answer))
                case _:
                    raise AssertionError(fault)

    def forward(
        self,
        body: dict[str, Any],
        answer: Callable[[dict[str, Any], str], str] | None = None,
        finish_reason: str | None = None,
    ) -> bytes:
        reply = httpx2.post(f"{self.proxy.peer}{self.path}", json=body, timeout=60, trust_env=False)
        assert reply.status_code == 200, reply.text
        told = reply.json()
        choice = told["choices"][0]
        if answer is not None:
            choice["message"]["content"] = answer(body, choice["message"]["content"])
        choice["finish_reason"] = finish_reason or choice["finish_reason"]
        return json.dumps(told).encode()

    def reply(self, status: int, content: bytes, headers: dict[str, str] | None = None, send: float = 1.0) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: int(len(content) * send)])
        self.close_connection = send < 1

    def log_message(self, format: str, *args: Any) -> None: ...


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that hang up, which these tests provoke."""


@contextmanager
def started(peer: str, faults: Iterable[str | None] = ()) -> Iterator[Proxy]:
    proxy = Proxy(peer, faults=deque(faults))
    server = Quiet(("127.0.0.1", 0), type("Bound", (Handler,), {"proxy": proxy}))
    proxy.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()
