"""The contract of a task kind: how its rows are loaded, its targets stored and its predictions judged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bakeoff.errors import ConfigError
from bakeoff.task import Predictions, PredictionTable, Schema, Task

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.data.settings import DataSettings
    from bakeoff.data.sources import Source

Head = Literal["classifier", "regressor", ""]


class Kind(ABC):
    """A task kind. All that is special to it is here; everything else treats kinds alike.

    A kind of a plugin is an object of a subclass, most often of ``bakeoff.tasks.table.TableKind``. Methods that are not
    abstract have a default that suits plain values.

    Attributes:
        name: as it is written in ``data.kind``.
        summary: in a few words, for lists.
        is_numeric: whether outputs are finite numbers.
        needs_target: whether a target column must be declared.
        needs_training_rows: whether a task without rows to learn from is refused.
        searches_documents: whether answers are looked for in a corpus.
        is_graded: whether outputs are texts that graders (``metrics.graders``) grade.
        has_one_label: whether a target is one label: each then needs rows to learn from, which a split checks.
        head: which estimator serves the kind, where a model has a classifier and a regressor.
        baselines: options of ``model`` one of which belongs into every comparison; empty where none is simple enough.
        repeats_are_suspicious: whether a model that gives every row the same output has learned nothing.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    is_numeric: ClassVar[bool] = False
    needs_target: ClassVar[bool] = True
    needs_training_rows: ClassVar[bool] = True
    searches_documents: ClassVar[bool] = False
    is_graded: ClassVar[bool] = False
    has_one_label: ClassVar[bool] = False
    head: ClassVar[Head] = ""
    baselines: ClassVar[tuple[str, ...]] = ()
    repeats_are_suspicious: ClassVar[bool] = False

    @property
    def unused_head(self) -> str:
        """The parameter that a model with a classifier and a regressor never uses for this kind; empty for none."""
        return {"classifier": "regressor", "regressor": "classifier", "": ""}[self.head]

    @abstractmethod
    def default_metric(self, schema: Schema) -> str:
        """Name of the metric that decides where none is declared."""

    @abstractmethod
    def load(self, source: Source, settings: DataSettings) -> Task:
        """Read all rows and split them. Raises ``DataError`` or ``ConfigError`` as ``bakeoff.data.load`` does."""

    @abstractmethod
    def write_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """The targets of n rows as one column of a Parquet file, shape (n,)."""

    @abstractmethod
    def read_targets(self, column: pd.Series) -> NDArray[Any]:
        """The targets from the column that ``write_targets`` made."""

    def write_outputs(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The outputs of n rows as one column of a Parquet file, shape (n,)."""
        return outputs

    def read_outputs(self, column: pd.Series) -> NDArray[Any]:
        """The outputs from the column that ``write_outputs`` made."""
        return column.to_numpy(dtype=object)

    def headline_metrics(self, schema: Schema) -> tuple[str, ...]:
        """Names of the quality metrics that a leaderboard shows, the default decision metric first."""
        return (self.default_metric(schema),)

    def check_settings(self, settings: DataSettings) -> None:
        """Check the data settings without data. Raises ``ConfigError`` for one that the kind does not use."""
        if self.needs_target and not settings.target:
            raise ConfigError(f"data.target: it is empty, and {self.name} needs the column to be predicted.")
        if settings.forecast.horizon is not None:
            raise ConfigError("data.forecast.horizon: only a forecast looks ahead. Add data.kind=forecast.")

    def pinned_settings(self, schema: Schema) -> Mapping[str, Any]:
        """Settings of ``data`` that make new rows be read like the old ones; declared values are extended, not lost."""
        return {"kind": self.name}

    def output_shape(self, schema: Schema) -> tuple[int, ...]:
        """Shape of one output; ``()`` for a plain value."""
        return ()

    def check_predictions(self, predictions: Predictions, schema: Schema, n: int) -> None:
        """Raise ``ValueError`` where predictions do not fit n rows of the task."""
        import numpy as np

        output, k = predictions.output, len(schema.classes)
        if np.shape(output) != (n, *self.output_shape(schema)):
            raise ValueError(f"predict answered with shape {np.shape(output)} for {n} rows")
        if self.is_numeric and not np.isfinite(output.astype(float)).all():
            raise ValueError("predict answered with values that are not finite")
        if predictions.proba is not None and np.shape(predictions.proba) != (n, k):
            raise ValueError(f"predict gave proba of shape {np.shape(predictions.proba)} for {n} rows and {k} classes")

    def is_right(self, outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any] | None:
        """Return whether each output is correct, shape (n,); None if outputs are not simply right or wrong."""
        return None

    def has_references(self, schema: Schema) -> bool:
        """Return whether outputs are texts that are compared with reference texts."""
        return False

    def closeness(
        self, outputs: NDArray[Any], targets: NDArray[Any], measure: Callable[[str, str], float]
    ) -> NDArray[Any]:
        """Closeness of each output to the target, by a measure of two texts, from 0 to 1, shape (n,).

        NaN where there is nothing to compare with: by default everywhere.
        """
        import numpy as np

        return np.full(len(targets), np.nan)

    def strata(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        """A label for each row by which splits are stratified, shape (n,); None where they are random."""
        return None

    def labels(self, values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """All labels of n targets or outputs: the position of the row of each, and the label; empty for other values.

        One entry a pair of row and label, shape (m,) each.
        """
        import numpy as np

        return np.empty(0, dtype=np.intp), np.empty(0, dtype=object)

    def over_classes(self, predictions: Predictions, known: Sequence[str], classes: Sequence[str]) -> Predictions:
        """Align the predictions of a model that knows only some of the scored classes.

        The outputs stay, also where they are none of the classes: that is a wrong answer. Classes that the model does
        not know have probability 0.
        """
        import numpy as np

        if predictions.proba is None or tuple(known) == tuple(classes):
            return predictions
        proba = np.zeros((len(predictions.proba), len(classes)))
        for column, label in enumerate(classes):
            if label in known:
                proba[:, column] = predictions.proba[:, list(known).index(label)]
        return replace(predictions, proba=proba)

    def breakdown(self, table: PredictionTable) -> Mapping[str, Mapping[str, PredictionTable]]:
        """Parts of the table that are scored separately besides slices: title → name of the part → the part."""
        return {}
