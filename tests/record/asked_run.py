"""Small bake-offs whose language model is a loopback server: questions over a corpus, and labels of messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Norway": "Oslo",
    "Peru": "Lima",
    "Chad": "N'Djamena",
}


def write_questions(folder: Path) -> list[str]:
    """Write questions about capitals, all of them test rows, and a corpus; return the overrides that read them."""
    corpus = [
        {"id": f"doc-{land}", "title": land, "text": f"The capital of {land} is {city}. It lies by the water."}
        for land, city in CAPITALS.items()
    ]
    questions = [
        {"id": f"q-{land}", "question": f"What is the capital of {land}?", "answers": [city],
         "documents": [f"doc-{land}"], "part": "test"}
        for land, city in CAPITALS.items()
    ]  # fmt: skip
    for name, rows in (("corpus", corpus), ("questions", questions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [
        "data=qa", f"data.questions={folder}/questions.jsonl", f"data.corpus={folder}/corpus.jsonl",
        "data.split.column=part",
    ]  # fmt: skip


def write_messages(folder: Path, n: int = 40) -> list[str]:
    """Write n labelled messages; return the overrides that read them."""
    rows = [f"{i},{'buy now' if i % 2 else 'see you'} {i},{'spam' if i % 2 else 'ham'}\n" for i in range(n)]
    (folder / "messages.csv").write_text("number,text,label\n" + "".join(rows))
    return [
        "data=csv", f"data.path={folder}/messages.csv", "data.target=label", "data.text=[text]", "data.id=number",
        "model.method=generate",
    ]  # fmt: skip


def of_server(url: str) -> list[str]:
    """Overrides that ask a server, without a cache, a tracker or a search."""
    return [
        "llm=openai_compatible", f"llm.base_url={url}", "llm.model=fake", "llm.cache=off", "tracker=none",
        "decision.resamples=200", "llm.price={input: 1, output: 2}",
    ]  # fmt: skip


def land_in(body: dict[str, Any]) -> str:
    """The country that a request's last message asks about."""
    asked = body["messages"][-1]["content"].rpartition("capital of ")[2]
    return str(asked.partition("?")[0])
