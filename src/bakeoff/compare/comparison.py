"""Compare runs from what is on disk: paired, on the same test rows, to a verdict."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import __version__, business, cost, metrics, numbers, record
from bakeoff.compare import checks, equivalence, gains, panels, replicates, scores, selection, unanswered, vetoes
from bakeoff.compare import decision as rule
from bakeoff.compare import notes as notes_of
from bakeoff.compare.checks import Checked, Evidence
from bakeoff.compare.gains import Difference
from bakeoff.compare.panels import Panel
from bakeoff.compare.scores import Scored
from bakeoff.compare.unanswered import Lost
from bakeoff.compare.units import with_same_units
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.metrics import Metric
from bakeoff.record import Run, Score, locks

if TYPE_CHECKING:
    from bakeoff.task import PredictionTable

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters of cells that a spreadsheet would evaluate as a formula."""


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


@dataclass(frozen=True)
class Money:
    """Configs of the cost model and of the business model; None for none."""

    cost: Mapping[str, Any] | None
    business: Mapping[str, Any] | None

    def applied(self, run: Run) -> Run:
        """The run, priced and valued by these models."""
        return replace(run, cost=self.cost, business=self.business)


def compare_folder(
    folder: Path,
    settings: DecisionSettings,
    incumbent: str | None,
    money: Money | None = None,
) -> tuple[Comparison, list[Run]]:
    """The comparison of a bake-off folder, and its runs: read when nothing has changed, else made and written.

    Args:
        folder: the bake-off folder.
        settings: settings of the verdict.
        incumbent: name of the variant that the others must beat; None: the one that ran first.
        money: by which all runs are priced and valued, those of earlier commands too; None: as they are recorded.

    Raises what ``compare`` raises.
    """
    money = money or known_money(folder)
    runs = priced_runs(folder, money)
    record.verify_bakeoff(folder)
    digest = _digest(runs, settings, incumbent)
    damage: tuple[str, ...] = ()
    try:
        with locks.of_comparison(folder):
            known = read(folder)
    except DataError as error:
        known, damage = None, (str(error),)
    if known is not None and known.of == digest:
        for run in runs:
            record.verify(run)
        return replace(known, notes=tuple(dict.fromkeys((*notes_of.of_files(runs), *known.notes)))), runs
    known = compare(runs, settings, incumbent)
    if money is not None:
        known = replace(known, cost=money.cost, business=money.business, is_one_money=True)
    if record.is_writable(folder):
        write(known, folder)
    return replace(known, notes=(*damage, *known.notes)), runs


def priced_runs(folder: Path, money: Money | None = None) -> list[Run]:
    """The runs of a folder, priced and valued alike: as given, or as the last command of the bake-off did.

    Raises:
        DataError: there is no run.
    """
    runs = record.read_runs(folder)
    money = money or known_money(folder)
    return runs if money is None else [money.applied(run) for run in runs]


def known_money(folder: Path) -> Money | None:
    """Prices and values that the last command of a bake-off applied to all runs; None where each run has its own."""
    try:
        known = read(folder)
    except DataError:
        return None
    return Money(known.cost, known.business) if known is not None and known.is_one_money else None


def compare(runs: Sequence[Run], settings: DecisionSettings, incumbent: str | None = None) -> Comparison:
    """Compare finished runs of one task.

    Args:
        runs: at least one; those that did not finish are listed without metrics.
        settings: settings of the verdict.
        incumbent: name of the variant that the others must beat; None: the one that ran first.

    Raises:
        ConfigError: the incumbent or the metric is not there.
        DataError: the runs are not of one task, or a file of theirs is not what was written.
    """
    declared = incumbent
    for run in runs:
        record.verify(run)
    names = [run.variant for run in runs]
    if incumbent is not None and incumbent not in names:
        raise ConfigError(
            f'incumbent: there is no variant "{incumbent}". '
            f"Variants: {', '.join(names)}.{did_you_mean(incumbent, names)}"
        )
    finished = [run for run in runs if run.status == "ok"]
    _check_one_task(finished)
    if not finished:
        return _without_results(runs, settings, incumbent or names[0])
    unpriced: list[str] = []
    of_runs = {run.variant: _priced(run, unpriced) for run in finished}
    lost = {name: Lost.from_table(table) for name, table in of_runs.items()}
    refused = unanswered.too_many(lost, settings.max_unanswered)
    tables = {name: table.answered for name, table in of_runs.items() if table.predictions.is_answered.any()}
    if not tables:
        return _without_results(runs, settings, incumbent or names[0])
    tables = with_same_units(tables)
    schema = next(iter(tables.values())).schema
    metric = rule.deciding_metric(settings.metric, schema)
    recorded = {name for run in finished for name in run.metrics} | {metric.name}
    measured = [m for name in metrics.names() if name in recorded and (m := metrics.get(name)).applies(schema)]
    scored = {
        run.variant: scores.of_run(run, tables[run.variant], measured, settings)
        for run in finished
        if run.variant in tables
    }
    variants = [_variant(run, scored.get(run.variant), tables.get(run.variant)) for run in runs]
    notes: list[str] = []
    if incumbent is None:
        incumbent = finished[0].variant
        if len(finished) > 1:
            notes.append(f"No incumbent was declared; {incumbent}, which ran first, is taken (incumbent).")
    confidence = settings.confidence
    recipes = replicates.by_first([n for n in (incumbent, *tables) if n in tables]) if settings.replicates else {}
    pairs: list[Panel] = []
    if incumbent in tables:
        known = {name: one.draws for name, one in scored.items()}
        pairs = panels.panels(incumbent, tables, measured, settings.resamples, known, recipes=recipes)
        of_incumbent = scored[incumbent]
        value = (of_incumbent.scores.get(metric.name) or Score(None)).value
        notes += notes_of.of_units(metric, tables[incumbent], math.nan if value is None else value, of_incumbent.draws)
        notes += notes_of.of_recipes(recipes)
        notes += notes_of.of_rows(incumbent, {n: t for n, t in tables.items() if n in (recipes or tables)}, pairs)
    refused |= unanswered.too_few_grades(tables, metric, settings.max_unanswered)
    by_variant = {name: one.scores for name, one in scored.items()}
    vetoed = vetoes.find(finished, by_variant, settings.require)
    able = [name for pair in pairs for name in pair.challengers if name not in refused]
    challengers = [name for name in able if name not in vetoed]
    threshold = rule.Threshold(math.nan)
    gained: list[rule.Gain] = []
    if incumbent in refused:
        reached = rule.Decision("inconclusive", None, f"{refused[incumbent]}; it is the incumbent.")
    elif incumbent in tables and refused and not able:
        reached = rule.Decision("inconclusive", None, f"{'; '.join(refused.values())}.")
    elif incumbent in tables and able and not challengers:
        reached = rule.Decision("keep", incumbent, "no challenger may be shipped.")
    elif incumbent in tables:
        score = scored[incumbent].scores.get(metric.name, Score(None))
        threshold = rule.threshold(settings.smallest_difference, metric, incumbent, score)
        value = math.nan if score.value is None else score.value
        if math.isnan(threshold.value) and math.isfinite(value) and challengers:
            reached = rule.Decision("inconclusive", None, threshold.note)
        else:
            gained = gains.gains(metric, pairs, confidence, challengers)
            decide = rule.chosen(settings.rule)
            reached = decide(metric, incumbent, value, gained, threshold.value, len(tables[incumbent]))
            notes += [threshold.note] if threshold.note and challengers else []
            if reached.verdict in ("keep", "inconclusive") and settings.rule is None:
                by_name = {run.variant: run for run in finished}
                of = {name: _traits(name, incumbent, by_name, scored, pairs) for name in challengers}
                reached = equivalence.decide(metric, incumbent, gained, threshold.value, of) or reached
        if refused:
            reached = replace(reached, reason=f"{reached.reason} {notes_of.sentences(refused.values())}")
    else:
        reached = rule.Decision("inconclusive", None, f"the incumbent, {incumbent}, has no results to compare with.")
    if vetoed:
        sentences = vetoes.describe(vetoed, metric, by_variant, reached.winner or incumbent)
        reached = replace(reached, reason=" ".join([reached.reason, *sentences]))
    checked = checks.checked(Evidence(finished, tables, schema, gained, threshold.value, settings.replicates))
    blocking = [finding for check in checked if check.severity == "blocks" for finding in check.findings]
    if blocking and reached.verdict != "inconclusive":
        reached = rule.Decision("inconclusive", None, " ".join(blocking))
    corrected = None
    if reached.verdict == "ship" and reached.winner is not None:
        pair = next(pair for pair in pairs if reached.winner in pair.challengers)
        rivals = [name for name in pair.challengers if name in challengers]
        corrected = selection.corrected_gain(metric, pair, rivals)
        if corrected is not None:
            better = numbers.difference(corrected * (1 if metric.direction == "maximize" else -1))
            reason = f"{reached.reason} Corrected for choosing the best of {len(rivals)}: {better}."
            reached = replace(reached, reason=reason)
        notes += notes_of.of_close(str(reached.winner), metric, tables, challengers, settings, recipes)
    return Comparison(
        task=str((finished[0].task or {}).get("name", "")),
        metric=metric.name,
        direction=metric.direction,
        smallest_difference=threshold.value,
        confidence=confidence,
        joint_confidence=gains.level(metric.name, pairs, confidence) if pairs else confidence,
        test_rows=max(len(table) for table in tables.values()),
        incumbent=incumbent,
        verdict=reached.verdict,
        winner=reached.winner,
        reason=reached.reason,
        corrected_gain=corrected,
        variants=tuple(sorted(variants, key=lambda v: _rank(v, metric))),
        differences=tuple(gains.differences(pairs, measured, confidence)),
        notes=(*notes, *unpriced, *notes_of.of_runs(finished), *notes_of.of_files(runs)),
        checks=checked,
        of=_digest(runs, settings, declared),
    )


def _traits(
    name: str, incumbent: str, runs: Mapping[str, Run], scored: Mapping[str, Scored], pairs: Sequence[Panel]
) -> equivalence.Traits:
    pair = next(pair for pair in pairs if name in pair.challengers)
    return equivalence.traits(runs[name], scored[name].scores, runs[incumbent], scored[incumbent].scores, pair)


def read(folder: Path) -> Comparison | None:
    """The comparison that a bake-off folder holds; None when there is none of this version of bakeoff.

    Raises:
        DataError: it, or the leaderboard beside it, is not what was written.
    """
    file = folder / record.COMPARISON
    if not file.is_file():
        return None
    sealed = record.read_sealed(file, "The runs were compared again.")
    content = sealed.content
    if sealed.sha256 is None:
        return None
    leaderboard = folder / record.LEADERBOARD
    if not leaderboard.is_file() or record.sha256(leaderboard) != content.pop(record.LEADERBOARD_DIGEST, None):
        raise DataError(f"{leaderboard}: it is gone, damaged or was edited. The runs were compared again.")
    try:
        variants = [
            Variant(**{**v, "metrics": {name: Score(**s) for name, s in v["metrics"].items()}})
            for v in content.pop("variants")
        ]
        differences = [
            Difference(**{**d, **{key: _number(d[key]) for key in ("difference", "low", "high")}})
            for d in content.pop("differences")
        ]
        content["smallest_difference"] = _number(content["smallest_difference"])
        notes = tuple(content.pop("notes"))
        checks = tuple(Checked(**{**c, "findings": tuple(c["findings"])}) for c in content.pop("checks"))
        return Comparison(
            **content, variants=tuple(variants), differences=tuple(differences), notes=notes, checks=checks
        )
    except (ValueError, TypeError, KeyError):
        return None


def _number(value: float | None) -> float:
    """Convert NaN to null for JSON."""
    return math.nan if value is None else value


def _digest(runs: Sequence[Run], settings: DecisionSettings, incumbent: str | None) -> str:
    content = [
        asdict(settings),
        incumbent,
        __version__,
        checks.names(),
        [(run.variant, run.started, run.status, run.cost, run.business, run.sha256) for run in runs],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def write(comparison: Comparison, folder: Path) -> None:
    """Write ``comparison.json`` and ``leaderboard.csv`` into a bake-off folder."""
    record.remove_left(folder)
    columns = list(dict.fromkeys(name for v in comparison.variants for name in v.metrics))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    names = [_cell(f"{c}{end}") for c in columns for end in ("", "_low", "_high")]
    rows.writerow(["variant", "family", "status", *names])
    for v in comparison.variants:
        scores = [v.metrics.get(c, Score(None)) for c in columns]
        cells = ["" if x is None or x != x else x for s in scores for x in (s.value, s.low, s.high)]
        rows.writerow([_cell(v.name), _cell(v.family), v.status, *cells])
    with locks.of_comparison(folder):
        record.write_text(folder / record.LEADERBOARD, text.getvalue())
        digest = record.sha256(folder / record.LEADERBOARD)
        record.write_sealed(folder / record.COMPARISON, {**asdict(comparison), record.LEADERBOARD_DIGEST: digest})


def _cell(text: str) -> str:
    """The text as a cell that a spreadsheet shows, and does not calculate as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _check_one_task(runs: Sequence[Run]) -> None:
    if len({run.fingerprint for run in runs}) < 2:
        return
    lines = [f"  {run.folder}: {(run.task or {}).get('name')}, fingerprint {str(run.fingerprint)[:12]}" for run in runs]
    raise DataError(
        "These runs are of different tasks (rows, column roles or split differ), so they cannot be compared:\n"
        + "\n".join(lines)
        + "\nGive each task a name= of its own, or run the older variants again with resume=false."
    )


def _priced(run: Run, notes: list[str]) -> PredictionTable:
    """Predictions of a run with their cost. A run of an earlier version has no cost model, and no costs.

    A cost model that fails, or that is not installed here, is told in the notes.
    """
    table = _valued(run, record.read_predictions(run), notes)
    throughput = run.metrics["throughput_rows_per_s"].value if "throughput_rows_per_s" in run.metrics else None
    if not throughput:
        return table
    try:
        return cost.priced(table, run.cost, cost.run_seconds(run.seconds, run.search, throughput))
    except ConfigError as error:
        notes.append(f"{run.variant}: what its answers cost is not known: {error}")
        return table


def _valued(run: Run, table: PredictionTable, notes: list[str]) -> PredictionTable:
    """The predictions with their business value; where it cannot be known, the notes say why."""
    if run.business is None:
        return table
    import pandas as pd

    try:
        columns = business.columns_of(run.business)
        X = pd.DataFrame(index=range(len(table)))
        if columns:
            inputs = record.read_inputs(run.folder.parent)
            if inputs is None:
                raise DataError(f"{', '.join(columns)} would be read from {record.INPUTS}, which is not there.")
            missing = [name for name in columns if name not in inputs]
            if missing:
                raise DataError(f"{record.INPUTS} has no column {', '.join(missing)}.")
            X = inputs[columns].reindex([str(identity) for identity in table.ids])
        return business.build_valuer(run.business, table.schema)(table, X)
    except (ConfigError, DataError) as error:
        notes.append(f"{run.variant}: what its predictions are worth is not known: {error}")
        return table


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
    )
