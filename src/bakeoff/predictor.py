"""Predictions of new rows by the fitted model of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import record
from bakeoff.config.settings import typed
from bakeoff.data.settings import DataSettings
from bakeoff.errors import DataError
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.data.reader import NewRows, Problems, RawRows
    from bakeoff.models.base import Model
    from bakeoff.task import Predictions, Schema


@dataclass(frozen=True)
class NewPredictions:
    """Predictions of new rows.

    Attributes:
        frame: one row a row (of a forecast, a series): ``id``, ``output``, ``proba:<class>`` and ``confidence`` where
            the model has them, ``status``, ``reason``, and ``messages``, a list of what was wrong with the row.
        common: problems of every row; the last messages of each.
    """

    frame: pd.DataFrame
    common: tuple[str, ...]


class Predictor:
    """The fitted model of a run, and how its rows were read.

    Args:
        folder: of the run.

    Raises:
        DataError: the run has no model.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.record = folder, record.read_run(folder)
        if self.record.status != "ok":
            raise DataError(f"{folder}: this run is {self.record.status}: it has no model to predict with.")

    @cached_property
    def model(self) -> Model:
        """The fitted model."""
        from bakeoff.models import persistence

        return persistence.load(record.model_folder(self.folder))

    @cached_property
    def schema(self) -> Schema:
        """Schema of the task that the model was fitted for; the run itself may have been scored on another."""
        from bakeoff.models import persistence

        folder = record.model_folder(self.folder)
        is_there = (folder / persistence.STATE).is_file()
        return persistence.read_state(folder)[0] if is_there else record.schema_of(self.record)

    @cached_property
    def settings(self) -> DataSettings:
        """Settings of the data that the model was fitted to."""
        from bakeoff.request.spec import ROLES

        content = (record.read_config(self.folder) or {}).get("data") or {}
        return typed(DataSettings, {key: value for key, value in content.items() if key in ROLES}, "data")

    def predict(
        self, rows: RawRows, problems: Problems = "report", id: str | None = None, is_text: bool = False
    ) -> NewPredictions:
        """Predict new rows; of a forecast, what comes after a history.

        Args:
            rows: a frame, a list of dicts, one dict, or JSON of either; of a forecast, the history.
            problems: ``report`` says of each row what is wrong with it, ``refuse`` raises ``DataError``.
            id: the column that names each row; None: that of the task, where it is there, else positions.
            is_text: whether every cell is the text of a file.

        Raises:
            DataError: the rows cannot be read, or something is wrong with them and is to be refused.
        """
        from bakeoff.data import history, reader

        if self.schema.series is not None:
            origins = history.HistoryReader(self.schema, self.settings).read(rows, is_text)
            new, ids = origins.rows, origins.ids
            if problems == "refuse" and any(new.messages):
                raise DataError("predict: " + "; ".join(text for row in new.messages for text in row))
        else:
            frame = reader.as_frame(rows)
            name = id if id is not None else self.settings.id
            ids = _ids(frame, name, is_declared=id is not None)
            new = reader.RowReader(self.schema, problems, self._roles(name)).read(rows)
        return NewPredictions(self._frame(new, ids), new.common)

    def _roles(self, id: str | None) -> set[str]:
        """Expected columns that are not features."""
        known = {*self.settings.apart, *self.settings.slices, *({id} if id else ())}
        return known - set(self.schema.columns)

    def _frame(self, new: NewRows, ids: NDArray[Any]) -> pd.DataFrame:
        import numpy as np
        import pandas as pd

        positions = np.flatnonzero(new.can_predict)
        n = len(ids)
        columns: dict[str, Any] = {"id": ids, "output": np.full(n, None, dtype=object)}
        status, reason = np.full(n, "no_answer", dtype=object), np.full(n, "", dtype=object)
        if len(positions):
            predictions = self.model.predict(new.X.iloc[positions].reset_index(drop=True))
            columns |= self._filled(predictions, positions, n)
            status[positions], reason[positions] = predictions.status, predictions.reason
        for i in np.flatnonzero(~new.can_predict):
            reason[i] = "; ".join(new.messages[i])
        return pd.DataFrame(
            {"id": ids, **columns, "status": status, "reason": reason, "messages": [list(row) for row in new.messages]}
        )

    def _filled(self, predictions: Predictions, positions: NDArray[Any], n: int) -> dict[str, Any]:
        """Expand the predictions for the rows passed to the model into columns of all n rows."""
        import numpy as np

        kind = kinds.get(self.schema.kind)

        def over(values: Any, empty: Any, dtype: Any) -> NDArray[Any]:
            column: NDArray[Any] = np.full(n, empty, dtype=dtype)
            if dtype is object:
                for position, value in zip(positions, values, strict=True):
                    column[position] = value
            else:
                column[positions] = values
            return column

        outputs = kind.write_outputs(predictions.output)
        plain = outputs.dtype == np.float64 and outputs.ndim == 1
        columns = {"output": over(outputs, np.nan if plain else None, np.float64 if plain else object)}
        if predictions.proba is not None:
            for i, label in enumerate(self.schema.classes):
                columns[f"proba:{label}"] = over(predictions.proba[:, i], np.nan, np.float64)
            if kind.has_one_label:
                columns["confidence"] = over(predictions.proba.max(axis=1), np.nan, np.float64)
        if predictions.confidence is not None:
            columns["confidence"] = over(predictions.confidence, np.nan, np.float64)
        for name in ("stage", "retrieved", "cited", "evidence"):
            values: Sequence[Any] | None = getattr(predictions, name)
            if values is not None:
                columns[name] = over([list(v) if isinstance(v, tuple) else v for v in values], None, object)
        return columns


def _ids(frame: pd.DataFrame, name: str | None, is_declared: bool) -> NDArray[Any]:
    """Id of each row: the column as text, or positions if the task's column is absent."""
    import numpy as np

    from bakeoff.data import reader

    if name is None or (name not in frame and not is_declared):
        return np.arange(len(frame))
    if name not in frame:
        raise DataError(
            f'predict: there is no column "{name}" to name the rows by. Columns: {", ".join(frame.columns)}.'
        )
    ids = reader.texts(frame[name])
    return ids.to_numpy(dtype=object)
