"""Progress of requests: how many have ended, how many were sent again, what they cost."""

from __future__ import annotations

import pytest
from asking import build_request
from scripted import refuses, says, serving

from bakeoff.llm import progress
from bakeoff.llm.client import OpenAICompatible


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.0)
    return []


def client(url: str, **settings) -> OpenAICompatible:
    price = {"input": 1000.0, "output": 0.0}  # 50 tokens in a prompt: 5 cents
    return OpenAICompatible("fake", url, **{"cache": "off", "concurrency": 3, "price": price, **settings})


def test_progress_counts_requests_retries_and_dollars(lines, monkeypatch):
    monkeypatch.setattr("bakeoff.llm.session.pause", lambda tries: 0.0)

    def answer(body, number):
        return refuses(500, "busy") if number == 3 else says("yes")

    requests = [build_request(f"number {i}") for i in range(12)]
    with serving(answer) as server, progress.shown("predicting", lines.append):
        client(server.url).complete([*requests, requests[0]])
    assert lines[0] == "predicting 0/12" and lines[-1] == "predicting 12/12, 1 retry, $0.60"
    counts = [int(line.split("/")[0].rpartition(" ")[2]) for line in lines]
    assert counts == sorted(counts)


def test_progress_of_replayed_requests_costs_nothing(lines, own_cache):
    requests = [build_request(f"number {i}") for i in range(3)]
    with serving(lambda body, number: says("yes")) as server:
        client(server.url, cache="on").complete(requests)
        with progress.shown("predicting", lines.append) as shown:
            client(server.url, cache="on").complete([*requests, build_request("another")])
    assert lines[-1] == "predicting 4/4, $0.05" and shown.retries == 0


def test_progress_counts_rows_that_are_looked_up_not_their_requests(lines):
    with serving(lambda body, number: says("yes")) as server, progress.shown("predicting", lines.append):
        llm = client(server.url)
        with progress.batch(2, doing="looking up") as advance:
            for row in range(2):
                llm.complete([build_request(f"{row} {i}") for i in range(5)])
                advance()
        llm.complete([build_request("answer")])
    assert lines[0] == "looking up 0/2" and "looking up 2/2, $0.50" in lines and lines[-1] == "predicting 1/1, $0.55"
    assert not any("/5" in line for line in lines)


def test_nothing_is_shown_outside_and_lines_are_seldom(lines):
    with serving(lambda body, number: says("yes")) as server:
        client(server.url).complete([build_request("a")])
        progress.EVERY_SECONDS = 60.0
        with progress.shown("predicting", lines.append):
            client(server.url).complete([build_request(f"number {i}") for i in range(30)])
    assert lines == ["predicting 0/30", "predicting 30/30, $1.50"]
    assert progress.current() is None
