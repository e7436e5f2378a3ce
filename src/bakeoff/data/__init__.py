"""From a source of rows to a task: read, checked, converted, split and fingerprinted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bakeoff import lazy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bakeoff.data.corpora import Beir as Beir
    from bakeoff.data.corpora import Questions as Questions
    from bakeoff.data.corpora import Squad as Squad
    from bakeoff.data.python_docs import PythonDocs as PythonDocs
    from bakeoff.data.python_summaries import PythonSummaries as PythonSummaries
    from bakeoff.data.samples import Sample as Sample
    from bakeoff.data.settings import DataSettings
    from bakeoff.data.sources import Csv as Csv
    from bakeoff.data.sources import Excel as Excel
    from bakeoff.data.sources import Feather as Feather
    from bakeoff.data.sources import JsonLines as JsonLines
    from bakeoff.data.sources import Parquet as Parquet
    from bakeoff.data.sources import Source
    from bakeoff.data.sources import Sql as Sql
    from bakeoff.task import Examples, Task
else:
    __getattr__, __dir__ = lazy.exports(__name__, __file__)


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
