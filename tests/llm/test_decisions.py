"""Decision models: probabilities of choices and no text, against a fake server on loopback."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from asking import build_request
from scripted import Body, refuses, serving

import bakeoff
from bakeoff.errors import ConfigError, LLMError, VariantsFailed
from bakeoff.llm import prices
from bakeoff.llm.decisions import Decisions

LABELS = ("ham", "spam")


def decides(probabilities: dict[str, float], usage: object = ...):
    best = max(probabilities, key=lambda label: probabilities[label])
    answer = {
        "type": "choice", "name": "choice", "choice": best, "confidence": probabilities[best],
        "probabilities": [{"value": label, "probability": p} for label, p in probabilities.items()],
    }  # fmt: skip
    details = {"input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}}
    counted = {"input_tokens": 40, "output_tokens": 1, "total_tokens": 41, **details} if usage is ... else usage
    return 200, {"answers": [answer], "model": "decider-2026", "usage": counted}, {}


def declines(body: Body, n: int):
    return 200, {"answers": [{"type": "refusal", "name": "choice"}], "model": "decider-2026"}, {}


@pytest.fixture
def server(own_cache):
    with serving(lambda body, n: decides({"ham": 0.2, "spam": 0.8})) as script:
        yield script


def llm(server, **settings) -> Decisions:
    return Decisions(**{"model": "decider", "base_url": server.url, "key_env": None, "retries": 1, **settings})


def requests(n: int = 3):
    return [build_request(f"row {i}", choices=LABELS) for i in range(n)]


def test_completion_holds_every_choice_with_its_probability(server):
    client = llm(server, price={"input": 1.0, "output": 0.0})
    found = client.complete(requests())
    assert {c.text for c in found} == {"spam"}
    assert {k: math.exp(v) for k, v in found[0].logprobs} == pytest.approx({"ham": 0.2, "spam": 0.8})
    assert (found[0].input_tokens, found[0].cost_usd, found[0].model) == (40, 40e-6, "decider-2026")
    body = server.seen[0]
    assert body["model"] == "decider" and body["input"] == [{"role": "user", "content": "row 0"}]
    (question,) = body["questions"]
    assert question["type"] == "choice" and [c["value"] for c in question["choices"]] == list(LABELS)
    again = llm(server).complete(requests())
    assert [c.is_cached for c in again].count(True) == 2 and len(server.seen) == 4


def test_request_without_choices_is_refused_before_it_is_sent(server):
    with pytest.raises(ConfigError, match="decides among choices, and writes no text"):
        llm(server).complete([build_request("row")])
    with pytest.raises(ConfigError, match="2 to 255 choices; there are 1"):
        llm(server).complete([build_request("row", choices=("ham",))])
    assert server.seen == []


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (declines, "invalid", "refused: by the model"),
        (lambda body, n: decides({"ham": 0.5, "eggs": 0.5}), "failed", "error: (no decision that can be read)"),
        (lambda body, n: decides({"ham": 1.5, "spam": 0.5}), "failed", "error: (no decision that can be read)"),
        (lambda body, n: (200, {"answers": []}, {}), "failed", "error: (no decision that can be read)"),
        (lambda body, n: refuses(500, "out of luck"), "failed", "error: HTTP 500"),
    ],
)
def test_request_without_a_decision_says_why(server, answer, status, reason):
    (found,) = llm(server).complete(requests(1))
    assert found.status == "ok"
    server.answer = answer
    client = llm(server, cache="off")
    client.complete(requests(0))
    (found,) = client.complete(requests(1))
    assert (found.status, found.reason) == (status, reason)


def test_server_without_the_endpoint_ends_the_asking(server):
    server.answer = lambda body, n: refuses(404, "Not found")
    with pytest.raises(LLMError, match=r"404.*whether the server has /decisions"):
        llm(server).complete(requests(20))
    assert len(server.seen) == 1


def test_usage_that_is_not_told_stays_unknown(server):
    server.answer = lambda body, n: decides({"ham": 0.9, "spam": 0.1}, usage=None)
    (found,) = llm(server, price={"input": 1.0, "output": 0.0}).complete(requests(1))
    assert found.status == "ok" and math.isnan(found.input_tokens) and math.isnan(found.cost_usd)


def test_price_is_that_of_decisions_not_of_chats():
    client = Decisions("gpt-6-luna")
    assert client.cost(1_000_000, 0) > 0
    assert client.cost(0, 1_000_000) == 0, "output is free"
    assert prices.price_tokens(None, "gpt-6-luna", "https://api.openai.com/v1", 0, 1_000_000) > 0


def test_bake_off_of_a_decision_model_has_its_probabilities(tmp_path, own_cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = range(120)
    frame = pd.DataFrame({"text": [f"message {i}" for i in rows], "label": ["spam" if i % 3 else "ham" for i in rows]})
    frame.to_csv("rows.csv", index=False)

    def answer(body: Body, n: int):
        number = int(re.search(r"message (\d+)", body["input"][-1]["content"])[1])
        if number % 40 == 7:
            return declines(body, n)
        p = 0.9 if number % 3 else 0.15
        return decides({"ham": 1 - p, "spam": p})

    arguments = [
        "data=csv", "data.path=rows.csv", "data.target=label", "data.text=[text]", "model=decision",
        "llm.model=decider", "llm.key_env=null", "llm.price={input: 1, output: 0}",
        "tracker=none", "name=out", "decision.resamples=100", "variant=v",
    ]  # fmt: skip
    with serving(answer) as server:
        done = bakeoff.run(*arguments, f"llm.base_url={server.url}", "decision.max_unanswered=0.2")
        assert len(server.seen) == len(pd.read_parquet(done.folder / "predictions.parquet"))
    found = pd.read_parquet(done.folder / "predictions.parquet")
    numbers = found.id.astype(int)
    lost = numbers % 40 == 7
    assert lost.any() and (found.status == np.where(lost, "no_answer", "ok")).all()
    assert found["proba:spam"][~lost].to_numpy() == pytest.approx(np.where(numbers[~lost] % 3, 0.9, 0.15))
    result = json.loads((done.folder / "result.json").read_text())
    assert result["family"] == "decision" and result["metrics"]["accuracy"]["value"] == 1
    assert result["metrics"]["requests_usd_per_1k"]["value"] == pytest.approx(0.04)
    with pytest.raises(ConfigError, match="needs a decision model"):
        bakeoff.run(*arguments[:5], "llm=smollm2", "tracker=none", "name=other")
    with pytest.raises((ConfigError, VariantsFailed), match="model=decision"):
        bakeoff.run(
            *arguments[:4], "model=llm", "llm=decisions", "llm.key_env=null",
            f"llm.base_url={server.url}", "tracker=none", "name=third",
        )  # fmt: skip
