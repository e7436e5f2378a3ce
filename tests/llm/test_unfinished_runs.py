"""Runs that lose rows to something that passes: the same command asks only what is missing, whatever the cache does."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from scripted import Answer, Body, refuses, says, serving

import bakeoff
from bakeoff import record
from bakeoff.errors import ConfigError, VariantsFailed
from bakeoff.llm import failures
from bakeoff.llm.base import Completion
from bakeoff.llm.journal import Journal
from command_line import INSTALLED

ROWS = 24
EMPTY = refuses(402, "Insufficient credits. Add more to continue.")
GONE_WRONG = {
    "account: is empty": refuses(429, "You exceeded your current quota.", "insufficient_quota"),
    "rate_limit: reached": refuses(429, "Try again in 1h.", "rate_limit_exceeded", **{"Retry-After": "3600"}),
    "server: fails": refuses(503, "The server is shutting down."),
}


@pytest.fixture
def here(tmp_path, own_cache, monkeypatch):
    """An empty folder to work in, with a small table whose labels stand in its texts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(failures, "FIRST_WAIT_SECONDS", 0.01)
    words = ["great" if i % 3 else "awful" for i in range(120)]
    frame = pd.DataFrame({"text": [f"Device {i} was {word}." for i, word in enumerate(words)]})
    frame["label"] = ["good" if word == "great" else "bad" for word in words]
    frame.to_csv("rows.csv", index=False)
    return tmp_path


def label(body: Body) -> str:
    return "good" if "great" in body["messages"][-1]["content"] else "bad"


def text(body: Body) -> str:
    """The row that is asked about; without the instructions."""
    return re.search(r"Device \d+", body["messages"][-1]["content"])[0]


def arguments(url: str, *more: str) -> list[str]:
    return [
        "model=llm", "model.method=generate", "data=csv", "data.path=rows.csv", "data.target=label",
        "data.text=[text]", f"test_rows={ROWS}", "llm=openai_compatible", f"llm.base_url={url}", "llm.model=m",
        "llm.constrain=none", "llm.cache=off", "llm.concurrency=2", "llm.retries=2", "llm.price={input: 1, output: 2}",
        "tracker=none", "name=out", "variant=v", "decision.resamples=100", *more,
    ]  # fmt: skip


def run(url: str, *more: str) -> tuple[dict, pd.DataFrame]:
    done = bakeoff.run(*arguments(url, *more))
    return json.loads((done.folder / "result.json").read_text()), pd.read_parquet(done.folder / "predictions.parquet")


@pytest.mark.parametrize("reason", GONE_WRONG)
def test_run_that_loses_rows_goes_on_and_equals_an_undisturbed_one(here, reason):
    with serving(lambda body, n: says(label(body))) as undisturbed:
        whole, whole_rows = run(undisturbed.url, "name=undisturbed")
    is_wrong = True
    with serving(lambda body, n: GONE_WRONG[reason] if is_wrong and n > 10 else says(label(body))) as server:
        with pytest.raises(VariantsFailed, match=reason.replace(":", "")):
            run(server.url)
        left = record.read_run(Path("outputs/out/v"))
        assert left.status == "interrupted" and left.error is not None
        partial = pd.read_parquet("outputs/out/v/predictions.parquet")
        assert (partial.status == "ok").sum() == 10, "what was answered can be looked at"
        sent = len(server.seen)
        is_wrong = False
        result, rows = run(server.url)
    assert [text(body) for body in server.seen[sent:]] and len(server.seen) - sent == ROWS - 10
    answered = Counter(text(body) for body in [*server.seen[:10], *server.seen[sent:]])
    assert set(answered.values()) == {1}, "nothing answered is asked twice"
    assert rows.drop(columns="seconds").equals(whole_rows.drop(columns="seconds"))
    assert {k: v["value"] for k, v in result["metrics"].items() if k in ("f1", "accuracy", "coverage")} == {
        k: v["value"] for k, v in whole["metrics"].items() if k in ("f1", "accuracy", "coverage")
    }
    told = result["details"]["llm"]
    assert told["cost_usd"] == pytest.approx(whole["details"]["llm"]["cost_usd"]) == rows.cost_usd.sum()
    assert (told["taken_over"], told["replayed"], told["calls"]) == (10, 0, len(server.seen))
    assert (rows.seconds > 0).all() and not rows.cached.any()
    assert any("10 replies" in note for note in result["notes"])
    assert not (here / "outputs/out/v" / record.REPLIES).exists()
    throughput = result["metrics"]["throughput_rows_per_s"]["value"]
    assert throughput == pytest.approx(ROWS / rows.seconds.sum())


def test_server_that_is_gone_half_way_leaves_the_rest_to_the_same_command(here):
    with serving(lambda body, n: says(label(body))) as first:
        url, port = first.url, int(first.url.rpartition(":")[2].partition("/")[0])

        def until_ten(body: Body, n: int):
            return says(label(body)) if n <= 10 else (200, b"", {"Content-Length": "9"})

        first.answer = until_ten
        with pytest.raises(VariantsFailed, match="the same command goes on"):
            run(url, "llm.retries=0")
    with serving(lambda body, n: says(label(body)), port) as again:
        _, rows = run(url, "llm.retries=0")
    assert len(again.seen) == ROWS - 10 and (rows.status == "ok").all()


def test_account_that_is_still_empty_keeps_what_was_answered(here):
    with serving(lambda body, n: says(label(body)) if n <= 10 else EMPTY) as server:
        for _ in range(2):
            with pytest.raises(VariantsFailed, match="14 account is empty"):
                run(server.url)
        assert len(server.seen) <= 14
        server.answer = lambda body, n: says(label(body))
        sent = len(server.seen)
        result, _ = run(server.url)
    assert len(server.seen) - sent == ROWS - 10 and result["details"]["llm"]["calls"] == len(server.seen)


def test_resume_false_asks_all_anew(here):
    with serving(lambda body, n: says(label(body)) if n != 11 else EMPTY) as server:
        with pytest.raises(VariantsFailed):
            run(server.url, "llm.concurrency=1")
        sent = len(server.seen)
        run(server.url, "llm.concurrency=1", "resume=false")
    assert len(server.seen) - sent == ROWS


def test_interrupted_command_goes_on(here):
    """Ctrl-C, in a subprocess: replies on their way are kept, too."""

    def slowly(body: Body, n: int):
        time.sleep(0.1)
        return says(label(body))

    with serving(slowly) as server:
        command = [str(INSTALLED), *arguments(server.url)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
        deadline = time.monotonic() + 60
        while len(server.seen) < 8 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) != 0
        sent = len(server.seen)
        assert 8 <= sent < ROWS
        result, rows = run(server.url)
        assert len(server.seen) == ROWS and (rows.status == "ok").all()
    assert result["details"]["llm"]["taken_over"] == sent


@pytest.mark.parametrize("cache", ["on", "refresh"])
def test_replies_of_the_unfinished_part_count_as_paid_whatever_the_cache_does(here, cache):
    with serving(lambda body, n: says(label(body)) if n != 11 else EMPTY) as server:
        with pytest.raises(VariantsFailed):
            run(server.url, f"llm.cache={cache}", "llm.concurrency=1")
        sent = len(server.seen)
        result, rows = run(server.url, f"llm.cache={cache}", "llm.concurrency=1")
    assert len(server.seen) - sent == ROWS - 10
    assert not rows.cached.any() and rows.cost_usd.sum() == pytest.approx(result["details"]["llm"]["cost_usd"])


def test_search_whose_account_runs_empty_goes_on_with_the_same_trial(here):
    space = ["search=random", "search.trials=3", "search.space={model.shots: 'choice(0, 2, 4)'}"]
    with serving(lambda body, n: says(label(body)) if n <= 20 else EMPTY) as server:
        with pytest.raises(VariantsFailed, match="account is empty"):
            run(server.url, *space)
        assert len(server.seen) <= 24, "no other trial asks"
        server.answer = lambda body, n: says(label(body))
        result, _ = run(server.url, *space)
    assert result["status"] == "ok" and result["search"]["complete"] + result["search"]["pruned"] == 3
    assert result["search"]["failed"] == 0, "no setting is blamed for the account"


def test_torn_line_of_a_killed_process_costs_one_reply_alone(tmp_path):
    file = tmp_path / "replies.jsonl"
    journal = Journal(file)
    journal.put("a", Completion("ok", "yes", tries=1), {})
    journal.put("b", Completion("ok", "no", tries=1), {})
    file.write_bytes(file.read_bytes()[:-9])
    journal = Journal(file)
    journal.put("c", Completion("ok", "maybe", tries=1), {"timeout": 1})
    earlier = Journal(file).take(["a", "b", "c"])
    assert {key: e.replies[0].text for key, e in earlier.items()} == {"a": "yes", "c": "maybe"}
    assert earlier["c"].troubles == {"timeout": 1}


def test_reply_is_taken_over_once(tmp_path):
    journal = Journal(tmp_path / "replies.jsonl")
    for word in ("first", "second"):
        journal.put("a", Completion("ok", word, tries=1), {})
    journal = Journal(journal.file)
    assert [journal.take(["a"])["a"].replies[0].text for _ in range(2)] == ["first", "second"]
    assert journal.take(["a"]) == {} and journal.taken_over == 2


def test_run_that_several_models_answered_says_so(here):
    def changing(body: Body, n: int) -> Answer:
        status, reply, headers = says(label(body))
        return status, reply | {"model": f"served-{n % 2}"}, headers

    with serving(changing) as server:
        result, _ = run(server.url)
    assert any(re.search(r"answered as 2 models \(served-\d, served-\d\)", note) for note in result["notes"])


def test_replayed_run_is_called_so_in_table_and_record(here, capsys):
    with serving(lambda body, n: says(label(body))) as server:
        run(server.url, "llm.cache=on")
        result, rows = run(server.url, "llm.cache=on", "variant=again")
        assert len(server.seen) == ROWS + 1, "one request is sent again, to see which model answers"
    assert rows.cached.sum() == ROWS - 1 and result["metrics"]["replayed"]["value"] == (ROWS - 1) / ROWS
    assert any(f"{ROWS - 1} of {ROWS} test rows are replayed" in note for note in result["notes"])
    table = bakeoff.bakeoff(*arguments(server.url, "llm.cache=on", "variant=again")).leaderboard
    assert "replayed" in table.columns


def test_larger_budget_asks_only_the_rest(here):
    with serving(lambda body, n: says(label(body))) as server:
        result, rows = run(server.url, "llm.max_calls=10")
        assert (result["status"], len(rows)) == ("ok", 10)
        result, rows = run(server.url, "llm.max_calls=100")
        assert len(server.seen) == ROWS == len(rows) and result["details"]["llm"]["calls"] == ROWS
        with pytest.raises(ConfigError, match="finished run of another request"):
            run(server.url, "llm.max_calls=10")
    assert not (here / "outputs/out/v" / record.REPLIES).exists()


def test_lookup_that_is_lost_sends_no_request_for_the_answer(here):
    """The reranker's account runs empty: the run goes on with what is missing, and no answer is asked for in vain."""
    documents = [{"id": f"d{i}", "title": f"Town {i}", "text": f"Town {i} has {i} bridges."} for i in range(12)]
    Path("corpus.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
    questions = [
        {
            "id": str(i),
            "question": f"How many bridges has Town {i}?",
            "answers": [str(i)],
            "documents": [f"d{i}"],
            "part": part,
        }
        for i, part in enumerate(["train"] * 4 + ["test"] * 8)
    ]
    Path("questions.jsonl").write_text("".join(json.dumps(question) + "\n" for question in questions))
    is_empty = True

    def answer(body: Body, n: int):
        if is_empty and n > 10:
            return EMPTY
        asked = body["messages"][-1]["content"]
        return says("yes" if "Does the passage" in asked else json.dumps({"answer": "7", "sources": [1]}))

    with serving(answer) as server:
        arguments = [
            "model=rag", "retriever=reranked", "retriever.first._target_=bakeoff.retrieval.retrievers.BM25",
            "retriever.reranker._target_=bakeoff.retrieval.rerank.Pointwise", "retriever.depth=2", "data=qa",
            "data.questions=questions.jsonl", "data.corpus=corpus.jsonl", "data.split.column=part",
            "llm=openai_compatible", f"llm.base_url={server.url}", "llm.model=m", "llm.cache=off", "llm.constrain=none",
            "llm.concurrency=1", "tracker=none", "name=rag", "variant=v", "decision.resamples=100",
        ]  # fmt: skip
        with pytest.raises(VariantsFailed, match="account is empty"):
            bakeoff.run(*arguments)
        assert sum("Does the passage" not in body["messages"][-1]["content"] for body in server.seen) <= 5
        sent, is_empty = len(server.seen), False
        done = bakeoff.run(*arguments)
    rows = pd.read_parquet(done.folder / "predictions.parquet")
    assert not (rows.status == "not_asked").any() and (rows.calls == 3).all()
    details = json.loads((done.folder / "result.json").read_text())["details"]
    assert details["llm"]["calls"] + details["retrieval"]["llm"]["calls"] == len(server.seen)
    assert len(server.seen) - sent == 3 * 8 - 10
