"""Content to track of a run and of a comparison, read from their folders: the same for every tracker."""

from __future__ import annotations

import csv
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeoff import record, secrets
from bakeoff.errors import DataError
from bakeoff.record import Run
from bakeoff.tracking import model_card

SAMPLE_SEED = 0
CHARTS = (".html", ".png", ".svg")
REPORT = "report.html"


@dataclass(frozen=True)
class Table:
    """Rows of plain cells. ``of_rows`` is how many there are in all, where these are a sample."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    of_rows: int


@dataclass(frozen=True)
class TrackedRun:
    """Content to track of a run, with secrets masked.

    Attributes:
        folder: the run folder.
        id: stable identifier of the run.
        bakeoff: name of the bake-off.
        config: the resolved config, and in ``run`` what else was recorded.
        trials: one a trial: number, state, objectives, parameters, seconds.
        curves: one a step of the training.
        summary: metrics with the bounds of their intervals, seconds.
        tables: predictions, slices.
        card: the model card, in Markdown.
    """

    folder: Path
    id: str
    bakeoff: str
    variant: str
    family: str
    status: str
    tags: Sequence[str]
    config: Mapping[str, Any]
    trials: Sequence[Mapping[str, Any]]
    curves: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any]
    tables: Mapping[str, Table]
    card: str
    fingerprint: str | None
    task: Mapping[str, Any] | None


@dataclass(frozen=True)
class TrackedComparison:
    """Content to track of a comparison: verdict, leaderboard, and report pages."""

    folder: Path
    id: str
    bakeoff: str
    tags: Sequence[str]
    config: Mapping[str, Any]
    metric: str
    summary: Mapping[str, Any]
    tables: Mapping[str, Table]
    verdict: str
    pages: Sequence[Path]


def read_run(folder: Path, table_rows: int) -> TrackedRun:
    """Read a run folder. Raises ``DataError`` when it holds no recorded run.

    Args:
        folder: the run folder.
        table_rows: maximum number of predictions; a seeded sample if there are more.
    """
    if not (folder / record.RESULT).is_file():
        raise DataError(f"{folder}: nothing was recorded here.")
    run = record.read_run(folder)
    record.verify(run)
    config = record.read_config(folder) or {}
    hidden = secrets.known(config)
    task = run.task or {}
    name = _bakeoff(folder.parent, config)
    tags = [str((task.get("schema") or {}).get("kind", "")), str(task.get("name", "")), run.family, run.status]
    about = {
        "task": task, "fingerprint": run.fingerprint, "parameters": run.parameters, "card": run.card,
        "search": run.search, "details": run.details, "stages": run.stages, "notes": run.notes,
        "environment": run.environment, "started": run.started, "status": run.status, "error": run.error,
    }  # fmt: skip
    tables = {"predictions": _predictions(folder, table_rows), "slices": _slices(run)}
    return TrackedRun(
        folder=folder,
        id=_identity(name, run.variant, run.started),
        bakeoff=name,
        variant=run.variant,
        family=run.family,
        status=run.status,
        tags=[tag for tag in dict.fromkeys(tags) if tag],
        config=secrets.masked({**config, "run": about}, hidden),
        trials=secrets.masked(_rows(folder / record.TRIALS) if run.search else [], hidden),
        curves=secrets.masked(_rows(folder / record.CURVES), hidden),
        summary=_summary(run),
        tables={
            key: Table(t.columns, secrets.masked(t.rows, hidden), t.of_rows) for key, t in tables.items() if t.columns
        },
        card=secrets.masked(model_card.write(run), hidden),
        fingerprint=run.fingerprint,
        task=secrets.masked(task, hidden),
    )


def read_comparison(folder: Path) -> TrackedComparison:
    """Read the comparison of a bake-off folder. Raises ``DataError`` when there is none."""
    try:
        compared = record.read_sealed(folder / record.COMPARISON, f"Compare again: bakeoff compare {folder}").content
    except OSError as error:
        raise DataError(f"{folder}: there is no comparison to read: {error}") from error
    runs = record.read_runs(folder)
    config = record.read_config(runs[-1].folder) or {}
    hidden = secrets.known(config)
    name = _bakeoff(folder, config)
    about = {
        key: value
        for key, value in compared.items()
        if key not in ("variants", "differences", "of", record.LEADERBOARD_DIGEST)
    }
    verdict = " ".join(part for part in (str(compared["verdict"]), compared.get("winner")) if part)
    tables = {"leaderboard": _leaderboard(folder), "differences": _differences(compared["differences"])}
    return TrackedComparison(
        folder=folder,
        id=_identity(name, "comparison", runs[0].started),
        bakeoff=name,
        tags=[str(compared["verdict"]), str(compared["task"])],
        config=secrets.masked({"comparison": about, "decision": config.get("decision")}, hidden),
        metric=str(compared["metric"]),
        summary={key: compared[key] for key in ("verdict", "winner", "incumbent", "metric", "test_rows")},
        tables={key: Table(t.columns, secrets.masked(t.rows, hidden), t.of_rows) for key, t in tables.items()},
        verdict=secrets.masked(f"Verdict: {verdict}\n\n{compared['reason']}", hidden),
        pages=_pages(folder),
    )


def digest(folder: Path) -> str | None:
    """Digest that distinguishes successive records in the same folder; None if nothing is recorded."""
    for name, key in ((record.RESULT, "started"), (record.COMPARISON, "of")):
        if (folder / name).is_file():
            try:
                content = json.loads((folder / name).read_text("utf-8"))
                return f"{content[key]} {content.get('status', '')}".strip()
            except (OSError, ValueError, KeyError):
                return None
    return None


def _bakeoff(folder: Path, config: Mapping[str, Any]) -> str:
    """Name of the bake-off; for a rerun, whose config names the original, the name of its folder."""
    name = str(config.get("name") or "")
    return name if name and folder.as_posix().endswith(name) else folder.name


def _identity(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:12]


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path).read().to_pylist() if path.is_file() else []


def _summary(run: Run) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name, score in run.metrics.items():
        of_score = {"": score.value, "_low": score.low, "_high": score.high}
        summary |= {f"test/{name}{end}": value for end, value in of_score.items() if value is not None}
    return summary | {f"seconds/{step}": seconds for step, seconds in run.seconds.items()}


def _predictions(folder: Path, most: int) -> Table:
    import pyarrow.parquet as pq

    if most < 1 or not (folder / record.PREDICTIONS).is_file():
        return Table([], [], 0)
    table = pq.ParquetFile(folder / record.PREDICTIONS).read()
    rows = table.num_rows
    if rows > most:
        table = table.take(sorted(random.Random(SAMPLE_SEED).sample(range(rows), most)))
    columns = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
    return Table(table.column_names, [list(row) for row in zip(*columns, strict=True)], rows)


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else json.dumps(value, default=str)


def _slices(run: Run) -> Table:
    names = list(dict.fromkeys(n for values in run.slices.values() for s in values.values() for n in s["metrics"]))
    rows = [
        [column, value, part["rows"], *(part["metrics"].get(name) for name in names)]
        for column, values in run.slices.items()
        for value, part in values.items()
    ]
    return Table(["slice", "value", "rows", *names] if rows else [], rows, len(rows))


def _leaderboard(folder: Path) -> Table:
    with (folder / record.LEADERBOARD).open(encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    texts = {"variant", "family", "status"}
    cells = [[c if name in texts else _number(c) for name, c in zip(columns, row, strict=True)] for row in rows]
    return Table(columns, cells, len(cells))


def _number(text: str) -> float | None:
    return float(text) if text else None


def _differences(differences: Sequence[Mapping[str, Any]]) -> Table:
    columns = ["variant", "metric", "difference", "low", "high", "rows"]
    return Table(columns, [[d[c] for c in columns] for d in differences], len(differences))


def _pages(folder: Path) -> list[Path]:
    """Pages of the comparison: the report, and charts if there are any."""
    report = [folder / REPORT] if (folder / REPORT).is_file() else []
    charts = sorted(path for path in (folder / "charts").glob("*") if path.suffix in CHARTS)
    return report + charts
