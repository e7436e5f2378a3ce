"""Variants that an experiment names, and variants that answer a sample of the test rows."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from command_line import CommandLine

SEEDS = ("", "-seed=1", "-seed=2")
NAMED = """\
# @package _global_
# Does a stronger penalty help?
defaults:
  - override /data: breast_cancer
name: named
incumbent: usual
hydra:
  sweeper:
    variants:
      usual: [model=linear]
      strong: [model=linear, model.classifier.C=0.01]
      grown: [model=random_forest, model.classifier.n_estimators=30, test_rows=40]
"""


@pytest.fixture
def named(tmp_path: Path) -> Path:
    folder = tmp_path / "mine" / "experiment"
    folder.mkdir(parents=True)
    (folder / "named.yaml").write_text(NAMED)
    return tmp_path / "mine"


def folders(tmp_path: Path) -> set[str]:
    return {path.parent.name for path in (tmp_path / "outputs/named").glob("*/result.json")}


def test_an_experiment_names_its_variants(bakeoff: CommandLine, tmp_path: Path, named: Path) -> None:
    few = ("decision.resamples=500", "metrics.latency_rows=5", "tracker=none")
    done = bakeoff("--config-dir", str(named), "experiment=named", *few)
    assert done.returncode == 0, done.stderr
    assert folders(tmp_path) == {"usual", "strong", "grown"}
    assert "grown vs usual: compared on the 40 test rows that both answered." in done.stdout
    assert "grown: Evaluated on a random sample of 40 of 115 test rows." in done.stdout
    compared = json.loads((tmp_path / "outputs/named/comparison.json").read_text())
    assert compared["test_rows"] == 115
    assert {d["variant"]: d["rows"] for d in compared["differences"]} == {"strong": 115, "grown": 40}

    again = bakeoff("--config-dir", str(named), "experiment=named", "seed=0,1", *few)
    assert again.returncode == 0, again.stderr
    assert folders(tmp_path) == {f"{v}{s}" for v in ("usual", "strong", "grown") for s in ("", "-seed=0", "-seed=1")}


def test_a_larger_sample_holds_the_smaller_one_and_times_it_first(bakeoff: CommandLine, tmp_path: Path) -> None:
    done = bakeoff(
        "model=linear", "data=breast_cancer", "test_rows=30,60", "metrics.latency_rows=20", "decision.resamples=500"
    )
    assert done.returncode == 0, done.stderr
    few, many = (
        pd.read_parquet(tmp_path / f"outputs/breast_cancer/linear-test_rows={n}/predictions.parquet") for n in (30, 60)
    )
    assert (len(few), len(many)) == (30, 60)
    assert set(few["id"]) < set(many["id"])
    timed = many[many["seconds"].notna()]
    assert len(timed) == 20
    assert set(timed["id"]) == set(few[few["seconds"].notna()]["id"])


def test_a_model_on_the_command_line_replaces_the_named_variants(
    bakeoff: CommandLine, tmp_path: Path, named: Path
) -> None:
    done = bakeoff("plan", "--config-dir", str(named), "experiment=named", "model=constant", "incumbent=null")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 variants would run." in done.stdout


def test_values_of_a_part_make_no_other_variant_of_a_model_that_does_not_take_it(bakeoff: CommandLine) -> None:
    done = bakeoff("plan", "-m", "model=linear,rules", "data=breast_cancer", "llm=none,smollm2")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 variants would run." in done.stdout


def test_models_with_prompts_of_their_own_answer_every_question_in_one_command(
    bakeoff: CommandLine, tmp_path: Path
) -> None:
    rows = [{"id": f"q{i}", "question": f"What does animal {i} eat?", "answer": f"food {i}"} for i in range(9)]
    (tmp_path / "asked.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "docs.jsonl").write_text('{"id": "a", "text": "Animal 3 eats food 3."}\n')
    server = ["llm=openai_compatible", "llm.base_url=http://user:secret@127.0.0.1:9/v1", "llm.model=m"]
    done = bakeoff(
        "plan", "-m", "model=rag,llm,extractive", "data=qa", "data.questions=asked.jsonl", "data.corpus=docs.jsonl",
        "data.split.test=1", *server,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "3 of 3 variants would run." in done.stdout
    assert "llm-llm.base_url=127.0.0.1_9" in done.stdout and "secret" not in done.stdout
    assert done.stdout.count("up to 9 calls") == 2


def test_seeds_are_replicates_of_what_changes_with_its_seed(bakeoff: CommandLine, tmp_path: Path) -> None:
    arguments = ["-m", "model=constant,random_forest", "data=breast_cancer", "seeds=3", "incumbent=constant"]
    planned = bakeoff("plan", *arguments)
    assert planned.returncode == 0, planned.stderr
    assert "2 would run for another seed alone (seeds=3)" in planned.stdout
    done = bakeoff(
        *arguments, "tracker=none", "name=seeds", "report=none", "decision.resamples=500", "metrics.latency_rows=5"
    )
    assert done.returncode == 0, done.stderr
    assert "random_forest stands for 3 seeds" in done.stdout
    compared = json.loads((tmp_path / "outputs/seeds/comparison.json").read_text())
    assert {v["name"] for v in compared["variants"]} == {"constant", *(f"random_forest{s}" for s in SEEDS)}
    assert {d["variant"] for d in compared["differences"]} == {"random_forest"}
    again = bakeoff("compare", "outputs/seeds")
    assert "random_forest stands for 3 seeds" in again.stdout, "the verdict of the same runs is the same later"
