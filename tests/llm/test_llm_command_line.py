"""The command line against servers on a bad day: every row is answered, and result.json counts what happened."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from proxy import started
from scripted import says, serving

ROWS = 8


@pytest.fixture
def run(bakeoff, own_cache, tmp_path):
    """Run the ``llm`` model on a few messages; give back the process, its result.json and its predictions."""

    def run(proxy, *more, **env):
        done = bakeoff(
            "model=llm", "llm=openai_compatible", "llm.model=smollm2", f"llm.base_url={proxy.url}", "llm.concurrency=2",
            "data=sms_spam", f"test_rows={ROWS}", "variant=it", "name=it", "decision.resamples=100", *more, **env,
        )  # fmt: skip
        folder = tmp_path / "outputs" / "it" / "it"
        result = folder / "result.json"
        rows = folder / "predictions.parquet"
        return (
            done,
            json.loads(result.read_text()) if result.exists() else None,
            pd.read_parquet(rows) if rows.exists() else None,
        )

    return run


def test_nothing_is_lost_and_all_is_counted(run):
    # Not one after the other: each retry of the same row waits twice as long as the one before.
    faults = ("rate_limited:0.2", "server_error", "cut", "malformed", "hang", 'says:{"answer": "eggs"}')
    with serving(lambda body, number: says('{"answer": "ham"}')) as script, started(script.url) as proxy:
        proxy.then(*(then for fault in faults for then in (fault, None)))
        done, result, rows = run(proxy, "model.method=generate", "llm.constrain=schema", "llm.timeout_seconds=4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(rows) == ROWS and set(rows.output) <= {"ham", "spam"}
    assert (rows["calls"] == 1).all() and not rows.cached.any() and (rows.seconds > 0).all()
    told = result["details"]["llm"]
    assert told["troubles"] == {
        "rate_limited": 1, "server_error": 1, "connection": 1, "malformed": 1, "timeout": 1, "invalid_answer": 1,
    }  # fmt: skip
    assert (told["calls"], told["retries"]) == (ROWS + 6, 6)
    assert told["without_answer"] == {} and told["not_asked"] == 0 and told["replayed"] == 0
    assert told["input_tokens"] >= rows.input_tokens.sum() > 0
    assert told["cost_usd"] is None and rows.cost_usd.isna().all(), "nobody knows the price: it is not zero"


def test_a_second_run_replays_the_first_and_a_budget_that_ends_is_said(run, proxy):
    """One after the other: three runs of the command take as long as they take."""
    price = "llm.price={input: 1.0, output: 2.0}"
    done, result, rows = run(proxy, "llm.max_calls=6", price)
    assert done.returncode == 0, done.stdout + done.stderr
    # Two of the six calls measure what the prompt leans to, or none where there is nothing to calibrate.
    told = result["details"]["llm"]
    assert told["calls"] == 6 and told["budget_ended"] == "llm.max_calls=6 was reached"
    assert 0 < len(rows) < ROWS
    assert f"{len(rows)} of {ROWS}" in done.stdout
    sent = len(proxy.seen)

    done, result, again = run(proxy, price, "resume=false")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(again) == ROWS and again.cached.sum() == len(rows)
    was, now = rows.set_index("id"), again[again.cached].set_index("id")
    for column in ("output", "seconds", "input_tokens", "output_tokens", "cost_usd"):
        assert now[column].equals(was.loc[now.index, column]), column
    asked = len(proxy.seen) - sent
    assert result["details"]["llm"]["calls"] == asked

    proxy.then(*["server_error"] * 100)
    done, result, third = run(proxy, price, "resume=false")
    assert done.returncode == 0, "nothing had to be asked"
    assert third.cached.all() and result["details"]["llm"]["calls"] == 0
