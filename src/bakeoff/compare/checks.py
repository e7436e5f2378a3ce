"""Method checks: weaknesses in how a bake-off was conducted that limit its conclusions.

A check of a plugin is one decorated function, named by an entry point in the group ``bakeoff.checks``::

    from bakeoff.compare.checks import check

    @check("enough_answers", "Did every variant answer a hundred rows?")
    def enough_answers(evidence):
        return [f"{name} answered {len(table)}." for name, table in evidence.tables.items() if len(table) < 100]
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import advice, plugins
from bakeoff.predictions import in_words
from bakeoff.task import SEEN_INPUT
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    from bakeoff.record import Run
    from bakeoff.task import PredictionTable, Schema

FEW_ROWS, FEW_OF_A_CLASS = 100, 10
FEW_SEEN = 30  # minimum number of test rows for comparing scores on seen and on new inputs
WORSE_ON_NEW = 0.05  # minimum reported difference in accuracy, or in error relative to the mean error
WEAK_SLICE = 1.5  # multiple of the mean loss from which a slice counts as much worse
FEW_ERRORS = 0.01  # share of the majority label's errors up to which a score is too good to be true
SAME = 1e-9  # relative tolerance within which a predicted value equals the target


@dataclass(frozen=True)
class Evidence:
    """Evidence on which a verdict is based.

    Attributes:
        runs: finished runs, in the order in which they started.
        tables: variant → its predictions for the test rows that it answered.
        schema: schema of the task.
    """

    runs: Sequence[Run]
    tables: Mapping[str, PredictionTable] = field(repr=False)
    schema: Schema


Finds = Callable[[Evidence], Sequence[str]]


@dataclass(frozen=True)
class Check:
    """Looks for one methodological weakness, and returns its findings.

    Attributes:
        name: name of its entry point.
        asks: the question, as a person would ask it.
        finds: returns the weaknesses, one sentence each; empty if the check passes.
        applies: returns whether the check makes sense for such a task.
    """

    name: str
    asks: str
    finds: Finds
    applies: Callable[[Schema], bool]


@dataclass(frozen=True)
class Checked:
    """Result of a check: its findings, empty if it passed."""

    name: str
    asks: str
    findings: tuple[str, ...] = ()


def check(name: str, asks: str, *, applies: Callable[[Schema], bool] = lambda schema: True) -> Callable[[Finds], Check]:
    """Decorate a function of the evidence: it becomes a method check.

    Args:
        name: name of its entry point.
        asks: the question, as a person would ask it.
        applies: returns whether the check makes sense for such a task.
    """
    return lambda finds: Check(name, asks, finds, applies)


def checked(evidence: Evidence) -> tuple[Checked, ...]:
    """Run bakeoff's own checks and those of plugins. A check that crashes reports it and does not affect the others."""
    outcomes = [Checked(c.name, c.asks, tuple(c.finds(evidence))) for c in OWN if c.applies(evidence.schema)]
    for declared, loaded in plugins.loadable(plugins.CHECKS, own()):
        asks = str(getattr(loaded, "asks", declared.name))
        try:
            if loaded.applies(evidence.schema):
                findings = loaded.finds(evidence)
                if isinstance(findings, str):
                    raise TypeError("it gave a text, not a list of them")
                outcomes.append(Checked(declared.name, asks, tuple(map(str, findings))))
        except Exception as error:  # third-party code: it may raise anything
            failed = f"{declared.plugin} failed here: {type(error).__name__}: {error}"
            outcomes.append(Checked(declared.name, asks, (failed,)))
    return tuple(outcomes)


def own() -> list[str]:
    """Names of bakeoff's own checks."""
    return [c.name for c in OWN]


def names() -> list[str]:
    """Names of all checks, those of plugins last."""
    return [*own(), *plugins.declared(plugins.CHECKS)]


@check("same_budget", "Was every variant tuned with the same budget?")
def same_budget(evidence: Evidence) -> list[str]:
    """Unequal budgets favour whoever had the larger one."""
    budgets = {run.variant: run.search["budget"] for run in evidence.runs if run.search}
    untuned = [run.variant for run in evidence.runs if not run.search and run.family != "rules"]
    is_one_budget = len({json.dumps(budget, sort_keys=True) for budget in budgets.values()}) < 2
    if is_one_budget and not (budgets and untuned):
        return []
    listed = [f"{name} {_budget(budget)}" for name, budget in budgets.items()]
    return [f"The variants were not tuned with the same budget: {advice.listed([*listed, *map(_not_tuned, untuned)])}."]


@check("met_constraints", "Does what a search chose meet its constraints?")
def met_constraints(evidence: Evidence) -> list[str]:
    """A setting that breaks a constraint cannot be shipped as it is."""
    return [
        f"{run.variant}: no trial met search.constraints; the one nearest to them was taken."
        for run in evidence.runs
        if run.search and not run.search["best"]["is_feasible"]
    ]


@check(
    "simple_baseline",
    "Is something simple among the variants?",
    applies=lambda schema: bool(kinds.get(schema.kind).baselines),
)
def simple_baseline(evidence: Evidence) -> list[str]:
    """Without a rule or a constant as a baseline, a score is hard to judge."""
    if len(evidence.runs) < 2 or any(run.family == "rules" for run in evidence.runs):
        return []
    simple = " or ".join(f"model={name}" for name in kinds.get(evidence.schema.kind).baselines)
    return [f"No simple baseline. Add {simple}."]


@check(
    "references",
    "Are texts compared with references?",
    applies=lambda schema: kinds.get(schema.kind).is_graded and not kinds.get(schema.kind).has_references(schema),
)
def references(evidence: Evidence) -> list[str]:
    """Without references, a verdict rests on graders alone, and each of them can be pleased by a bad text."""
    findings = [
        "There are no references: judge is the opinion of a language model, and input_support is 1 for any text that "
        "copies its input. Name a column of references: data.target=…"
    ]
    if not any("judge" in table.grades for table in evidence.tables.values()):
        findings.append("No text was scored by a language model. Add metrics=judged_texts.")
    return findings


@check("enough_rows", "Are there enough test rows?")
def enough_rows(evidence: Evidence) -> list[str]:
    """On few rows intervals are rough, and so is a metric that counts classes alike where one of them is rare."""
    table = min(evidence.tables.values(), key=len)
    findings = []
    if len(table) < FEW_ROWS:
        findings.append(
            f"{len(table)} test rows are compared: on fewer than {FEW_ROWS}, intervals are rough themselves."
        )
    counts = Counter(kinds.get(evidence.schema.kind).labels(table.target)[1])
    rare = [f"{label} ({counts[label]})" for label in evidence.schema.classes if counts[label] < FEW_OF_A_CLASS]
    if rare:
        findings.append(f"Of some classes fewer than {FEW_OF_A_CLASS} test rows are compared: {advice.listed(rare)}.")
    return findings


@check("too_good", "Is a score too good to be true?")
def too_good(evidence: Evidence) -> list[str]:
    """Real data are noisy: a model that is hardly ever wrong may have seen the answers."""
    return [
        f"{name} is right about {_all_but(errors)}: look for the answer among the features."
        for name, table in evidence.tables.items()
        if (errors := _surprisingly_few_errors(table)) is not None
    ]


@check("says_more_than_one_thing", "Does every variant that learns say more than one thing?")
def says_more_than_one_thing(evidence: Evidence) -> list[str]:
    """A model that answers every row alike has learnt nothing, or its answers were not understood."""
    if not kinds.get(evidence.schema.kind).repeats_are_suspicious:
        return []
    learns = {run.variant for run in evidence.runs if run.family != "rules"}
    return [
        f"{name} gives every row the same answer, {table.predictions.output[0]}."
        for name, table in evidence.tables.items()
        if name in learns and len(table) >= FEW_OF_A_CLASS and len(set(table.predictions.output.tolist())) == 1
    ]


@check("same_machine", "Do all latencies and fit times come from the same kind of machine?")
def same_machine(evidence: Evidence) -> list[str]:
    """Seconds of one machine say nothing about those of another, nor do the costs that are made of them."""
    machines = {run.variant: _machine(run) for run in evidence.runs if run.environment}
    if len(set(machines.values())) < 2:
        return []
    return [f"Seconds were measured on different machines: {', '.join(f'{k} on {v}' for k, v in machines.items())}."]


@check("same_version", "Were all variants made by the same version of bakeoff?")
def same_version(evidence: Evidence) -> list[str]:
    """A fix in a newer version may be the reason why a variant is better."""
    of = {run.variant: run.environment.get("versions", {}).get("bakeoff") for run in evidence.runs if run.environment}
    if len(set(of.values())) < 2:
        return []
    return [f"Runs are of different versions of bakeoff: {', '.join(f'{k} {v}' for k, v in of.items())}."]


@check("timed_alone", "Was every variant timed while no other ran?")
def timed_alone(evidence: Evidence) -> list[str]:
    """Variants that share a machine slow each other down."""
    spans = sorted(
        (start, start + timedelta(seconds=_seconds(run)), run.variant, _machine(run))
        for run in evidence.runs
        if run.environment and (start := _started(run)) is not None
    )
    beside = [
        f"{a} and {b}"
        for (_, end, a, machine), (begin, _, b, other) in combinations(spans, 2)
        if begin < end and machine == other
    ]
    caution = "the latencies and fit times of who ran at the same time say little"
    return [f"{', '.join(beside)} ran side by side: {caution}."] if beside else []


@check("answered", "Did every variant answer all test rows?")
def answered(evidence: Evidence) -> list[str]:
    """A row without an answer is neither right nor wrong: what is left may be the easier rows."""
    findings = []
    for run in evidence.runs:
        rows = run.details.get("rows") or {}
        if lost := rows.get("no_answer"):
            rows_lost = f"{sum(lost.values()):,} of {rows['asked']:,} rows"
            findings.append(f"{run.variant} gave no answer to {rows_lost} ({in_words(lost)}).")
    return findings


@check("found_something", "Did searches find something for every query?")
def found_something(evidence: Evidence) -> list[str]:
    """A search that finds nothing often fails for a reason: another language, a filter, words that are not indexed."""
    findings = []
    for name, table in evidence.tables.items():
        retrieved = table.predictions.retrieved
        if retrieved is not None and (empty := sum(not ids for ids in retrieved)):
            findings.append(f"{name} found nothing for {empty:,} of {len(table):,} queries.")
    return findings


@check("seen_inputs", "Are scores as good on new inputs as on those that also stand in training?")
def seen_inputs(evidence: Evidence) -> list[str]:
    """Equal inputs on both sides of the split let a model score well by memorising them and little else."""
    return [
        finding
        for name, table in evidence.tables.items()
        if SEEN_INPUT in table.slices and (finding := _better_on_seen(name, table))
    ]


@check("weak_slice", "Is the best variant about as good on every slice?")
def weak_slice(evidence: Evidence) -> list[str]:
    """A mean hides rows that a model handles badly; rows that are as hard for a constant do not count."""
    losses = {name: loss for name, table in evidence.tables.items() if (loss := _row_losses(table)) is not None}
    if not losses:
        return []
    best = min(losses, key=lambda name: float(losses[name].mean()))
    loss, target = losses[best], evidence.tables[best].target
    slices = evidence.tables[best].slices.drop(columns=SEEN_INPUT, errors="ignore")
    measure = "mean absolute error" if kinds.get(evidence.schema.kind).is_numeric else "error rate"
    parts = [
        (column, value, np.asarray(rows, dtype=np.intp))
        for column in slices.columns
        for value, rows in slices.groupby(column, dropna=False).indices.items()
        if FEW_SEEN <= len(rows) < len(loss)
    ]
    return [
        f"{best} is much worse where {column} is {value} ({len(rows):,} rows): its {measure} is "
        f"{loss[rows].mean():.3g} there, and {loss.mean():.3g} over all rows."
        for column, value, rows in parts
        if loss[rows].mean() > WEAK_SLICE * loss.mean()
        and loss[rows].mean() * _loss_of_constant(target) > WEAK_SLICE * loss.mean() * _loss_of_constant(target[rows])
        and _is_clearly_worse(loss, rows, len(parts))
    ]


@check("single_column", "Is there no column that gives the target away?", applies=lambda schema: schema.series is None)
def single_column(evidence: Evidence) -> list[str]:
    """A column that predicts the target alone is often a trace of it, which new rows do not have."""
    return _leaks(evidence, "single_column")


@check("ordered_classes", "Do ids and moments say nothing about the target?", applies=lambda s: s.series is None)
def ordered_classes(evidence: Evidence) -> list[str]:
    """Row numbers reveal the class if rows were collected class by class."""
    return _leaks(evidence, "ordered_classes")


@check(
    "near_duplicates",
    "Are test texts more than near-duplicates of training texts?",
    applies=lambda schema: bool(schema.of_kind("text")),
)
def near_duplicates(evidence: Evidence) -> list[str]:
    """A model that recognises a template scores well on it, and only on it."""
    return _leaks(evidence, "near_duplicates")


OWN = (
    same_budget, met_constraints, simple_baseline, references, enough_rows, too_good, says_more_than_one_thing,
    same_machine, same_version, timed_alone, answered, found_something, seen_inputs, weak_slice, single_column,
    ordered_classes, near_duplicates,
)  # fmt: skip
"""bakeoff's own checks."""


def _budget(budget: Mapping[str, Any]) -> str:
    return " or ".join(f"{value:g} {key}" for key, value in budget.items() if value is not None) or "unlimited"


def _surprisingly_few_errors(table: PredictionTable) -> int | None:
    """The number of errors where it is 0, or hardly any of those of the most frequent label; None elsewhere."""
    kind, output = kinds.get(table.schema.kind), table.predictions.output
    if len(table) < FEW_OF_A_CLASS:
        return None
    if kind.is_numeric:
        is_exact = bool(np.ptp(table.target) > 0) and np.allclose(output, table.target, rtol=SAME, atol=0)
        return 0 if is_exact else None
    right = kind.is_right(output, table.target)
    if right is None:
        return None
    errors, of_constant = int((~np.asarray(right, dtype=bool)).sum()), _errors_of_constant(table)
    return errors if errors <= FEW_ERRORS * of_constant and of_constant >= FEW_OF_A_CLASS else None


def _errors_of_constant(table: PredictionTable) -> int:
    """Number of rows that the most frequent label gets wrong; all rows if targets are not labels."""
    labels = [target for target in table.target if isinstance(target, str)]
    return len(table) - (max(Counter(labels).values()) if len(labels) == len(table) else 0)


def _all_but(errors: int) -> str:
    return f"all but {errors:,} rows" if errors > 1 else "all rows but one" if errors else "every row"


def _loss_of_constant(target: NDArray[Any]) -> float:
    """Mean loss of the best constant: how hard the rows are for a model that knows nothing."""
    if target.dtype == np.float64:
        return float(np.abs(target - np.median(target)).mean())
    counts = Counter(map(str, target))
    return 1 - max(counts.values()) / len(target)


def _is_clearly_worse(loss: NDArray[np.float64], rows: NDArray[np.intp], looks: int) -> bool:
    """Test whether the rows have a higher mean loss than the others, at 5 % over all looks (Welch, Bonferroni)."""
    others = np.delete(loss, rows)
    error = math.sqrt(loss[rows].var() / len(rows) + others.var() / len(others))
    return bool(loss[rows].mean() - others.mean() > NormalDist().inv_cdf(1 - 0.05 / looks) * error)


def _not_tuned(name: str) -> str:
    return f"{name} not at all"


def _row_losses(table: PredictionTable) -> NDArray[np.float64] | None:
    """Loss per row: 1 if an output is wrong, or the absolute error; None if outputs are neither right nor wrong."""
    kind, outputs = kinds.get(table.schema.kind), table.predictions.output
    is_right = kind.is_right(outputs, table.target)
    if is_right is not None:
        return 1 - np.asarray(is_right, dtype=np.float64)
    return np.abs(outputs - table.target) if kind.is_numeric and outputs.ndim == 1 else None


def _leaks(evidence: Evidence, name: str) -> list[str]:
    """Leaks recorded under that check's name when the variants ran, each once."""
    recorded = [leak for run in evidence.runs for leak in (run.task or {}).get("leaks", ())]
    return list(dict.fromkeys(str(leak["text"]) for leak in recorded if leak["check"] == name))


def _better_on_seen(name: str, table: PredictionTable) -> str | None:
    """A sentence where a variant is clearly better on seen inputs, by more than twice the standard error."""
    is_seen = table.slices[SEEN_INPUT].to_numpy(dtype=object) == "yes"
    loss = _row_losses(table)
    if loss is None or min(is_seen.sum(), (~is_seen).sum()) < FEW_SEEN:
        return None
    is_numeric = kinds.get(table.schema.kind).is_numeric
    known, of_new = loss[is_seen], loss[~is_seen]
    error = math.sqrt(known.var() / len(known) + of_new.var() / len(of_new))
    if of_new.mean() - known.mean() <= max(2 * error, WORSE_ON_NEW * (loss.mean() if is_numeric else 1)):
        return None
    measured = (
        f"has a mean absolute error of {known.mean():.3g} on the {len(known):,} test rows whose input also stands in "
        f"training, and of {of_new.mean():.3g} on the {len(of_new):,} others"
        if is_numeric
        else f"is right about {1 - known.mean():.1%} of the {len(known):,} test rows whose input also stands in "
        f"training, and about {1 - of_new.mean():.1%} of the {len(of_new):,} others"
    )
    return f"{name} {measured}. If most inputs will be new, set data.duplicates=group."


def _machine(run: Run) -> str:
    here = run.environment
    gpus = "".join(f", {gpu}" for gpu in here.get("gpus", ()))
    return f"{here.get('cpu')} with {here.get('cores')} cores{gpus}"


def _seconds(run: Run) -> float:
    """Seconds since the run started, which is when its data were loaded."""
    return sum(seconds for step, seconds in run.seconds.items() if step != "data")


def _started(run: Run) -> datetime | None:
    try:
        return datetime.fromisoformat(run.started)
    except ValueError:
        return None
