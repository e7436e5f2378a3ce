"""Gemini through Google's own SDK, against a server on this machine that speaks Google's REST interface."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fake_gemini import KEY, started

from bakeoff.extend import ConfigError, LLMError, LLMRequest, Message, check_llm, check_plugin
from bakeoff_gemini.client import Gemini

PRICE = {"input": 1.0, "output": 4.0}


@pytest.fixture(autouse=True)
def own_cache_and_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    for name in ("GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def gemini(url: str, **more: Any) -> Gemini:
    return Gemini(**{"model": "gemini-test", "base_url": url, "price": PRICE, "concurrency": 2, **more})


def build_request(text: str = "say something", **more: Any) -> LLMRequest:
    return LLMRequest((Message("user", text),), **more)


def test_the_plugin_holds_to_its_contract():
    assert "llm/google_genai composes, and its classes take these arguments" in check_plugin("gemini")


def test_the_client_holds_to_its_contract():
    with started() as fake:
        held = check_llm(gemini(fake.url, most_logprobs=20))
    assert "JSON as a schema asks for it" in held
    assert "log-probabilities of the first token" in held


def test_a_request_says_what_the_rest_interface_wants():
    chat = (Message("system", "be short"), Message("user", "hi"), Message("assistant", "hello"), Message("user", "bye"))
    with started() as fake:
        llm = gemini(fake.url, thinking_budget=0, thinking_tokens=7, seed=5, extra={"top_p": 0.5})
        (answered,) = llm.complete([LLMRequest(chat, choices=("yes", "no"), max_tokens=3)])
    (sent,) = fake.seen
    assert [content["role"] for content in sent["contents"]] == ["user", "model", "user"]
    assert sent["systemInstruction"]["parts"] == [{"text": "be short"}]
    config = sent["generationConfig"]
    assert config["maxOutputTokens"] == 10
    assert (config["temperature"], config["seed"], config["topP"]) == (0.0, 5, 0.5)
    assert config["thinkingConfig"] == {"thinking_budget": 0}, (
        "the SDK leaves the inner name, which JSON of protobuf allows"
    )
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"]["properties"]["answer"]["enum"] == ["yes", "no"]
    assert answered.text in ("yes", "no"), "the choice itself, out of its JSON"


def test_tokens_are_counted_with_thoughts_and_priced():
    with started() as fake:
        llm = gemini(fake.url)
        (answered,) = llm.complete([build_request("one two three")])
    assert answered.text == "three two one", "thoughts are no part of the answer"
    assert (answered.input_tokens, answered.output_tokens) == (3, 6)
    assert answered.cost_usd == pytest.approx((3 * 1.0 + 6 * 4.0) / 1e6)
    assert answered.model == "gemini-test-001"
    usage = llm.usage()
    assert (usage["calls"], usage["input_tokens"], usage["output_tokens"]) == (1, 3, 6)
    assert usage["cost_usd"] == pytest.approx(answered.cost_usd)


def test_the_price_table_knows_googles_models_and_an_unknown_one_has_none():
    known = Gemini("gemini-2.5-flash")
    assert known.cost(1_000_000, 0) > 0
    assert known.cost(0, 1_000_000) > known.cost(1_000_000, 0)
    assert math.isnan(Gemini("gemini-of-tomorrow").cost(1, 1))
    with pytest.raises(ConfigError, match=r"llm\.max_cost_usd: the price of .* is not known"):
        Gemini("gemini-of-tomorrow", max_cost_usd=1).check()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("rate_limited:0.3s", "rate_limited"),
        ("unavailable", "server_error"),
        ("cut", "connection"),
        ("hang", "timeout"),
        ("page", "malformed"),
        ("nothing", "malformed"),
    ],
)
def test_what_passes_is_tried_again(fault: str, kind: str):
    with started(fault) as fake:
        llm = gemini(fake.url, timeout_seconds=1.0)
        (answered,) = llm.complete([build_request("a b", choices=("a", "b"))])
    assert answered.status == "ok", answered.error
    assert llm.usage()["troubles"] == {kind: 1}
    assert llm.usage()["retries"] == 1
    assert len(fake.seen) == 2, "the SDK itself retries nothing"
    if fault == "rate_limited:0.3s":
        assert 0.3 <= fake.times[1] - fake.times[0] < 5, "as long as Google asks for"


def test_reply_cut_within_its_thoughts_says_which_limit_to_raise():
    with started("thinks") as fake:
        (answered,) = gemini(fake.url, timeout_seconds=1.0).complete([build_request("a b", choices=("a", "b"))])
    assert answered.status == "invalid"
    assert answered.error is not None and "llm.thinking_tokens" in answered.error
    assert len(fake.seen) == 1, "the same request would be cut again"


@pytest.mark.parametrize(
    ("fault", "told"),
    [("quota_of_the_day", "refuses with 429: You exceeded your current quota"), ("blocked", "SAFETY")],
)
def test_what_cannot_pass_is_not_tried_again(fault: str, told: str):
    with started("", fault) as fake:
        llm = gemini(fake.url, concurrency=1)
        first, second = llm.complete([build_request("one"), build_request("two")])
    assert first.status == "ok"
    assert second.status == "failed"
    assert told in str(second.error)
    assert len(fake.seen) == 2


def test_a_key_that_is_refused_ends_it_and_is_not_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-wrong")
    with started() as fake, pytest.raises(LLMError) as raised:
        gemini(fake.url, concurrency=1).complete([build_request(str(i)) for i in range(5)])
    assert "API key not valid: …" in str(raised.value)
    assert "AIza-wrong" not in str(raised.value)
    assert len(fake.seen) == 1, "the others are not asked"


def test_without_a_key_nothing_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    with started() as fake, pytest.raises(ConfigError, match="the environment variable GEMINI_API_KEY is not set"):
        gemini(fake.url).complete([build_request()])
    assert fake.seen == []


def test_a_model_that_does_not_exist_ends_it():
    with started() as fake, pytest.raises(LLMError, match="refuses with 404: models/gemini-none is not found"):
        gemini(fake.url, model="gemini-none").complete([build_request()])


def test_an_answer_is_replayed_from_the_cache():
    both = [build_request("a b"), build_request("c d")]
    with started() as fake:
        first = gemini(fake.url).complete(both)
        again = gemini(fake.url).complete(both)
        (other,) = gemini(fake.url, thinking_budget=0).complete(both[:1])
    assert [c.is_cached for c in first] == [False, False] and not other.is_cached
    assert [c.is_cached for c in again] == [False, True], "one is sent again, to see which model answers"
    assert (again[1].text, again[1].cost_usd, again[1].seconds) == (first[1].text, first[1].cost_usd, first[1].seconds)
    assert len(fake.seen) == 4


@pytest.mark.parametrize(("limit", "asked"), [({"max_calls": 3}, 3), ({"max_cost_usd": 0.00003}, 2)])
def test_a_budget_ends_the_asking(limit: dict[str, float], asked: int):
    with started() as fake:
        llm = gemini(fake.url, concurrency=1, **limit)
        answers = llm.complete([build_request(f"word {i}") for i in range(6)])
    assert [answer.status for answer in answers] == ["ok"] * asked + ["not_asked"] * (6 - asked)
    assert len(fake.seen) == asked
    assert llm.usage()["not_asked"] == 6 - asked


def test_what_is_no_extra_is_refused():
    with pytest.raises(ConfigError, match=r'llm\.extra\.top_pp: .* has no "top_pp"\. Did you mean "top_p"\?'):
        Gemini("m", extra={"top_pp": 1}).check()
    with pytest.raises(ConfigError, match=r"llm\.extra\.seed: this is not an extra"):
        Gemini("m", extra={"seed": 1}).check()
    with pytest.raises(ConfigError, match=r"llm\.most_logprobs: it is 0"):
        Gemini("m").complete([build_request(top_logprobs=3)])


def test_a_run_asks_it_about_each_row_and_leaves_no_key_behind(tmp_path: Path):
    rows = [(f"the {'cat' if i % 2 else 'dog'} number {i} sleeps", "cat" if i % 2 else "dog") for i in range(40)]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(tmp_path / "pets.csv", index=False)
    with started() as fake:
        command = [
            str(Path(sys.executable).with_name("bakeoff")), "model=llm", "model.method=generate", "llm=google_genai",
            f"llm.base_url={fake.url}", "llm.model=gemini-test", "llm.price={input: 1, output: 4}",
            "data=csv", "data.path=pets.csv", "data.target=label", "data.text=[text]", "name=pets",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, env=os.environ)
    assert done.returncode == 0, done.stderr + done.stdout
    (file,) = (tmp_path / "outputs" / "pets").glob("*/result.json")
    result = json.loads(file.read_text())
    assert result["metrics"]["requests_usd_per_1k"]["value"] > 0
    assert result["metrics"]["accuracy"]["value"] == 1, "the label stands in each text"
    assert len(fake.seen) >= 8, "one request a test row"
    told = done.stdout.encode() + done.stderr.encode()
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in content for content in [told, *files]), "the key is written nowhere"
