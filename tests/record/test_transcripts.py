"""Transcripts: one row a request, as it was sent and as the reply came, whatever became of the row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

import bakeoff
from bakeoff import record
from bakeoff.errors import DataError, VariantsFailed
from bakeoff.llm.base import Completion, LLMRequest, Message
from bakeoff.llm.client import OpenAICompatible
from bakeoff.llm.transcript import ShownPassage, Transcript, from_requests
from bakeoff.llm.usage import metered
from bakeoff.predictions import Predictions, Stage, concatenated, merged
from llm.scripted import refuses, says, serving
from record.asked_run import CAPITALS, land_in, of_server, write_messages, write_questions

RAG = ("model=rag", "retriever=bm25", "prompt=answer_from_passages", "metrics=default")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def transcripts_of(run) -> pd.DataFrame:
    return pd.read_parquet(run.folder / record.TRANSCRIPTS)


def test_transcripts_of_rag_hold_prompt_passages_and_raw_reply(tmp_path):
    def answer(body, number):
        land = land_in(body)
        if land == "Chad":
            return says("I would rather not say")  # no JSON, twice
        return says(f'<think>hm</think>{{"answer": "{CAPITALS[land]}", "sources": [1]}}')

    with serving(answer) as server:
        run = bakeoff.run(*write_questions(tmp_path), *of_server(server.url), *RAG)
        sent = {land_in(body): body for body in server.seen}
    rows = transcripts_of(run).set_index("id")
    assert set(rows.index) == {f"q-{land}" for land in CAPITALS} and len(rows) == len(CAPITALS)
    first = rows.loc["q-France"]
    assert [dict(m) for m in first["messages"]] == sent["France"]["messages"]
    assert first["reply"] == '<think>hm</think>{"answer": "Paris", "sources": [1]}'
    assert first["read"] == '{"answer": "Paris", "sources": [1]}'
    assert (first["stage"], first["status"], first["tries"], first["finish"]) == ("answer", "ok", 1, "stop")
    assert (first["input_tokens"], first["output_tokens"]) == (50, 5)
    assert first["cost_usd"] == pytest.approx((50 + 10) / 1e6) and first["seconds"] > 0 and not first["cached"]
    assert first["passages"][0]["document"] == "doc-France" and "Paris" in first["passages"][0]["text"]
    lost = rows.loc["q-Chad"]
    assert lost["status"] == "invalid" and pd.isna(lost["read"]) and lost["reason"].startswith("unreadable")
    assert list(lost["unusable"]) == ["I would rather not say"] and lost["tries"] == 2
    total = run.predictions.set_index("id")
    assert total["cost_usd"].to_dict() == pytest.approx(rows["cost_usd"].to_dict())


def test_transcripts_record_the_words_that_were_added_to_a_prompt(tmp_path):
    with serving(lambda body, number: says("spam")) as server:
        run = bakeoff.run(*write_messages(tmp_path), *of_server(server.url), "model=llm", "llm.constrain=none")
        last = server.seen[-1]["messages"]
    assert last[-1]["content"].endswith("Answer with exactly one of these, and nothing else: ham, spam.")
    rows = transcripts_of(run)
    assert last in [[dict(m) for m in messages] for messages in rows["messages"]]
    assert list(rows["choices"][0]) == ["ham", "spam"]


@pytest.mark.parametrize("private", ["record_transcripts=false", "record_inputs=false"])
def test_private_texts_are_not_recorded(tmp_path, private):
    with serving(lambda body, number: says("spam")) as server:
        run = bakeoff.run(*write_messages(tmp_path), *of_server(server.url), "model=llm", private)
    assert not record.has_transcripts(run.folder)
    for file in run.folder.rglob("*"):
        if file.is_file():
            assert b"Text: buy now" not in file.read_bytes(), file


def test_keys_and_header_values_are_in_no_file_even_if_the_server_repeats_them(tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", "sk-0123456789abcdef")
    monkeypatch.setenv("FAKE_TEAM", "team-0123456789")

    def answer(body, number):
        if number % 3 == 0:
            return refuses(400, "no: sk-0123456789abcdef of team-0123456789")
        return says("spam, as sk-0123456789abcdef of team-0123456789", refusal=None)

    secret = ("llm.key_env=FAKE_KEY", "+llm.headers.X-Team=FAKE_TEAM")
    with serving(answer) as server:
        run = bakeoff.run(*write_messages(tmp_path), *of_server(server.url), "model=llm", *secret)
        assert "team-0123456789" in server.headers[0].values()
    assert "spam, as … of …" in set(transcripts_of(run)["reply"])
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes() if file.suffix != ".parquet" else str(pd.read_parquet(file).to_dict()).encode()
            assert b"0123456789" not in content, file


def test_transcripts_of_a_run_without_any_usable_answer_are_recorded(tmp_path):
    with serving(lambda body, number: says("perhaps")) as server, pytest.raises(VariantsFailed):
        bakeoff.run(*write_messages(tmp_path), *of_server(server.url), "model=llm", "name=lost")
    (run,) = record.read_runs(tmp_path / "outputs" / "lost")
    assert run.status == "failed"
    assert {t.completion.raw for _, t in record.read_transcripts(run.folder)} == {"perhaps"}


def test_judge_is_transcribed_beside_the_answer_it_grades(tmp_path):
    def answer(body, number):
        if "You grade" in body["messages"][0]["content"]:
            return says('{"reason": "so it is", "correct": true}')
        return says("unknown" if land_in(body) == "Italy" else CAPITALS[land_in(body)])

    with serving(answer) as server:
        judge = "metrics.graders.judge.llm"
        run = bakeoff.run(
            *write_questions(tmp_path), *of_server(server.url), "model=llm", "prompt=answer",
            "metrics=judged", f"llm@{judge}=openai_compatible", f"{judge}.base_url={server.url}", f"{judge}.model=j",
            f"{judge}.cache=off",
        )  # fmt: skip
    rows = transcripts_of(run)
    judged = rows[rows["stage"] == "judge"].set_index("id")
    assert set(judged.index) == {f"q-{land}" for land in CAPITALS if land != "Italy"}
    for name, row in judged.iterrows():
        assert CAPITALS[name.removeprefix("q-")] in row["messages"][-1]["content"]
    assert rows["id"].is_monotonic_increasing or list(rows["id"]) == sorted(rows["id"], key=list(rows["id"]).index)


def test_classical_model_has_no_transcripts(tmp_path):
    run = bakeoff.run(*write_messages(tmp_path)[:-1], "model=linear", "tracker=none", "decision.resamples=200")
    assert not record.has_transcripts(run.folder)
    with pytest.raises(DataError, match=r"transcripts\.parquet"):
        next(record.read_transcripts(run.folder))


def test_requests_of_a_model_that_keeps_no_transcripts_are_recorded_without_a_row(tmp_path):
    with serving(lambda body, number: says("yes")) as server, metered() as meter:
        llm = OpenAICompatible("m", server.url, cache="off")
        known = from_requests(
            [LLMRequest((Message("user", "a"),))], llm.complete([LLMRequest((Message("user", "a"),))])
        )
        llm.complete([LLMRequest((Message("user", "b"),))])
    rows = [(t.row, t.request.messages[0].content) for t in meter.all_transcripts(known)]
    assert rows == [(0, "a"), (None, "b")]


def transcript(row: int | None, text: str = "ham", **more) -> Transcript:
    request = LLMRequest((Message("system", "Say."), Message("user", text)), choices=("ham", "spam"))
    return Transcript(row, request, Completion("ok", text="ham", raw=text, **more), (ShownPassage("d", "t", text),))


def test_transcripts_are_written_in_row_groups_and_read_back_by_id(tmp_path):
    ids = [f"row {i}" for i in range(700)]
    written = [transcript(i, f"message {i}", unusable=("a", "b")) for i in reversed(range(700))]
    record.write_transcripts(tmp_path, ids, [transcript(None, "of no row"), *written])
    assert parquet.ParquetFile(tmp_path / record.TRANSCRIPTS).num_row_groups == 3
    read = list(record.read_transcripts(tmp_path))
    assert [name for name, _ in read] == [*ids, None]
    ((name, one),) = record.read_transcripts(tmp_path, {"row 600"})
    assert (name, one.completion.raw, one.completion.unusable) == ("row 600", "message 600", ("a", "b"))
    assert one.request == transcript(0, "message 600").request and one.passages == (
        ShownPassage("d", "t", "message 600"),
    )
    assert not list(tmp_path.glob(".*"))


def test_transcripts_of_another_version_are_refused(tmp_path):
    record.write_transcripts(tmp_path, ["a"], [transcript(0)])
    file = tmp_path / record.TRANSCRIPTS
    table = parquet.read_table(file)
    parquet.write_table(table.replace_schema_metadata({b"bakeoff.transcripts": b"9"}), file)
    with pytest.raises(DataError, match='version is "9"'):
        list(record.read_transcripts(tmp_path))


def test_images_are_recorded_by_hash_and_half_surrogates_replaced(tmp_path):
    record.write_transcripts(tmp_path, ["a"], [transcript(0, "see data:image/png;base64,iVBORw0KGgo= and \ud83d!")])
    ((_, one),) = record.read_transcripts(tmp_path)
    content = one.request.messages[-1].content
    assert "iVBOR" not in content and "[image sha256:" in content and content.endswith("\ufffd!")


def test_transcripts_keep_their_rows_in_concatenated_and_merged_predictions():
    def predictions(*rows):
        return Predictions(np.array(["x"] * 2, dtype=object), transcripts=tuple(transcript(row) for row in rows))

    whole = concatenated([predictions(0, 1), predictions(1, None)])
    assert [t.row for t in whole.transcripts] == [0, 1, 3, None]
    stages = [
        Stage("first", np.array([0, 1]), predictions(0, 1), np.array([True, False])),
        Stage("second", np.array([1, 2]), predictions(1), np.array([True, True])),
    ]
    both = merged(3, stages).transcripts
    assert [(t.row, t.request.stage) for t in both] == [(0, "first/answer"), (1, "first/answer"), (2, "second/answer")]
    assert whole.take(np.array([0])).transcripts == ()
