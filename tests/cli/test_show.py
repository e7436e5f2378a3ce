"""``bakeoff show``: what is printed about single rows, for every family of models."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

import bakeoff
from bakeoff import record
from bakeoff.cli.show import show
from bakeoff.errors import ConfigError, DataError
from llm.scripted import says, serving
from record.asked_run import CAPITALS, land_in, of_server, write_messages, write_questions

OLD_RUNS = Path(__file__).parents[1] / "fixtures" / "runs_0_1"
OLD = sorted(path.parent.relative_to(OLD_RUNS) for path in OLD_RUNS.glob("*/*/result.json"))


def answer(body, number):
    land = land_in(body)
    if land == "Chad":
        return says("I would rather not say \x1b]0;own\x07\u202e")
    if land == "Peru":
        return says('{"answer": "unknown", "sources": []}')
    if land == "Italy":
        return says('{"answer": "Turin by the water", "sources": [1]}')
    reply = f'<think>hm</think>{{"answer": "{CAPITALS[land]}", "sources": [1]}}'
    return says(reply, reasoning_content="It is\nknown.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bake-offs: ``qa`` of rag and extractive, ``mail`` of a linear model, ``size`` of a constant number."""
    folder = tmp_path_factory.mktemp("shown")
    with contextlib.chdir(folder):
        asked, quick = write_questions(folder), ("tracker=none", "decision.resamples=200", "metrics.latency_rows=2")
        with serving(answer) as server:
            model = ("model=rag", "retriever=bm25", "metrics=default", "name=qa", "variant=rag")
            bakeoff.run(*asked, *of_server(server.url), *model)
        bakeoff.run(
            *asked, *quick, "model=extractive", "retriever=bm25", "metrics=default", "name=qa", "variant=extractive"
        )
        bakeoff.run(*write_messages(folder)[:-1], *quick, "model=linear", "name=mail", "variant=linear")
        rows = "".join(f"{i},{i % 7},{i * 1.5}\n" for i in range(60))
        (folder / "sizes.csv").write_text("number,shape,size\n" + rows)
        sizes = (
            "data=csv",
            f"data.path={folder}/sizes.csv",
            "data.target=size",
            "data.id=number",
            "data.kind=regression",
        )
        bakeoff.run(*sizes, *quick, "model=constant", "name=size", "variant=constant")
    return folder


@pytest.fixture
def shown(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def run(*arguments: str) -> str:
        monkeypatch.chdir(folder)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            show(list(arguments))
        return out.getvalue()

    return run


def test_show_row_of_rag_prints_question_passages_prompt_reply_reading_gold_scores_and_usage(shown):
    text = shown("outputs/qa/rag", "--row", "q-France")
    for part in (
        "Row q-France", "question: What is the capital of France?", "passages: [1] doc-France, [2]", "prompt, system:",
        "The capital of France is Paris. It lies by the water.", "reasoning:\n    It is\n    known.",
        'reply (ended: stop): <think>hm</think>{"answer": "Paris", "sources": [1]}',
        'read from it: {"answer": "Paris", "sources": [1]}', "status: ok", "output: Paris",
        "truth: Paris; relevant: doc-France", "scores: exact match 1, token overlap 1", "cited: doc-France",
        "usage: 1 request, 50 + 5 tokens, <$0.0001", "Request 1 of 1: answer (served, 1 try, 50 + 5 tokens, <$0.0001",
    ):  # fmt: skip
        assert part in text, part
    assert "q-Italy" not in text


def test_show_failed_prints_why_nothing_was_read(shown):
    text = shown("outputs/qa", "--variant", "rag", "--failed")
    assert "Shown: 1 of 1 rows without an answer." in text and "Row q-Chad" in text
    assert "earlier reply, unreadable: I would rather not say" in text and "2 tries" in text
    assert "read from it: nothing: unreadable: as the JSON that was asked for" in text
    assert "status: no_answer (unreadable: as the JSON that was asked for)" in text


def test_show_replaces_control_and_bidirectional_characters_of_replies(shown):
    text = shown("outputs/qa/rag", "--row", "q-Chad")
    assert "say \\u001b]0;own\\u0007\\u202e" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_show_abstained_and_wrong_select_rows(shown):
    assert "Row q-Peru" in shown("outputs/qa/rag", "--abstained")
    wrong = shown("outputs/qa/rag", "--wrong")
    assert "Shown: 1 of 1 wrong rows" in wrong and "Row q-Italy" in wrong and "output: Turin by the water" in wrong


def test_show_classical_model_prints_inputs_prediction_and_truth(shown):
    text = shown("outputs/mail", "--limit", "1")
    assert "Request" not in text and "text: see you" in text and "output: ham" in text and "truth: ham" in text
    assert "scores: right 1" in text and "probabilities: ham 0.9" in text
    assert "Shown: none; there are no wrong rows." in shown("outputs/mail", "--wrong")


def test_show_wrong_of_numbers_begins_with_the_largest_error(shown):
    text = shown("outputs/size", "--wrong", "--limit=2")
    errors = [float(line.rpartition(" ")[2]) for line in text.splitlines() if "absolute error" in line]
    assert len(errors) == 2 and errors[0] >= errors[1] > 0


def test_show_run_of_an_earlier_version_says_that_prompts_were_not_recorded(folder, shown, monkeypatch):
    file = folder / "outputs" / "qa" / "rag" / record.TRANSCRIPTS
    kept = file.read_bytes()
    file.unlink()
    try:
        text = shown("outputs/qa/rag", "--row", "q-France")
    finally:
        file.write_bytes(kept)
    assert "Prompts and replies were not recorded here" in text and "output: Paris" in text


@pytest.mark.parametrize("run", OLD, ids=str)
def test_show_reads_runs_of_version_0_1(shown, run):
    text = shown(str(OLD_RUNS / run), "--limit", "1")
    assert "Its inputs were not recorded" in text and "status: ok" in text and "truth: " in text


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ([], ConfigError, "show: name one folder"),
        (["outputs/qx"], DataError, 'no such folder. Did you mean "outputs/qa"'),
        (["outputs/qa"], ConfigError, "several runs. Add --variant NAME. Variants: rag, extractive"),
        (["outputs/qa", "--variant", "rog"], ConfigError, 'Did you mean "rag"'),
        (["outputs/qa/rag", "--variant", "extractive"], ConfigError, "Leave out --variant"),
        (["outputs/qa/rag", "--row", "q-Frence"], DataError, 'Did you mean "q-France"'),
        (["outputs/qa/rag", "--row"], ConfigError, "--row needs a value"),
        (["outputs/qa/rag", "--row=q-Peru", "--wrong"], ConfigError, "--wrong and --row exclude each other"),
        (["outputs/qa/rag", "--faild"], ConfigError, 'Did you mean "--failed"'),
        (["outputs/qa/rag", "--limit", "0"], ConfigError, "--limit 0 is not a number of rows"),
    ],
)
def test_show_wrong_arguments_name_the_nearest(shown, arguments, error, message):
    with pytest.raises(error, match=message.replace("(", r"\(")):
        shown(*arguments)
