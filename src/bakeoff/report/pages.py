"""The long report of a bake-off: verdict first, then every chapter that has something to show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bakeoff import record
from bakeoff.compare.comparison import Comparison
from bakeoff.record import Run
from bakeoff.report import page, sections
from bakeoff.report.blocks import Table, Text
from bakeoff.report.chapters import PARTS
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block, Chapter, Document
from bakeoff.report.summary import VERDICTS, confirmed

REPORT = "report.html"


def build(comparison: Comparison, runs: Sequence[Run], folder: Path) -> Document:
    """The long report of a comparison.

    Args:
        comparison: the comparison to report.
        runs: in it, finished or not.
        folder: folder of the bake-off.
    """
    material = Material(comparison, runs, folder)
    chapters = []
    for part in PARTS:
        blocks: list[Block] = []
        for content in part.contents:
            try:
                blocks += content(material)
            except Exception as error:  # a damaged or an old file must not take the other chapters with it
                blocks.append(Text((f"This part could not be drawn: {type(error).__name__}: {error}",), style="bad"))
        if blocks:
            blocks = [Text((material.sampled,)), *blocks] if part.is_of_rows and material.sampled else blocks
            chapters.append(Chapter(part.title, tuple(blocks), part.about))
    of_plugins = sections.blocks(comparison, runs)
    if of_plugins:
        chapters.insert(
            len(chapters) - 4 if len(chapters) > 4 else len(chapters), Chapter("From plugins", tuple(of_plugins))
        )
    word, tone = VERDICTS[comparison.verdict]
    named = f" {comparison.winner}" if comparison.winner else ""
    started = max((run.started for run in runs if run.started), default="")[:10]
    ok = sum(variant.status == "ok" for variant in comparison.variants)
    facts = [f"Task: {comparison.task}", f"{comparison.test_rows:,} test rows"]
    facts += [f"{ok} of {len(comparison.variants)} variants finished", f"Incumbent: {comparison.incumbent}"]
    facts += [f"Method checks: {_findings(comparison)}"] if comparison.checks else []
    facts += [f"Last run: {started}"] if started else []
    facts += [line for block in confirmed(folder) for line in block.lines]
    return Document(
        folder.resolve().name,
        f"{word}{named}",
        tone or "neutral",
        comparison.reason,
        tuple(facts),
        tuple(chapters),
        tuple(variant.name for variant in comparison.variants),
    )


def _findings(comparison: Comparison) -> str:
    """Number of findings of the method checks, by severity."""
    counts = Counter(str(check.severity) for check in comparison.checks if check.findings for _ in check.findings)
    words = {"blocks": "against a verdict", "caution": "caution", "note": "note"}
    named = [
        f"{counts[s]} {word}{'s' if counts[s] > 1 and s != 'blocks' else ''}" for s, word in words.items() if counts[s]
    ]
    return ", ".join(named) or "nothing found"


def write(document: Document, folder: Path) -> Path:
    """Write ``report.html`` into a folder, whole or not at all, and return its path."""
    path = folder / REPORT
    record.remove_left(folder)  # the comparison of a command that was killed here is whole, and is not made again
    record.write_text(path, page.render(document))
    return path


def write_figures(document: Document, folder: Path) -> list[str]:
    """Write every figure of a document as an SVG file that stands alone, and return the names of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for chapter in document.chapters:
        for block in chapter.blocks:
            if not isinstance(block, Text | Table):
                words = re.sub(r"[^a-z0-9]+", "-", block.title.lower()).strip("-")[:60]
                names.append(f"{len(names) + 1:02d}-{words}.svg")
                record.write_text(folder / names[-1], page.standalone(block, document.names))
    return names
