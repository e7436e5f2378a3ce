"""Runs of a bake-off as a comparison reads them: predictions of answered rows, priced, and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bakeoff import metrics
from bakeoff.compare import decision, money, people, scores, unanswered
from bakeoff.compare.scores import Scored
from bakeoff.compare.unanswered import Lost
from bakeoff.compare.units import with_same_units
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import DataError
from bakeoff.grading.labels import GRADE, Labels, load_labels
from bakeoff.metrics import Metric
from bakeoff.record import Run, Score
from bakeoff.task import PredictionTable, Schema


@dataclass(frozen=True)
class Entrants:
    """Finished runs with results.

    Attributes:
        runs: all finished runs, in the order in which they started.
        tables: variant → predictions of the rows that it answered; none for a variant that answered no row.
        schema: schema of the task.
        metric: the decision metric.
        measured: metrics of the comparison.
        scored: variant → scores.
        refused: variant → why no verdict leans on it, as a clause.
        notes: sentences on predictions whose cost or value is unknown, or does not compare with that of others.
    """

    runs: Sequence[Run]
    tables: Mapping[str, PredictionTable]
    schema: Schema
    metric: Metric
    measured: Sequence[Metric]
    scored: Mapping[str, Scored]
    refused: Mapping[str, str]
    notes: Sequence[str]
    labels: Labels | None = None

    @property
    def scores(self) -> dict[str, Mapping[str, Score]]:
        """Variant → metric → score."""
        return {name: one.scores for name, one in self.scored.items()}

    def score(self, variant: str) -> Score:
        """Score of a variant in the decision metric; without a value where it has none."""
        return self.scored[variant].scores.get(self.metric.name, Score(None))


def load_entrants(finished: Sequence[Run], settings: DecisionSettings) -> Entrants | None:
    """Read and score finished runs.

    Args:
        finished: finished runs.
        settings: settings of the verdict.

    Returns:
        None where no run answered a row.

    Raises:
        ConfigError: the decision metric is not defined for the task.
        DataError: the runs are of different tasks, or a file of theirs is not what was written.
    """
    _check_one_task(finished)
    notes = money.of_difference(finished)
    of_runs = {run.variant: money.priced(run, notes) for run in finished}
    lost = {name: Lost.from_table(table) for name, table in of_runs.items()}
    tables = {name: table.answered for name, table in of_runs.items() if table.predictions.is_answered.any()}
    if not tables:
        return None
    tables = with_same_units(tables)
    schema = next(iter(tables.values())).schema
    metric = decision.deciding_metric(settings.metric, schema)
    recorded = {name for run in finished for name in run.metrics} | {metric.name, *money.metrics_of(tables.values())}
    measured = [m for name in metrics.names() if name in recorded and (m := metrics.get(name)).applies(schema)]
    scored = {
        run.variant: scores.of_run(run, tables[run.variant], measured, settings)
        for run in finished
        if run.variant in tables
    }
    labels = load_labels(settings, tables)
    by_people = people.corrected_scores(tables, labels, settings.confidence)
    for name, score in by_people.items():
        if GRADE in scored[name].scores:
            scored[name] = replace(scored[name], scores={**scored[name].scores, GRADE: score})
    notes += people.notes(tables, labels, by_people, metric.name)
    refused = unanswered.too_many(lost, settings.max_unanswered)
    refused |= unanswered.too_few_grades(tables, metric, settings.max_unanswered)
    return Entrants(finished, tables, schema, metric, measured, scored, refused, notes, labels)


def _check_one_task(runs: Sequence[Run]) -> None:
    if len({run.fingerprint for run in runs}) < 2:
        return
    lines = [f"  {run.folder}: {(run.task or {}).get('name')}, fingerprint {str(run.fingerprint)[:12]}" for run in runs]
    raise DataError(
        "These runs are of different tasks (rows, column roles or split differ), so they cannot be compared:\n"
        + "\n".join(lines)
        + "\nGive each task a name= of its own, or run the older variants again with resume=false."
    )
