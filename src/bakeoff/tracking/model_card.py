"""Model card in Markdown, written from the record: the model, its task and its results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bakeoff.record import Run, Score


def write(run: Run) -> str:
    """The card of a run (after Mitchell et al. 2019), with the sections that the record can fill."""
    return "\n".join([f"# {run.variant}", "", *_model(run), *_task(run), *_metrics(run), *_slices(run), *_notes(run)])


def _model(run: Run) -> Iterator[str]:
    card = run.card
    facts = {
        "family": run.family,
        "what it is": card.get("summary"),
        "licence": card.get("licence"),
        "source": card.get("source"),
        "hosting": card.get("hosting"),
        "data leave the network": card.get("data_leaves_network"),
        "training data": card.get("training_data"),
        "commercial use": card.get("commercial_use"),
        "status": run.status,
        "made": run.started,
        "commit": (run.environment.get("git") or {}).get("commit"),
    }
    yield "## Model"
    yield from _list(facts)
    if run.parameters:
        yield "### Parameters"
        yield from _list({key: value for key, value in run.parameters.items() if value is not None})
    if run.search:
        best = run.search.get("best") or {}
        yield f"Tuned in {run.search.get('trials')} trials; trial {best.get('trial')} was the best."
        yield ""


def _task(run: Run) -> Iterator[str]:
    if not run.task:
        return
    schema, split = run.task.get("schema") or {}, run.task.get("split") or {}
    yield "## Task"
    yield from _list(
        {
            "data": run.task.get("name"),
            "kind": schema.get("kind"),
            "target": schema.get("target"),
            "classes": ", ".join(str(c) for c in schema.get("classes") or ()) or None,
            "rows": ", ".join(f"{key} {split[key]}" for key in ("train", "valid", "test") if key in split) or None,
            "fingerprint of the data": run.fingerprint,
        }
    )


def _metrics(run: Run) -> Iterator[str]:
    if not run.metrics:
        return
    yield "## Metrics on the test rows"
    yield ""
    yield "| metric | value | interval |"
    yield "|---|---|---|"
    for name, score in run.metrics.items():
        yield f"| {name} | {_number(score.value)} | {_interval(score)} |"
    yield ""


def _slices(run: Run) -> Iterator[str]:
    for column, values in run.slices.items():
        yield f"## By {column}"
        for value, part in values.items():
            scores = ", ".join(f"{name} {_number(number)}" for name, number in list(part["metrics"].items())[:3])
            yield f"- {value}: {part['rows']} rows, {scores}"
        yield ""


def _notes(run: Run) -> Iterator[str]:
    if run.notes:
        yield "## Notes"
        yield from (f"- {note}" for note in run.notes)
    if run.error:
        yield "## Failure"
        yield run.error["message"]


def _list(facts: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"- {key}: {value}" for key, value in facts.items() if value not in (None, ""))
    yield ""


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.4g}"


def _interval(score: Score) -> str:
    return "" if score.low is None or score.high is None else f"{_number(score.low)} to {_number(score.high)}"
