"""A user looks at what a language model was asked and replied, and reads its replies again."""

from __future__ import annotations

import json

from llm.scripted import says, serving
from record.asked_run import CAPITALS, land_in, of_server, write_questions


def test_wrong_rows_are_shown_and_replies_read_again_without_a_server(bakeoff, tmp_path):
    def answer(body, number):
        return says({"Peru": "NO_ANSWER", "Chad": "I don't know.\x1b[2J"}.get(land_in(body), CAPITALS[land_in(body)]))

    asked = [*write_questions(tmp_path), "metrics=default", "prompt=answer", "name=qa"]
    with serving(answer) as server:
        done = bakeoff("model=llm", "variant=llm", *asked, *of_server(server.url))
        assert done.returncode == 0, done.stderr
        sent = len(server.seen)
    assert sent == len(CAPITALS)

    shown = bakeoff("show", "outputs/qa/llm", "--wrong")
    assert shown.returncode == 0, shown.stderr
    assert "Row q-Peru" in shown.stdout and "reply (ended: stop): NO_ANSWER" in shown.stdout
    assert "\x1b" not in bakeoff("show", "outputs/qa", "--row", "q-Chad").stdout

    again = bakeoff("reread", "outputs/qa/llm", "reader.abstention=NO_ANSWER")
    assert again.returncode == 0, again.stderr
    assert "1 row changed (ids: q-Peru); 1 ok → withheld" in again.stdout and "coverage: 0.833 → 0.667" in again.stdout
    assert "Comparing outputs/qa again." in again.stdout and "Verdict:" in again.stdout
    result = json.loads((tmp_path / "outputs" / "qa" / "llm" / "result.json").read_text())
    assert result["metrics"]["coverage"]["value"] < 0.7

    wrong = bakeoff("show", "outputs/qq/llm")
    assert wrong.returncode == 2 and "no such folder" in wrong.stderr
