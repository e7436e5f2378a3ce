"""Recorded inputs of a run: the test rows as predicted, and profiles of the training rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bakeoff import record
from bakeoff.data import profile
from bakeoff.task import Predictions, Task


@dataclass
class Profiles:
    """Profiles of training rows: that of the last task stays in memory, for the other variants of a bake-off."""

    by_task: dict[tuple[str, bool], dict[str, Any]] = field(default_factory=dict)

    def load(self, task: Task, with_values: bool) -> dict[str, Any]:
        """The profile of the training rows of a task, computed when it is first needed."""
        key = task.fingerprint, with_values
        if key not in self.by_task:
            self.by_task.clear()
            self.by_task[key] = profile.profile_columns(task.development.train, task.schema, with_values)
        return self.by_task[key]


_profiles = Profiles()


def leave(folder: Path, task: Task, predictions: Predictions, record_inputs: bool) -> list[str]:
    """Write ``profile.json`` of a run, and ``inputs.parquet`` of its bake-off where it is not there yet.

    Args:
        folder: the run folder.
        task: the rows.
        predictions: of the test rows.
        record_inputs: False: test rows are not written, and the profile names no categories.

    Returns:
        Notes for the reader of the run.
    """
    content = {
        "fingerprint": task.fingerprint,
        "train_rows": len(task.development.train),
        "columns": _profiles.load(task, record_inputs),
        "predictions": profile.profile_predictions(predictions, record_inputs),
    }
    record.write_json(folder / record.PROFILE, content)
    if not record_inputs:
        return []
    fault = record.write_inputs(folder.parent, task.test, task.fingerprint)
    return [f"{record.INPUTS} was not written: {fault}"] if fault else []
