"""The contract between the runner and whatever answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from bakeoff.errors import ConfigError
from bakeoff.task import Corpus, Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.llm.base import Planned


Report = Callable[[int, float], None]


def no_report(step: int, loss: float) -> None:
    """Outside a search nobody listens."""


def no_announcement(doing: str) -> None:
    """In a search a trial is too short to tell of."""


@dataclass(frozen=True)
class Context:
    """What a model may know besides the rows.

    Attributes:
        schema: what is asked.
        seed: of every random choice.
        threads: how many the model may use.
        report: takes a step (a boosting round, an epoch) and a loss after it; in a search it raises to end a trial that
            is not worth going on with, and the model lets that pass.
        memo: in a search, what may be kept from one fit to the next of the same rows, such as encoded features; the
            key says what the value depends on besides the rows. None outside a search.
        corpus: the documents in which answers are looked for; None where a task has none.
        folder: where a fit may keep what it needs to go on after an interruption, made when it is needed; None in a
            search.
        announce: told, for a person who watches, how far a long fit is.
    """

    schema: Schema
    seed: int
    threads: int
    report: Report = no_report
    memo: dict[Any, Any] | None = None
    corpus: Corpus | None = None
    folder: Path | None = None
    announce: Callable[[str], None] = no_announcement


def require_kind(model: object, schema: Schema, *kinds: str) -> None:
    """Raise ``ConfigError`` where a model serves other kinds of task than the one that is asked for."""
    if schema.kind not in kinds:
        raise ConfigError(
            f"model: {type(model).__name__} serves {' and '.join(kinds)}, and this task is {schema.kind} (data.kind)."
        )


class Model(Protocol):
    """Anything that learns from rows and answers rows.

    Parameters go to the constructor and nowhere else; the constructor does no work and checks nothing that needs data.
    A model that cannot serve a task raises ``ConfigError`` from ``check``, before any fit.

    Attributes:
        uses_validation: whether ``fit`` wants validation rows (to stop early, to calibrate). The final fit of a model
            that does not want them learns from all development rows.
    """

    uses_validation: bool

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when these parameters cannot serve this task. Cheap: no data, no fit."""

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn from ``train``; use ``valid`` (None when there is none) only to stop or to calibrate."""

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Answer n ≥ 1 rows of the feature columns. Raises ``RuntimeError`` before ``fit``."""

    def save(self, folder: Path) -> None:
        """Write what was learnt into an existing, empty folder, in a format that loads without executing code."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote: the loaded model predicts the same."""


@runtime_checkable
class AnswersInBatches(Protocol):
    """A model whose answers are dear: a search asks it some rows at a time, and stops when they are hopeless.

    Attributes:
        batch_rows: how many rows are asked between two looks at the score.
    """

    batch_rows: int


@runtime_checkable
class AsksLLM(Protocol):
    """A model that may ask language models about rows."""

    def planned(self, train: Examples, X: pd.DataFrame, context: Context) -> list[Planned]:
        """About the requests that n rows take, were it fitted to ``train``: nothing is asked or embedded."""


@runtime_checkable
class Explains(Protocol):
    """A model that has more to say of a run than its predictions."""

    def details(self) -> Mapping[str, Any]:
        """What belongs into ``result.json`` after fit and predict: kind of index, requests, retries. JSON values."""


@runtime_checkable
class Remarks(Protocol):
    """A model with something to say that a reader of its run must know."""

    def notes(self) -> Sequence[str]:
        """One sentence each, after fit and predict."""


@runtime_checkable
class Curves(Protocol):
    """A model that learns in epochs."""

    def curves(self) -> Sequence[Mapping[str, float]]:
        """A row an epoch: ``epoch``, ``train_loss``, ``valid_loss`` (NaN without validation rows) and what else."""
