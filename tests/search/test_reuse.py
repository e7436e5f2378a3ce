"""A search over retrieval embeds what has to be embedded once: no trial does it again, and no search after it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from bakeoff.config.settings import plain, register
from bakeoff.config.shipped import conf_dir
from bakeoff.execution import runner
from bakeoff.request.spec import Request
from bakeoff.retrieval.generations import PROBE
from bakeoff.search.tuning import Best
from bakeoff.task import Task, questions

TOPICS = ("rivers", "castles", "violins", "comets", "bakeries", "glaciers", "beetles", "lanterns", "orchards", "canals")
TRIALS = 12


class Endpoint:
    """An embeddings endpoint over HTTP that remembers every text it was asked to embed."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.texts += asked["input"]
                vectors = [[b - 127.5 for b in hashlib.sha256(text.encode()).digest()] for text in asked["input"]]
                data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
                usage = {"prompt_tokens": 1, "total_tokens": 1}
                told = {"object": "list", "model": asked["model"], "data": data, "usage": usage}
                content = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *told: Any) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """The endpoint, and an empty cache."""
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    found = Endpoint()
    yield found
    found.http.shutdown()
    found.http.server_close()


def written(folder: Path, changed: int | None = None) -> Path:
    """A folder with 30 documents, of which one may have another text, and a question on each."""
    folder.mkdir()
    topics = [f"{TOPICS[i % 10]} of region {i}" for i in range(30)]
    texts = [f"The {topic} were first described in {1700 + i}." for i, topic in enumerate(topics)]
    if changed is not None:
        texts[changed] += " The date is disputed."
    documents = [{"id": f"d{i}", "title": "", "text": text} for i, text in enumerate(texts)]
    asked = [
        {"question": f"When were the {topic} described?", "answer": str(1700 + i), "documents": f"d{i}"}
        for i, topic in enumerate(topics)
    ]
    for name, rows in (("corpus", documents), ("questions", asked)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def searched(data: Path, folder: Path, endpoint: Endpoint) -> tuple[Best, Task]:
    """A search over the kind of retriever and over all that can be changed of it."""
    register()

    def asked(choices: Mapping[str, Any]) -> Request:
        given = [
            "model=extractive", "data=qa", f"data.questions={data}/questions.jsonl", f"data.corpus={data}/corpus.jsonl",
            "metrics=default", "embedder=openai", f"embedder.base_url=http://127.0.0.1:{endpoint.http.server_port}/v1",
            "embedder.key_env=null", "search=random", "search/pruner=none", f"search.trials={TRIALS}", "variant=x",
            "search.space={retriever: 'choice(dense, hybrid)'}", *(f"{key}={value}" for key, value in choices.items()),
        ]  # fmt: skip
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            return Request.from_config(plain(compose("config", given)), folder)

    request = asked({})
    task = runner.load_task(request)
    return runner.searching(request, task, asked).run(), task


def bodies(task: Task) -> list[str]:
    assert task.development.corpus is not None
    return list(task.development.corpus.documents["text"])


def test_a_search_embeds_documents_and_validation_questions_once_and_nothing_else(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    best, task = searched(written(tmp_path / "data"), tmp_path / "run", endpoint)
    assert best.summary["complete"] == TRIALS
    tried = [{key.removeprefix("param:"): value for key, value in trial.items()} for trial in best.trials]
    for key in ("retriever", "retriever.top_k", "retriever.weight"):
        assert len({trial.get(key) for trial in tried}) > 1, f"{key} must vary, or this says nothing"
    asked = [question.text for question in questions(task.development.valid.X)]
    assert Counter(endpoint.texts) == Counter([*bodies(task), *asked, PROBE]), "and once: is it still this model?"
    assert not {question.text for question in questions(task.test.X)} & set(endpoint.texts)


def test_a_search_over_a_changed_document_embeds_that_document_only(tmp_path: Path, endpoint: Endpoint) -> None:
    searched(written(tmp_path / "data"), tmp_path / "first", endpoint)
    before = len(endpoint.texts)
    best, task = searched(written(tmp_path / "changed", changed=11), tmp_path / "second", endpoint)
    assert best.summary["complete"] == TRIALS
    assert endpoint.texts[before:] == [bodies(task)[11]]
