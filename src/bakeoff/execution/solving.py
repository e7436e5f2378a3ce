"""A solution made of what the runs of its parts recorded: nothing is fitted twice, no language model is asked twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import business, capacity, cost, metrics, record
from bakeoff.compare import decision
from bakeoff.config import cards, components, search_space
from bakeoff.cost import RunSeconds
from bakeoff.errors import ConfigError, DataError
from bakeoff.models.base import Context, Model
from bakeoff.models.out_of_sample import NOT_PREDICTED
from bakeoff.numbers import number
from bakeoff.predictions import NOT_ASKED, Predictions
from bakeoff.record import Run
from bakeoff.request.spec import Request
from bakeoff.solutions.answers import Recorded
from bakeoff.solutions.base import HeldOut, Solution, cross_fitted
from bakeoff.solutions.saved import SavedPart
from bakeoff.task import Development, Examples, PredictionTable, Schema, Task
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import pandas as pd

FEW_ROWS = 1_000
"""Validation rows below which a note says how much a solution may have overfitted them."""


def made_of_runs(request: Request) -> Solution | None:
    """The unfitted solution of a request whose parts are variants of its bake-off; None for any other model."""
    if not isinstance(request.model.arguments.get("parts"), Mapping):
        return None
    model = components.instantiate(request.assembled_model, "model", "model")
    return model if isinstance(model, Solution) and model.variants else None


def structures(request: Request) -> list[Solution]:
    """The unfitted solution of a request, or those that its search may choose, such as by ``model.stages=choice(…)``.

    Empty for a model that is not made of variants.
    """
    chosen = {d.key: search_space.examples(d) for d in request.dimensions()} if request.is_tuned else {}
    chosen = {
        key: values
        for key, values in chosen.items()
        if key.startswith("model.") and any(isinstance(value, str | list | dict) for value in values)
    }
    first = request.updated({key: values[0] for key, values in chosen.items()})
    requests = [first, *(first.updated({key: value}) for key, values in chosen.items() for value in values[1:])]
    return [solution for solution in map(made_of_runs, requests) if solution is not None]


def part_folders(request: Request, solution: Solution) -> dict[str, Path]:
    """Name of each part that is a variant → its run folder."""
    return {name: request.parts_folder / variant for name, variant in solution.variants.items()}


@dataclass(frozen=True)
class Part:
    """The recorded run of a part.

    Attributes:
        run: finished, on the data of the task.
        test: its predictions of test rows, with the machine time of each.
        valid: its out-of-sample predictions of validation rows; None where it has none.
        learning: seconds of its search and fit and, where a solution learns from them, of the predictions of validation
            rows; with the price of the requests of both.
    """

    run: Run
    test: PredictionTable
    valid: PredictionTable | None
    learning: RunSeconds


@dataclass(frozen=True)
class Solved:
    """A solution and its predictions.

    Attributes:
        solution: fitted; its parts lie saved in their run folders.
        test: the test rows that every part predicted.
        table: predictions of these rows.
        valid: cross-fitted predictions of the validation rows; None where there are none.
        learning_seconds: seconds that the parts took to be learned from.
        card: of the solution and its parts: the most restrictive value wins.
        details: for the record.
        notes: for readers of the run.
    """

    solution: Solution
    test: Examples
    table: PredictionTable
    valid: PredictionTable | None
    learning_seconds: float
    card: Mapping[str, Any]
    details: Mapping[str, Any]
    notes: tuple[str, ...]


def solve(solution: Solution, request: Request, task: Task, test: Examples) -> Solved:
    """Learn from the validation rows that the parts predicted out of sample, and combine their test predictions.

    Args:
        solution: unfitted.
        request: of its run.
        task: the task.
        test: the test rows wanted; those that some part did not predict are left out.

    Raises:
        DataError: a part has no finished run on these data, or no predictions of validation rows.
    """
    parts = {
        name: _read(name, folder, task, solution.learns) for name, folder in part_folders(request, solution).items()
    }
    held = _held_out(solution, request, task, parts)
    solution.schema_ = task.schema
    notes: list[str] = []
    unanswered: list[str] = []
    if held is not None and solution.learns:
        held, unanswered = _comparable(held, request)
    details: dict[str, Any] = {cost.PARTS: {name: _described(part) for name, part in parts.items()}}
    valid = None
    if held is not None:
        if solution.learns:
            solution.learn(held)
        valid, found, notes = _validated(solution, held)
        details |= found
        notes = [*unanswered, *notes]
    tables = {name: part.test for name, part in parts.items()}
    rows, told = _common(test, tables, "test")
    test = test.take(rows)
    predictions = solution.combine(_recorded(test, tables), test.X)
    kinds.get(task.schema.kind).check_predictions(predictions, task.schema, len(test))
    is_timed = np.all([np.isfinite(_aligned(test, table).seconds) for table in tables.values()], axis=0)
    seconds = np.full(len(test), np.nan) if predictions.seconds is None else predictions.seconds
    if is_timed.any():  # else the mean would be of rows that only quick parts answer
        seconds = np.where(is_timed, seconds, np.nan)
    table = PredictionTable(
        task.schema, test.ids, test.y, replace(predictions, seconds=seconds), seconds, test.slices, units=test.units
    )
    fitted = {name: SavedPart(part.run.folder / record.MODEL) for name, part in parts.items()}
    solution.parts = {**solution.parts, **fitted}
    card = cards.joint_card(request.assembled_model, [part.run.card for part in parts.values()])
    learning = sum(part.learning.fit for part in parts.values())
    return Solved(solution, test, table, valid, learning, card, details, (*told, *notes))


def _read(name: str, folder: Path, task: Task, learns: bool) -> Part:
    if not (folder / record.RESULT).is_file():
        raise DataError(f"model.parts: {name} has not run: there is no finished run in {folder}.")
    run = record.read_run(folder)
    if run.status != "ok":
        reason = (run.error or {}).get("message", "it was interrupted")
        raise DataError(f"model.parts: {name} {run.status}: {reason} The same command tries it again.")
    if run.fingerprint != task.fingerprint:
        raise DataError(f"model.parts: {name} ran on other data: run it again, with resume=false if need be.")
    test = record.read_predictions(run)
    throughput = run.metrics["throughput_rows_per_s"].value if "throughput_rows_per_s" in run.metrics else None
    answering = 1 / throughput if throughput else np.nan
    each = cost.machine_seconds(test, answering)
    test = _timed(test, test.seconds, each)
    valid = None
    if (folder / record.VALIDATION).is_file():
        valid = record.read_predictions(run, record.VALIDATION)
        typical = float(np.nanmean(test.seconds)) if np.isfinite(test.seconds).any() else np.nan
        seconds = np.where(np.isfinite(valid.seconds), valid.seconds, typical)
        valid = _timed(valid, seconds, np.full(len(valid), float(np.mean(each))))
    elif learns:
        why = next((note for note in run.notes if note.startswith(NOT_PREDICTED)), "")
        raise DataError(f"model.parts: {name} has no predictions of validation rows to learn from. {why}".rstrip())
    learning = cost.run_seconds(run.seconds, run.search, throughput or np.inf, run.details)
    if learns and valid is not None:
        seconds_of_valid = run.seconds.get("validation", 0.0)
        requests_usd = float(valid.predictions.usage.cost_usd.sum())
        learning = replace(learning, fit=learning.fit + seconds_of_valid, search_usd=learning.search_usd + requests_usd)
    return Part(run, test, valid, learning)


def _timed(table: PredictionTable, seconds: NDArray[np.float64], machine: NDArray[np.float64]) -> PredictionTable:
    predictions = table.predictions
    if predictions.machine_seconds is None:
        predictions = replace(predictions, machine_seconds=machine)
    return replace(table, predictions=replace(predictions, seconds=seconds), seconds=seconds)


def _described(part: Part) -> dict[str, Any]:
    return {
        "variant": part.run.folder.name,
        "started": part.run.started,
        "test_rows": len(part.test),
        "validation_rows": None if part.valid is None else len(part.valid),
        "learning_seconds": part.learning.fit,
        "learning_usd": part.learning.search_usd if np.isfinite(part.learning.search_usd) else None,
    }


def _held_out(solution: Solution, request: Request, task: Task, parts: Mapping[str, Part]) -> HeldOut | None:
    """The validation rows that every part predicted; None where a part has none."""
    tables = {name: part.valid for name, part in parts.items() if part.valid is not None}
    if len(tables) < len(parts) or not len(task.development.valid):
        return None
    development = task.development
    asked = {name: table.take(np.flatnonzero(table.predictions.status != NOT_ASKED)) for name, table in tables.items()}
    rows, _ = _common(development.valid, asked, "validation")
    valid = development.valid.take(rows)
    judge = solution.judge(task.schema, decision.deciding_metric(request.decision.metric, task.schema).name)
    learning = [part.learning for part in parts.values()]
    took = RunSeconds(sum(each.fit for each in learning), 0.0, sum(each.search_usd for each in learning))
    price = cost.build_pricer(request.cost, took)
    value = business.build_valuer(request.business, task.schema)
    priced = replace(judge, price=lambda table, X: value(price(table), X))
    groups = development.groups[development.n_train :][rows]
    limit = capacity.of_business(request.business, task.schema)
    share = None if limit is None else limit.share
    return HeldOut(task.schema, valid, _recorded(valid, asked), priced, request.seed, groups, share)


def _comparable(held: HeldOut, request: Request) -> tuple[HeldOut, list[str]]:
    """The rows on which candidates can be compared, and notes where these are not all.

    Raises:
        DataError: there is none.
    """
    answered = held.answered
    if not len(answered):
        raise DataError("model.parts: there is no validation row that every part answered, so nothing can be learned.")
    notes = []
    if len(answered) < len(held):
        notes.append(
            f"Learned from the {len(answered):,} of {len(held):,} validation rows that every part answered: on the "
            "others, it cannot be compared with what it might be."
        )
    optimised = (held.judge.metric, *(limit.metric for limit in held.judge.limits))
    columns = business.columns_of(request.business) if any(map(metrics.is_money, optimised)) else []
    valued = answered.with_numbers(columns)
    listed = ", ".join(columns)
    if not len(valued):
        raise DataError(f"business.values: no validation row has a number in {listed}, so no value can be learned for.")
    if len(valued) < len(answered):
        notes.append(
            f"Learned from the {len(valued):,} of {len(answered):,} validation rows with a number in {listed}: the "
            "value of the others is unknown."
        )
    labels = set(valued.rows.y.tolist()) if kinds.get(held.schema.kind).has_one_label else set()
    if len(labels) == 1:
        notes.append(
            f'All {len(valued):,} validation rows are "{labels.pop()}": nothing is learned about the other classes. '
            "Give validation rows of each class (data.split)."
        )
    return valued, notes


def _validated(solution: Solution, held: HeldOut) -> tuple[PredictionTable | None, dict[str, Any], list[str]]:
    """Cross-fitted predictions of the validation rows, and how much better those look that were learnt on."""
    predictions = cross_fitted(solution, held)
    if predictions is None:
        return None, {}, []
    table = held.judge.table(held.schema, held.rows, predictions)
    if not solution.learns:
        return table, {}, []
    learnt_on = held.judge.table(held.schema, held.rows, solution.combine(held.answers, held.rows.X))
    values = {"learnt_on": held.judge.value(learnt_on), "cross_fitted": held.judge.value(table)}
    details = {"validation": {"metric": held.judge.metric, "rows": len(held), **values}}
    if len(held) >= FEW_ROWS:
        return table, details, []
    return (
        table,
        details,
        [
            f"Learned from {len(held):,} validation rows: {held.judge.metric} is {number(values['learnt_on'])} on them "
            f"and {number(values['cross_fitted'])} when each row is left out of what is learned."
        ],
    )


def _recorded(rows: Examples, tables: Mapping[str, PredictionTable]) -> Recorded:
    aligned: dict[str, Predictions] = {name: _aligned(rows, table).predictions for name, table in tables.items()}
    return Recorded(aligned, rows.y)


def _aligned(rows: Examples, table: PredictionTable) -> PredictionTable:
    """The rows of a table in the order of some examples, all of which it holds."""
    position = {str(identity): i for i, identity in enumerate(table.ids)}
    order = np.array([position[str(identity)] for identity in rows.ids], dtype=np.intp)
    if len(order) == len(table) and (order == np.arange(len(table))).all():
        return table
    return table.take(order)


def _common(rows: Examples, tables: Mapping[str, PredictionTable], part: str) -> tuple[NDArray[np.intp], Sequence[str]]:
    """Positions of the rows that every table holds, and a note where these are not all."""
    known = [{str(identity) for identity in table.ids} for table in tables.values()]
    common = set.intersection(*known)
    found = np.array([i for i, identity in enumerate(rows.ids) if str(identity) in common], dtype=np.intp)
    if not len(found):
        raise DataError(f"model.parts: {', '.join(tables)} have no {part} row in common.")
    if len(found) == len(rows):
        return found, []
    fewest = min(tables, key=lambda name: len(tables[name]))
    return found, [
        f"Evaluated on the {len(found):,} of {len(rows):,} {part} rows that every part predicted "
        f"(fewest: {fewest}, {len(tables[fewest]):,})."
    ]


class Replay(Model):
    """A solution in a trial of a search: it learns from, and predicts, recorded validation rows, and runs nothing.

    A solution that learns is scored on predictions of rows that it has not learnt from.
    """

    column_kinds = None

    def __init__(self, solution: Solution, held: HeldOut, deciding: str) -> None:
        self.solution, self.held, self.deciding = solution, held, deciding

    @property
    def uses_validation(self) -> bool:
        """True: validation rows are all that it uses."""
        return True

    def check(self, schema: Schema) -> None:
        """Check the solution."""
        self.solution.check(schema)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Combine the recorded predictions of all validation rows."""
        self.solution.schema_ = self.held.schema
        judge = replace(self.solution.judge(self.held.schema, self.deciding), price=self.held.judge.price)
        predictions = cross_fitted(self.solution, replace(self.held, judge=judge))
        if predictions is None:
            raise DataError(f"search: {len(self.held):,} validation rows are too few to learn and to be scored on.")
        unknown = np.full(len(predictions), np.nan)
        seconds = unknown if predictions.seconds is None else predictions.seconds
        self.predictions_ = replace(predictions, seconds=seconds)
        self.row_ = {index: row for row, index in enumerate(self.held.rows.X.index)}

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Look up the predictions of some validation rows."""
        return self.predictions_.take(np.array([self.row_[index] for index in X.index], dtype=np.intp))

    def save(self, folder: Path) -> None:
        """Refuse: a trial leaves no model."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Replay:
        """Refuse: a trial leaves no model."""
        raise NotImplementedError


def replayed(solution: Solution, request: Request, task: Task) -> tuple[Development, Callable[[Request], Model]]:
    """The validation rows that a search of a solution may use, and a function that builds the model of a trial.

    Raises:
        ConfigError: the search is to be scored on other rows than the validation rows.
        DataError: a part has no finished run on these data, or no predictions of validation rows.
    """
    if request.search.validation.kind != "holdout":
        raise ConfigError(
            "search.validation.kind: a solution is tuned on the validation rows that its parts predicted. Take holdout."
        )
    folders = {name: folder for one in structures(request) for name, folder in part_folders(request, one).items()}
    folders |= part_folders(request, solution) if not folders else {}
    parts = {name: _read(name, folder, task, learns=True) for name, folder in folders.items()}
    held = _held_out(solution, request, task, parts)
    if held is not None:
        held, _ = _comparable(held, request)
    if held is None:
        raise DataError("search: there are no validation rows to tune a solution on. Give some with data.split.valid.")
    development = task.development
    known = {str(identity) for identity in held.rows.ids}
    valid = [i for i, identity in enumerate(development.valid.ids) if str(identity) in known]
    rows = np.concatenate([np.arange(development.n_train), development.n_train + np.array(valid, dtype=np.intp)])
    fewer = replace(
        development,
        examples=development.examples.take(rows),
        groups=development.groups[rows],
        spans=None if development.spans is None else development.spans[rows],
    )
    schema = task.schema  # ``build`` must not hold the task, nor its test rows
    deciding = decision.deciding_metric(request.decision.metric, schema).name

    def build(tried: Request) -> Model:
        made = components.instantiate(tried.assembled_model, "model", "model")
        made.check(schema)
        return Replay(made, held, deciding)

    return fewer, build


def self_contained(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The recorded config of a run, in which a solution holds its parts instead of the names of their runs.

    Args:
        content: the config, with the parameters that a search found.
        folder: of the bake-off that holds the runs of the parts.

    Raises:
        DataError: a part has left no config.
    """
    solution = made_of_runs(Request.from_config(content, folder / "x"))
    if solution is None:
        return dict(content)
    held = {}
    for name, variant in solution.variants.items():
        of_part = record.read_fitted(folder / variant)
        if of_part is None:
            raise DataError(
                f"{folder / variant}: there is no {record.CONFIG}, so the part {name} cannot be fitted anew."
            )
        whole = Request.from_config(self_contained(of_part, folder), folder / variant)
        held[name] = whole.assembled_model.to_config()
    return {**content, "model": {**content["model"], "parts": {**(content["model"].get("parts") or {}), **held}}}
