"""Reread: recorded replies are read again without a request, and everything that follows from them is written anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import bakeoff
from bakeoff import record
from bakeoff.cli.reread import reread as reread_verb
from bakeoff.errors import ConfigError, DataError
from bakeoff.execution.reread import reread
from llm.scripted import says, serving
from record.asked_run import CAPITALS, land_in, of_server, write_messages, write_questions

EXACT = {"phrases": False}


def answer(body, number):
    if "JSON" in body["messages"][0]["content"]:  # of model=rag
        lost = land_in(body) == "Chad"
        return says(json.dumps({"answer": "I don't know." if lost else CAPITALS[land_in(body)], "sources": [1]}))
    if "labels" in str(body.get("response_format")) or "spam" in str(body.get("response_format")):
        return says("spam" if "buy" in body["messages"][-1]["content"] else "ham or spam")
    return says({"Chad": "I don't know.", "Peru": "NO_ANSWER"}.get(land_in(body), CAPITALS[land_in(body)]))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bake-offs of a server that is gone: ``qa`` of llm and rag, ``mail`` of generate, logprobs-free, and linear."""
    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch, serving(answer) as server:
        patch.chdir(folder)
        asked, served = write_questions(folder), of_server(server.url)
        bakeoff.run(*asked, *served, "metrics=answers", "model=llm", "prompt=answer", "name=qa", "variant=llm")
        bakeoff.run(*asked, *served, "metrics=answers", "model=rag", "retriever=bm25", "name=qa", "variant=rag")
        mail = write_messages(folder)
        bakeoff.run(*mail, *served, "model=llm", "name=mail", "variant=llm")
        quick = ("tracker=none", "decision.resamples=200", "metrics.latency_rows=2")
        bakeoff.run(*mail[:-1], *quick, "model=linear", "name=mail", "variant=linear")
    return folder


@pytest.fixture
def outputs(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(recorded / "outputs", tmp_path / "outputs")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs"


def predictions(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / record.PREDICTIONS)


@pytest.mark.parametrize("run", ["qa/llm", "qa/rag", "mail/llm"])
def test_reread_with_the_same_reader_changes_nothing(outputs, run):
    before, metrics = predictions(outputs / run), record.read_run(outputs / run).metrics
    result = reread(outputs / run)
    assert (result.changed, result.statuses, result.ungraded) == ([], {}, 0) and result.rows == len(before)
    pd.testing.assert_frame_equal(predictions(outputs / run), before)
    after = record.read_run(outputs / run)
    assert after.metrics == metrics and "0 of" in after.notes[-1]
    record.verify(after)


@pytest.mark.parametrize("run", ["llm", "rag"])
def test_reread_with_another_reader_and_back_gives_the_first_predictions(outputs, run):
    folder = outputs / "qa" / run
    first = predictions(folder)
    result = reread(folder, EXACT)
    assert (result.changed == ["q-Chad"] and result.statuses == {"withheld → ok": 1}) or run == "rag"
    record.verify(record.read_run(folder))
    reread(folder, {"phrases": True})
    pd.testing.assert_frame_equal(predictions(folder), first)


def test_reread_writes_scores_notes_config_and_saved_model(outputs):
    folder = outputs / "qa" / "llm"
    was = record.read_run(folder)
    result = reread(folder, {"abstention": "NO_ANSWER"})
    now, rows = record.read_run(folder), predictions(folder).set_index("id")
    assert result.changed == ["q-Peru"] and rows.loc["q-Peru", "status"] == "withheld"
    assert now.metrics["coverage"].value < was.metrics["coverage"].value
    assert now.metrics["fit_seconds"] == was.metrics["fit_seconds"]
    assert any("2 of 6 test rows are withheld" in note for note in now.notes)
    assert not any("1 of 6 test rows are withheld" in note for note in now.notes)
    assert now.details["rows"]["withheld"] == {"the model said that it has no answer": 2}
    for file in (record.CONFIG, record.FITTED):
        if (folder / file).is_file():
            assert "abstention: NO_ANSWER" in (folder / file).read_text()
    saved = json.loads((folder / record.MODEL / "parameters.json").read_text())
    assert saved["reader"]["abstention"] == "NO_ANSWER"
    assert not list(folder.glob(f".*{record.UNFINISHED}"))


def test_reread_keeps_usage_and_seconds(outputs):
    folder = outputs / "qa" / "llm"
    before = predictions(folder)
    reread(folder, EXACT)
    for column in ("calls", "input_tokens", "cost_usd", "seconds", "id", "target"):
        assert predictions(folder)[column].equals(before[column]), column


def test_reread_refuses_what_it_cannot_read(outputs):
    with pytest.raises(DataError, match=r"no transcripts\.parquet"):
        reread(outputs / "mail" / "linear")
    with pytest.raises(ConfigError, match='Did you mean "phrases"'):
        reread(outputs / "qa" / "llm", {"phrase": False})
    with pytest.raises(ConfigError, match="not allowed"):
        reread(outputs / "qa" / "llm", {"_target_": "os.system"})
    file = outputs / "qa" / "llm" / record.TRANSCRIPTS
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match="transcripts"):
        reread(outputs / "qa" / "llm")


def test_reread_verb_says_what_changed_and_compares_anew(outputs, capsys):
    compared = outputs / "qa" / record.COMPARISON
    before = compared.read_text() if compared.is_file() else ""
    compared.write_text(before or "{}")
    reread_verb(["outputs/qa", "reader=exact"])
    text = capsys.readouterr().out
    assert "llm: 6 replies read again, 1 row changed (ids: q-Chad); 1 withheld → ok." in text
    assert "coverage: 0.833 → 1.00" in text and "Comparing outputs/qa again." in text and "Verdict:" in text
    assert compared.read_text() != before
    with pytest.raises(DataError, match="no finished run"):
        shutil.rmtree(outputs / "mail" / "llm")
        reread_verb(["outputs/mail"])
    with pytest.raises(ConfigError, match="seed cannot be changed"):
        reread_verb(["outputs/qa", "seed=1"])


def test_run_whose_reader_was_changed_is_not_taken_for_the_first_request(outputs, recorded):
    folder = outputs / "qa" / "llm"
    reread(folder, EXACT)
    served = ("llm=openai_compatible", "llm.base_url=http://127.0.0.1:9/v1", "llm.model=fake", "llm.cache=off")
    config = record.read_config(folder)
    url = config["llm"]["base_url"]
    with pytest.raises(ConfigError, match=r"model\.reader\.phrases: False → True"):
        bakeoff.run(
            "data=qa", f"data.questions={recorded}/questions.jsonl", f"data.corpus={recorded}/corpus.jsonl",
            "data.split.column=part", *served[:1], f"llm.base_url={url}", *served[2:], "tracker=none",
            "decision.resamples=200", "llm.price={input: 1, output: 2}", "metrics=answers", "model=llm",
            "prompt=answer", "name=qa", "variant=llm",
        )  # fmt: skip
