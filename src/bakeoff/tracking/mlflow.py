"""MLflow: an experiment a bake-off, a run a variant, in a local database unless a server is named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import record
from bakeoff.tracking.base import Mode
from bakeoff.tracking.content import Table, TrackedComparison, TrackedRun

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

KINDS = ("predictions", "model")
DATABASE, ARTIFACTS = "mlflow.db", "mlflow-artifacts"
LONGEST_PARAMETER = 6000  # characters, as MLflow wants it
AT_ONCE = 100  # parameters, and 1,000 metrics: as many as one request may hold


@dataclass(frozen=True)
class MlflowTracker:
    """Tracker for MLflow.

    Args:
        uri: of the tracking server or database; None: MLFLOW_TRACKING_URI, else ``mlflow.db`` beside the bake-offs.
        artifacts: files to upload in full: predictions, model.
        table_rows: maximum rows of a predictions table (a seeded sample if there are more); 0: no table.
        timeout: time limit for tracking one run, in seconds.
        wait: seconds that a command waits at its end for tracking to finish.
    """

    uri: str | None = None
    artifacts: list[str] = field(default_factory=list)
    table_rows: int = 1000
    timeout: float = 120
    wait: float | None = 0

    def __post_init__(self) -> None:
        """Validate the parameters without importing MLflow."""
        if find_spec("mlflow") is None:
            raise ImportError('mlflow. Install it: pip install "bakeoff[mlflow]"')
        unknown = [name for name in self.artifacts if name not in KINDS]
        if unknown:
            raise ValueError(f"artifacts: {', '.join(unknown)} is not one of {', '.join(KINDS)}")
        if self.timeout <= 0:
            raise ValueError(f"timeout: {self.timeout} is no time")

    def chosen_mode(self) -> Mode:
        """Return the mode. An unreachable server is a failure, since MLflow has no offline files to send later."""
        return "offline"

    def prepare(self, mode: Mode) -> None:
        """Turn off MLflow's usage telemetry."""
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

    def track_run(self, tracked: TrackedRun, mode: Mode) -> Mapping[str, Any]:
        """Log parameters, trials and training curves as steps, metrics, tables, and the model card."""
        tags = {"family": tracked.family, "status": tracked.status, "fingerprint": tracked.fingerprint or ""}
        with self._started(tracked.folder.parent, tracked.bakeoff, tracked.id, tracked.variant, tags, tracked.card) as (
            client,
            run,
        ):
            _log_parameters(client, run, tracked.config["run"]["parameters"])
            client.log_dict(run, dict(tracked.config), "config.json")
            _log_steps(client, run, "trial", tracked.trials)
            _log_steps(client, run, "curve", tracked.curves)
            _log_summary(client, run, tracked.summary)
            _log_tables(client, run, {**tracked.tables, "trials": _as_table(tracked.trials)})
            client.log_text(run, tracked.card, "model_card.md")
            for kind, path in (
                ("predictions", tracked.folder / record.PREDICTIONS),
                ("model", tracked.folder / record.MODEL),
            ):
                if kind in self.artifacts and path.exists():
                    client.log_artifact(run, str(path))
            if tracked.status != "ok":
                client.set_terminated(run, "FAILED")
        rows = {name: len(table.rows) for name, table in tracked.tables.items()}
        return {"id": run, "rows": rows | {"trials": len(tracked.trials), "curves": len(tracked.curves)}}

    def track_comparison(self, tracked: TrackedComparison, mode: Mode) -> Mapping[str, Any]:
        """Log the verdict, the leaderboard, and the pages of the report."""
        tags = {"family": "comparison", **{key: str(value) for key, value in tracked.summary.items()}}
        name = f"{tracked.bakeoff} comparison"
        with self._started(tracked.folder, tracked.bakeoff, tracked.id, name, tags, tracked.verdict) as (client, run):
            _log_tables(client, run, tracked.tables)
            client.log_dict(run, dict(tracked.config), "comparison.json")
            for page in tracked.pages:
                client.log_artifact(run, str(page))
        return {"id": run, "rows": {name: len(table.rows) for name, table in tracked.tables.items()}}

    @contextmanager
    def _started(
        self, bakeoff: Path, experiment: str, identity: str, name: str, tags: Mapping[str, str], notes: str
    ) -> Iterator[tuple[MlflowClient, str]]:
        """Start a new MLflow run, deleting an earlier one of the same run."""
        from mlflow.tracking import MlflowClient

        here = bakeoff.parent
        uri = self.uri or os.environ.get("MLFLOW_TRACKING_URI")
        client = MlflowClient(uri or f"sqlite:///{here / DATABASE}")
        known = client.get_experiment_by_name(experiment)
        place = None if uri else f"{(here / ARTIFACTS).as_uri()}/{bakeoff.name}"
        experiment_id = known.experiment_id if known else client.create_experiment(experiment, place)
        for before in client.search_runs([experiment_id], f"tags.bakeoff_id = '{identity}'"):
            client.delete_run(before.info.run_id)
        own = {"bakeoff_id": identity, "mlflow.note.content": notes}
        run = client.create_run(experiment_id, tags={**tags, **own}, run_name=name).info.run_id
        try:
            yield client, run
        except BaseException:
            client.set_terminated(run, "FAILED")
            raise
        if client.get_run(run).info.status == "RUNNING":
            client.set_terminated(run)


def _log_parameters(client: MlflowClient, run: str, parameters: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    parameters_list = [Param(_name(key), str(value)[:LONGEST_PARAMETER]) for key, value in _flat(parameters).items()]
    for start in range(0, len(parameters_list), AT_ONCE):
        client.log_batch(run, params=parameters_list[start : start + AT_ONCE])


def _log_steps(client: MlflowClient, run: str, prefix: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Log the numbers of every row, with its position as the step."""
    _log(
        client, run,
        [_metric(f"{prefix}/{key}", value, step) for step, row in enumerate(rows) for key, value in row.items()
         if _is_number(value)],
    )  # fmt: skip


def _log_summary(client: MlflowClient, run: str, summary: Mapping[str, Any]) -> None:
    _log(client, run, [_metric(key, value, 0) for key, value in summary.items() if _is_number(value)])


def _log(client: MlflowClient, run: str, metrics: Sequence[Metric]) -> None:
    for start in range(0, len(metrics), 10 * AT_ONCE):
        client.log_batch(run, metrics=metrics[start : start + 10 * AT_ONCE])


def _metric(key: str, value: float, step: int) -> Metric:
    import time

    from mlflow.entities import Metric

    return Metric(_name(key), float(value), int(time.time() * 1000), step)


def _log_tables(client: MlflowClient, run: str, tables: Mapping[str, Table]) -> None:
    for name, table in tables.items():
        columns = {column: [row[i] for row in table.rows] for i, column in enumerate(table.columns)}
        if columns:
            client.log_table(run, columns, f"{name}.json")


def _as_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(rows[0]) if rows else []
    return Table(columns, [[row[column] for column in columns] for row in rows], len(rows))


def _name(key: str) -> str:
    """Replace characters that MLflow does not allow in names."""
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in key)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, Mapping):
        return {prefix: node}
    return {k: v for key, value in node.items() for k, v in _flat(value, f"{prefix}.{key}" if prefix else key).items()}
