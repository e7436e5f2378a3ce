"""Replies of servers of every habit: what is read from them, why a row has none, and when asking ends."""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asking import build_request
from scripted import Answer, Body, Script, refuses, says, serving

from bakeoff.errors import ConfigError, LLMError
from bakeoff.llm import failures
from bakeoff.llm.client import OpenAICompatible
from bakeoff.models.prompted.answers import status_of
from bakeoff.task import NO_ANSWER, NOT_ASKED, OK

CHOICES = ("positive", "negative")
Serve = Callable[[Callable[[Body, int], Answer]], Script]


@pytest.fixture
def serve(tmp_path, monkeypatch) -> Iterator[Serve]:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))
    contexts = []

    def start(answer: Callable[[Body, int], Answer]) -> Script:
        context = serving(answer)
        contexts.append(context)
        return context.__enter__()

    yield start
    for context in contexts:
        context.__exit__(None, None, None)


def llm(script: Script, **parameters: Any) -> OpenAICompatible:
    settings = {"constrain": "none", "cache": "off", "concurrency": 4, "retries": 1, **parameters}
    return OpenAICompatible("m", script.url, **settings)


def build_requests(n: int, **more: Any) -> list[Any]:
    return [build_request(f"row {i}", **more) for i in range(n)]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (says(None, "content_filter"), "filtered: by the server's content filter"),
        (says(None, refusal="I can't help with that."), "refused: by the model"),
        (says("positive", refusal="I can't help with that."), "refused: by the model"),
        (says("I'm sorry, but I can't assist with that."), "refused: by the model"),
        (says("", reasoning_content="positive, I think"), "unreadable: as an answer (thoughts alone)"),
        (says("", "length", reasoning_content="Hm"), "cut: within its thoughts, at 4 tokens (llm.thinking_tokens)"),
        (says("<think>Hm, let me", "length"), "cut: within its thoughts, at 4 tokens (llm.thinking_tokens)"),
        (says("The message speaks", "length"), "cut: at 4 tokens (model.max_tokens)"),
        (says("eggs"), "unreadable: as one of the labels"),
        (says(""), "unreadable: as an answer (empty)"),
    ],
)
def test_row_without_a_usable_reply_has_its_reason(serve, reply, reason):
    script = serve(lambda body, n: reply if "row 1" in body["messages"][-1]["content"] else says("positive"))
    found = llm(script).complete(build_requests(3, choices=CHOICES))
    assert [status_of(c) for c in found] == [(OK, ""), (NO_ANSWER, reason), (OK, "")]
    tries = 2 if reason.startswith("unreadable") else 1
    assert len(script.seen) == 2 + tries, "what asking again does not change is asked once"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (None, (math.nan, math.nan)), ({}, (math.nan, math.nan)),
        ({"prompt_tokens": 50, "completion_tokens": None, "total_tokens": 50}, (50, math.nan)),
        ({"input_tokens": 50, "output_tokens": 4}, (50, 4)), ({"prompt_tokens": 50, "total_tokens": 57}, (50, 7)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (math.nan, math.nan)),
        ({"prompt_tokens": 50, "completion_tokens": 0}, (50, math.nan)),
        ({"prompt_tokens": "50", "completion_tokens": "4"}, (math.nan, math.nan)),
    ],
)  # fmt: skip
def test_usage_of_any_shape_is_read_and_what_is_not_told_stays_unknown(serve, usage, counts):
    script = serve(lambda body, n: says("positive", usage=usage))
    model = llm(script, price={"input": 1.0, "output": 1.0})
    (found,) = model.complete(build_requests(1, choices=CHOICES))
    assert found.status == "ok" and len(script.seen) == 1
    assert [found.input_tokens, found.output_tokens] == pytest.approx(counts, nan_ok=True)
    assert math.isnan(found.cost_usd) == math.isnan(sum(counts))
    told = model.usage()
    assert (told["output_tokens"] is None) == math.isnan(counts[1])


def test_thoughts_among_the_parts_of_a_reply_are_no_answer(serve):
    parts = [{"type": "reasoning", "text": "negative?"}, {"type": "text", "text": "positive"}]
    script = serve(lambda body, n: says(parts))  # type: ignore[arg-type]
    (found,) = llm(script).complete(build_requests(1, choices=CHOICES))
    assert (found.status, found.text) == ("ok", "positive")


def test_server_that_streams_unasked_is_read(serve):
    def stream(body: Body, n: int) -> Answer:
        parts = [{"choices": [{"index": 0, "delta": {"content": part}}]} for part in ("posi", "tive")]
        end = {
            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2},
        }
        text = "".join(f"data: {json.dumps(part)}\n\n" for part in [*parts, end]) + "data: [DONE]\n\n"
        return 200, text.encode(), {"Content-Type": "text/event-stream"}

    (found,) = llm(serve(stream)).complete(build_requests(1, choices=CHOICES))
    assert (found.status, found.text, found.input_tokens, found.output_tokens) == ("ok", "positive", 3, 2)


def test_reply_after_a_byte_order_mark_is_read(serve):
    status, content, headers = says("positive", refusal=False)
    marked = b"\xef\xbb\xbf" + json.dumps(content).encode()
    (completion,) = llm(serve(lambda body, n: (status, marked, headers))).complete(build_requests(1))
    assert (completion.status, completion.text) == ("ok", "positive")


def test_half_a_surrogate_pair_costs_no_row(serve):
    (found,) = llm(serve(lambda body, n: says("Marseille \ud83d"))).complete(build_requests(1))
    assert found.status == "ok" and found.text.encode()


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (refuses(401, "Incorrect API key provided."), r"401.*llm\.key_env"),
        (refuses(404, "The model does not exist."), r"404.*llm\.model"),
        (refuses(400, "model 'm' is not loaded."), r"400.*alike.*llm\.model"),
        ((200, b"<!doctype html><html>Open WebUI</html>", {"Content-Type": "text/html"}), r"text/html.*llm\.base_url"),
        (refuses(429, "Try again in 1h.", "rate_limit_exceeded", **{"Retry-After": "3600"}), r"3,600 s.*patience"),
        (refuses(429, "You exceeded your current quota.", "insufficient_quota"), "quota"),
    ],
)
def test_what_no_retry_can_help_ends_the_asking_with_one_message(serve, reply, message):
    script = serve(lambda body, n: reply)
    with pytest.raises(LLMError, match=message):
        llm(script, retries=5).complete(build_requests(40, choices=CHOICES))
    assert len(script.seen) <= 8


def test_replies_that_are_never_of_use_end_the_asking(serve):
    script = serve(lambda body, n: says("<think>Hm", "length"))
    found = llm(script).complete(build_requests(40, choices=CHOICES))
    counts = Counter(status_of(c)[1].partition(":")[0] for c in found)
    assert counts["cut"] <= 10 and counts["cut"] + counts["stopped"] == 40 and len(script.seen) <= 10


@pytest.mark.parametrize(
    "reply", [refuses(402, "Insufficient credits."), refuses(429, "No quota.", "insufficient_quota")]
)
def test_account_that_runs_empty_leaves_the_rest_unasked(serve, reply):
    script = serve(lambda body, n: says("positive") if n <= 10 else reply)
    found = llm(script).complete(build_requests(40, choices=CHOICES))
    statuses = [status_of(c) for c in found]
    assert Counter(status for status, _ in statuses) == {OK: 10, NOT_ASKED: 30}
    assert {reason for status, reason in statuses if status == NOT_ASKED} == {"account: is empty"}
    assert len(script.seen) <= 14, "those in flight, and no more"


def test_request_that_is_too_long_is_lost_alone(serve):
    too_long = refuses(400, "'max_tokens' is too large: 32. This model's maximum context length is 64 tokens.")
    script = serve(lambda body, n: too_long if n % 2 == 0 else says("positive"))
    found = llm(script, concurrency=1).complete(build_requests(10, choices=CHOICES))
    assert Counter(status_of(c) for c in found) == {
        (OK, ""): 5, (NO_ANSWER, "error: (longer than the model's context)"): 5
    }  # fmt: skip


def test_headers_come_from_the_environment(serve, monkeypatch):
    script = serve(lambda body, n: says("positive"))
    with pytest.raises(ConfigError, match=r"llm\.headers\.X-Team.*TEAM_TOKEN is not set"):
        llm(script, headers={"X-Team": "TEAM_TOKEN"}).check()
    monkeypatch.setenv("TEAM_TOKEN", "blue")
    llm(script, headers={"X-Team": "TEAM_TOKEN"}).complete(build_requests(1))
    assert {name.lower(): value for name, value in script.headers[0].items()}["x-team"] == "blue"


def test_disturbed_rows_have_their_status_and_a_second_run_asks_only_what_is_missing(serve):
    """A third of 120 rows meets a fault once or always; answered rows are never asked again."""
    lock, tries = threading.Lock(), Counter[int]()

    def answer(body: Body, n: int) -> Answer:
        row = int(body["messages"][-1]["content"].split("\n")[0].removeprefix("row "))
        with lock:
            tries[row] += 1
            first = tries[row] == 1
        match row % 12:
            case 3 if first:
                return refuses(500, "out of luck")
            case 5:
                return says(None, "content_filter")
            case 7:
                return says("The message", "length")
            case 9 if first:
                return refuses(429, "slow down", **{"Retry-After": "0.01"})
            case 11:
                return says("eggs")
            case _:
                return says(f"**{CHOICES[row % 2]}**")

    script = serve(answer)
    found = llm(script, cache="on", retries=2).complete(build_requests(120, choices=CHOICES))
    for row, completion in enumerate(found):
        status, reason = status_of(completion)
        lost = {5: "filtered", 7: "cut", 11: "unreadable"}.get(row % 12)
        assert (status, reason.partition(":")[0]) == ((NO_ANSWER, lost) if lost else (OK, "")), row
        assert lost or completion.text == CHOICES[row % 2]
    before = len(script.seen)
    again = llm(script, cache="on").complete(build_requests(120, choices=CHOICES))
    assert [status_of(c) for c in again] == [status_of(c) for c in found]
    asked_again = {body["messages"][-1]["content"].split("\n")[0] for body in script.seen[before:]}
    assert asked_again == {f"row {row}" for row in range(11, 120, 12)}, "unreadable replies alone may differ next time"


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (refuses(404, "The model does not exist."), "server: refuses (HTTP 404)"),
        (refuses(401, "Incorrect API key provided."), "account: is refused"),
        (refuses(400, "model 'm' is not loaded."), "server: refuses one request after another"),
        ((200, b"<html>Log in</html>", {"Content-Type": "text/html"}), "server: fails again and again"),
        ((200, {"error": {"message": "Insufficient credits", "code": 402}}, {}), "account: is empty"),
        (refuses(503, "no backend"), "server: fails again and again"),
    ],
)
def test_server_that_refuses_from_some_request_on_leaves_the_rest_unasked(serve, monkeypatch, later, reason):
    monkeypatch.setattr(failures, "FIRST_WAIT_SECONDS", 0.001)
    script = serve(lambda body, n: says("positive") if n <= 10 else later)
    found = llm(script, retries=2).complete(build_requests(80, choices=CHOICES))
    statuses = [status_of(c) for c in found]
    assert statuses.count((OK, "")) == 10
    unasked = Counter(reason for status, reason in statuses if status == NOT_ASKED)
    assert unasked.most_common(1)[0][0] == reason and unasked.total() >= 60
    assert len(script.seen) <= 60


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (refuses(400, "The response was filtered.", "content_filter"), "filtered: by the server's content filter"),
        (
            (200, {"choices": [{"finish_reason": "error", "message": {"content": ""}, "error": {"code": 502}}]}, {}),
            "error: (told within a reply)",
        ),
        (
            (200, b'data: {"choices": [{"delta": {"content": "posi"}}]}\n\n', {"Content-Type": "text/event-stream"}),
            "error: (no reply that can be read)",
        ),
        (
            (
                200,
                b'data: {"choices": [{"delta": {"content": "positive"}}]}\n\ndata: {"error": {"message": "busy"}}\n\n',
                {"Content-Type": "text/event-stream"},
            ),
            "error: (told within a reply)",
        ),
    ],
)
def test_error_in_an_unusual_place_is_no_answer(serve, reply, reason):
    script = serve(lambda body, n: reply if n == 2 else says("positive"))
    found = llm(script, retries=0, concurrency=1).complete(build_requests(3, choices=CHOICES))
    assert [status_of(c) for c in found] == [(OK, ""), (NO_ANSWER, reason), (OK, "")]


@pytest.mark.parametrize(
    ("status", "expected"), [(500, (NO_ANSWER, "error: HTTP 500")), (503, (NOT_ASKED, "server: fails with HTTP 503"))]
)
def test_last_request_that_is_lost_may_be_answered_later_if_the_server_is_down(serve, monkeypatch, status, expected):
    monkeypatch.setattr(failures, "FIRST_WAIT_SECONDS", 0.001)
    script = serve(lambda body, n: says("positive") if n <= 4 else refuses(status, "out of luck"))
    found = llm(script, retries=2, concurrency=1).complete(build_requests(5, choices=CHOICES))
    assert status_of(found[-1]) == expected
