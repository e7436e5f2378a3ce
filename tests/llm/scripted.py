"""A loopback server whose replies are a function of the request: no model behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Answer = tuple[int, Any, dict[str, str]]


@dataclass
class Script:
    """Script of the server's replies: ``answer`` gets a request and its number, from 1; ``lists`` JSON by path."""

    answer: Callable[[Body, int], Answer]
    url: str = ""
    lists: dict[str, Any] = field(default_factory=dict)
    seen: list[Body] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def says(text: str | None, finish: str = "stop", usage: Any = ..., **message: Any) -> Answer:
    body: Body = {
        "id": "x", "object": "chat.completion", "created": 1, "model": "served",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
        ],
        "usage": {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55} if usage is ... else usage,
    }  # fmt: skip
    return 200, body, {}


def refuses(status: int, message: str, code: str | None = None, **headers: str) -> Answer:
    return status, {"error": {"message": message, "type": "x", "param": None, "code": code}}, headers


@contextmanager
def serving(answer: Callable[[Body, int], Answer], port: int = 0) -> Iterator[Script]:
    """Serve on loopback, on a free port unless one is given."""
    script = Script(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = script.lists.get(self.path)
            self.reply(404 if content is None else 200, json.dumps(content).encode(), {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with script.lock:
                script.seen.append(body)
                script.headers.append(dict(self.headers))
                number = len(script.seen)
            status, content, headers = script.answer(body, number)
            self.reply(status, content if isinstance(content, bytes) else json.dumps(content).encode(), headers)

        def reply(self, status: int, raw: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
