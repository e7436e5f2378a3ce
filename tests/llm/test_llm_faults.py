"""What servers and networks do on bad days: nothing is lost, everything is counted."""

from __future__ import annotations

import os
import signal
import threading
import time
from email.utils import formatdate

import pytest
from asking import build_request
from proxy import started
from scripted import serving

from bakeoff.errors import ConfigError, LLMError
from bakeoff.llm import failures

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"enum": [1, 2, 3]}},
    "required": ["answer"],
    "additionalProperties": False,
}


def texts(completions):
    return [c.text for c in completions]


def test_every_kind_of_fault_is_retried_and_counted_and_nothing_is_lost(client, proxy, requests, monkeypatch):
    monkeypatch.setattr(failures, "FIRST_WAIT_SECONDS", 0.01)
    undisturbed = texts(client(cache="off").complete(requests))
    proxy.then(None, "rate_limited:0.3", "server_error", "hang", "cut", "malformed", "nothing", "page")
    llm = client(cache="off", timeout_seconds=2.5)
    found = llm.complete(requests)
    assert [c.status for c in found] == ["ok"] * len(requests)
    assert texts(found) == undisturbed
    told = llm.usage()
    assert told["troubles"] == {"rate_limited": 1, "server_error": 1, "timeout": 1, "connection": 1, "malformed": 3}
    assert told["retries"] == 7
    assert told["calls"] == len(requests) + 7
    assert told["without_answer"] == {} and told["not_asked"] == 0


def test_a_server_that_says_when_to_come_back_is_asked_then_and_not_before(client, proxy):
    proxy.then("rate_limited:1.2")
    assert client().complete([build_request()])[0].status == "ok"
    first, second = proxy.seen
    assert 1.2 <= second.at - first.at < 6


def test_the_time_to_come_back_may_be_a_date_and_what_is_neither_is_not_waited_for(client, proxy):
    proxy.then(f"rate_limited:{formatdate(time.time() + 2, usegmt=True)}", "rate_limited:soon")
    llm = client(concurrency=1)
    assert llm.complete([build_request()])[0].status == "ok"
    first, second, third = (seen.at for seen in proxy.seen)
    assert 0.9 <= second - first < 6 and third - second < 3
    assert llm.usage()["troubles"] == {"rate_limited": 2}


def test_a_server_that_went_down_is_not_given_all_the_patience_for_each_row(client, proxy, monkeypatch):
    monkeypatch.setattr(failures, "FIRST_WAIT_SECONDS", 0.01)
    proxy.then(None, *["server_error"] * (8 * 2 + 3))
    found = client(retries=1, concurrency=1, cache="off").complete([build_request(str(i)) for i in range(14)])
    assert [c.status for c in found] == ["ok"] + ["failed"] * 11 + ["ok"] * 2
    assert len(proxy.seen) == 1 + 8 * 2 + 3 + 2, "then once for each, until it answers"


def test_an_answer_that_breaks_its_schema_is_asked_again_and_then_left_as_invalid(client, proxy):
    proxy.then('says:{"answer": 7}', "says:not JSON")
    llm = client()
    asked = build_request("One, two or three?", schema=SCHEMA, max_tokens=24)
    (completion,) = llm.complete([asked])
    assert completion.status == "invalid"
    assert "schema" in completion.error and completion.parsed is None
    assert llm.usage()["troubles"] == {"invalid_answer": 2}
    assert llm.usage()["without_answer"] == {"invalid": 1}
    # What could not be used is not kept: it is asked again, and now the server behaves.
    (completion,) = llm.complete([asked])
    assert completion.status == "ok" and not completion.is_cached
    assert completion.parsed["answer"] in (1, 2, 3)


def test_a_choice_is_one_of_the_choices_in_whatever_wrapping(client, proxy):
    choices = ("ham", "spam", "1.50")
    for said, meant in [
        ('{"answer": "spam"}', "spam"), ('```json\n{"answer": "ham"}\n```', "ham"), ("Spam.", "spam"),
        ("1.50", "1.50"), ('"1.50"', "1.50"), ("eggs", None), ("", None), ('{"other": "spam"}', None), ("[1", None),
    ]:  # fmt: skip
        proxy.then(*[f"says:{said}"] * (1 if meant else 2))
        (completion,) = client(cache="off").complete([build_request(choices=choices)])
        assert (completion.text if completion.status == "ok" else None) == meant, said


def test_choices_that_differ_in_case_alone_are_told_apart(client, proxy):
    proxy.then("says:IT", 'says:{"answer": "it"}')
    llm = client(cache="off", concurrency=1)
    assert texts(
        llm.complete([build_request("a", choices=("it", "IT")), build_request("b", choices=("it", "IT"))])
    ) == ["IT", "it"]


@pytest.mark.parametrize("constrain", ["schema", "grammar"])
def test_a_real_server_keeps_to_the_choices(client, constrain):
    asked = build_request("Congratulations, you won! Call now! Is this spam?", choices=("ham", "spam"), max_tokens=24)
    (completion,) = client(constrain=constrain).complete([asked])
    assert completion.status == "ok" and completion.text in ("ham", "spam")


def test_a_form_in_words_alone_names_the_choices(client, proxy):
    client(constrain="none").complete([build_request("Which?", choices=("ham", "spam"))])
    body = proxy.seen[0].body
    assert "ham, spam" in body["messages"][-1]["content"]
    assert "response_format" not in body and "grammar" not in body


def test_after_all_retries_the_request_fails_alone(client, proxy, requests):
    llm = client(retries=1, concurrency=1, cache="off")
    proxy.then(None, "server_error", "server_error")
    found = llm.complete(requests[:3])
    assert [c.status for c in found] == ["ok", "failed", "ok"]
    assert "500" in found[1].error and "out of luck" in found[1].error
    assert llm.usage()["without_answer"] == {"failed": 1}


def test_a_refused_key_ends_all_at_once(client, proxy, requests, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-nobody-knows")
    proxy.then(*["echo_key"] * 20)
    with pytest.raises(LLMError, match=r"401.*SOME_KEY"):
        client(key_env="SOME_KEY").complete(requests)
    assert len(proxy.seen) <= 2, "one for each thread, and none again"


def test_a_redirect_ends_all_at_once(client, requests):
    with serving(lambda body, number: (307, b"", {"Location": "/v1/chat/completions"})) as server:
        with pytest.raises(
            LLMError, match=r"redirects to /v1/chat/completions, and redirects are not followed.*llm\.base_url"
        ):
            client(base_url=server.url, concurrency=1, retries=5).complete(requests)
        assert len(server.seen) < 10, "the first requests, and none again"


def test_an_empty_account_is_not_asked_for_patience(client, proxy, requests):
    proxy.then(*["no_quota"] * 20)
    with pytest.raises(LLMError, match="exceeded your current quota"):
        client().complete(requests)
    assert len(proxy.seen) <= 2


def test_nobody_there_is_said_with_what_to_do(own_cache, client):
    with started("") as closed:
        url = closed.url
    with pytest.raises(LLMError, match=r"cannot be reached.*llm\.base_url"):
        client(base_url=url, retries=1).complete([build_request()])


@pytest.mark.parametrize(
    "said, advice",
    [
        ("You are not allowed to request logprobs from this model.", "model.method=generate"),
        ("Invalid value for temperature: 0.0 is below 1.", "llm.temperature=null"),
    ],
)
def test_a_parameter_that_is_refused_is_named_with_the_key_that_leaves_it_out(client, proxy, said, advice):
    proxy.then(f"refused:{said}")
    (completion,) = client().complete([build_request(top_logprobs=2)])
    assert completion.status == "failed"
    assert said.rstrip(".") in completion.error and advice in completion.error


@pytest.mark.parametrize(
    "said, left_out, put_in",
    [
        ("Unsupported value: 'temperature' does not support 0.0.", "temperature", None),
        ('Invalid JSON payload received. Unknown name "seed": Cannot find field.', "seed", None),
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", "max_tokens", "max_completion_tokens"),
        ("This model does not support response_format.", "response_format", None),
    ],
)
def test_parameter_that_a_server_does_not_support_is_left_out_from_then_on(client, proxy, said, left_out, put_in):
    proxy.then(f"refused:{said}", "says:yes", "says:yes")
    for text in ("Is ice cold?", "Is fire hot?"):
        assert client(cache="off").complete([build_request(text, choices=("yes", "no"))])[0].status == "ok"
    first, second, third = (seen.body for seen in proxy.seen)
    assert left_out in first and left_out not in second and left_out not in third, "another client knows it too"
    assert put_in is None or (put_in in second and put_in in third)


def test_what_a_server_refuses_can_be_left_out(client, proxy):
    client(temperature=None, seed=None, max_tokens_key="max_completion_tokens", constrain="none").complete(
        [build_request()]
    )
    body = proxy.seen[0].body
    assert set(body) == {"model", "messages", "max_completion_tokens"}


def test_a_server_without_log_probabilities_is_not_asked_for_them(client, proxy):
    llm = client(most_logprobs=0)
    assert not llm.supports_logprobs
    with pytest.raises(ConfigError, match=r"no log-probabilities.*model\.method=generate"):
        llm.complete([build_request(top_logprobs=5)])
    assert not proxy.seen


def test_a_model_that_only_thought_says_so_and_more_room_is_given(client, proxy):
    proxy.then("thinks", "thinks")
    (completion,) = client().complete([build_request()])
    assert completion.status == "invalid" and "llm.thinking_tokens" in completion.error
    client(thinking_tokens=100).complete([build_request()])
    assert proxy.seen[-1].body["max_tokens"] == 104


def test_answers_come_in_the_order_asked_with_no_more_at_a_time_than_allowed(client, proxy):
    proxy.answer = lambda body, text: body["messages"][-1]["content"]
    asked = [build_request(f"number {i}", max_tokens=1) for i in range(20)]
    assert texts(client(concurrency=3).complete(asked)) == [f"number {i}" for i in range(20)]
    assert 2 <= proxy.most_at_once <= 3


def test_equal_requests_are_asked_once(client, proxy):
    found = client(cache="off").complete([build_request(), build_request(), build_request("other")])
    assert len(proxy.seen) == 2
    assert found[0].text == found[1].text
    assert [c.is_cached for c in found] == [False, True, False]


def test_an_interrupt_does_not_wait_for_retries(client, proxy):
    """Ctrl-C reaches the main thread while the others wait to ask again."""
    proxy.then(*["rate_limited:30"] * 20)
    timer = threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        client().complete([build_request(str(i)) for i in range(6)])
    assert time.monotonic() - start < 10
    assert len(proxy.seen) <= 2


def test_log_probabilities_come_with_the_most_probable_first(client):
    (completion,) = client().complete([build_request(top_logprobs=5, max_tokens=1)])
    values = [value for _, value in completion.logprobs]
    assert len(values) == 5 and values == sorted(values, reverse=True) and values[0] < 0


def test_a_server_on_this_machine_is_asked_past_a_proxy_of_the_environment(client, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert client(retries=0).complete([build_request()])[0].status == "ok"
