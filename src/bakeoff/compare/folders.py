"""Comparison of a bake-off folder: ``comparison.json`` and ``leaderboard.csv``, read if up to date, else made again."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from bakeoff import metrics, record
from bakeoff.compare import money, scores
from bakeoff.compare import notes as notes_of
from bakeoff.compare.checks import Checked
from bakeoff.compare.comparison import Comparison, Variant, compare, digest
from bakeoff.compare.gains import Difference
from bakeoff.compare.ledger import Ledger
from bakeoff.compare.looks import Looks, Question
from bakeoff.compare.money import Money
from bakeoff.config.settings import DecisionSettings
from bakeoff.errors import DataError
from bakeoff.record import Run, Score, locks


def compare_folder(
    folder: Path,
    settings: DecisionSettings,
    incumbent: str | None,
    prices: Money | None = None,
) -> tuple[Comparison, list[Run]]:
    """The comparison of a bake-off folder, and its runs: read when nothing has changed, else made and written.

    Args:
        folder: the bake-off folder.
        settings: settings of the verdict.
        incumbent: name of the variant that the others must beat; None: the one that ran first.
        prices: models that price and value all runs, those of earlier commands too; None: those used last, or recorded.

    Raises what ``compare`` raises.
    """
    runs = priced_runs(folder, prices)
    record.verify_bakeoff(folder)
    of = digest(runs, settings, incumbent)
    damage: tuple[str, ...] = ()
    try:
        with locks.of_comparison(folder):
            known = read(folder)
    except DataError as error:
        known, damage = None, (str(error),)
    if known is not None and known.of == of:
        for run in runs:
            record.verify(run)
        return replace(known, notes=tuple(dict.fromkeys((*notes_of.of_files(runs), *known.notes)))), runs
    ledger = Ledger.for_folder(folder, [] if known is None else [known.looks])
    known = compare(runs, settings, incumbent, ledger)
    if record.is_writable(folder):
        write(known, folder)
    return replace(known, notes=(*damage, *ledger.problems, *known.notes)), runs


def priced_runs(folder: Path, prices: Money | None = None) -> list[Run]:
    """The runs of a folder, priced and valued alike: as given, or as the last command of the bake-off did.

    Raises:
        DataError: there is no run.
    """
    runs = record.read_runs(folder)
    prices = prices or known_money(folder)
    return runs if prices is None else [prices.applied(run) for run in runs]


def known_money(folder: Path) -> Money | None:
    """Models that the last comparison of a bake-off priced and valued all runs by; None where each had its own.

    Args:
        folder: of the bake-off, or of a run in it.
    """
    try:
        known = read(folder.parent if record.is_run(folder) else folder)
    except DataError:
        return None
    return Money(known.cost, known.business) if known is not None and known.is_one_money else None


def with_prices_of_bakeoff(run: Run) -> Run:
    """The run with its scores in money by the models by which its bake-off was last compared, not by its own.

    Scores stay as they were recorded where these are the same.
    """
    prices = known_money(run.folder)
    if run.status != "ok" or prices is None or (prices.cost, prices.business) == (run.cost, run.business):
        return run
    repriced = prices.applied(run)
    table = money.priced(repriced, []).answered
    others = {name: score for name, score in run.metrics.items() if not metrics.is_money(name)}
    values = {name: metrics.get(name).value(table) for name in sorted(money.metrics_of([table]))} if len(table) else {}
    settings = DecisionSettings()
    scored = scores.of_table(table, values, settings.resamples, settings.confidence).scores if values else {}
    return replace(repriced, metrics={**others, **scored})


def known_looks(folders: Sequence[Path]) -> list[Looks]:
    """Looks that the comparisons in these folders recorded; a damaged one is made again, and says so."""
    known = []
    for folder in folders:
        with suppress(DataError):
            known += [one.looks] if (one := read(folder)) is not None else []
    return known


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
        looks = content.pop("looks")
        content["looks"] = Looks(**{**looks, "asked": tuple(Question(**question) for question in looks["asked"])})
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


def write(comparison: Comparison, folder: Path) -> None:
    """Write ``comparison.json`` and ``leaderboard.csv`` into a bake-off folder."""
    record.remove_left(folder)
    columns = list(dict.fromkeys(name for v in comparison.variants for name in v.metrics))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    names = [record.csv_cell(f"{c}{end}") for c in columns for end in ("", "_low", "_high")]
    rows.writerow(["variant", "family", "status", *names])
    for v in comparison.variants:
        scores = [v.metrics.get(c, Score(None)) for c in columns]
        cells = ["" if x is None or x != x else x for s in scores for x in (s.value, s.low, s.high)]
        rows.writerow([record.csv_cell(v.name), record.csv_cell(v.family), v.status, *cells])
    with locks.of_comparison(folder):
        record.write_text(folder / record.LEADERBOARD, text.getvalue())
        leaderboard = record.sha256(folder / record.LEADERBOARD)
        record.write_sealed(folder / record.COMPARISON, {**asdict(comparison), record.LEADERBOARD_DIGEST: leaderboard})
