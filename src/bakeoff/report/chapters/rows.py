"""The chapter of single rows: where variants disagree, and where all of them fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff import numbers, record
from bakeoff.report import quality, single_rows
from bakeoff.report.blocks import Column, Table, Text, Value
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block
from bakeoff.task import HISTORY, QUESTION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bakeoff.task import PredictionTable

MOST_ROWS = 12
"""Rows of each group."""
MOST_REQUESTED = 6
"""Rows of each group of which requests to language models are shown."""
LONGEST_TEXT = 300
LONGEST_REQUEST = 4_000
MOST_VARIANTS = 5


def side_by_side(material: Material) -> list[Block]:
    """Test rows with the output of each variant, in groups that are worth a look."""
    tables = _aligned(material)
    if not tables or material.kind is None:
        return []
    names = list(tables)
    quality_of = {name: quality.per_row(table) for name, table in tables.items()}
    leading, incumbent = material.leading or names[0], material.comparison.incumbent
    other = incumbent if incumbent != leading else next((name for name in names if name != leading), leading)
    groups: list[tuple[str, NDArray[np.intp]]] = []
    if leading in tables and other in tables and leading != other:
        gap = quality_of[leading] - quality_of[other]
        groups += [
            (f"{leading} is better than {other}", _first(-gap)),
            (f"{other} is better than {leading}", _first(gap)),
        ]
    if leading in tables:
        worst = np.max(np.stack([quality_of[name] for name in names]), axis=0)
        groups.append(("Every variant is far off", _first(worst, above=-np.inf, only=_failed(material, worst))))
        status = tables[leading].predictions.status
        lost = np.flatnonzero(status != "ok")[:MOST_ROWS]
        groups.append((f"{leading} gave no answer", lost))
        prices = tables[leading].predictions.usage.cost_usd
        if np.nansum(prices) > 0:
            groups.append(
                (f"Most expensive rows of {leading}", np.argsort(-np.nan_to_num(prices), kind="stable")[:MOST_ROWS])
            )
    blocks: list[Block] = []
    for title, rows in groups:
        if len(rows):
            blocks.append(_table(material, tables, title, rows))
            blocks += _requests(material, tables, [str(tables[names[0]].ids[row]) for row in rows[:MOST_REQUESTED]])
    return blocks


def _requests(material: Material, tables: dict[str, PredictionTable], identities: list[str]) -> list[Block]:
    """Passages, prompts and raw replies of some rows, folded, for each variant that asked a language model."""
    runs = {run.variant: run for run in material.detailed}
    blocks: list[Block] = []
    for name in tables:
        if not record.has_transcripts(runs[name].folder):
            continue
        lines: dict[str, list[str]] = {}
        for identity, transcript in record.read_transcripts(runs[name].folder, identities):
            lines.setdefault(str(identity), []).append("\n".join(single_rows.conversation(transcript)))
        for identity in identities:
            if identity in lines:
                texts = tuple(_short(text, LONGEST_REQUEST) for text in lines[identity])
                blocks.append(Text(texts, f"Row {identity}: what {name} was asked", is_folded=True))
    return blocks


def _aligned(material: Material) -> dict[str, PredictionTable]:
    """Tables of up to ``MOST_VARIANTS`` variants, on the rows that all of them were given, in one order."""
    chosen = dict.fromkeys([material.leading, material.comparison.incumbent, *material.tables])
    tables = {name: material.tables[name] for name in chosen if name in material.tables}
    tables = dict(list(tables.items())[:MOST_VARIANTS])
    if not tables:
        return {}
    positions = [dict(zip(table.ids.tolist(), range(len(table)), strict=True)) for table in tables.values()]
    common = [identity for identity in positions[0] if all(identity in of for of in positions[1:])]
    return {
        name: table.take(np.array([of[identity] for identity in common], dtype=np.intp))
        for (name, table), of in zip(tables.items(), positions, strict=True)
    }


def _first(key: NDArray[np.float64], above: float = 0.0, only: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
    """Positions with the smallest keys among those that are negative, or that are in ``only``."""
    valid = np.isfinite(key) & (key < -1e-12 if only is None else only)
    order = np.argsort(np.where(valid, key, np.inf), kind="stable")
    return np.asarray(order[: min(MOST_ROWS, int(valid.sum()))], dtype=np.intp)


def _failed(material: Material, best: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows on which even the best output is poor: wrong, without overlap, or among the worst twentieth of errors."""
    assert material.kind is not None
    finite = best[np.isfinite(best)]
    if not len(finite):
        return np.zeros(len(best), dtype=np.bool_)
    limit = np.quantile(finite, 0.05) if material.kind.is_numeric else 0.0
    return np.asarray(best <= limit, dtype=np.bool_)


def _table(material: Material, tables: dict[str, PredictionTable], title: str, rows: NDArray[np.intp]) -> Table:
    first = next(iter(tables.values()))
    columns = [Column("id", "row"), Column("input", "input"), Column("target", "truth")]
    columns += [Column(f"out:{name}", name) for name in tables]
    marks = {name: _marks(material, table) for name, table in tables.items()}
    written: list[tuple[Value, ...]] = []
    for row in rows:
        identity = str(first.ids[row])
        outputs = [f"{marks[name][row]}{_output(table, int(row))}" for name, table in tables.items()]
        written.append((identity, _inputs(material, identity), _target(first.target[row]), *outputs))
    return Table(tuple(columns), tuple(written), f"{title}: {len(rows)} rows")


def _marks(material: Material, table: PredictionTable) -> list[str]:
    """A sign before each output that is right or wrong; none where an output can be more or less so."""
    assert material.kind is not None
    right = material.kind.is_right(table.predictions.output, table.target)
    if right is None:
        return [""] * len(table)
    answered = table.predictions.is_answered
    return [("✓ " if is_right else "✗ ") if known else "" for is_right, known in zip(right, answered, strict=True)]


def _inputs(material: Material, identity: str) -> str:
    """The input of a row: its texts, or else every feature with its name."""
    inputs, schema = material.inputs, material.schema
    if inputs is None or schema is None or schema.kind == "forecast" or identity not in inputs.index:
        return ""
    row = inputs.loc[identity]
    there = [name for name in inputs.columns if name != HISTORY]
    texts = [name for name in there if schema.columns.get(name) == "text" or name == QUESTION]
    if len(texts) == 1:
        return _short(row[texts[0]])
    return _short(", ".join(f"{name} {_short(row[name])}" for name in texts or there))


def _output(table: PredictionTable, row: int) -> str:
    p = table.predictions
    if p.status[row] != "ok":
        return f"{p.status[row]}: {p.reason[row]}"
    return _short(p.output[row])


def _target(value: Any) -> str:
    answers = getattr(value, "answers", None)
    if answers is not None:
        return _short(" / ".join(answers) if answers else "(no answer in the documents)")
    return _short(value)


def _short(value: Any, longest: int = LONGEST_TEXT) -> str:
    if isinstance(value, float | np.floating):
        return numbers.number(float(value))
    if isinstance(value, np.ndarray | list | tuple):
        return _short(", ".join(_short(each) for each in value))
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"
