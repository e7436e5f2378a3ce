"""A server on a bad day: 30 % of the rows meet a fault, and the verdict is that of an undisturbed run or refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from faults import BadDay
from scripted import says, serving

import bakeoff
from bakeoff.errors import VariantsFailed
from bakeoff.llm import failures

ROWS = 500


def truth(row: int) -> str:
    return "good" if row % 3 else "bad"


def guess(row: int) -> str:
    """A model that is right about nine rows of ten."""
    return truth(row) if row % 10 else "bad"


@pytest.fixture
def here(tmp_path, own_cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(failures, "FIRST_WAIT_SECONDS", 0.01)
    rows = range(ROWS)
    frame = pd.DataFrame({"text": [f"row {i}" for i in rows], "label": [truth(i) for i in rows], "part": "test"})
    learnt = pd.DataFrame({"text": ["old one", "old two"] * 5, "label": ["good", "bad"] * 5, "part": "train"})
    pd.concat([frame, learnt]).to_csv("rows.csv", index=False)
    return tmp_path


def run(url: str, name: str, *more: str) -> dict:
    """The comparison of the model with a constant."""
    common = [
        "data=csv", "data.path=rows.csv", "data.target=label", "data.text=[text]", "data.split.column=part",
        "tracker=none", f"name={name}", "decision.resamples=200", "decision.metric=accuracy",
    ]  # fmt: skip
    bakeoff.run(*common, "model=constant")
    bakeoff.run(
        *common, "model=llm", "model.method=generate", "llm=openai_compatible", f"llm.base_url={url}", "llm.model=m",
        "llm.constrain=none", "llm.cache=off", "llm.concurrency=16", "llm.retries=3", "llm.price={input: 1, output: 2}",
        "llm.timeout_seconds=3", "incumbent=constant", "variant=llm", *more,
    )  # fmt: skip
    return json.loads(Path(f"outputs/{name}/comparison.json").read_text())


def result_of(here, name: str):
    folder = here / "outputs" / name / "llm"
    return json.loads((folder / "result.json").read_text()), pd.read_parquet(folder / "predictions.parquet")


def check_rows(rows: pd.DataFrame, day: BadDay) -> None:
    """Each row has the status and the answer that it should have."""
    assert len(rows) == ROWS
    numbers = (int(identity) for identity in rows.id)
    for row, status, reason, output in zip(numbers, rows.status, rows.reason, rows.output, strict=True):
        lost = day.lost.get(row)
        assert (status, reason.partition(":")[0]) == (("no_answer", lost) if lost else ("ok", "")), (row, day.fault)
        assert lost or output == guess(row), row


def test_bad_day_loses_only_rows_that_cannot_be_had_and_keeps_the_verdict(here):
    with serving(lambda body, n: says(guess(int(body["messages"][-1]["content"].split("row ")[1].split()[0])))) as calm:
        undisturbed = run(calm.url, "calm")
    day = BadDay(guess, ROWS, hang_seconds=4)
    with serving(day) as server:
        disturbed = run(server.url, "bad")
    result, rows = result_of(here, "bad")
    check_rows(rows, day)
    assert set(day.answered.values()) == {1}, "nothing answered is asked twice"
    assert (disturbed["verdict"], disturbed["winner"]) == (undisturbed["verdict"], undisturbed["winner"])
    assert (undisturbed["verdict"], undisturbed["winner"]) == ("ship", "llm")
    told = result["details"]["llm"]
    assert told["calls"] == len(server.seen) and told["cost_usd"] is None, "some replies told no usage"
    assert result["details"]["rows"]["answered"] == ROWS - len(day.lost)
    kinds = set(told["troubles"])
    assert kinds == {"server_error", "rate_limited", "connection", "malformed", "invalid_answer", "refused", "timeout"}


def test_account_that_ends_on_a_bad_day_is_gone_on_with_and_asks_only_what_is_missing(here):
    day = BadDay(guess, ROWS, empty_after=200)
    with serving(day) as server:
        with pytest.raises(VariantsFailed):
            run(server.url, "bad")
        result, rows = result_of(here, "bad")
        assert result["status"] == "interrupted" and (rows.status == "ok").sum() == 200
        answered, tries = set(day.answered), Counter(day.tries)
        final = {int(i) for i, status in zip(rows.id, rows.status, strict=True) if status == "no_answer"}
        day.empty_after = None
        compared = run(server.url, "bad")
    assert not any(day.tries[row] > tries[row] for row in answered), "what was answered is not asked again"
    replied = {row for row in final if day.lost[row] != "error"}
    assert replied and not any(day.tries[row] > tries[row] for row in replied), "nor what was lost with a reply"
    result, rows = result_of(here, "bad")
    check_rows(rows, day)
    assert set(day.answered.values()) == {1}
    assert (compared["verdict"], compared["winner"]) == ("ship", "llm")
    assert result["details"]["llm"]["calls"] == len(server.seen)


def test_too_many_lost_rows_refuse_the_verdict(here):
    day = BadDay(guess, ROWS, lasting=60)
    with serving(day) as server:
        compared = run(server.url, "bad", "llm.retries=1")
    _, rows = result_of(here, "bad")
    check_rows(rows, day)
    assert compared["verdict"] == "inconclusive" and "60 of 500 test rows have no answer" in compared["reason"]
