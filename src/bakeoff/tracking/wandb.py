"""Weights & Biases: one run a variant, one for the comparison; offline unless the environment says otherwise."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import record
from bakeoff.tracking.base import Mode
from bakeoff.tracking.content import Table, TrackedComparison, TrackedRun

if TYPE_CHECKING:
    import wandb

FOLDER = "wandb"
KINDS = ("data", "predictions", "model")
MODES = ("online", "offline", "disabled")
STEPS = ("step", "epoch", "iteration", "round")
LONGEST_TAG = 64  # characters, as W&B wants it


@dataclass(frozen=True)
class WandbTracker:
    """Tracker for Weights & Biases. Its files are in ``outputs/<name>/wandb``.

    Args:
        project: the W&B project.
        entity: user or team; None: the default of the account.
        mode: ``online`` or ``offline``; None: WANDB_MODE, else online where WANDB_API_KEY is set, else offline.
        tags: of every run, beside task, family and status.
        artifacts: artifacts to upload: data (name, split and fingerprint, never rows), predictions, model.
        table_rows: maximum rows of a predictions table (a seeded sample if there are more); 0: no table.
        timeout: time limit for tracking one run, in seconds.
        wait: seconds that a command waits at its end for tracking to finish; None: the timeout when online, else 0.
    """

    project: str = "bakeoff"
    entity: str | None = None
    mode: str | None = None
    tags: list[str] = field(default_factory=list)
    artifacts: list[str] = field(default_factory=list)
    table_rows: int = 1000
    timeout: float = 120
    wait: float | None = None

    def __post_init__(self) -> None:
        """Validate the parameters without importing W&B."""
        unknown = [name for name in self.artifacts if name not in KINDS]
        if unknown:
            raise ValueError(f"artifacts: {', '.join(unknown)} is not one of {', '.join(KINDS)}")
        if self.timeout <= 0:
            raise ValueError(f"timeout: {self.timeout} is no time")
        if self.mode is not None and self.mode not in MODES:
            raise ValueError(f'mode: "{self.mode}" is not one of {", ".join(MODES)}')

    def chosen_mode(self) -> Mode:
        """Return the declared mode, or the one from the environment."""
        mode = self.mode or os.environ.get("WANDB_MODE") or ("online" if os.environ.get("WANDB_API_KEY") else "")
        if mode in ("disabled", "dryrun", "offline", ""):
            return "disabled" if mode == "disabled" else "offline"
        return "online"

    def prepare(self, mode: Mode) -> None:
        """Keep W&B from importing pandas, which is slow, and from reporting usage when offline."""
        if mode == "offline":
            os.environ["WANDB_ERROR_REPORTING"] = "false"
        if "pandas" not in sys.modules:
            sys.modules["pandas"] = None  # type: ignore[assignment]
            importlib.import_module("wandb")  # it looks once, whether there is pandas
            del sys.modules["pandas"]

    def track_run(self, tracked: TrackedRun, mode: Mode) -> Mapping[str, Any]:
        """Log trials and training curves as steps, then metrics, tables and the model card."""
        is_ok = tracked.status == "ok"
        about = {
            "id": tracked.id,
            "name": tracked.variant,
            "group": tracked.bakeoff,
            "job_type": tracked.family or "model",
        }
        with self._started(
            tracked.folder.parent, mode, tracked.tags, is_ok, config=tracked.config, notes=tracked.card, **about
        ) as (
            run,
            receipt,
        ):
            step = _log_trials(run, tracked.trials)
            step = _log_curves(run, tracked.curves, step)
            if tracked.tables:
                run.log({name: _table(table) for name, table in tracked.tables.items()}, step=step)
            run.summary.update({**tracked.summary, "status": tracked.status})
            card = Path(run.dir) / "model_card.md"
            card.write_text(tracked.card, encoding="utf-8")
            run.save(str(card), base_path=run.dir, policy="now")
            self._log_artifacts(run, tracked)
        return {
            **receipt,
            "rows": _counts(tracked.tables) | {"trials": len(tracked.trials), "curves": len(tracked.curves)},
        }

    def track_comparison(self, tracked: TrackedComparison, mode: Mode) -> Mapping[str, Any]:
        """Log the verdict, the leaderboard with charts, and the pages of the report."""
        import wandb

        about = {
            "id": tracked.id,
            "name": f"{tracked.bakeoff} comparison",
            "group": tracked.bakeoff,
            "job_type": "comparison",
        }
        with self._started(
            tracked.folder, mode, tracked.tags, True, config=tracked.config, notes=tracked.verdict, **about
        ) as (
            run,
            receipt,
        ):
            tables = {name: _table(table) for name, table in tracked.tables.items()}
            charts = {}
            if tracked.metric in tracked.tables["leaderboard"].columns:
                bars = _table(_columns(tracked.tables["leaderboard"], ["variant", tracked.metric]))
                charts["chart/quality"] = wandb.plot.bar(bars, "variant", tracked.metric, title=tracked.metric)
            pages = {f"page/{path.stem}": _page(path) for path in tracked.pages}
            run.log({**tables, **charts, **pages}, step=0)
            run.summary.update(dict(tracked.summary))
        return {**receipt, "rows": _counts(tracked.tables)}

    @contextmanager
    def _started(
        self, bakeoff: Path, mode: Mode, tags: Sequence[str], is_ok: bool, **about: Any
    ) -> Iterator[tuple[wandb.Run, dict[str, Any]]]:
        """Start a W&B run; yields it and the record of how it ended."""
        folder = bakeoff / FOLDER
        folder.mkdir(exist_ok=True)  # W&B itself would turn to a temporary folder where this one cannot be written
        os.environ["WANDB_DATA_DIR"] = str(folder)  # copies of artifacts that wait for their upload
        import wandb

        settings = wandb.Settings(
            silent=True, console="off", disable_code=True, disable_git=True, save_code=False, x_disable_stats=True,
            x_disable_meta=True, x_disable_machine_info=True, x_save_requirements=False, init_timeout=self.timeout,
        )  # fmt: skip
        receipt: dict[str, Any] = {"id": about["id"]}
        run = wandb.init(
            project=self.project, entity=self.entity, mode=mode, dir=str(bakeoff), settings=settings,
            tags=[tag[:LONGEST_TAG] for tag in dict.fromkeys([*tags, *self.tags])], **about,
        )  # fmt: skip
        receipt["files"] = Path(run.dir).parent.relative_to(bakeoff.resolve()).as_posix()
        if mode == "online":
            receipt["url"] = run.url
        try:
            yield run, receipt
        except BaseException:
            run.finish(exit_code=1)
            raise
        run.finish(exit_code=0 if is_ok else 1)

    def _log_artifacts(self, run: wandb.Run, tracked: TrackedRun) -> None:
        import wandb

        fingerprint = (tracked.fingerprint or "")[:12]
        aliases = [alias for alias in (fingerprint, tracked.variant[:LONGEST_TAG]) if alias]
        name = "".join(c if c.isalnum() or c in "-_." else "-" for c in f"{tracked.bakeoff}-{tracked.variant}")[:100]
        if "data" in self.artifacts and tracked.task and fingerprint:
            data = wandb.Artifact(str(tracked.task["name"]), "dataset", metadata=dict(tracked.task))
            with data.new_file("fingerprint.txt") as file:
                file.write(f"{tracked.fingerprint}\n")
            run.log_artifact(data, aliases=[fingerprint])
        for kind, path in (
            ("predictions", tracked.folder / record.PREDICTIONS),
            ("model", tracked.folder / record.MODEL),
        ):
            if kind in self.artifacts and path.exists():
                artifact = wandb.Artifact(f"{name}-{kind}", kind)
                (artifact.add_dir if path.is_dir() else artifact.add_file)(str(path))
                run.log_artifact(artifact, aliases=aliases)


def _log_trials(run: wandb.Run, trials: Sequence[Mapping[str, Any]]) -> int:
    """Log one step per trial. Returns the next step."""
    if trials:
        run.define_metric("trial/*", step_metric="trial/number", summary="none")
    for step, trial in enumerate(trials):
        run.log({f"trial/{key}": value for key, value in trial.items() if value is not None}, step=step)
    return len(trials)


def _log_curves(run: wandb.Run, curves: Sequence[Mapping[str, Any]], step: int) -> int:
    """Log one step per row. Returns the next step."""
    axis = next((name for name in STEPS if curves and name in curves[0]), None)
    if axis:
        run.define_metric("curve/*", step_metric=f"curve/{axis}")
    for offset, row in enumerate(curves):
        run.log({f"curve/{key}": value for key, value in row.items() if value is not None}, step=step + offset)
    return step + len(curves)


def _table(table: Table) -> wandb.Table:
    import wandb

    return wandb.Table(columns=list(table.columns), data=[list(r) for r in table.rows], allow_mixed_types=True)


def _columns(table: Table, names: Sequence[str]) -> Table:
    """Some columns of a table."""
    positions = [list(table.columns).index(name) for name in names]
    return Table(names, [[row[i] for i in positions] for row in table.rows], table.of_rows)


def _page(path: Path) -> wandb.Html | wandb.Image:
    import wandb

    if path.suffix == ".png":
        return wandb.Image(str(path))
    return wandb.Html(path.read_text("utf-8"), inject=False)


def _counts(tables: Mapping[str, Table]) -> dict[str, int]:
    return {name: len(table.rows) for name, table in tables.items()}
