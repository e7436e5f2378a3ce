"""One fitted copy of a model per segment of the rows, and one for all rows that answers the other segments."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, DataError
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, combined, nested, no_report, require_fitted, require_kind
from bakeoff.predictions import Predictions, Stage, merged
from bakeoff.solutions import language, segments
from bakeoff.solutions.base import Solution
from bakeoff.task import Examples, Schema

if TYPE_CHECKING:
    import pandas as pd

FALLBACK = "fallback"
"""Stage of the rows that the copy fitted to all rows answers."""
OWN = "own"
SAVED = "segments"  # folder of the fitted copies
MOST_NAMED = 5  # segments in a note


@dataclass(eq=False)
class PerSegment(Model):
    """A copy of one model per segment, each fitted to the rows of its segment, and a fallback fitted to all rows.

    The fallback answers segments that are small, that training rows lack, or whose training rows hold one class, and
    rows whose segment is missing. All copies have the same parameters, so one search chooses those that serve all.

    Args:
        base: the model that is fitted; it asks no language model.
        by: columns whose values make the segments, such as ``[region]``. ``language`` is detected in the text columns
            where no column has that name; rows of an unsure language go to the fallback.
        min_rows: training rows that a segment needs for a copy of its own.
    """

    base: Model
    by: list[str] | str = field(default_factory=list)
    min_rows: int = 100

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` where the segments make no sense, or the model cannot serve the task."""
        require_kind(self, schema, "classification", "multilabel", "regression")
        segments.check(self.by, schema)
        if self.min_rows < 1:
            raise ConfigError(f"model.min_rows: {self.min_rows} is less than 1.")
        if not isinstance(self.base, Model):
            raise ConfigError(
                f"model.base: {type(self.base).__name__} is no model of its own. Choose an option and give it the "
                "estimator: model@model.base=linear, with model.base.classifier or model.base.regressor."
            )
        if isinstance(self.base, Solution) or _asks_llm(self.base):
            raise ConfigError(
                f"model.base: {type(self.base).__name__} learns nothing from the rows of a segment. "
                "Use model=segmented, which chooses a variant for each segment."
            )
        self.base.check(schema)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Fit the fallback to all rows, and a copy to the rows of each segment that has enough of them."""
        self.schema_ = context.schema
        inner = replace(context, report=no_report)  # the losses of several fits are no single curve
        unfitted = copy.deepcopy(self.base)
        self.base.fit(train, valid, inner)
        self.parts_: dict[str, Model] = {}
        self.segments_: dict[str, dict[str, Any]] = {}
        segment_of_row = self._segments(train.X)
        valid_segments = None if valid is None else self._segments(valid.X)
        for name in sorted(set(segment_of_row) - {None}):
            rows = train.take(np.flatnonzero(segment_of_row == name))
            self.segments_[name] = {"rows": len(rows), "part": FALLBACK}
            if reason := self._reason_against(rows):
                self.segments_[name]["reason"] = reason
                continue
            context.announce(f"fitting to {name}, {len(rows):,} rows")
            held = None if valid is None else valid.take(np.flatnonzero(valid_segments == name))
            memo = None if context.memo is None else context.memo.setdefault((PerSegment, str(self.by), name), {})
            part = copy.deepcopy(unfitted)
            try:
                part.fit(rows, held if held is not None and len(held) else None, replace(inner, memo=memo, folder=None))
            except DataError as error:  # such as features that are constant within the segment
                self.segments_[name]["reason"] = str(error)
                continue
            self.segments_[name]["part"] = OWN
            self.parts_[name] = part
        self.missing_ = int(np.sum(segment_of_row == None))  # noqa: E711 - compared element by element

    def fit_to_all(self, rows: Examples, context: Context) -> None:
        """Let each copy learn once more, from the training and validation rows of its segment."""
        inner = replace(context, report=no_report)
        self.base.fit_to_all(rows, inner)
        segment_of_row = self._segments(rows.X)
        for name, part in self.parts_.items():
            part.fit_to_all(rows.take(np.flatnonzero(segment_of_row == name)), replace(inner, folder=None))

    def _reason_against(self, rows: Examples) -> str:
        """Reason why a segment has no copy of its own; empty if it has one."""
        if len(rows) < self.min_rows:
            return f"fewer than {self.min_rows} training rows"
        if self.schema_.kind != "regression" and len(set(rows.y.tolist())) < 2:
            return "the same label in all training rows"
        return ""

    def _segments(self, X: pd.DataFrame) -> NDArray[Any]:
        """Segment of each row, such as ``region=north``, shape (n,); None where a value is missing."""
        names = segments.columns_of(self.by)
        values = [segments.values(name, X, self.schema_, missing=None) for name in names]
        segment = np.full(len(X), None, dtype=object)
        for i, row in enumerate(zip(*values, strict=True)):
            if None not in row and language.UNSURE not in row:
                segment[i] = ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True))
        return segment

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict each row with the copy of its segment, or with the fallback. Raises ``RuntimeError`` before ``fit``.

        The stage of a row is its segment, or ``fallback``.
        """
        require_fitted(self)
        owner = np.array([name if name in self.parts_ else FALLBACK for name in self._segments(X)], dtype=object)
        if not len(owner):
            return self.base.predict(X)
        stages = []
        for name, model in self._models():
            rows = np.flatnonzero(owner == name)
            if len(rows):
                stages.append(Stage(name, rows, model.predict(X.iloc[rows]), np.ones(len(rows), dtype=np.bool_)))
        return replace(merged(len(X), stages), trace=())  # each row is predicted once: no stage passes it on

    def _models(self) -> Iterator[tuple[str, Model]]:
        """The fitted copies by stage, the fallback first."""
        yield FALLBACK, self.base
        yield from self.parts_.items()

    def warm_up(self, X: pd.DataFrame) -> None:
        """Warm up all copies."""
        for _, model in self._models():
            model.warm_up(X)

    def report(self) -> ModelReport:
        """Training rows of each segment and which copy answers it, and the reports of the copies."""
        if not hasattr(self, "segments_"):
            return ModelReport()
        report = combined({name: model.report() for name, model in self._models()})
        notes: dict[str, list[str]] = {}
        for name, model in self._models():
            for note in model.report().notes:
                notes.setdefault(note, []).append(name)
        details = {"segments": self.segments_, "rows_without_segment": self.missing_, "models": report.details}
        return ModelReport(
            details, (self._summary(), *(f"{_shown(names)}: {note}" for note, names in notes.items())), report.curves
        )

    def _summary(self) -> str:
        own = f"{len(self.parts_):,} of {len(self.segments_):,} segments by {_shown(segments.columns_of(self.by))}"
        others: dict[str, list[str]] = {}
        for name, segment in self.segments_.items():
            if segment["part"] == FALLBACK:
                others.setdefault(segment["reason"], []).append(f"{name} ({segment['rows']:,})")
        why = "".join(f" {_shown(names)}: {reason}." for reason, names in others.items())
        missing = f" Training rows without a segment: {self.missing_:,}." if self.missing_ else ""
        return (
            f"{own} have a model fitted to their rows (model.min_rows={self.min_rows}); the fallback, fitted to all "
            f"rows, answers all other rows.{why}{missing}"
        )

    def save(self, folder: Path) -> None:
        """Write each copy into a folder of its own."""
        persistence.write(folder, self, self.schema_, segments=self.segments_, missing=self.missing_)
        for i, part in enumerate(self.parts_.values()):
            (folder / SAVED / str(i)).mkdir(parents=True)
            persistence.save(part, folder / SAVED / str(i))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model: Self = saved.model
        model.schema_, model.segments_, model.missing_ = (
            saved.schema,
            saved.learned["segments"],
            saved.learned["missing"],
        )
        own = [name for name, segment in model.segments_.items() if segment["part"] == OWN]
        model.parts_ = {name: persistence.load(folder / SAVED / str(i)) for i, name in enumerate(own)}
        return model


def _asks_llm(model: Model) -> bool:
    """Return whether a model, or one nested in it, has a language model among its parameters."""
    names = {f.name for f in fields(model)}  # type: ignore[arg-type]
    return "llm" in names or any(_asks_llm(inner) for inner in nested(model).values())


def _shown(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
