"""The chapter of single rows: where variants disagree, and where all of them fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
MOST_VARIANTS = 6


@dataclass(frozen=True)
class _Beside:
    """Variants beside each other on the rows that the first two were given.

    Attributes:
        tables: predictions of each.
        ids: ids of the n rows.
        at: position of each row in the table of each variant, shape (n,); -1 where it was not given the row.
    """

    tables: Mapping[str, PredictionTable]
    ids: Sequence[Any]
    at: Mapping[str, NDArray[np.intp]]

    def of(self, name: str, values: NDArray[Any], missing: Any = np.nan) -> NDArray[Any]:
        """Values of a variant's table, row by row."""
        return np.where(self.at[name] >= 0, values[self.at[name]], missing)


def side_by_side(material: Material) -> list[Block]:
    """Test rows with the output of each variant, in groups that are worth a look."""
    beside = _beside(material)
    if beside is None or material.kind is None:
        return []
    names = list(beside.tables)
    quality_of = {name: beside.of(name, quality.per_row(table)) for name, table in beside.tables.items()}
    leading = names[0]
    groups: list[tuple[str, NDArray[np.intp]]] = []
    if len(names) > 1:
        other = names[1]
        gap = quality_of[leading] - quality_of[other]
        groups += [
            (f"{leading} is better than {other}", _first(-gap)),
            (f"{other} is better than {leading}", _first(gap)),
        ]
    every = np.stack([quality_of[name] for name in names])
    best = np.max(np.where(np.isnan(every), -np.inf, every), axis=0)
    title = "Every variant is far off" if material.kind.is_numeric else "Every variant is wrong"
    groups.append((title, _first(best, only=_failed(material, best))))
    first = beside.tables[leading]
    status = beside.of(leading, first.predictions.status)
    groups.append((f"{leading} gave no answer", np.flatnonzero(status != "ok")))
    prices = np.nan_to_num(np.asarray(beside.of(leading, first.predictions.usage.cost_usd), dtype=float))
    if prices.sum() > 0:
        groups.append((f"Rows by price, {leading}", np.argsort(-prices, kind="stable")))
    blocks: list[Block] = []
    for title, rows in groups:
        if len(rows):
            blocks.append(_table(material, beside, title, rows))
            blocks += _requests(material, beside.tables, [str(beside.ids[row]) for row in rows[:MOST_REQUESTED]])
    return blocks


def _requests(material: Material, tables: Mapping[str, PredictionTable], identities: Sequence[str]) -> list[Block]:
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


def _beside(material: Material) -> _Beside | None:
    """Up to ``MOST_VARIANTS`` variants: the leading one, the one to hold it against, then the best of the others."""
    order = dict.fromkeys([material.leading, material.comparison.incumbent, *material.tables])
    names = [name for name in order if name in material.tables][:MOST_VARIANTS]
    if not names:
        return None
    tables = {name: material.tables[name] for name in names}
    positions = {n: dict(zip(t.ids.tolist(), range(len(t)), strict=True)) for n, t in tables.items()}
    ids = [identity for identity in positions[names[0]] if len(names) < 2 or identity in positions[names[1]]]
    at = {name: np.array([positions[name].get(i, -1) for i in ids], dtype=np.intp) for name in names}
    return _Beside(tables, ids, at)


def _first(key: NDArray[np.float64], only: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
    """Positions by key, the smallest first, of those that are negative, or that are in ``only``."""
    valid = np.isfinite(key) & (key < -1e-12 if only is None else only)
    order = np.argsort(np.where(valid, key, np.inf), kind="stable")
    return np.asarray(order[: int(valid.sum())], dtype=np.intp)


def _failed(material: Material, best: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows on which even the best output is poor: wrong, without overlap, or among the worst twentieth of errors."""
    assert material.kind is not None
    finite = best[np.isfinite(best)]
    if not len(finite):
        return np.zeros(len(best), dtype=np.bool_)
    limit = np.quantile(finite, 0.05) if material.kind.is_numeric else 0.0
    return np.asarray(best <= limit, dtype=np.bool_)


def _table(material: Material, beside: _Beside, title: str, rows: NDArray[np.intp]) -> Table:
    first, *_ = beside.tables
    target = beside.tables[first].target
    marks = {name: _marks(material, table) for name, table in beside.tables.items()}
    written: list[tuple[Value, ...]] = []
    for row in rows[:MOST_ROWS]:
        outputs = [
            f"{marks[name][at]}{_output(table, at)}" if (at := int(beside.at[name][row])) >= 0 else numbers.MISSING
            for name, table in beside.tables.items()
        ]
        identity = str(beside.ids[row])
        written.append((identity, _inputs(material, identity), _target(target[beside.at[first][row]]), *outputs))
    columns = [Column("id", "row"), Column("input", "input"), Column("target", "truth")]
    columns += [Column(f"out:{name}", name) for name in beside.tables]
    count = f"{len(rows):,} rows" if len(rows) <= MOST_ROWS else f"{MOST_ROWS} of {len(rows):,} rows"
    table = Table(tuple(columns), tuple(written), f"{title}: {count}")
    return table if any(row[1] for row in written) else table.without(["input"])


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
