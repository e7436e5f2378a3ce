"""What a person reads while variants run and when they have: calm, aligned, and the same in a pipe."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakeoff.record import Score

if TYPE_CHECKING:
    from bakeoff.compare.comparison import Comparison, Variant
    from bakeoff.record import Run
    from bakeoff.request.spec import Request

PIPE_WIDTH = 10_000  # nothing is cut or broken where another program may read
LEAST_PRICE = 0.0001  # dollars; of less it does not matter how little
WORDS = {
    "ship": ("SHIP", "bold green"),
    "keep": ("KEEP", "bold blue"),
    "inconclusive": ("NOT ENOUGH EVIDENCE", "bold yellow"),
}


def console(stderr: bool = False) -> Console:
    """A console that never writes control characters where nobody would see them as colour."""
    stream = sys.stderr if stderr else sys.stdout
    wide = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, width=wide, highlight=False, emoji=False, markup=False)


@contextmanager
def progress(variant: str) -> Iterator[Callable[[str], None]]:
    """Show on stderr what a variant is doing, where somebody watches."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield lambda doing: None
        return
    with screen.status(f"{variant}: starting") as status:
        yield lambda doing: status.update(f"{variant}: {doing}")


def show_run(run: Run) -> None:
    """One line on stderr for a run that has ended."""
    screen = console(stderr=True)
    seconds = f"{sum(run.seconds.values()):.1f} s"
    if run.status == "ok":
        screen.print(Text.assemble(("✓ ", "green"), f"{run.variant}: done in {seconds}"))
    else:
        message = run.error["message"] if run.error else run.status
        screen.print(Text.assemble(("✗ ", "red"), f"{run.variant}: {run.status} after {seconds}: {message}"))


def show(
    comparison: Comparison, folder: Path, kept: int = 0, sections: Sequence[tuple[str, Sequence[str]]] = ()
) -> None:
    """The leaderboard, further sections, the verdict with its reason, and the folder to look into, on stdout."""
    screen = console()
    screen.print()
    screen.print(_leaderboard(comparison))
    for variant in comparison.variants:
        if variant.status != "ok":
            screen.print(
                Text.assemble(
                    (f"{variant.name} {variant.status}", "red"), f": {variant.error or 'it has no result yet'}"
                )
            )
    for title, lines in sections:
        screen.print()
        screen.print(Text(title, style="bold"))
        screen.print("\n".join(lines), soft_wrap=True)
    word, style = WORDS[comparison.verdict]
    screen.print()
    named = f" {comparison.winner}" if comparison.winner else ""
    told = Text.assemble((f"Verdict: {word}{named}", style), f" – {comparison.reason}")
    for line in (told, *comparison.notes, *_of_method(comparison)):
        screen.print(line, soft_wrap=not screen.is_terminal)
    if kept:
        screen.print(f"{kept} finished {'run was' if kept == 1 else 'runs were'} kept; add resume=false to run again.")
    screen.print(f"Look into: {folder}", soft_wrap=True)


def _of_method(comparison: Comparison) -> list[Text | str]:
    """What the method checks found, and how many found nothing."""
    findings = [finding for check in comparison.checks for finding in check.findings]
    sound = sum(not check.findings for check in comparison.checks)
    if not findings:
        return [f"Method: {sound} checks found nothing to object to."] if sound else []
    return [Text.assemble(("Method: ", "yellow"), finding) for finding in findings]


def show_plan(requests: Sequence[Request], waiting: Sequence[Request], llm_use: Mapping[str, Sequence[str]]) -> None:
    """What would run, into which folder, what each search would try, and what LLMs would be asked.

    Args:
        requests: all variants.
        waiting: those that have no result yet.
        llm_use: variant → what it would ask of LLMs, in sentences.
    """
    screen = console()
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("variant", "family", "data", "folder", "what happens"):
        table.add_column(column, overflow="fold")
    for asked in requests:
        budget = _budget(asked) if asked.is_tuned else "runs as it is"
        does = budget if asked in waiting else "is kept: it has a result"
        table.add_row(asked.variant, str(asked.card.get("family", "")), asked.data.name, str(asked.folder), does)
    screen.print(table)
    for asked in waiting:
        dimensions = asked.dimensions() if asked.is_tuned else []
        for dimension in dimensions:
            when = "".join(f", when {key} is {value}" for key, value in dimension.when)
            screen.print(f"{asked.variant}: {dimension.key} = {dimension.sweep}{when}")
        for sentence in llm_use.get(asked.variant, ()):
            screen.print(f"{asked.variant}: {sentence}", soft_wrap=True)
    screen.print(f"{len(waiting)} of {len(requests)} variants would run.")


def _budget(asked: Request) -> str:
    settings = asked.search
    parts = [f"{settings.trials} trials"] if settings.trials is not None else []
    parts += [f"{settings.seconds:g} s"] if settings.seconds is not None else []
    parts += [f"${settings.dollars:g}"] if settings.dollars is not None else []
    workers = f" by {settings.workers} workers" if settings.workers > 1 else ""
    return f"is searched: {' or '.join(parts) or 'every combination'}{workers}"


def _leaderboard(comparison: Comparison) -> Table:
    """Best first: quality with its interval, the difference to the incumbent, latency and fit time."""
    title = f"{comparison.task}, {comparison.test_rows:,} test rows"
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    secondary = _secondary(comparison)
    table.add_column("variant", overflow="fold")
    table.add_column("family", overflow="fold")
    table.add_column(f"{comparison.metric} [{comparison.confidence:.0%} interval]", overflow="fold")
    table.add_column(f"against {comparison.incumbent} [jointly {comparison.confidence:.0%}]", overflow="fold")
    is_tuned = any(v.trials is not None for v in comparison.variants)
    is_priced = any("cost_per_1k" in v.metrics for v in comparison.variants)
    more = [*(["$ per 1k"] if is_priced else []), *(["trials"] if is_tuned else [])]
    for column in (*secondary, "p50 ms", "p95 ms", "fit s", *more):
        table.add_column(column, justify="right", overflow="fold")
    scores = [v.metrics[comparison.metric] for v in comparison.variants if comparison.metric in v.metrics]
    gaps = [Score(d.difference, d.low, d.high) for d in comparison.differences if d.metric == comparison.metric]
    digits, of_gaps = _shared_digits(scores), _shared_digits(gaps)
    for variant in comparison.variants:
        m = variant.metrics
        table.add_row(
            Text(variant.name, style="bold" if variant.name == comparison.winner else ""),
            variant.family,
            _with_interval(m.get(comparison.metric), digits) if variant.status == "ok" else variant.status,
            _difference(comparison, variant, of_gaps),
            *(_value(m.get(name)) for name in secondary),
            _value(m.get("latency_p50_ms")),
            _value(m.get("latency_p95_ms")),
            _value(m.get("fit_seconds")),
            *([_price(m.get("cost_per_1k"))] if is_priced else []),
            *(["–" if variant.trials is None else str(variant.trials)] if is_tuned else []),
        )
    return table


def _secondary(comparison: Comparison) -> list[str]:
    """One or two quality metrics beside the one that decides."""
    there = {name for variant in comparison.variants for name in variant.metrics}
    candidates = (
        "precision",
        "recall",
        "f1_macro",
        "accuracy",
        "mae",
        "r2",
        "exact_match",
        "recall_at_5",
        "mrr",
        "smape",
    )
    return [name for name in candidates if name in there and name != comparison.metric][:2]


def _difference(comparison: Comparison, variant: Variant, digits: int) -> str:
    if variant.name == comparison.incumbent:
        return "incumbent"
    for d in comparison.differences:
        if d.variant == variant.name and d.metric == comparison.metric and _known(d.difference):
            return f"{d.difference:+,.{digits}f} [{d.low:+,.{digits}f}, {d.high:+,.{digits}f}]"
    return ""


def _price(score: Score | None) -> str:
    """Of 1,000 answers, in dollars."""
    if score is None:
        return "–"
    if score.value is None or not math.isfinite(score.value):
        return "unknown"
    return f"<{LEAST_PRICE}" if 0 < score.value < LEAST_PRICE else _value(score)


def _with_interval(score: Score | None, digits: int) -> str:
    if score is None or not _known(score.value):
        return "–"
    if not (_known(score.low) and _known(score.high)):
        return _value(score, digits)
    return f"{score.value:,.{digits}f} [{score.low:,.{digits}f}, {score.high:,.{digits}f}]"


def _value(score: Score | None, digits: int | None = None) -> str:
    """Three significant digits, unless a number of decimals is given."""
    if score is None or score.value is None or not math.isfinite(score.value):
        return "–"
    if digits is None:
        digits = 1 if score.value == 0 else min(4, max(0, 2 - math.floor(math.log10(abs(score.value)))))
    return f"{score.value:,.{digits}f}"


def _shared_digits(scores: Sequence[Score]) -> int:
    """The decimals that the narrowest of some intervals supports: two significant digits of its width."""
    widths = [s.high - s.low for s in scores if s.high is not None and s.low is not None and s.high > s.low]
    return min(4, max(0, 1 - math.floor(math.log10(min(widths))))) if widths else 3


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
