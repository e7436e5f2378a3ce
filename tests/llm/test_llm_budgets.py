"""A budget that ends stops the asking, keeps what there is, and says so; prices come from somewhere or are unknown."""

from __future__ import annotations

import math

import pytest
from asking import build_request
from hypothesis import given
from hypothesis import strategies as st
from scripted import says, serving

import bakeoff
from bakeoff.errors import ConfigError
from bakeoff.llm import prices
from bakeoff.llm.client import OpenAICompatible
from bakeoff.llm.local import LlamaCpp
from bakeoff.llm.usage import Budget, one_budget

DEAR = {"input": 1000.0, "output": 1000.0}


def statuses(completions):
    return [c.status for c in completions]


def test_after_the_last_call_nothing_is_asked_and_it_is_said(client, proxy, requests):
    llm = client(max_calls=4, concurrency=3)
    found = llm.complete(requests)
    assert sorted(statuses(found)) == ["not_asked"] * 2 + ["ok"] * 4
    assert len(proxy.seen) == 4
    assert "llm.max_calls=4" in next(c.error for c in found if c.status == "not_asked")
    told = llm.usage()
    assert (told["calls"], told["not_asked"], told["budget_ended"]) == (4, 2, "llm.max_calls=4 was reached")
    # What was answered is answered again, for nothing; what was not, still is not.
    assert sorted(statuses(llm.complete(requests))) == sorted(statuses(found))
    assert len(proxy.seen) == 4


def test_retries_count(client, proxy, requests):
    proxy.then("server_error", "server_error")
    found = client(max_calls=4, concurrency=1).complete(requests)
    assert statuses(found) == ["ok"] * 2 + ["not_asked"] * 4


def test_a_budget_in_dollars_ends_after_what_is_in_flight(client, proxy, requests):
    llm = client(price=DEAR, concurrency=2)
    one = llm.complete(requests[:1])[0].cost_usd
    llm = client(price=DEAR, concurrency=2, max_cost_usd=one * 2.5, cache="off")
    found = llm.complete(requests)
    answered = statuses(found).count("ok")
    assert 3 <= answered <= 4, "two and a half, and at most one more in flight"
    assert llm.usage()["cost_usd"] == pytest.approx(sum(c.cost_usd for c in found))
    assert "llm.max_cost_usd" in llm.usage()["budget_ended"]


def test_budget_in_dollars_holds_where_the_server_counts_no_tokens(client):
    """A reply without token counts has an unknown price: it counts as the most that it can have cost."""
    requests = [build_request(f"Say {i}.") for i in range(20)]
    with serving(lambda body, number: says("Yes.", usage=None)) as server:
        llm = client(base_url=server.url, price=DEAR, concurrency=1, max_cost_usd=0.05, cache="off")
        found = llm.complete(requests)
        assert 0 < len(server.seen) < 20
    assert statuses(found).count("ok") == len(server.seen)
    assert "by the length of texts: the server counts no tokens" in llm.usage()["budget_ended"]
    assert llm.usage()["cost_usd"] is None, "what was paid stays unknown"


def test_a_search_spends_one_budget_however_many_trials_make_a_model(client, proxy, requests):
    settings = {"max_calls": 3, "cache": "off"}
    with one_budget():
        trials = [client(**settings).complete(requests[:2]) for _ in range(3)]
    assert [statuses(found).count("ok") for found in trials] == [2, 1, 0]
    assert statuses(client(**settings).complete(requests[:2])) == ["ok", "ok"], "the next variant has its own"


def test_models_with_other_budgets_do_not_share(client, requests):
    with one_budget():
        client(max_calls=1).complete(requests[:1])
        assert statuses(client(model="judge", max_calls=1).complete(requests[:1])) == ["ok"]


def test_a_price_that_is_not_known_is_unknown_and_said(client, caplog):
    llm = client()
    assert math.isnan(llm.cost(1000, 10))
    assert math.isnan(llm.complete([build_request()])[0].cost_usd)
    assert llm.usage()["cost_usd"] is None
    assert 'the price of "smollm2"' in caplog.text and "llm.price=" in caplog.text


def test_a_budget_in_dollars_needs_a_price(client):
    with pytest.raises(ConfigError, match=r'llm\.max_cost_usd: the price of "smollm2" is not known.*llm\.price='):
        client(max_cost_usd=1.0).check()
    client(max_cost_usd=1.0, price=DEAR).check()


def test_a_price_in_another_form_is_refused(client):
    with pytest.raises(ConfigError, match=r"llm\.price.*input.*output"):
        client(price={"in": 1.0}).check()


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_price_of_the_config_is_dollars_per_million(read, written):
    llm = OpenAICompatible("m", "http://127.0.0.1/v1", price={"input": 2.0, "output": 8.0})
    assert llm.cost(read, written) == pytest.approx(read * 2e-6 + written * 8e-6)


def test_prices_of_known_providers_are_in_the_table():
    """The models of conf/llm; the table is part of a package, nothing is fetched."""
    for model, url in [
        ("gpt-6-luna", "https://api.openai.com/v1"),
        ("claude-haiku-4-5", "https://api.anthropic.com/v1/"),
        ("gemini-3.5-flash-lite", "https://generativelanguage.googleapis.com/v1beta/openai/"),
    ]:
        assert 0 < prices.price_tokens(None, model, url, 1000, 1000) < 0.1


def test_a_model_that_runs_here_costs_no_dollars():
    assert LlamaCpp().cost(10**6, 10**6) == 0


def test_a_tuned_run_spends_one_budget_on_trials_and_predictions(own_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [
        f"message number {i} about {'prizes' if i % 2 else 'lunch'},{'spam' if i % 2 else 'ham'}" for i in range(40)
    ]
    (tmp_path / "mails.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    with (
        serving(lambda body, number: says("spam")) as script,
        pytest.raises(bakeoff.VariantsFailed, match="max_calls=10 was reached"),
    ):
        bakeoff.run(
            "model=llm", "llm=vllm", f"llm.base_url={script.url}", "llm.model=smollm2", "llm.cache=off",
            "llm.max_calls=10",
            "model.method=generate", "data=csv", "data.path=mails.csv", "data.target=label", "search=random",
            "search.trials=3", "search/pruner=none", "search.space={model.shots: 'choice(0, 1)'}",
            "decision.resamples=200", "tracker=none",
        )  # fmt: skip
    assert len(script.seen) == 10


@pytest.mark.parametrize(("most_usd", "is_estimated"), [(math.nan, False), (0.01, True)])
def test_budget_is_estimated_only_where_an_amount_was(most_usd: float, is_estimated: bool) -> None:
    budget = Budget(max_cost_usd=1.0)
    budget.paid(math.nan, most_usd)
    assert budget.is_estimated is is_estimated
