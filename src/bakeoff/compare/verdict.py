"""Verdict of a bake-off: the decision rule, and what overrides it: lost rows, vetoes, blocking checks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from bakeoff import numbers
from bakeoff.compare import checks, equivalence, gains, goals, people, selection, vetoes
from bakeoff.compare import decision as rule
from bakeoff.compare import looks as looks_of
from bakeoff.compare import notes as notes_of
from bakeoff.compare.checks import Checked, Evidence
from bakeoff.compare.decision import Decision, Gain, Threshold
from bakeoff.compare.entrants import Entrants
from bakeoff.compare.ledger import Ledger
from bakeoff.compare.looks import Looks
from bakeoff.compare.panels import Panel
from bakeoff.config.settings import DecisionSettings


@dataclass(frozen=True)
class Reached:
    """A verdict with what led to it.

    Attributes:
        decision: the verdict, the winner and the reason.
        margin: the minimum meaningful gain; NaN where the declared one makes no sense.
        challengers: variants that may be shipped.
        checks: method checks with their findings.
        corrected_gain: gain of a winner that ships, corrected for choosing it; None where there was no choice.
        notes: caveats for the reader.
        looks: looks at the test rows that the verdict rests on.
        gains: gains of the challengers that it was reached from.
    """

    decision: Decision
    margin: float
    challengers: Sequence[str]
    checks: tuple[Checked, ...]
    corrected_gain: float | None
    notes: tuple[str, ...]
    looks: Looks
    gains: tuple[Gain, ...]


def reach(
    entrants: Entrants, incumbent: str, pairs: Sequence[Panel], settings: DecisionSettings, ledger: Ledger
) -> Reached:
    """Reach the verdict on the challengers of an incumbent.

    Args:
        entrants: finished runs with their scores.
        incumbent: name of the variant to beat.
        pairs: its challengers beside it; empty if it has no results.
        settings: settings of the verdict.
        ledger: counts the looks at these test rows, which decide what error rate this verdict may spend.
    """
    refused = entrants.refused
    vetoed = vetoes.find(entrants.runs, entrants.scores, settings.require, entrants.tables)
    able = [name for pair in pairs for name in pair.challengers if name not in refused]
    challengers = [name for name in able if name not in vetoed]
    distrust = people.distrust(entrants.metric.needs, entrants.runs, entrants.tables, settings) if challengers else ""
    known_labels = "" if entrants.labels is None else entrants.labels.digest
    questions = looks_of.questions(entrants.metric, incumbent, challengers, entrants.tables, known_labels)
    if distrust:  # no verdict, no look
        questions = {}
    looks = ledger.look(entrants.runs, questions, settings)
    looked = looks.describe()
    threshold, gained = Threshold(math.nan), list[Gain]()
    if incumbent not in entrants.tables:
        reached = _open(f"the incumbent, {incumbent}, has no results to compare with.")
    elif incumbent in refused:
        reached = _open(f"{refused[incumbent]}; it is the incumbent.")
    elif refused and not able:
        reached = _open(f"{'; '.join(refused.values())}.")
    elif able and not challengers:
        none_may = "no variant may be shipped." if incumbent in vetoed else "no challenger may be shipped."
        reached = Decision("keep", incumbent, none_may)
    elif distrust:
        reached = _open(distrust)
    else:
        threshold = rule.threshold(settings.smallest_difference, entrants.metric, incumbent, entrants.score(incumbent))
        judge = partial(_decide, entrants, incumbent, pairs, threshold, settings, incumbent not in vetoed)
        reached, gained = judge(looks.batches(challengers))
        if looks.number > 1 and looks.is_held and reached.verdict != "ship":
            looked += looks_of.if_first(judge([(settings.confidence, challengers)])[0])
        if refused:
            reached = replace(reached, reason=f"{reached.reason} {notes_of.sentences(refused.values())}")
    if reached.verdict == "keep" and incumbent in vetoed:
        reached = _open(reached.reason)
    if vetoed:
        better = vetoes.describe(vetoed, entrants.metric, entrants.scores, reached.winner or incumbent)
        reached = replace(reached, reason=" ".join([reached.reason, *better]))
    if gained and (trusted := people.trusted(entrants.metric.needs, entrants.runs, settings)):
        reached = replace(reached, reason=f"{reached.reason} {trusted}")
    if looked:
        reached = replace(reached, reason=f"{reached.reason} {looked}")
    evidence = Evidence(
        entrants.runs,
        entrants.tables,
        entrants.schema,
        gained,
        threshold.value,
        settings.replicates,
        looks,
        entrants.metric.name,
        1 if entrants.metric.direction == "maximize" else -1,
    )
    checked = checks.checked(evidence)
    blocking = [finding for check in checked if check.severity == "blocks" for finding in check.findings]
    if blocking and reached.verdict != "inconclusive":
        reached = _open(" ".join(blocking))
    corrected = None
    if settings.goal in ("best", "quality"):
        reached, corrected = _corrected(reached, entrants, pairs, challengers)
    notes = (threshold.note,) if threshold.note and gained else ()
    return Reached(reached, threshold.value, challengers, checked, corrected, notes, looks, tuple(gained))


def _open(reason: str) -> Decision:
    return Decision("inconclusive", None, reason)


def _decide(
    entrants: Entrants,
    incumbent: str,
    pairs: Sequence[Panel],
    threshold: Threshold,
    settings: DecisionSettings,
    may_keep: bool,
    batches: Sequence[tuple[float, Sequence[str]]],
) -> tuple[Decision, list[Gain]]:
    """Apply the decision rule to the gains of the challengers; those of a batch hold jointly at its confidence."""
    challengers = [name for _, names in batches for name in names]
    metric, score = entrants.metric, entrants.score(incumbent)
    value = math.nan if score.value is None else score.value
    if math.isnan(threshold.value) and math.isfinite(value) and challengers:
        return _open(threshold.note), []
    gained = gains.in_batches(metric, pairs, settings.confidence, batches, threshold.share)
    if settings.goal in ("cheapest_good_enough", "pareto"):
        if any(pair.corrected.get(metric.name) for pair in pairs):
            return _open(f"decision.goal={settings.goal} takes no grades that people corrected."), gained
        able = [*([incumbent] if may_keep else []), *challengers]
        tables = {name: entrants.tables[name] for name in able}
        strictest = max((confidence for confidence, _ in batches), default=settings.confidence)
        contest = goals.Contest(
            tables, entrants.scores, metric, incumbent, threshold.value, strictest, settings.resamples
        )
        return goals.decide(settings.goal, contest), gained
    decide = rule.chosen(settings.rule)
    reached = decide(metric, incumbent, value, gained, threshold.value, len(entrants.tables[incumbent]))
    if reached.verdict in ("keep", "inconclusive") and settings.rule is None and settings.goal == "best":
        runs = {run.variant: run for run in entrants.runs}
        old = entrants.scored[incumbent].scores
        traits = {
            name: equivalence.traits(runs[name], entrants.scored[name].scores, runs[incumbent], old, pair, may_keep)
            for pair in pairs
            for name in pair.challengers
            if name in challengers
        }
        reached = equivalence.decide(metric, incumbent, gained, threshold.value, traits) or reached
    return reached, gained


def _corrected(
    reached: Decision, entrants: Entrants, pairs: Sequence[Panel], challengers: Sequence[str]
) -> tuple[Decision, float | None]:
    """Add the gain of a winner that ships, corrected for choosing the best, to the reason."""
    if reached.verdict != "ship" or reached.winner is None:
        return reached, None
    pair = next(pair for pair in pairs if reached.winner in pair.challengers)
    if pair.corrected.get(entrants.metric.name):  # its draws are of the judge's grades, not of people's
        return reached, None
    rivals = [name for name in pair.challengers if name in challengers]
    corrected = selection.corrected_gain(entrants.metric, pair, rivals)
    if corrected is None:
        return reached, None
    difference = numbers.difference(corrected * (1 if entrants.metric.direction == "maximize" else -1))
    sentence = f"Corrected for choosing the best of {len(rivals)}: {difference}."
    return replace(reached, reason=f"{reached.reason} {sentence}"), corrected
