"""Compare runs from what is on disk: paired, on the same test rows, to a verdict."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bakeoff import __version__, metrics, record
from bakeoff.compare import checks, gains, panels, people, replicates, verdict
from bakeoff.compare import decision as rule
from bakeoff.compare import notes as notes_of
from bakeoff.compare.checks import Checked
from bakeoff.compare.entrants import Entrants, load_entrants
from bakeoff.compare.gains import Difference
from bakeoff.compare.ledger import Ledger
from bakeoff.compare.looks import Looks
from bakeoff.compare.money import Money
from bakeoff.compare.panels import Panel
from bakeoff.compare.scores import Scored
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.grading import labels
from bakeoff.grading.labels import GRADE
from bakeoff.metrics import Metric
from bakeoff.record import Run, Score

if TYPE_CHECKING:
    from bakeoff.task import PredictionTable


@dataclass(frozen=True)
class Variant:
    """One row of the leaderboard.

    Attributes:
        name: name of the variant.
        family: family of its model.
        status: ok, failed or interrupted.
        metrics: name → score over the test rows that it answered.
        error: message, if it failed.
        trials: number of trials of its search; None without a search.
        rows: number of test rows that it answered; None without results.
    """

    name: str
    family: str
    status: str
    metrics: Mapping[str, Score]
    error: str | None = None
    trials: int | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Comparison:
    """Contents of ``comparison.json``. Its keys are stable; docs/comparison.md describes them.

    Attributes:
        task: name of the data.
        metric: the decision metric.
        direction: direction of the decision metric.
        smallest_difference: minimum meaningful difference, in the metric's unit.
        confidence: confidence level of each variant's interval.
        joint_confidence: level of each difference's interval, so that all of them hold jointly at ``confidence``.
        test_rows: most test rows that a variant answered; each difference names its own.
        incumbent: name of the variant that others must beat.
        verdict: ship, as_good, keep or inconclusive.
        winner: name of the winning variant; None if inconclusive.
        reason: reason for the verdict, in a sentence.
        variants: best first; those without results last.
        differences: differences to the incumbent, for every metric.
        notes: caveats for the reader, one sentence each.
        checks: method checks with their findings.
        cost, business: configs of the cost and the business model by which all runs were priced and valued.
        is_one_money: whether it is so; else each run was by its own.
        of: digest of the runs and the question, to tell whether a comparison on disk is up to date.
        corrected_gain: gain of the winner that ships, corrected for choosing it on the rows that it is judged by; None
            where there was no choice.
        looks: looks at the test rows that the verdict rests on, and all that were taken, as far as is known.
        settings: settings of the verdict (``decision``), as the runs recorded or ``bakeoff compare`` changed them.
    """

    task: str
    metric: str
    direction: str
    smallest_difference: float
    confidence: float
    joint_confidence: float
    test_rows: int
    incumbent: str
    verdict: rule.Verdict
    winner: str | None
    reason: str
    variants: tuple[Variant, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()
    checks: tuple[Checked, ...] = ()
    of: str = ""
    corrected_gain: float | None = None
    cost: Mapping[str, Any] | None = None
    business: Mapping[str, Any] | None = None
    is_one_money: bool = False
    looks: Looks = field(default_factory=Looks)
    settings: Mapping[str, Any] = field(default_factory=dict)


def compare(
    runs: Sequence[Run], settings: DecisionSettings, incumbent: str | None = None, ledger: Ledger | None = None
) -> Comparison:
    """Compare finished runs of one task.

    Args:
        runs: at least one; those that did not finish are listed without metrics.
        settings: settings of the verdict.
        incumbent: name of the variant that the others must beat; None: the one that ran first.
        ledger: counts the looks at these test rows; None: this is the first.

    Raises:
        ConfigError: the incumbent or the metric is not there.
        DataError: the runs are not of one task, or a file of theirs is not what was written.
    """
    declared, names = incumbent, [run.variant for run in runs]
    for run in runs:
        record.verify(run)
    if incumbent is not None and incumbent not in names:
        raise ConfigError(
            f'incumbent: there is no variant "{incumbent}". '
            f"Variants: {', '.join(names)}.{did_you_mean(incumbent, names)}"
        )
    finished = [run for run in runs if run.status == "ok"]
    entrants = load_entrants(finished, settings) if finished else None
    if entrants is None:
        return _without_results(runs, settings, incumbent or names[0])
    notes: list[str] = []
    if incumbent is None:
        incumbent = finished[0].variant
        if len(finished) > 1:
            notes.append(f"No incumbent was declared; {incumbent}, which ran first, is taken (incumbent).")
    metric, tables, confidence = entrants.metric, entrants.tables, settings.confidence
    recipes = replicates.by_first([n for n in (incumbent, *tables) if n in tables]) if settings.replicates else {}
    pairs = _pairs(entrants, incumbent, settings, recipes)
    if incumbent in tables:
        notes += _of_rows(entrants, incumbent, pairs, recipes)
    reached = verdict.reach(entrants, incumbent, pairs, settings, ledger or Ledger())
    decided = reached.decision
    notes += reached.notes
    is_corrected = entrants.labels is not None and metric.name == GRADE
    is_of_best = settings.goal in ("best", "quality") and not is_corrected
    if decided.verdict == "ship" and decided.winner is not None and is_of_best:
        notes += notes_of.of_close(decided.winner, metric, tables, reached.challengers, settings, recipes)
    variants = [_variant(run, entrants.scored.get(run.variant), tables.get(run.variant)) for run in runs]
    return Comparison(
        task=str((finished[0].task or {}).get("name", "")),
        metric=metric.name,
        direction=metric.direction,
        smallest_difference=reached.margin,
        confidence=confidence,
        joint_confidence=gains.level(metric.name, pairs, confidence) if pairs else confidence,
        test_rows=max(len(table) for table in tables.values()),
        incumbent=incumbent,
        verdict=decided.verdict,
        winner=decided.winner,
        reason=decided.reason,
        corrected_gain=reached.corrected_gain,
        variants=tuple(sorted(variants, key=lambda v: _rank(v, metric))),
        differences=tuple(
            gains.as_judged(gains.differences(pairs, entrants.measured, confidence), metric, reached.gains)
        ),
        notes=(
            *notes,
            *entrants.notes,
            *notes_of.of_runs(finished),
            *notes_of.of_searches(finished),
            *notes_of.of_files(runs),
        ),
        checks=reached.checks,
        looks=reached.looks,
        of=digest(runs, settings, declared),
        settings=asdict(settings),
        **_prices(runs),
    )


def _prices(runs: Sequence[Run]) -> dict[str, Any]:
    """Fields of a comparison on the models by which its runs were priced and valued."""
    shared = Money.shared(runs)
    return {} if shared is None else {"cost": shared.cost, "business": shared.business, "is_one_money": True}


def _pairs(
    entrants: Entrants, incumbent: str, settings: DecisionSettings, recipes: Mapping[str, tuple[str, ...]]
) -> list[Panel]:
    """The challengers beside the incumbent; empty if it has no results."""
    if incumbent not in entrants.tables:
        return []
    known = {name: one.draws for name, one in entrants.scored.items()}
    pairs = panels.panels(incumbent, entrants.tables, entrants.measured, settings.resamples, known, recipes=recipes)
    return [people.corrected(pair, entrants.labels) for pair in pairs]


def _of_rows(
    entrants: Entrants, incumbent: str, pairs: Sequence[Panel], recipes: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Notes on units, seeds and rows that are compared."""
    value = entrants.score(incumbent).value
    table, draws = entrants.tables[incumbent], entrants.scored[incumbent].draws
    compared = {name: of for name, of in entrants.tables.items() if name in (recipes or entrants.tables)}
    split = next((run.task.get("split") or {} for run in entrants.runs if run.task), {})
    is_by_time = split.get("kind") == "time"
    return [
        *notes_of.of_units(entrants.metric, table, math.nan if value is None else value, draws, is_by_time),
        *notes_of.of_recipes(recipes),
        *notes_of.of_rows(incumbent, compared, pairs),
    ]


def digest(runs: Sequence[Run], settings: DecisionSettings, incumbent: str | None) -> str:
    """Digest of the runs and the question: a comparison that has it is up to date."""
    content = [
        asdict(settings),
        incumbent,
        __version__,
        checks.names(),
        labels.digest_of_file(settings),
        [(run.variant, run.started, run.status, run.cost, run.business, run.sha256) for run in runs],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _variant(run: Run, scored: Scored | None, table: PredictionTable | None) -> Variant:
    measured = {name: score for name, score in run.metrics.items() if name not in metrics.names()}
    error = run.error["message"] if run.error else None
    return Variant(
        run.variant,
        run.family,
        run.status,
        {**(scored.scores if scored else {}), **measured},
        error,
        run.search["trials"] if run.search else None,
        None if table is None else len(table),
    )


def _rank(variant: Variant, metric: Metric) -> tuple[bool, float]:
    score = variant.metrics.get(metric.name)
    if score is None or score.value is None or score.value != score.value:
        return (True, 0.0)
    return (False, -score.value if metric.direction == "maximize" else score.value)


def _without_results(runs: Sequence[Run], settings: DecisionSettings, incumbent: str) -> Comparison:
    return Comparison(
        task=str((runs[0].task or {}).get("name", "")),
        metric=settings.metric or "",
        direction="",
        smallest_difference=float("nan"),
        confidence=settings.confidence,
        joint_confidence=settings.confidence,
        test_rows=0,
        incumbent=incumbent,
        verdict="inconclusive",
        winner=None,
        reason="no variant has results to compare.",
        variants=tuple(_variant(run, None, None) for run in runs),
        differences=(),
        settings=asdict(settings),
        **_prices(runs),
    )
