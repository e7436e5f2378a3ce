"""A text from a text: references are read in all their forms, or declared absent; what compares with them follows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff import data, metrics
from bakeoff.compare.decision import deciding_metric
from bakeoff.data.python_summaries import PythonSummaries
from bakeoff.data.settings import DataSettings
from bakeoff.data.sources import Csv, JsonLines, Parquet, Rows, Source
from bakeoff.errors import ConfigError, DataError
from bakeoff.task import Gold, Predictions, PredictionTable, Schema, Task
from bakeoff.tasks import kinds

GENERATION = kinds.get("generation")
TEXTS = [f"Document {i} is about a river. It flows to the sea. It is long." for i in range(30)]
WITH, WITHOUT = Schema("generation", "summary", {"text": "text"}), Schema("generation", "", {"text": "text"})


def load(source: Source, target: str = "summary", **settings: Any) -> Task:
    return data.load(source, DataSettings(name="mine", kind="generation", target=target, **settings))


def answers(task: Task) -> list[tuple[str, ...]]:
    found = {
        int(i): gold.answers for p in (task.development.examples, task.test) for i, gold in zip(p.ids, p.y, strict=True)
    }
    return [found[i] for i in sorted(found)]


class Frame:
    name = "frame"

    def __init__(self, summary: list[Any] | None) -> None:
        self.frame = pd.DataFrame({"text": TEXTS})
        if summary is not None:
            self.frame["summary"] = summary

    def read(self) -> Rows:
        return Rows(self.frame.copy())


def test_read_target_text_is_one_reference_and_an_empty_cell_none(tmp_path: Path) -> None:
    pd.DataFrame({"text": TEXTS, "summary": ["A river.", "", "Water."] * 10}).to_csv(tmp_path / "my.csv", index=False)
    task = load(Csv(str(tmp_path / "my.csv")))
    assert answers(task) == [("A river.",), (), ("Water.",)] * 10
    assert "10 of 30 rows have no reference" in str(task.notes[0])


def test_read_target_lists_are_several_references(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": TEXTS, "summary": [["A river.", "Water."], [], ["Long."]] * 10})
    frame.to_parquet(tmp_path / "my.parquet")
    frame.to_json(tmp_path / "my.jsonl", orient="records", lines=True)
    for source in (Parquet(str(tmp_path / "my.parquet")), JsonLines(str(tmp_path / "my.jsonl"))):
        assert answers(load(source)) == [("A river.", "Water."), (), ("Long.",)] * 10


def test_load_without_references_says_so_and_metrics_that_compare_do_not_apply() -> None:
    task = load(Frame(None), target="")
    assert answers(task) == [()] * 30
    assert any("There are no references" in str(note) for note in task.notes)
    names = {metric.name for metric in metrics.applicable(task.schema)}
    assert {"judge", "input_support"} <= names
    assert not {"rouge_l", "chrf", "token_f1", "exact_match"} & names
    assert deciding_metric(None, task.schema).name == "judge"
    with pytest.raises(ConfigError, match="rouge_l is not defined for this task"):
        deciding_metric("rouge_l", task.schema)


@pytest.mark.parametrize(
    ("summary", "message"),
    [
        ([None] * 30, 'holds no reference. Say so with data.target=""'),
        ([3] * 30, "References are texts."),
        ([[1]] * 30, "References are texts or lists of texts."),
    ],
)
def test_read_target_what_is_no_reference_is_refused(summary: list[Any], message: str) -> None:
    with pytest.raises(DataError) as error:
        load(Frame(summary))
    assert message in str(error.value)


@pytest.mark.parametrize("kind", ["auto", "classification", "multilabel", "regression"])
def test_settings_other_kinds_need_a_target(kind: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.target: it is empty"):
        DataSettings(name="mine", target="", kind=kind)


def table(outputs: list[str], references: list[tuple[str, ...]]) -> PredictionTable:
    n = len(outputs)
    targets = np.empty(n, dtype=object)
    targets[:] = [Gold(texts) for texts in references]
    nothing = pd.DataFrame(index=range(n))
    return PredictionTable(
        WITH, np.arange(n), targets, Predictions(np.array(outputs, dtype=object)), np.full(n, np.nan), nothing
    )


def test_scores_are_against_the_nearest_reference_and_skip_rows_without() -> None:
    made = table(["the long river", "water", ""], [("a lake", "long river"), (), ("the sea",)])
    scores = metrics.score(made, ["token_f1", "exact_match", "rouge_l"])
    assert scores["token_f1"] == pytest.approx((1 + 0) / 2)  # SQuAD leaves articles out
    assert scores["exact_match"] == pytest.approx(0.5)
    assert scores["rouge_l"] == pytest.approx((2 * 2 / 5 + 0) / 2)


# As sacrebleu 2.6.0 gives them: CHRF().sentence_score(output, [reference]).score / 100
@pytest.mark.parametrize(
    ("output", "reference", "wanted"),
    [
        ("The cat sat on the mat.", "The cat is sitting on the mat.", 0.496485),
        ("Return true if the object is a function.", "Return true if the object is a method.", 0.758971),
        ("a", "a", 1.0),
        ("", "word", 0.0),
        ("ab", "abcdefgh", 0.234043),
        ("Grüße aus Köln", "Gruss aus Koeln", 0.235682),
        ("completely different", "xyz qqq", 0.01938),
        ("one two three", "three two one", 0.514087),
        ("the the the", "the", 0.614919),
    ],
)
def test_chrf_equals_sacrebleu(output: str, reference: str, wanted: float) -> None:
    assert metrics.score(table([output], [(reference,)]), ["chrf"])["chrf"] == pytest.approx(wanted, abs=1e-6)


def test_targets_survive_to_be_written_and_read() -> None:
    targets = table(["", ""], [("a", "b"), ()]).target
    assert GENERATION.read_targets(pd.Series(GENERATION.write_targets(targets))).tolist() == targets.tolist()


def test_python_summaries_are_docstrings_with_their_summary_lines() -> None:
    frame = PythonSummaries().read().frame
    assert len(frame) > 800
    assert frame["id"].is_unique
    import difflib

    row = frame[frame["id"] == "difflib:restore"].iloc[0]
    lines = (difflib.restore.__doc__ or "").strip().splitlines()
    assert row["summary"] == lines[0]
    assert " ".join(row["text"].split()) == " ".join(" ".join(lines[1:]).split())
