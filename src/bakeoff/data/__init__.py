"""From a source of rows to a task: read, checked, converted, split and fingerprinted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bakeoff.data.settings import DataSettings
    from bakeoff.data.sources import Source
    from bakeoff.task import Task

__all__ = ["load"]


def load(source: Source, settings: DataSettings) -> Task:
    """Read all rows and make the task that all variants share.

    The same rows and settings give the same task.

    Raises:
        DataError: the rows cannot serve as asked.
        ConfigError: a setting is wrong for these rows.
        AssetError: a sample set cannot be fetched.
    """
    # Imported here, so that sources and settings can be checked without half a second of pandas.
    from bakeoff.data import loading

    return loading.load(source, settings)
