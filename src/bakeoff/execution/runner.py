"""Runner: fit one variant, evaluate it on the test split, and record the run."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff import assets, business, cost, data, environment, record, search, system_errors
from bakeoff.config import cards, component, components
from bakeoff.errors import BakeoffError, ConfigError, Unavailable, Unfinished
from bakeoff.execution import answers, describing, inputs, scoring, seen_rows, solving
from bakeoff.execution.clock import Clock, Step
from bakeoff.execution.fitted import Fitted
from bakeoff.execution.measurement import PeakMemory
from bakeoff.grading.base import KeepsTranscripts
from bakeoff.llm import journal, progress
from bakeoff.llm.journal import Journal
from bakeoff.llm.server import shared_states
from bakeoff.llm.transcript import Transcript
from bakeoff.llm.usage import metered, one_budget
from bakeoff.models import out_of_sample, persistence
from bakeoff.models.base import Context, Model, require_columns
from bakeoff.models.tabular import in_memory
from bakeoff.record import Run, Score
from bakeoff.request import resuming
from bakeoff.request.spec import Request
from bakeoff.search import Compose, Search
from bakeoff.solutions.answers import simulated
from bakeoff.solutions.base import Solution
from bakeoff.task import NOT_ASKED, Examples, PredictionTable, Schema, Task
from bakeoff.tasks import kinds
from bakeoff.tracking import beside

if TYPE_CHECKING:
    from bakeoff.grading.base import Grader


log = logging.getLogger(__name__)
_loaded: dict[str, Task] = {}


@one_budget()
@shared_states()
def run(
    request: Request,
    compose: Compose,
    announce: Step = lambda doing: None,
    task: Task | None = None,
    fitted: Fitted | None = None,
    notes: Sequence[str] = (),
) -> Run:
    """Run one variant to its record: tuned where a search is on, fitted, and evaluated once on the test split.

    Failures of the variant are recorded, not raised. Search, fit and predictions share one LLM budget.

    Args:
        request: the variant.
        compose: composes its config anew for other choices of config groups, which a search may try.
        announce: called with a line of progress.
        task: the task; None: load the request's.
        fitted: a fitted model to evaluate; None: fit one here.
        notes: notes to put first in the record.

    Raises:
        ConfigError, DataError, AssetError: the request cannot be served; nothing was written.
        KeyboardInterrupt: recorded as interrupted, then raised again.
    """
    clock = Clock(announce)
    known = assets.resolved()
    with clock.step("data", "loading data"):
        task = task or load_task(request)
        make_model(request, task.schema)
    if fitted is None and _lacks_only_validation(request, task):
        return _completed(request, task, clock)
    surroundings, diff = describing.surroundings(request)
    started = Run(
        folder=request.folder,
        variant=request.variant,
        family=str(request.card.get("family", "")),
        status="interrupted",
        started=datetime.now(UTC).isoformat(timespec="milliseconds"),
        task=describing.describe(task, request),
        fingerprint=task.fingerprint,
        parameters=describing.parameters_of(request),
        card=request.card,
        cost=component.write(request.cost),
        business=component.write(request.business),
        environment=surroundings,
        seconds=clock.seconds,
        notes=(*notes, *describing.fixed_parameters(request), *cards.faults(request.assembled_model)),
    )
    record.begin(request.folder, request.to_record(), environment.installed(), diff)
    try:
        with journal.kept_in(request.folder / record.REPLIES) as replies:
            if request.is_tuned:
                with clock.step("search", "searching"):
                    best = searching(request, task, compose, announce).run()
                record.write_trials(request.folder, best.trials)
                record.write_fitted(request.folder, best.request.to_record())
                request = replace(best.request, folder=request.folder)
                started = replace(started, search=best.summary, parameters=describing.parameters_of(request))
            ended = _evaluate(request, task, started, clock, fitted)
        environment_ = {**surroundings, "assets": describing.assets_used(request, known)}
        run = _recorded(request, replace(ended, environment=environment_, notes=(*ended.notes, *_taken_over(replies))))
        if NOT_ASKED not in run.details["rows"]:  # a larger budget asks the rest
            replies.remove()
        return run
    except KeyboardInterrupt:
        _recorded(request, started)
        raise
    except Unfinished as error:
        log.warning("the variant is unfinished: %s", error)
        return _recorded(request, replace(started, error={"type": "Unfinished", "message": str(error)}))
    except Exception as error:
        log.exception("the variant failed")
        of_system = system_errors.explain(error) if isinstance(error, OSError | MemoryError) else None
        message = str(error) if isinstance(error, BakeoffError) else of_system or f"{type(error).__name__}: {error}"
        failure = {"type": type(error).__name__, "message": message, "traceback": traceback.format_exc()}
        return _recorded(request, replace(started, status="failed", error=failure))


def _lacks_only_validation(request: Request, task: Task) -> bool:
    """Return whether the folder holds a finished run of this request but for predictions of validation rows."""
    if not (request.resume and request.record_validation and (request.folder / record.RESULT).is_file()):
        return False
    run = record.read_run(request.folder)
    is_kept = run.status == "ok" and run.fingerprint == task.fingerprint and not resuming.is_longer(request)
    is_missing = not (request.folder / record.VALIDATION).is_file()
    return is_kept and is_missing and request.model.target != in_memory.TARGET and not resuming.changes(request)


def _completed(request: Request, task: Task, clock: Clock) -> Run:
    """Predict the validation rows of a finished run, with the parameters that it found; all else is kept."""
    run = record.read_run(request.folder)
    fitted = Request.from_record(record.read_fitted(request.folder) or {}, request.folder)
    notes: list[str] = []
    try:
        with journal.kept_in(request.folder / record.REPLIES) as replies:
            if solving.made_of_runs(fitted) is None:
                notes = _validated(fitted, task, clock, None, run.search is not None)
        replies.remove()
    except Unfinished as error:  # the run itself is finished
        notes = [f"{out_of_sample.NOT_PREDICTED}: {error}"]
    took = {name: seconds for name, seconds in clock.seconds.items() if name == "validation"}
    known = [note for note in run.notes if not note.startswith(out_of_sample.NOT_PREDICTED)]
    return _recorded(request, replace(run, seconds={**run.seconds, **took}, notes=(*known, *notes)))


def _taken_over(replies: Journal) -> list[str]:
    """Notes on the replies of earlier parts of the run."""
    notes = []
    if replies.taken_over:
        notes.append(
            f"The run went on where an earlier attempt had stopped: {replies.taken_over:,} replies of a language model "
            "were taken over, and count with the tokens, price and time that they took then."
        )
    if replies.discarded:
        notes.append(
            f"{replies.discarded:,} replies of an earlier attempt were of another model than the server serves now: "
            "they are paid for, and were asked again."
        )
    return notes


def _mixed(details: Sequence[Any]) -> list[str]:
    """A note on each language model whose server answered as several models: the scores are those of a mixture."""
    uses = [use for part in details if isinstance(part, Mapping) for use in (part, part.get("usage") or {})]
    served = [use["models"] for use in uses if len(use.get("models") or ()) > 1]
    return [f"The server answered as {len(names)} models ({', '.join(names)}): scores mix them." for names in served]


def _replayed(rows: int, of: int, details: Sequence[Any]) -> str:
    """Note on rows that were replayed, and on what the cache trusts."""
    uses = [use for part in details if isinstance(part, Mapping) for use in (part, part.get("usage") or {})]
    is_trusted = any(use.get("is_name_trusted") for use in uses)
    return (
        f"{rows:,} of {of:,} test rows are replayed: their requests had been answered before (llm.cache), and count "
        "with the tokens, price and latency that they took then."
        f"{' The server did not tell which model it serves now: its name is trusted.' if is_trusted else ''}"
    )


def _recorded(request: Request, run: Run) -> Run:
    """Write the run to its folder and hand it to the tracker."""
    record.finish(run)
    beside.after_run(request)
    return run


def load_task(request: Request) -> Task:
    """Load the task of a request; the last one is cached for the other variants of a bake-off."""
    key = request.data_key
    if key not in _loaded:
        _loaded.clear()
        source = components.instantiate(request.source, "data", "data")
        _loaded[key] = data.load(source, request.data)
    return _loaded[key]


def forget_tasks() -> None:
    """Clear the task cache, since files may change during a long-lived process."""
    _loaded.clear()


def make_model(request: Request, schema: Schema) -> Model:
    """Build the unfitted model of a request. Raises ``ConfigError`` if it cannot serve the task."""
    from bakeoff.models.forecast import lags
    from bakeoff.models.tabular.estimator import adapt

    model = lags.adapted(adapt(components.instantiate(request.assembled_model, "model", "model")), schema)
    require_columns(model, schema)
    model.check(schema)
    return model


def make_graders(request: Request, schema: Schema) -> dict[str, Grader]:
    """Build the graders of the task by name; none if outputs are not texts."""
    if not kinds.get(schema.kind).is_graded:
        return {}
    nodes = request.metrics.graders or {}
    return {
        name: components.instantiate(node, f"metrics.graders.{name}", "metrics.graders") for name, node in nodes.items()
    }


def searching(request: Request, task: Task, compose: Compose, announce: Step = lambda doing: None) -> Search:
    """Build the search of a request. Only the development rows are passed on.

    Raises what ``solving.replayed`` raises for a solution whose parts have not run.
    """
    solution = solving.made_of_runs(request)
    if solution is None:
        schema = task.schema  # the function must not hold the task: its test rows would be within reach of a trial
        development, build = task.development, lambda tried: make_model(tried, schema)
    else:
        development, build = solving.replayed(solution, request, task)
    return search.build_search(request, development, task.fingerprint, build, compose, announce)


def work(request: Request, compose: Compose, announce: Step = lambda doing: None) -> None:
    """Run trials of a request's search as one of several workers, and nothing else."""
    searching(request, load_task(request), compose, announce).work()


def _evaluate(request: Request, task: Task, started: Run, clock: Clock, fitted: Fitted | None) -> Run:
    """Fit unless fitted before, predict the test split once, measure, grade and score."""
    development = task.development
    test, notes = answers.asked(task, request.test_rows)
    solution = None if fitted else solving.made_of_runs(request)
    details: dict[str, Any] = {}
    model: Model
    with PeakMemory() as memory:
        if solution is not None:
            solved = _solved(solution, request, task, test, clock)
            test, table, details = solved.test, solved.table, dict(solved.details)
            model, started, notes = solved.solution, replace(started, card=solved.card), list(solved.notes)
        else:
            model = fitted.model if fitted else _fit(request, task, clock)
    if solution is None:
        table = answers.answered(model, test, task, request, clock, fitted)
    transcripts, ids = table.predictions.transcripts, test.ids
    rows, of_rows = answers.count_rows(table)
    notes += of_rows
    if (table.predictions.status == NOT_ASKED).any():
        table = table.take(np.flatnonzero(table.predictions.status != NOT_ASKED))
        notes.append(f"Its budget ended after {len(table):,} of {len(test):,} test rows.")
        test = test.take(answers.positions(test, table))
    answers.require_answers(request, table, rows)
    graded, of_graders, of_grading, judged = _graded(request, test, table, clock)
    notes += of_grading
    if judged:
        answered = np.flatnonzero(np.isin(ids.astype(str), graded.answered.ids.astype(str)))
        answers.record_transcripts(request, ids, [*transcripts, *(t.within("", answered) for t in judged)])
    with clock.step("record", "saving"):
        record.write_predictions(request.folder, graded)
        if fitted:
            model_bytes = record.write_model(request.folder, fitted.copy)
            known_hashes = record.read_learnt(fitted.folder.parent)
        else:
            model_bytes = record.write_model(request.folder, lambda folder: persistence.save(model, folder))
            known_hashes = data.hashes(development.examples)
        if known_hashes is not None:
            record.write_learnt(request.folder, known_hashes)
        notes += inputs.leave(request.folder, task, table.predictions, request.record_inputs)
    if request.record_validation and solution is None:
        notes += _validated(request, task, clock, fitted, started.search is not None)
    known = {**model.report().details, **details}
    measured = {
        "throughput_rows_per_s": len(table) / max(answers.seconds_of_all(table, clock.seconds["predict"]), 1e-9),
        "fit_seconds": cost.fit_seconds(clock.seconds, known) if "fit" in clock.seconds else math.nan,
        "model_bytes": float(model_bytes),
        "peak_memory_mb": math.nan if fitted or solution is not None else memory.megabytes,
    }
    if cached := int(graded.predictions.usage.cached.sum()):
        measured["replayed"] = cached / len(graded)
        notes.append(_replayed(cached, len(graded), [*model.report().details.values(), *of_graders.values()]))
    with clock.step("score", "scoring"):
        run_seconds = cost.run_seconds(clock.seconds, started.search, measured["throughput_rows_per_s"], known)
        try:
            graded = cost.priced(graded, request.cost, run_seconds)
        except ConfigError as error:
            notes.append(f"What its answers cost is not known: {error}")
        graded = graded.answered
        scores = scoring.score(graded, request) | {name: Score(value) for name, value in measured.items()}
        graded = business.build_valuer(request.business, task.schema)(graded, test.X)
        priced_by = None if graded.cost is None else request.cost
        slices, stages = scoring.slices(graded, request), scoring.stages(graded, priced_by)
    notes += [
        f"The stage {name} answers none of the test rows: it does not pay here."
        for name, stage in stages.items()
        if "seen" in stage and stage["coverage"] == 0 and "+" not in name
    ]
    report = model.report()
    notes += [*report.notes, *_mixed([*report.details.values(), *of_graders.values()])]
    details = {**report.details, **details, **of_graders, "rows": rows}
    if fitted is None and solution is None:
        predictions, took = table.predictions, clock.seconds["predict"]
        seen = seen_rows.scores(model, started.family, development, predictions, took)
        details |= {} if seen is None else {record.SEEN_ROWS: seen}
    return replace(
        started,
        status="ok",
        metrics=scores,
        slices=slices,
        stages=stages,
        details=details,
        notes=(*started.notes, *notes),
    )


def _solved(solution: Solution, request: Request, task: Task, test: Examples, clock: Clock) -> solving.Solved:
    """Make a solution of what the runs of its parts recorded; its validation predictions are written at once."""
    with clock.step("fit", "learning from the parts"):
        solved = solving.solve(solution, request, task, test)
    clock.seconds[cost.PARTS_SECONDS] = solved.learning_seconds
    clock.seconds["predict"] = 0.0  # nothing was predicted
    if solved.valid is not None:
        record.write_predictions(request.folder, solved.valid, record.VALIDATION)
    return solved


def _fit(request: Request, task: Task, clock: Clock) -> Model:
    model = make_model(request, task.schema)
    development = task.development
    context = _context(request, task, clock)
    with clock.step("fit", "fitting"):
        if model.uses_validation:
            model.fit(development.train, development.valid, context)
            model.fit_to_all(development.examples, context)
        else:
            model.fit(development.examples, None, context)
    record.write_curves(request.folder, model.report().curves)
    return model


def _context(request: Request, task: Task, clock: Clock) -> Context:
    return Context(
        task.schema,
        request.seed,
        environment.cores(),
        corpus=task.development.corpus,
        folder=request.folder / record.CHECKPOINTS,
        announce=clock.announce,
    )


def _validated(request: Request, task: Task, clock: Clock, fitted: Fitted | None, is_tuned: bool) -> list[str]:
    """Predict the validation rows out of sample and write the predictions. Returns notes for the record."""
    if fitted:
        return [f"{out_of_sample.NOT_PREDICTED}: the model was fitted before, on rows that are not known."]
    context = replace(_context(request, task, clock), folder=None)
    try:
        with clock.step("validation", "predicting validation rows out of sample"):
            table, notes = out_of_sample.predicted(
                lambda: make_model(request, task.schema), task.development, context, request.test_rows, simulated
            )
    except Unavailable as error:
        raise Unfinished(f"The validation rows were not answered: {error}") from error
    except BakeoffError as error:  # e.g. an exhausted budget; the test predictions already paid for must not be lost
        return [f"{out_of_sample.NOT_PREDICTED}: {error}"]
    if table is not None and (lost := table.predictions.passing):
        raise answers.unfinished(lost, f"{len(table):,} validation rows were not answered")
    if table is not None:
        record.write_predictions(request.folder, table, record.VALIDATION)
        if is_tuned:
            notes.append(
                "The search chose its parameters on the validation rows: their predictions flatter it a little."
            )
    return notes


def _graded(
    request: Request, test: Examples, table: PredictionTable, clock: Clock
) -> tuple[PredictionTable, dict[str, Any], list[str], list[Transcript]]:
    """Add each grader's grades to the table; also return the graders' details, notes and transcripts.

    Rows of the transcripts are positions among the answered rows.
    """
    grades: dict[str, Any] = {}
    details: dict[str, Any] = {}
    notes: list[str] = []
    transcripts: list[Transcript] = []
    graders = make_graders(request, table.schema)
    is_answered = table.predictions.is_answered
    if graders:
        with clock.step("grade", "grading answers"):
            for name, grader in graders.items():
                grades[name] = np.full(len(table), np.nan)
                with metered() as meter, progress.shown(f"grading answers ({name})", clock.announce):
                    grades[name][is_answered] = grader.grade(test.X[is_answered], table.answered)
                if lost := meter.passing:
                    record.write_predictions(request.folder, table)
                    raise answers.unfinished(
                        lost, f"{len(meter.completions):,} requests of the grader {name} got no answer"
                    )
                details[name] = dict(grader.details())
                notes += grader.notes()
                transcripts += grader.transcripts() if isinstance(grader, KeepsTranscripts) else meter.transcripts(None)
    return replace(table, grades=grades), details, notes, transcripts
