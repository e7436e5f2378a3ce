"""Chapters on how it was made: data, checks, cards, settings, versions."""

from __future__ import annotations

from typing import Any

from bakeoff import record
from bakeoff.compare.checks import Checked
from bakeoff.report.blocks import Column, Table, Text
from bakeoff.report.chapters.material import Material
from bakeoff.report.document import Block

MOST_COLUMNS = 60
CARD = {
    "family": "family", "licence": "licence", "source": "source", "hosting": "hosting",
    "data_leaves_network": "data leaves the network?", "training_data": "training data",
    "commercial_use": "commercial use", "summary": "what it is",
}  # fmt: skip


def data(material: Material) -> list[Block]:
    """Size and split of the data, what was changed in them, and their columns."""
    run = next((run for run in (*material.finished, *material.runs) if run.task is not None), None)
    if run is None or material.schema is None:
        return []
    split = (run.task or {}).get("split") or {}
    sizes = [f"{split[part]:,} {part}" for part in ("train", "valid", "test") if isinstance(split.get(part), int)]
    facts = [f"{material.schema.kind}: predict {material.schema.target or 'the answer'}."]
    facts += (
        [f"Rows: {', '.join(sizes)}; split {split.get('kind', '')}, seed {split.get('seed', '')}."] if sizes else []
    )
    notes = list(dict.fromkeys(str(note) for each in material.finished for note in record.data_notes(each)))
    blocks: list[Block] = [Text(tuple(facts))]
    blocks += [Text(tuple(notes), title="What was found and decided")] if notes else []
    columns = list(material.schema.columns.items())
    if columns:
        more = f", the first {MOST_COLUMNS} of {len(columns)}" if len(columns) > MOST_COLUMNS else ""
        table = Table(
            (Column("column", "column"), Column("kind", "read as")), tuple(columns[:MOST_COLUMNS]), f"Columns{more}"
        )
        blocks.append(table)
    return blocks


def checks(material: Material) -> list[Block]:
    """Every method check with what it found."""
    done = sorted(material.comparison.checks, key=lambda check: not check.findings)
    if not done:
        return []
    columns = (
        Column("check", "check"),
        Column("state", "state"),
        Column("asks", "question"),
        Column("found", "finding"),
    )
    rows = tuple((check.name, _state(check), check.asks, "\n".join(check.findings)) for check in done)
    table = Table(columns, rows)
    return [table if any(check.findings for check in done) else table.without(["found"])]


def _state(check: Checked) -> str:
    """The severity of what a check found, else the state in which it ended."""
    return check.severity if check.findings and check.state != "failed" else check.state.replace("_", " ")


def cards(material: Material) -> list[Block]:
    """Licence, hosting and origin of every variant."""
    present = [key for key in CARD if any(run.card.get(key) not in (None, "") for run in material.finished)]
    if not present:
        return []
    columns = (Column("variant", "variant"), *(Column(key, CARD[key]) for key in present))
    rows = tuple((run.variant, *(_word(run.card.get(key)) for key in present)) for run in material.finished)
    return [Table(columns, rows)]


def settings(material: Material) -> list[Block]:
    """Parameters of the fitted models."""
    rows = tuple((run.variant, name, str(value)) for run in material.detailed for name, value in run.parameters.items())
    columns = (Column("variant", "variant"), Column("parameter", "parameter"), Column("value", "value"))
    return [Table(columns, rows)] if rows else []


def provenance(material: Material) -> list[Block]:
    """Instructions to repeat the bake-off."""
    if not material.finished:
        return []
    columns = (
        Column("variant", "variant"), Column("started", "started (UTC)"), Column("python", "Python"),
        Column("machine", "machine"), Column("git", "commit"), Column("command", "command"),
    )  # fmt: skip
    rows = []
    for run in material.finished:
        about = run.environment
        git = about.get("git") or {}
        commit = f"{str(git.get('commit', ''))[:10]}{', with changes' if git.get('dirty') else ''}" if git else ""
        machine = f"{about.get('cpu', '')}, {about.get('cores', '?')} {'core' if about.get('cores') == 1 else 'cores'}"
        rows.append(
            (
                run.variant,
                run.started[:19],
                str(about.get("python", "")),
                machine,
                commit,
                str(about.get("command", "")),
            )
        )
    fingerprint = next((run.fingerprint for run in material.finished if run.fingerprint), "")
    versions = material.finished[0].environment.get("versions") or {}
    lines = [f"Fingerprint of rows, roles and split: {fingerprint}."]
    lines += [f"Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}."] if versions else []
    looks = material.comparison.looks.count
    lines.append(f"The verdict is look {material.comparison.looks.number} of {looks} at these test rows.")
    lines.append(f"Repeat a run: bakeoff rerun {material.folder / material.finished[0].variant}")
    table = Table(columns, tuple(rows))
    return [table if any(row[4] for row in rows) else table.without(["git"]), Text(tuple(lines))]


def _word(value: Any) -> str:
    return {True: "yes", False: "no", None: ""}.get(value, str(value)) if isinstance(value, bool | None) else str(value)
