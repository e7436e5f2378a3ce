"""Answers are kept: replayed whole, never mixed up, by however many processes, however they end."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest
from asking import build_request
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.errors import LLMError
from bakeoff.llm.base import Completion, LLMRequest, Message
from bakeoff.llm.cache import Cache, Entry, key

KEPT = Completion("ok", "text", {"a": 1}, (("x", -0.5),), 10, 5, 0.25, 1.5, False, "served", "fp")

texts = st.text(max_size=6)
requests = st.builds(
    LLMRequest,
    st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), texts), max_size=3).map(tuple),
    st.none() | st.fixed_dictionaries({"type": st.sampled_from(["object", "string"])}),
    st.lists(texts, max_size=3).map(tuple),
    st.integers(1, 5),
    st.integers(0, 3),
)
identities = st.fixed_dictionaries(
    {
        "model": texts,
        "server": texts,
        "asked": st.dictionaries(st.sampled_from(["temperature", "seed", "top_p"]), st.integers(0, 3) | texts),
    }
)


@given(identities, requests, identities, requests)
def test_different_requests_have_different_keys(one, ask_one, other, ask_other):
    assert (key(one, ask_one) == key(other, ask_other)) == ((one, ask_one) == (other, ask_other))


@given(identities, requests)
def test_an_equal_request_has_an_equal_key(identity, asked):
    again = json.loads(json.dumps(identity))
    assert key(dict(reversed(again.items())), replace(asked)) == key(identity, asked)


@given(st.builds(replace, st.just(KEPT), text=texts, input_tokens=st.integers(0), cost_usd=st.floats(0, 1)))
def test_an_answer_comes_back_as_it_was(tmp_path_factory, completion):
    cache = Cache(tmp_path_factory.mktemp("cache"))
    cache.put("k", Entry(completion, "m", "s"))
    assert cache.get(["k", "other"]) == {"k": [Entry(replace(completion, is_cached=True), "m", "s")]}


def test_a_hit_replays_text_tokens_price_and_latency_and_is_marked(client, proxy, own_cache, requests):
    price = {"input": 3.0, "output": 4.0}
    first = client(price=price).complete(requests)
    sent = len(proxy.seen)
    llm = client(price={"input": 0.0, "output": 0.0})
    again = llm.complete(list(reversed(requests)))
    assert len(proxy.seen) == sent, "nothing was asked"
    assert again == [replace(c, is_cached=True) for c in reversed(first)]
    assert all(c.seconds > 0 and c.cost_usd > 0 and c.input_tokens > 0 for c in again)
    told = llm.usage()
    assert (told["calls"], told["replayed"], told["cost_usd"]) == (0, len(requests), 0)


def test_refresh_asks_and_keeps_the_new_answer_and_off_keeps_none(client, proxy):
    proxy.then("says:one", "says:two", "says:three")
    assert client().complete([build_request()])[0].text == "one"
    assert client(cache="refresh").complete([build_request()])[0].text == "two"
    assert client(cache="off").complete([build_request()])[0].text == "three"
    assert client().complete([build_request()])[0] == replace(
        client().complete([build_request()])[0], text="two", is_cached=True
    )
    assert len(proxy.seen) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"model": "other"}, {"temperature": 1.0}, {"temperature": None}, {"seed": 1}, {"constrain": "grammar"},
        {"extra": {"top_p": 0.5}}, {"most_logprobs": 3}, {"thinking_tokens": 5},
    ],
)  # fmt: skip
def test_other_parameters_are_another_request(client, proxy, other):
    client().complete([build_request()])
    client(**other).complete([build_request()])
    assert len(proxy.seen) == 2


def test_another_key_time_limit_or_price_is_the_same_request(client, proxy, monkeypatch):
    client().complete([build_request()])
    monkeypatch.setenv("SOME_KEY", "sk-1234567890")
    for other in ({"key_env": "SOME_KEY"}, {"timeout_seconds": 9.0}, {"price": {"input": 1.0, "output": 1.0}}):
        assert client(**other).complete([build_request()])[0].is_cached
    assert len(proxy.seen) == 1


def test_an_answer_without_a_price_gets_it_when_it_is_known(client):
    assert math.isnan(client().complete([build_request()])[0].cost_usd)
    (again,) = client(price={"input": 1e6, "output": 0.0}).complete([build_request()])
    assert again.is_cached and again.cost_usd == again.input_tokens


def test_what_another_version_kept_is_asked_again(client, proxy, own_cache):
    client().complete([build_request()])
    with sqlite3.connect(own_cache / "llm" / "responses.sqlite") as file:
        file.execute("UPDATE completions SET completion = ?", [json.dumps(asdict(KEPT) | {"mood": "good"})])
    assert not client().complete([build_request()])[0].is_cached
    assert client().complete([build_request()])[0].is_cached


def test_a_file_that_cannot_be_used_is_named(own_cache, client):
    (own_cache / "llm" / "responses.sqlite").mkdir(parents=True)
    with pytest.raises(LLMError, match=r"llm\.cache: .*responses\.sqlite.*llm\.cache=off"):
        client().complete([build_request()])
    assert client(cache="off").complete([build_request()])[0].status == "ok"


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from bakeoff.llm.base import Completion
from bakeoff.llm.cache import Cache, Entry
folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
cache = Cache(folder)
print("ready", flush=True)
sys.stdin.readline()
for i in range(count):
    cache.put(f"{name}-{i}", Entry(Completion("ok", f"{name}-{i} " * 500, seconds=i), "m", "s"))
    print(i, flush=True)
"""


def writers(folder, names, count):
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), name, str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in names
    ]  # fmt: skip
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    return running


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    names = ["a", "b", "c", "d"]
    for process in writers(tmp_path, names, 50):
        process.communicate(timeout=60)
        assert process.returncode == 0
    wanted = [f"{name}-{i}" for name in names for i in range(50)]
    found = Cache(tmp_path).get(wanted)
    assert {k: entries[0].completion.text for k, entries in found.items()} == {k: f"{k} " * 500 for k in wanted}


def test_a_process_killed_while_it_writes_leaves_whole_answers_alone(tmp_path):
    (process,) = writers(tmp_path, ["x"], 1_000_000)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGKILL)
    said = process.communicate(timeout=30)[0].split()
    assert said and process.returncode == -signal.SIGKILL
    last = int(said[-1])
    keys = [f"x-{i}" for i in range(last + 2)]
    found = Cache(tmp_path).get(keys)
    assert set(found) >= set(keys[: last + 1]), "what it said was written, is"
    assert all(entries[0].completion.text == f"{k} " * 500 for k, entries in found.items())
    with sqlite3.connect(tmp_path / "responses.sqlite") as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    Cache(tmp_path).put("next", Entry(KEPT, "m", "s"))
    assert "next" in Cache(tmp_path).get(["next"])
