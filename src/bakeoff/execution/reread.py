"""Reread: read the recorded replies of a run again, without a request, and score the run anew."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import __version__, cost, record
from bakeoff.config import components
from bakeoff.config.component import Component
from bakeoff.errors import ConfigError, DataError
from bakeoff.execution import answers, describing, runner, scoring
from bakeoff.execution.rerun import finished
from bakeoff.grading.base import GradesByLLM
from bakeoff.llm.transcript import Transcript
from bakeoff.models import persistence
from bakeoff.models.base import Model
from bakeoff.record import Run, configs
from bakeoff.request import validation
from bakeoff.request.spec import Request
from bakeoff.task import Predictions, PredictionTable
from bakeoff.unfinished import UNFINISHED, prefix

KEEPS_READING = ("answer", "rewrite", "rerank")
"""Stages of the requests that decide a prediction; grades are not read again."""
AGAIN = "Replies were read again"
_STATUS_NOTE = re.compile(r"^[\d,]+ of [\d,]+ test rows (?:have no answer, and are neither|are withheld)")


@dataclass(frozen=True)
class Reread:
    """A run before and after its replies were read again.

    Attributes:
        before: as it was recorded.
        after: as it is recorded now.
        rows: number of rows whose reply was read.
        changed: ids of the rows with another status or output.
        statuses: changes of status, such as ``no_answer → ok``, with the number of rows.
        ungraded: number of changed rows that lost a grade of an LLM judge, which is not asked.
    """

    before: Run
    after: Run
    rows: int
    changed: Sequence[str]
    statuses: Mapping[str, int]
    ungraded: int


def reread(folder: Path, changes: Mapping[str, Any] | None = None) -> Reread:
    """Read the replies of a run again, and write predictions, scores and notes. Nothing is asked.

    Args:
        folder: the run folder.
        changes: other values for the reader of the model; None: the reader as it was recorded.

    Raises:
        DataError: it is not the folder of a finished run, its files are damaged, or it has no transcripts.
        ConfigError: the model reads no replies, or the reader cannot be changed so.
    """
    with record.locks.held([folder], wait=None):
        before = finished(folder)
        record.verify(before)
        if not record.has_transcripts(folder):
            raise DataError(
                f"{folder}: there is no {record.TRANSCRIPTS}, so no reply can be read again. It is not written for "
                "models that ask no language model, with record_transcripts=false or record_inputs=false."
            )
        config = _changed(folder, record.read_fitted(folder) or {}, changes or {})
        request = validation.check(Request.from_record(config, folder))
        model: Model = components.instantiate(request.assembled_model, "model")
        old = record.read_predictions(before)
        transcripts = _of_rows(folder, old)
        new = model.reread(old.predictions, transcripts, old.schema)
        is_changed = _differs(old.predictions, new)
        table, ungraded = _graded(replace(old, predictions=new), is_changed, request)
        after = _noted(before, table, is_changed, ungraded)
        _write(after, request, table, config, bool(changes))
    return Reread(
        before,
        record.read_run(folder),
        len({t.row for t in transcripts if t.request.stage == "answer" and t.completion.raw is not None}),
        [str(name) for name in old.ids[is_changed]],
        _moves(old.predictions, new),
        ungraded,
    )


def _changed(folder: Path, config: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a run, with other values for the reader of its model."""
    if not changes:
        return config
    model = dict(config.get("model") or {})
    if not isinstance(model.get("reader"), Mapping):
        raise ConfigError(f"reread: the model of {folder} has no reader that could be changed.")
    reader = dict(changes) if "_target_" in changes else {**model["reader"], **changes}
    components.check_component({k: v for k, v in reader.items() if k != "card"}, "reader")
    return {**config, "model": {**model, "reader": reader}}


def _of_rows(folder: Path, table: PredictionTable) -> list[Transcript]:
    """Transcripts that decide predictions, with the positions of their rows."""
    position = {str(name): row for row, name in enumerate(table.ids)}
    return [
        replace(transcript, row=position[name])
        for name, transcript in record.read_transcripts(folder)
        if name in position and transcript.request.stage in KEEPS_READING
    ]


def _differs(old: Predictions, new: Predictions) -> NDArray[np.bool_]:
    """Rows whose status, output or short form is another."""
    pairs = zip(old.output, new.output, strict=True)
    is_other = np.array([not np.array_equal(a, b) for a, b in pairs], dtype=np.bool_)
    is_other &= (new.status == "ok") | (old.status == "ok")  # of rows without an answer, the output means nothing
    if old.short is not None and new.short is not None:
        is_other |= old.short != new.short
    return np.asarray(is_other | (old.status != new.status), dtype=np.bool_)


def _graded(table: PredictionTable, is_changed: NDArray[np.bool_], request: Request) -> tuple[PredictionTable, int]:
    """The table with the grades that can be given without a request, and the number of answers without one now.

    Answers that changed are graded again by graders that ask no language model; other grades of theirs are missing.
    """
    import pandas as pd

    rows = np.flatnonzero(is_changed & table.predictions.is_answered)
    grades = {name: values.copy() for name, values in table.grades.items()}
    graders = runner.make_graders(request, table.schema)
    inputs = request.bakeoff / record.INPUTS
    lost = np.zeros(len(table), dtype=np.bool_)
    for name, values in grades.items():
        values[is_changed] = np.nan
        grader = graders.get(name)
        if grader is None or isinstance(grader, GradesByLLM) or not inputs.is_file():
            lost[rows] = True
        elif len(rows):
            X = pd.read_parquet(inputs).set_index("id").loc[[str(name) for name in table.ids[rows]]]
            values[rows] = grader.grade(X.rename(columns={"feature:id": "id"}), table.take(rows))
    return replace(table, grades=grades), int(lost.sum())


def _noted(before: Run, table: PredictionTable, is_changed: NDArray[np.bool_], ungraded: int) -> Run:
    """The run with counts and notes of the new predictions, and figures of the old ones."""
    counts, of_rows = answers.count_rows(table)
    recorded = dict(before.details.get("rows") or {})
    counts |= {key: recorded[key] for key in ("asked", "not_asked") if key in recorded}
    notes = [note for note in before.notes if not _STATUS_NOTE.match(note) and not note.startswith(AGAIN)]
    when = datetime.now(UTC).isoformat(timespec="seconds")
    summary = (
        f"{AGAIN} on {when} by bakeoff {__version__}, without a request: {int(is_changed.sum()):,} of {len(table):,} "
        f"test rows changed{f', {ungraded:,} of them lost the grade of an LLM judge' if ungraded else ''}."
    )
    return replace(before, details={**before.details, "rows": counts}, notes=(*notes, *of_rows, summary))


def _write(
    run: Run,
    request: Request,
    table: PredictionTable,
    config: Mapping[str, Any],
    is_other_reader: bool,
) -> None:
    """Score, and replace the files of the run one after the other, the record last."""
    throughput = run.metrics["throughput_rows_per_s"].value or float("nan")
    with suppress(ConfigError):  # what predictions cost is not known, as a note says already
        table = cost.priced(table, request.cost, cost.run_seconds(run.seconds, run.search, throughput, run.details))
    answered = table.answered
    if not len(answered):
        raise ConfigError("reread: no test row would have an answer. Nothing was written.")
    work = Path(tempfile.mkdtemp(UNFINISHED, prefix("reread"), request.folder))
    try:
        record.write_predictions(work, table)
        scores = scoring.score(answered, replace(request, folder=work))
        metrics = scores | {name: score for name, score in run.metrics.items() if name not in scores}
        run = replace(
            run,
            metrics=metrics,
            slices=scoring.slices(answered, request),
            stages=scoring.stages(answered, None if answered.cost is None else request.cost),
            parameters=describing.parameters_of(request),
        )
        for file in sorted(work.iterdir()):
            file.replace(request.folder / file.name)
        if is_other_reader:
            _write_reader(request.folder, config)
        record.finish(run)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_reader(folder: Path, config: Mapping[str, Any]) -> None:
    """Write another reader into the configs of the run, and into its saved model."""
    reader, whole = config["model"]["reader"], record.read_config(folder) or {}
    configs.write_config(folder, {**whole, "model": {**whole["model"], "reader": reader}})
    if (folder / record.FITTED).is_file():
        record.write_fitted(folder, config)
    saved = folder / record.MODEL
    described = components.describe(components.instantiate(Component.from_config(reader), "reader"))
    record.write_json(saved / persistence.PARAMETERS, {**persistence.read_parameters(saved), "reader": described})


def _moves(old: Predictions, new: Predictions) -> dict[str, int]:
    moves: dict[str, int] = {}
    for before, after in zip(old.status, new.status, strict=True):
        if before != after:
            moves[f"{before} → {after}"] = moves.get(f"{before} → {after}", 0) + 1
    return moves
