"""Caches and unfinished runs when a server loads another model under the same name, and what is known of a server."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from asking import build_request
from scripted import Body, refuses, says, serving

import bakeoff
from bakeoff.llm import journal, served
from bakeoff.llm.cache import Entry
from bakeoff.llm.client import OpenAICompatible

N = 12
LABELS = ("yes", "no")


def requests(n: int = N, **more):
    return [build_request(f"row {i}", **more) for i in range(n)]


@pytest.fixture
def server(own_cache):
    """A server whose model one can replace."""
    with serving(lambda body, n: says("yes")) as script:
        yield script


def llm(server, **settings) -> OpenAICompatible:
    return OpenAICompatible(**{"model": "m", "base_url": server.url, "constrain": "none", "retries": 0, **settings})


def reply(text: str, model: str = "served", fingerprint: str | None = None):
    status, body, headers = says(text)
    return status, {**body, "model": model, "system_fingerprint": fingerprint}, headers


def tags(digest: str):
    return {"models": [{"name": "m:latest", "model": "m:latest", "digest": digest, "modified_at": "2026"}]}


IDENTIFIED = {
    "digest of Ollama": ("/api/tags", tags("a" * 64), tags("b" * 64)),
    "file of llama.cpp": (
        "/v1/models",
        {"data": [{"id": "llama.gguf", "created": 1, "meta": {"n_params": 8}}]},
        {"data": [{"id": "qwen.gguf", "created": 2, "meta": {"n_params": 32}}]},
    ),
    "root of vLLM": (
        "/v1/models",
        {"data": [{"id": "m", "created": 1, "root": "org/llama"}, {"id": "other"}]},
        {"data": [{"id": "m", "created": 2, "root": "org/qwen"}, {"id": "other"}]},
    ),
}


@pytest.mark.parametrize("how", IDENTIFIED)
def test_model_that_the_server_lists_is_part_of_the_key(server, how):
    path, before, after = IDENTIFIED[how]
    server.lists[path] = before
    llm(server).complete(requests())
    assert all(c.is_cached for c in llm(server).complete(requests())), "the same model: nothing is asked"
    assert len(server.seen) == N
    server.lists[path] = after
    client = llm(server)
    assert not any(c.is_cached for c in client.complete(requests()))
    assert len(server.seen) == 2 * N and client.usage()["of_other_models"] == N
    server.lists[path] = before
    assert all(c.is_cached for c in llm(server).complete(requests())), "both are kept"


@pytest.mark.parametrize("change", [{"model": "qwen"}, {"fingerprint": "fp_2"}])
def test_completion_tells_that_another_model_is_served(server, change):
    server.answer = lambda body, n: reply("yes", "llama", "fp_1")
    llm(server).complete(requests())
    again = llm(server).complete(requests())
    assert len(server.seen) == N + 1, "one is sent again"
    assert sum(c.is_cached for c in again) == N - 1
    server.answer = lambda body, n: reply("no", **{"model": "llama", "fingerprint": "fp_1", **change})
    other = llm(server).complete(requests())
    assert {c.text for c in other} == {"no"} and not any(c.is_cached for c in other)
    assert len(server.seen) == 2 * N + 1


def test_request_that_is_new_tells_without_another(server):
    llm(server).complete(requests(N - 1))
    llm(server).complete(requests())
    assert len(server.seen) == N


def test_server_with_two_configurations_at_once_is_one_model(server):
    server.answer = lambda body, n: reply("yes", "llama", f"fp_{n % 2}")
    llm(server).complete(requests())
    llm(server).complete(requests())
    assert len(server.seen) == N + 1


def test_same_name_that_chooses_other_labels_is_another_model(server):
    llm(server).complete(requests(choices=LABELS))
    server.answer = lambda body, n: says("no")
    again = llm(server).complete(requests(choices=LABELS))
    assert {c.text for c in again} == {"no"} and len(server.seen) == 2 * N


def test_one_label_that_differs_is_chance(server):
    llm(server).complete(requests(choices=LABELS))
    server.answer = lambda body, n: says("no" if n == N + 1 else "yes")
    llm(server).complete(requests(choices=LABELS))
    assert len(server.seen) == N + 2


def test_server_that_is_gone_is_trusted_by_name_and_that_is_recorded(own_cache):
    with serving(lambda body, n: says("yes")) as script:
        llm(script).complete(requests())
    client = llm(script)
    assert all(c.is_cached for c in client.complete(requests()))
    assert client.usage()["is_name_trusted"]


def test_unfinished_run_does_not_go_on_with_another_model(server, tmp_path):
    file = tmp_path / "replies.jsonl"
    server.answer = lambda body, n: reply("yes", "llama") if n <= 5 else refuses(402, "Insufficient credits.")
    with journal.kept_in(file):
        llm(server, cache="off", concurrency=1).complete(requests())
    server.answer = lambda body, n: reply("no", "qwen")
    with journal.kept_in(file) as replies:
        client = llm(server, cache="off", concurrency=1, price={"input": 1.0, "output": 1.0})
        found = client.complete(requests())
    assert {c.text for c in found} == {"no"} and (replies.taken_over, replies.discarded) == (0, 5)
    assert client.usage()["calls"] == len(server.seen), "what was sent before counts, too"


def test_unsupported_parameter_is_remembered_by_the_next_process(server):
    def without_temperature(body: Body, n: int):
        if "temperature" in body:
            return refuses(400, "Unsupported value: 'temperature' does not support 0 with this model.")
        return says("yes")

    server.answer = without_temperature
    client = llm(server)
    client.complete(requests(3))
    assert len(server.seen) == 4 and client.usage()["left_out"] == ["temperature"]
    script = (
        "import sys\n"
        "from bakeoff.llm.base import LLMRequest, Message\n"
        "from bakeoff.llm.client import OpenAICompatible\n"
        "llm = OpenAICompatible('m', sys.argv[1], constrain='none', cache='off')\n"
        "print(llm.complete([LLMRequest((Message('user', 'new'),))])[0].text)"
    )
    done = subprocess.run([sys.executable, "-c", script, server.url], capture_output=True, text=True, check=True)
    assert done.stdout == "yes\n" and len(server.seen) == 5
    llm(server, cache="refresh").complete(requests(1))
    assert len(server.seen) == 7, "refresh tries it again"


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (None, None),
        ({"data": "none"}, None),
        ({"data": [{"id": "m", "object": "model", "created": 1, "owned_by": "openai"}]}, None),
        ({"data": [{"id": "a", "digest": "1"}, {"id": "b", "digest": "2"}]}, None),
        ({"data": [{"id": "m", "digest": "1"}, {"id": "b", "digest": "2"}]}, '{"digest": "1"}'),
    ],
)
def test_model_is_identified_only_by_what_differs_between_models(listed, expected):
    assert served.identify(lambda url: listed, "https://api.example.com/v1", "m") == expected


def test_entries_of_the_served_model_fit():
    from bakeoff.llm.base import Completion

    a, b = served.from_completion("m", "fp_1"), served.from_completion("m", "fp_2")
    other = served.from_completion("n", "fp_1")
    entries = {
        "1": [Entry(Completion("ok", "1"), a, "s")],
        "2": [Entry(Completion("ok", "2"), b, "s")],
        "3": [Entry(Completion("ok", "3"), b, "t")],
        "4": [Entry(Completion("ok", "4"), other, "s"), Entry(Completion("ok", "5"), a, "")],
    }
    assert {key: e.completion.text for key, e in served.fitting(entries, a).items()} == {"1": "1", "2": "2", "4": "5"}


def test_finished_run_is_kept_only_while_its_model_is_served(server, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"text": [f"row {i}" for i in range(40)], "label": ["yes", "no"] * 20})
    frame.to_csv("rows.csv", index=False)
    arguments = [
        "model=llm", "model.method=generate", "data=csv", "data.path=rows.csv", "data.target=label", "data.text=[text]",
        "llm=openai_compatible", f"llm.base_url={server.url}", "llm.model=m", "llm.constrain=none", "tracker=none",
        "name=out", "variant=v", "decision.resamples=100",
    ]  # fmt: skip
    server.lists["/api/tags"] = tags("a" * 64)
    bakeoff.run(*arguments)
    sent = len(server.seen)
    bakeoff.run(*arguments)
    assert len(server.seen) == sent, "the same model: the finished run is kept"
    server.lists["/api/tags"] = tags("b" * 64)
    bakeoff.run(*arguments)
    assert len(server.seen) == 2 * sent
