"""Two kinds of task from the command line to a verdict: several labels for a row, and generated texts."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from bakeoff.models import persistence
from command_line import CommandLine

TOPICS = {
    "bread": "flour and yeast",
    "coffee": "roasted beans",
    "glacier": "ice in a valley",
    "violin": "a bow and strings",
}


def notes(folder: Path) -> Path:
    """A CSV file of 160 notes, each on up to four topics."""
    chosen = [[topic for bit, topic in enumerate(TOPICS) if i >> bit & 1] for i in range(160)]
    texts = [
        f"Note {i} speaks of {', of '.join(TOPICS[t] for t in topics) or 'nothing'}." for i, topics in enumerate(chosen)
    ]
    pd.DataFrame({"text": texts, "topics": ["; ".join(topics) for topics in chosen]}).to_csv(
        folder / "notes.csv", index=False
    )
    return folder / "notes.csv"


def test_multilabel_from_a_csv_file_is_searched_compared_saved_and_refreshed(
    bakeoff: CommandLine, tmp_path: Path
) -> None:
    notes(tmp_path)
    data = ("data=csv", "data.path=notes.csv", "data.target=topics", "data.kind=multilabel", "data.text=[text]")
    data += ("decision.resamples=1000", "metrics.latency_rows=10")
    done = bakeoff("-m", "model=constant,linear", *data, "search=random", "search.trials=2", "name=topics")
    assert done.returncode == 0, done.stderr
    assert "Verdict: SHIP linear" in done.stdout
    assert 'The labels of "topics" are separated by ";". (data.label_separator)' in done.stdout
    run = tmp_path / "outputs/topics/linear"
    result = json.loads((run / "result.json").read_text())
    assert set(result["slices"]["label"]) == set(TOPICS)
    assert {"f1_macro", "f1_micro", "f1_samples", "subset_accuracy", "hamming_loss"} <= set(result["metrics"])
    written = pd.read_parquet(run / "predictions.parquet")
    predicted = [tuple(json.loads(labels)) for labels in written["output"]]
    assert [f"proba:{topic}" for topic in sorted(TOPICS)] == [c for c in written if c.startswith("proba:")]

    model = persistence.load(run / "model")
    rows = pd.read_csv(tmp_path / "notes.csv", dtype="str").iloc[written["id"].astype(int)][["text"]]
    assert model.predict(rows.reset_index(drop=True)).output.tolist() == predicted

    again = bakeoff("-m", "model=constant,linear", *data, "search=random", "search.trials=2", "name=topics")
    assert again.returncode == 0, again.stderr
    assert "2 finished runs were kept" in again.stdout


def test_generation_with_references_ranks_sentences_picked_from_the_text(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff("-m", "model=lead,central,rules", "data=python_summaries", "test_rows=40", "metrics=default")
    assert done.returncode == 0, done.stderr
    assert "rouge_l" in done.stdout and "Verdict: " in done.stdout
    written = pd.read_parquet(tmp_path / "outputs/python_summaries/lead-test_rows=40/predictions.parquet")
    assert len(written) == 40
    assert all(json.loads(target)["answers"] for target in written["target"])
    assert written["output"].str.len().gt(0).all()
    result = json.loads((tmp_path / "outputs/python_summaries/rules-test_rows=40/result.json").read_text())
    assert "returns" in result["stages"]


def test_generation_without_references_says_what_a_verdict_can_rest_on(bakeoff: CommandLine, tmp_path: Path) -> None:
    notes(tmp_path)
    done = bakeoff(
        "-m", "model=lead,central", "data=csv", "data.path=notes.csv", "data.target=''", "data.kind=generation",
        "data.ignore=[topics]", "data.text=[text]", "name=texts",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Verdict: NOT ENOUGH EVIDENCE – judge is not defined for lead." in done.stdout
    assert "There are no references: judge is the opinion of a language model" in done.stdout
    assert "Add metrics=judged_texts." in done.stdout
