"""Checks of language models: what they may have seen, and who judges whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bakeoff import record
from bakeoff.advice import listed
from bakeoff.compare.checks.base import Evidence, check
from bakeoff.record import Run

ASKING = ("llm", "rag", "decision")
"""Families that ask a language model."""

PUBLIC = "bakeoff.data.Sample"
"""Component that reads public data sets."""


@check("unseen_test", "Is the test set free of rows that a language model may have seen?", severity="note")
def unseen_test(evidence: Evidence) -> list[str]:
    """Language models are trained on public pages, data sets and their labels among them (Sainz et al. 2023)."""
    asking = [run for run in evidence.runs if run.family in ASKING]
    if not asking or _config(asking[0]).get("data", {}).get("_target_") != PUBLIC:
        return []
    name = (asking[0].task or {}).get("name", "this data set")
    return [
        f"{listed([run.variant for run in asking])}: {name} is public, and a language model may have been trained on "
        "it. Confirm the verdict on rows of your own."
    ]


@check("judge_family", "Is the judge of another family than the models that it judges?")
def judge_family(evidence: Evidence) -> list[str]:
    """Judges prefer texts of their own family (Panickssery, Bowman & Feng 2024)."""
    findings = []
    for run in evidence.runs:
        if run.family not in ASKING:
            continue
        config = _config(run)
        own = _model(config.get("llm"))
        graders = (config.get("metrics") or {}).get("graders") or {}
        for name, grader in graders.items():
            judge = _model(grader.get("llm")) if isinstance(grader, Mapping) else ""
            if own and judge and _family(own) == _family(judge):
                findings.append(
                    f"{run.variant}: its answers by {own} are judged by {judge}, of the same family. Choose another "
                    f"judge: llm@metrics.graders.{name}.llm=…"
                )
    return findings


def _config(run: Run) -> Mapping[str, Any]:
    return record.read_config(run.folder) or {}


def _model(llm: object) -> str:
    """Name of the model of an LLM component; empty for none."""
    if not isinstance(llm, Mapping):
        return ""
    return str(llm.get("model") or llm.get("path") or llm.get("asset") or "")


def _family(model: str) -> str:
    """Letters with which the name of a model begins: ``gpt``, ``claude``, ``qwen``."""
    letters = re.match(r"[a-z]+", model.rpartition("/")[2].lower())
    return letters[0] if letters else model
