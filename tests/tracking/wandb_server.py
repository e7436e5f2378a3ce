"""A server on loopback that speaks enough of W&B's protocol to receive runs, files and artifacts, and keeps them."""

from __future__ import annotations

import gzip
import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "0123456789abcdef0123456789abcdef01234567"
USER = "me"


@dataclass
class Received:
    """State of a run on the server."""

    about: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    files: dict[str, bytes] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_complete: bool = False

    @property
    def history(self) -> list[dict[str, Any]]:
        lines = self.streams["wandb-history.jsonl"]
        return [json.loads(lines[i]) for i in sorted(lines)]

    @property
    def summary(self) -> dict[str, Any]:
        lines = self.streams["wandb-summary.json"]
        return json.loads(lines[max(lines)])


class WandbServer(ThreadingHTTPServer):
    """Starts with ``with``; ``runs`` holds what was received, by the id of the run."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs: dict[str, Received] = defaultdict(Received)
        self.operations: list[str] = []
        self.stored: dict[str, bytes] = {}
        self.lock = threading.Lock()

    @property
    def environment(self) -> dict[str, str]:
        return {"WANDB_BASE_URL": f"http://127.0.0.1:{self.server_port}", "WANDB_API_KEY": KEY}

    def __enter__(self) -> WandbServer:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()

    def url(self, place: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/storage/{place}"

    def answer(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """The data that a GraphQL operation gets."""
        asked = given.get("input") or {}
        if operation == "UpsertBucket":
            run = self.runs[given["name"]]
            run.about |= {key: value for key, value in given.items() if value is not None}
            run.config |= {k: v["value"] for k, v in json.loads(given.get("config") or "{}").items()}
            project = {"id": "project", "name": given["project"], "entity": {"id": "entity", "name": USER}}
            bucket = {"id": given["name"], "name": given["name"], "displayName": given.get("displayName"),
                      "description": None, "config": "{}", "sweepName": None, "project": project,
                      "historyLineCount": 0}  # fmt: skip
            return {"upsertBucket": {"bucket": bucket, "inserted": True}}
        if operation == "Viewer":
            return {"viewer": {"id": USER, "entity": USER, "username": USER, "flags": "{}", "teams": {"edges": []}}}
        if operation == "ServerFeaturesQuery":
            return {"serverInfo": {"features": []}}
        if operation == "CreateRunFiles":
            files = [{"name": name, "uploadUrl": self.url(f"run/{given['run']}/{name}")} for name in given["files"]]
            return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}
        if operation == "CreateArtifact":
            name = asked["artifactCollectionName"]
            self.runs[asked["runName"]].artifacts[name] = asked | {"files": {}, "state": "PENDING"}
            identity = f"{asked['runName']}:{name}"
            artifact = {"id": identity, "state": "PENDING", "artifactSequence": {"latestArtifact": None}}
            return {"createArtifact": {"artifact": artifact}}
        if operation == "CreateArtifactManifest":
            identity = given["artifactID"]
            file = {"id": "manifest", "name": given["name"], "displayName": given["name"], "uploadHeaders": [],
                    "uploadUrl": self.url(f"artifact/{identity}/{given['name']}")}  # fmt: skip
            return {"createArtifactManifest": {"artifactManifest": {"id": "manifest", "file": file}}}
        if operation == "CreateArtifactFiles":
            edges = []
            for spec in given.get("artifactFiles") or asked.get("artifactFiles"):
                identity, name = spec["artifactID"], spec["name"]
                url = self.url(f"artifact/{identity}/{name}")
                edges.append({"node": {"id": name, "name": name, "displayName": name, "uploadHeaders": [],
                    "uploadUrl": url, "storagePath": name, "uploadMultipartUrls": None,
                    "artifact": {"id": identity}}})  # fmt: skip
            return {"createArtifactFiles": {"files": {"edges": edges}}}
        if operation == "ArtifactType":
            return {"project": {"artifact": None}}
        if operation == "CommitArtifact":
            run, _, name = given["artifactID"].partition(":")
            self.runs[run].artifacts[name]["state"] = "COMMITTED"
            return {"commitArtifact": {"artifact": {"id": given["artifactID"], "digest": "digest"}}}
        return {}

    def store(self, place: str, body: bytes) -> None:
        kind, _, rest = place.partition("/")
        owner, _, name = rest.partition("/")
        if kind == "run":
            self.runs[owner].files[name] = body
        else:
            run, _, artifact = owner.partition(":")
            self.runs[run].artifacts[artifact]["files"][name] = body

    def stream(self, run: str, sent: dict[str, Any]) -> None:
        received = self.runs[run]
        for name, chunk in (sent.get("files") or {}).items():
            for i, line in enumerate(chunk["content"]):
                received.streams[name][chunk["offset"] + i] = line
        received.is_complete = received.is_complete or bool(sent.get("complete"))


class Handler(BaseHTTPRequestHandler):
    server: WandbServer

    def do_POST(self) -> None:
        body = self.body()
        answer: dict[str, Any] = {}
        with self.server.lock:
            if self.path == "/graphql":
                asked = json.loads(body)
                words = asked["query"].replace("(", " ").split()
                operation = asked.get("operationName") or words[1]
                self.server.operations.append(operation)
                answer = {"data": self.server.answer(operation, asked.get("variables") or {})}
            elif self.path.endswith("/file_stream"):
                self.server.stream(self.path.split("/")[-2], json.loads(body))
        self.reply(json.dumps(answer).encode())

    def do_PUT(self) -> None:
        from urllib.parse import unquote

        with self.server.lock:
            self.server.store(unquote(self.path.removeprefix("/storage/").partition("?")[0]), self.body())
        self.reply(b"")

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            found = b"".join(parts)
        else:
            found = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(found) if self.headers.get("Content-Encoding") == "gzip" else found

    def reply(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass
