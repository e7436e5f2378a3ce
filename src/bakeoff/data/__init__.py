"""From a source of rows to a task: read, checked, converted, split and fingerprinted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings
    from bakeoff.data.sources import Source
    from bakeoff.task import Examples, Task

__all__ = ["hashes", "load"]


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


def hashes(examples: Examples) -> NDArray[np.uint64]:
    """A hash of the features of each row, shape (n,): equal rows are known again in other data of the same columns."""
    from bakeoff.data import columns

    return columns.row_hashes(examples.X, len(examples))
