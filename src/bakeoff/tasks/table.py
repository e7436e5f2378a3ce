"""Task kinds with one row of a table, and one target, per example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bakeoff.data import cells, loading
from bakeoff.data.target import Target, read_with
from bakeoff.task import Schema, Task
from bakeoff.tasks.base import Kind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings
    from bakeoff.data.sources import Source


class TableKind(Kind):
    """A task kind with one prediction per row of a table, and a target column in the table.

    A subclass that only defines ``default_metric``, ``write_targets`` and ``read_targets`` is whole: its target column
    then holds what ``write_targets`` writes.
    """

    def load(self, source: Source, settings: DataSettings) -> Task:
        """Read the table, its target with ``read_target``, and split it."""
        return loading.load_table(source, settings, self.read_target)

    def read_target(self, column: pd.Series, settings: DataSettings, where: str) -> Target:
        """Read the target column of all n rows as it came from the source.

        Raises:
            DataError: values are missing or cannot be read as this kind.
            ConfigError: a setting does not fit them.
        """
        return Target(self.name, read_with(self.read_targets, column, self.name, where))

    def pinned_settings(self, schema: Schema) -> dict[str, Any]:
        """Its kind, and the type of every column."""
        return {"kind": self.name, "columns": cells.declared_types(schema)}

    def write_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """The targets as they are."""
        return targets
