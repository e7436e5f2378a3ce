"""Compare runs from what is on disk: paired, on the same test rows, to a verdict."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff import __version__, cost, metrics, record
from bakeoff.advice import listed
from bakeoff.compare import checks, gains, unanswered
from bakeoff.compare import decision as rule
from bakeoff.compare import draws as recorded_draws
from bakeoff.compare.checks import Checked, Evidence
from bakeoff.compare.gains import Difference
from bakeoff.compare.statistics import bootstrap, interval
from bakeoff.compare.unanswered import Lost
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import ConfigError, DataError, did_you_mean
from bakeoff.metrics import Metric
from bakeoff.record import Run, Score

if TYPE_CHECKING:
    from bakeoff.task import PredictionTable

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters of cells that a spreadsheet would evaluate as a formula."""


@dataclass(frozen=True)
class Variant:
    """One row of the leaderboard: metrics over the test rows that all variants answered, trials of its search."""

    name: str
    family: str
    status: str
    metrics: Mapping[str, Score]
    error: str | None = None
    trials: int | None = None


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
        test_rows: number of test rows on which all variants are compared.
        incumbent: name of the variant that others must beat.
        verdict: ship, keep or inconclusive.
        winner: name of the winning variant; None if inconclusive.
        reason: reason for the verdict, in a sentence.
        variants: best first; those without results last.
        differences: differences to the incumbent, for every metric.
        notes: caveats for the reader, one sentence each.
        checks: method checks with their findings.
        of: digest of the runs and the question, to tell whether a comparison on disk is up to date.
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


def compare_folder(
    folder: Path,
    settings: DecisionSettings,
    incumbent: str | None,
    costs: Mapping[str, Mapping[str, Any] | None] = MappingProxyType({}),
) -> tuple[Comparison, list[Run]]:
    """The comparison of a bake-off folder, and its runs: read when nothing has changed, else made and written.

    Args:
        folder: the bake-off folder.
        settings: settings of the verdict.
        incumbent: name of the variant that the others must beat; None: the one that ran first.
        costs: variant → config of its cost model, where it is asked for anew.

    Raises what ``compare`` raises.
    """
    runs = [replace(run, cost=costs.get(run.variant, run.cost)) for run in record.read_runs(folder)]
    record.verify_bakeoff(folder)
    wanted = _digest(runs, settings, incumbent)
    damage: tuple[str, ...] = ()
    try:
        known = read(folder)
    except DataError as error:
        known, damage = None, (str(error),)
    if known is not None and known.of == wanted:
        for run in runs:
            record.verify(run)
        return replace(known, notes=tuple(dict.fromkeys((*_of_files(runs), *known.notes)))), runs
    known = compare(runs, settings, incumbent)
    write(known, folder)
    return replace(known, notes=(*damage, *known.notes)), runs


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
    asked_rows = {run.variant: _priced(run, unpriced) for run in finished}
    lost = {name: Lost.from_table(table) for name, table in asked_rows.items()}
    refused = unanswered.too_many(lost, settings.max_unanswered)
    answered = {name: table.answered for name, table in asked_rows.items() if table.predictions.is_answered.any()}
    sound = {name: table for name, table in answered.items() if name not in refused} or answered
    if not answered:
        return _without_results(runs, settings, incumbent or names[0])
    tables, notes = _common_rows(sound)
    schema = next(iter(tables.values())).schema
    metric = rule.deciding_metric(settings.metric, schema)
    refused |= unanswered.too_few_grades(tables, metric, settings.max_unanswered)
    tables, of_grades = unanswered.with_same_grades(tables)
    notes += [*of_grades, *unpriced]
    asked = {name for run in finished for name in run.metrics} | {metric.name}
    known = [metrics.get(name) for name in metrics.names() if name in asked]
    measured = [m for m in known if m.applies(schema)]
    values = {name: _values(table, measured) for name, table in tables.items()}
    recorded = {
        run.variant: recorded_draws.read(run, tables[run.variant], values[run.variant])
        for run in finished
        if run.variant in tables
    }
    draws = dict(bootstrap(tables, measured, settings.resamples, known=recorded))

    if incumbent is None:
        incumbent = finished[0].variant
        if len(finished) > 1:
            notes.append(f"No incumbent was declared; {incumbent}, which ran first, is taken (incumbent).")
    challengers = [run.variant for run in finished if run.variant != incumbent and run.variant in tables]
    confidence = settings.confidence
    joint = (
        gains.joint_level(metric.name, draws, incumbent, challengers, confidence) if incumbent in draws else confidence
    )
    differences = gains.differences(values, draws, incumbent, challengers, confidence) if incumbent in values else []
    for name in answered.keys() - tables.keys():  # these lost so many rows that few would remain for the others
        pair, of_pair = _beside({incumbent: tables[incumbent]} if incumbent in tables else {}, name, answered[name])
        notes += of_pair
        values_of_pair = {n: _values(table, measured) for n, table in pair.items()}
        draws_of_pair = bootstrap(pair, measured, settings.resamples)
        values[name], draws[name] = values_of_pair[name], draws_of_pair[name]
        if incumbent in pair:
            differences += gains.differences(values_of_pair, draws_of_pair, incumbent, [name], joint)
    variants = [_variant(run, values, draws, settings.confidence) for run in runs]
    challengers = [name for name in challengers if name not in refused]
    threshold = rule.Threshold(math.nan)
    if incumbent in refused:
        reached = rule.Decision("inconclusive", None, f"{refused[incumbent]}; it is the incumbent.")
    elif incumbent in values and refused and not challengers:
        reached = rule.Decision("inconclusive", None, f"{'; '.join(refused.values())}.")
    elif incumbent in values:
        score = next(v.metrics.get(metric.name, Score(None)) for v in variants if v.name == incumbent)
        threshold = rule.threshold(settings.smallest_difference, metric, incumbent, score)
        value = values[incumbent].get(metric.name, math.nan)
        if math.isnan(threshold.value) and math.isfinite(value) and challengers:
            reached = rule.Decision("inconclusive", None, threshold.note)
        else:
            guessed = gains.guesses(metric, {name: tables[name] for name in challengers}, settings.resamples)
            gained = gains.gains(metric, tables, values, draws, guessed, incumbent, challengers, confidence)
            decide = rule.chosen(settings.rule)
            reached = decide(metric, incumbent, value, gained, threshold.value, len(tables[incumbent]))
            notes += [threshold.note] if threshold.note and challengers else []
        if refused:
            reached = replace(reached, reason=f"{reached.reason} {_sentences(refused.values())}")
    else:
        reached = rule.Decision("inconclusive", None, f"the incumbent, {incumbent}, has no results to compare with.")
    if reached.verdict == "ship" and reached.winner is not None:
        bonferroni = 1 - (1 - confidence) / len(challengers)
        close = gains.close_to(reached.winner, metric, values, draws, challengers, bonferroni)
        if close:
            notes.append(
                f"On {metric.name}, {_and(close)} {'is' if len(close) == 1 else 'are'} statistically indistinguishable "
                f"from {reached.winner}: compare latency and cost."
            )
    notes += _of_runs(finished)
    notes += _of_files(runs)
    return Comparison(
        task=str((finished[0].task or {}).get("name", "")),
        metric=metric.name,
        direction=metric.direction,
        smallest_difference=threshold.value,
        confidence=settings.confidence,
        joint_confidence=joint,
        test_rows=len(next(iter(tables.values()))),
        incumbent=incumbent,
        verdict=reached.verdict,
        winner=reached.winner,
        reason=reached.reason,
        variants=tuple(sorted(variants, key=lambda v: _rank(v, metric))),
        differences=tuple(differences),
        notes=tuple(notes),
        checks=checks.checked(Evidence(finished, tables, schema)),
        of=_digest(runs, settings, declared),
    )


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
            Difference(d["variant"], d["metric"], *(_number(d[key]) for key in ("difference", "low", "high")))
            for d in content.pop("differences")
        ]
        content["smallest_difference"] = _number(content["smallest_difference"])
        notes = tuple(content.pop("notes"))
        checks = tuple(Checked(c["name"], c["asks"], tuple(c["findings"])) for c in content.pop("checks"))
        return Comparison(
            **content, variants=tuple(variants), differences=tuple(differences), notes=notes, checks=checks
        )
    except (ValueError, TypeError, KeyError):
        return None


def _number(written: float | None) -> float:
    """Convert NaN to null for JSON."""
    return math.nan if written is None else written


def _digest(runs: Sequence[Run], settings: DecisionSettings, incumbent: str | None) -> str:
    asked = [
        asdict(settings),
        incumbent,
        __version__,
        checks.names(),
        [(run.variant, run.started, run.status, run.cost, run.sha256) for run in runs],
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def write(comparison: Comparison, folder: Path) -> None:
    """Write ``comparison.json`` and ``leaderboard.csv`` into a bake-off folder."""
    columns = list(dict.fromkeys(name for v in comparison.variants for name in v.metrics))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    names = [_cell(f"{c}{end}") for c in columns for end in ("", "_low", "_high")]
    rows.writerow(["variant", "family", "status", *names])
    for v in comparison.variants:
        scores = [v.metrics.get(c, Score(None)) for c in columns]
        cells = ["" if x is None or x != x else x for s in scores for x in (s.value, s.low, s.high)]
        rows.writerow([_cell(v.name), _cell(v.family), v.status, *cells])
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
    table = record.read_predictions(run)
    throughput = run.metrics["throughput_rows_per_s"].value if "throughput_rows_per_s" in run.metrics else None
    if not throughput:
        return table
    try:
        return cost.priced(table, run.cost, cost.run_seconds(run.seconds, run.search, throughput))
    except ConfigError as error:
        notes.append(f"{run.variant}: what its answers cost is not known: {error}")
        return table


def _common_rows(tables: dict[str, PredictionTable]) -> tuple[dict[str, PredictionTable], list[str]]:
    """Restrict the tables to the rows that all of them hold, in the same order."""
    ids = [list(table.ids) for table in tables.values()]
    if all(other == ids[0] for other in ids[1:]):
        return tables, []
    common = set(ids[0]).intersection(*ids[1:])
    if not common:
        raise DataError("These runs answered no test row in common, so they cannot be compared.")
    order = [i for i in ids[0] if i in common]
    restricted = {}
    for name, table in tables.items():
        position = {identity: row for row, identity in enumerate(table.ids)}
        restricted[name] = table.take(np.array([position[i] for i in order], dtype=np.intp))
    return restricted, [f"Compared on the {len(order):,} test rows that all variants answered."]


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{listed(names[:-1])} and {names[-1]}"


def _values(table: PredictionTable, measured: Sequence[Metric]) -> dict[str, float]:
    return {m.name: m.value(table) for m in measured if metrics.applies_to(m, table)}


def _beside(
    incumbent: Mapping[str, PredictionTable], name: str, table: PredictionTable
) -> tuple[dict[str, PredictionTable], list[str]]:
    """A variant and the incumbent, where there is one, on the rows that both answered, with a note on how many."""
    pair = {**incumbent, name: table}
    if not set(map(str, table.ids)).intersection(*(map(str, t.ids) for t in pair.values())):
        return {name: table}, []
    restricted, _ = _common_rows(pair)
    rows = len(restricted[name])
    beside = f", beside {next(iter(incumbent))} on those that both answered" if incumbent else ""
    return restricted, [f"{name}: scored on the {rows:,} test rows that it answered{beside}."]


def _sentences(clauses: Iterable[str]) -> str:
    return " ".join(f"{clause[0].upper()}{clause[1:]}." for clause in clauses)


def _of_runs(runs: Sequence[Run]) -> list[str]:
    """Collect the notes of the runs, each once, naming the variants concerned unless it concerns all of them."""
    about: dict[str, list[str]] = {}
    for run in runs:
        for note in run.notes:
            about.setdefault(note, []).append(run.variant)
    return [note if len(who) == len(runs) > 1 else f"{', '.join(who)}: {note}" for note, who in about.items()]


def _of_files(runs: Sequence[Run]) -> list[str]:
    """Notes on files that could not be checked, or are damaged and were computed again."""
    notes = [
        f"{run.folder / record.BOOTSTRAP}: it is damaged; its values were drawn again."
        for run in runs
        if record.is_damaged(run.folder, run.files, record.BOOTSTRAP)
    ]
    unverified = [run.variant for run in runs if not run.is_verified and run.status != "interrupted"]
    if unverified:
        notes.append(f"{_and(unverified)}: recorded by an earlier version, without checksums, and so unverified.")
    return notes


def _variant(run: Run, values: Mapping[str, Any], draws: Mapping[str, Any], confidence: float) -> Variant:
    scores = {name: score for name, score in run.metrics.items() if name not in metrics.names()}
    if run.variant in values:
        of_table = {
            name: Score(value, *interval(draws[run.variant][name], confidence))
            for name, value in values[run.variant].items()
        }
        scores = of_table | scores
    error = run.error["message"] if run.error else None
    return Variant(run.variant, run.family, run.status, scores, error, run.search["trials"] if run.search else None)


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
        variants=tuple(_variant(run, {}, {}, settings.confidence) for run in runs),
        differences=(),
    )
