"""The single runner: one variant, fitted, evaluated on the test split, recorded."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from bakeoff import config, data, environment, metrics, record, search
from bakeoff.compare.statistics import bootstrap, interval
from bakeoff.errors import BakeoffError
from bakeoff.measurement import PeakMemory, latency
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model
from bakeoff.record import Run, Score
from bakeoff.request import Request
from bakeoff.search import Compose, Search
from bakeoff.task import Predictions, PredictionTable, Schema, Task

log = logging.getLogger(__name__)
Step = Callable[[str], None]

_loaded: dict[str, Task] = {}


@dataclass
class Clock:
    """Seconds spent on each step, announced as it begins."""

    announce: Step
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[None]:
        """Time a block under ``name``; ``doing`` says to a person what happens."""
        self.announce(doing)
        log.info(doing)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start


def run(request: Request, compose: Compose, announce: Step = lambda doing: None) -> Run:
    """Run one variant to its record: tuned where a search is on, fitted, and evaluated once on the test split.

    What the variant does wrong is recorded, not raised.

    Args:
        request: the variant.
        compose: composes its config anew for other choices of config groups, which a search may try.
        announce: told what happens.

    Raises:
        ConfigError, DataError, AssetError: the request cannot be served; nothing was written.
        KeyboardInterrupt: recorded as interrupted, then raised again.
    """
    clock = Clock(announce)
    with clock.step("data", "loading data"):
        task = load_task(request)
        make_model(request.content, task.schema)
    started = Run(
        folder=request.folder,
        variant=request.variant,
        family=str(request.card.get("family", "")),
        status="interrupted",
        started=datetime.now(UTC).isoformat(timespec="milliseconds"),
        task=_describe(task),
        fingerprint=task.fingerprint,
        parameters=_parameters(request.content),
        card=request.card,
        environment=environment.describe(),
        seconds=clock.seconds,
    )
    record.begin(request.folder, request.content)
    try:
        if request.is_tuned:
            with clock.step("search", "searching"):
                best = searching(request, task, compose, announce).run()
            record.write_trials(request.folder, best.trials)
            request = replace(request, content=best.content)
            started = replace(started, search=best.summary, parameters=_parameters(best.content))
        return record.finish(_evaluate(request, task, started, clock))
    except KeyboardInterrupt:
        record.finish(started)
        raise
    except Exception as error:
        log.exception("the variant failed")
        told = str(error) if isinstance(error, BakeoffError) else f"{type(error).__name__}: {error}"
        failure = {"type": type(error).__name__, "message": told, "traceback": traceback.format_exc()}
        return record.finish(replace(started, status="failed", error=failure))


def load_task(request: Request) -> Task:
    """The task of a request; the last one stays in memory, for the other variants of a bake-off."""
    key = request.data_key
    if key not in _loaded:
        _loaded.clear()
        source = config.instantiate(request.source, "data")
        _loaded[key] = data.load(source, request.data)
    return _loaded[key]


def make_model(content: Mapping[str, Any], schema: Schema) -> Model:
    """The unfitted model of a resolved config. Raises ``ConfigError`` when it cannot serve the task."""
    from bakeoff.models.estimator import adapt

    model = adapt(config.instantiate(content["model"], "model"))
    model.check(schema)
    return model


def searching(request: Request, task: Task, compose: Compose, announce: Step = lambda doing: None) -> Search:
    """The search of a request. Only the development rows are handed on."""
    schema = task.schema
    return search.of(
        request, task.development, task.fingerprint, lambda content: make_model(content, schema), compose, announce
    )


def work(request: Request, compose: Compose, announce: Step = lambda doing: None) -> None:
    """As one of several workers: do trials of a request's search, and nothing else."""
    searching(request, load_task(request), compose, announce).work()


def _evaluate(request: Request, task: Task, started: Run, clock: Clock) -> Run:
    """Fit, predict the test split once, measure and score."""
    model = make_model(request.content, task.schema)
    development = task.development
    context = Context(task.schema, request.seed, environment.cores())
    settings = request.metrics
    with clock.step("fit", "fitting"), PeakMemory() as memory:
        if model.uses_validation:
            model.fit(development.train, development.valid, context)
        else:
            model.fit(development.examples, None, context)
    model.predict(development.examples.X.iloc[:1])
    with clock.step("predict", "predicting"):
        predictions = model.predict(task.test.X)
    _check_answers(predictions, task)
    with clock.step("latency", "timing single predictions"):
        seconds = latency(model, task.test.X, settings.latency_rows, settings.latency_seconds)
    table = PredictionTable(task.schema, task.test.ids, task.test.y, predictions, seconds, task.test.slices)
    with clock.step("record", "saving"):
        record.write_predictions(request.folder, table)
        model_bytes = record.write_model(request.folder, lambda folder: persistence.save(model, folder))
    measured = {
        "throughput_rows_per_s": len(table) / max(clock.seconds["predict"], 1e-9),
        "fit_seconds": clock.seconds["fit"],
        "model_bytes": float(model_bytes),
        "peak_memory_mb": memory.megabytes,
    }
    with clock.step("score", "scoring"):
        scores = _score(table, request) | {name: Score(value) for name, value in measured.items()}
        slices, stages = _slices(table, request), _stages(table)
    return replace(started, status="ok", metrics=scores, slices=slices, stages=stages)


def _check_answers(predictions: Predictions, task: Task) -> None:
    """Refuse answers that do not fit the rows asked: better no figure than a wrong one."""
    n, k = len(task.test), len(task.schema.classes)
    if np.shape(predictions.output) != (n,):
        raise ValueError(f"predict answered with shape {np.shape(predictions.output)} for {n} rows")
    if predictions.proba is not None and np.shape(predictions.proba) != (n, k):
        raise ValueError(f"predict gave proba of shape {np.shape(predictions.proba)} for {n} rows and {k} classes")
    if task.schema.kind == "regression" and not np.isfinite(predictions.output.astype(float)).all():
        raise ValueError("predict answered with values that are not finite")


def _wanted(request: Request) -> list[str] | None:
    """Names of the metrics asked for, the one that decides always among them; None for all that apply."""
    if request.metrics.names is None:
        return None
    deciding = [name for name in (request.decision.metric, request.data.metric) if name]
    return list(dict.fromkeys([*request.metrics.names, *deciding]))


def _score(table: PredictionTable, request: Request) -> dict[str, Score]:
    values = metrics.score(table, _wanted(request))
    draws = bootstrap({"": table}, [metrics.get(name) for name in values], request.decision.resamples)[""]
    confidence = request.decision.confidence
    return {name: Score(value, *interval(draws[name], confidence)) for name, value in values.items()}


def _slices(table: PredictionTable, request: Request) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in table.slices.columns:
        of_column = found.setdefault(str(column), {})
        for value, rows in table.slices.groupby(column, dropna=False).indices.items():
            part = table.take(np.asarray(rows, dtype=np.intp))
            of_column[str(value)] = {"rows": len(part), "metrics": metrics.score(part, _wanted(request))}
    return found


def _stages(table: PredictionTable) -> dict[str, Any]:
    """How many rows each part of the model answered, and how well."""
    stage = table.predictions.stage
    if stage is None:
        return {}
    found = {}
    for name in dict.fromkeys(stage):
        here = stage == name
        found[str(name)] = {"coverage": float(here.mean())}
        if table.schema.kind == "classification":
            found[str(name)]["accuracy"] = float((table.predictions.output[here] == table.target[here]).mean())
    return found


def _parameters(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content["model"].items() if key not in config.ABOUT}


def _describe(task: Task) -> Mapping[str, Any]:
    return {
        "name": task.name,
        "schema": asdict(task.schema) | {"columns": dict(task.schema.columns)},
        "split": dict(task.split),
        "notes": list(task.notes),
    }
