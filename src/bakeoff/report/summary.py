"""The report that ends every bake-off: data notes, leaderboard, sections, verdict, method checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bakeoff import record
from bakeoff.compare import folders
from bakeoff.compare.comparison import Comparison
from bakeoff.errors import DataError
from bakeoff.record import Run
from bakeoff.report import leaderboard, monthly, sections, stages
from bakeoff.report.blocks import Style, Text
from bakeoff.report.document import Block, Report
from bakeoff.task import NoteRank

MOST_NOTES = 5
VERDICTS: dict[str, tuple[str, Style]] = {
    "ship": ("SHIP", "good"),
    "as_good": ("AS GOOD:", "good"),
    "keep": ("KEEP", "neutral"),
    "inconclusive": ("NOT ENOUGH EVIDENCE", "warning"),
}

SEVERITIES: dict[str, tuple[str, Style]] = {
    "blocks": ("No verdict", "bad"),
    "caution": ("Caution", "warning"),
    "note": ("Note", "neutral"),
}


def build(
    comparison: Comparison, runs: Sequence[Run], folder: Path, n_reused: int = 0, page: Path | None = None
) -> Report:
    """The report of a comparison.

    Args:
        comparison: the comparison to report.
        runs: in it, finished or not.
        folder: folder of the results.
        n_reused: number of finished runs that were reused.
        page: the long report, where one was written.
    """
    reached = [run for run in runs if run.task is not None]
    schema = record.schema_of(reached[0]) if reached else None
    blocks: list[Block] = [*_data(reached), leaderboard.from_comparison(comparison, schema), *_failures(comparison)]
    blocks += monthly.blocks(comparison)
    blocks += stages.blocks(runs)
    blocks += sections.blocks(comparison, runs)
    blocks += [verdict(comparison), *confirmed(folder), *_closing(comparison, folder, n_reused, page)]
    return Report(tuple(blocks))


def verdict(comparison: Comparison) -> Text:
    """The verdict, the variant it names, and the reason."""
    word, style = VERDICTS[comparison.verdict]
    winner = f" {comparison.winner}" if comparison.winner else ""
    return Text((f"Verdict: {word}{winner} – {comparison.reason}",), style=style)


def confirmed(folder: Path) -> list[Text]:
    """The result of ``bakeoff confirm`` in a bake-off folder; empty where its sealed rows were not opened."""
    try:
        known = folders.read(folder / record.CONFIRMATION)
    except DataError as error:
        return [Text((f"Confirmation: {error}",), style="bad")]
    if known is None:
        return []
    word, style = VERDICTS[known.verdict]
    named = f" {known.winner}" if known.winner else ""
    return [Text((f"Confirmed on {known.test_rows:,} sealed rows: {word}{named} – {known.reason}",), style=style)]


def method_checks(comparison: Comparison) -> list[Text]:
    """Summarise the method checks: the number passed, and the findings of the others."""
    applicable = [check for check in comparison.checks if check.state != "not_applicable"]
    passed = sum(not check.findings for check in applicable)
    if not applicable:
        return []
    count = f"{passed} passed" if passed == len(applicable) else f"{passed} of {len(applicable)} passed"
    blocks = [Text((f"Method checks: {count}.",))]
    for severity, (word, style) in SEVERITIES.items():
        findings = [finding for check in applicable if check.severity == severity for finding in check.findings]
        blocks += [Text(tuple(f"{word}: {finding}" for finding in findings), style=style)] if findings else []
    return blocks


def _data(runs: Sequence[Run]) -> list[Block]:
    """Changes made to the data, most important first, each line with the key that controls it."""
    notes = list(dict.fromkeys(note for run in runs for note in record.data_notes(run)))
    notes = sorted((note for note in notes if note.rank != NoteRank.FACTS), key=lambda note: note.rank)
    if not notes:
        return []
    lines = [str(note) for note in notes[:MOST_NOTES]]
    more = len(notes) - MOST_NOTES
    if more > 0:
        lines[-1:] = [f"and {more + 1} more in {runs[0].folder / record.RESULT}"]
    return [Text(tuple(lines), title="Data")]


def _failures(comparison: Comparison) -> list[Block]:
    lines = [
        f"{variant.name} {variant.status}: {variant.error or 'it has no result yet'}"
        for variant in comparison.variants
        if variant.status != "ok"
    ]
    return [Text(tuple(lines), style="bad")] if lines else []


def _closing(comparison: Comparison, folder: Path, n_reused: int, page: Path | None) -> list[Block]:
    again = f"{n_reused} finished {'run was' if n_reused == 1 else 'runs were'} kept; add resume=false to run again."
    blocks: list[Block] = [Text(comparison.notes)] if comparison.notes else []
    blocks += method_checks(comparison)
    results = (f"Results: {folder}", *((f"Report: {page}",) if page else ()))
    return [*blocks, *([Text((again,))] if n_reused else []), Text(results)]
