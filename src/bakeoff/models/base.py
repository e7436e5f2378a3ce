"""The contract between the runner and a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bakeoff import advice
from bakeoff.errors import ConfigError
from bakeoff.task import Corpus, Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.llm.base import RequestEstimate
    from bakeoff.llm.transcript import Transcript


Report = Callable[[int, float], None]


def no_report(step: int, loss: float) -> None:
    """No-op reporter used outside a search."""


def no_announcement(doing: str) -> None:
    """No-op progress display used in a search, where fits are short."""


@dataclass(frozen=True)
class Context:
    """Everything besides the rows that a model may use to fit.

    Attributes:
        schema: columns, target and kind of the task.
        seed: of every random choice.
        threads: how many the model may use.
        report: takes a step (a boosting round, an epoch) and the loss after it. In a search it raises to end a trial
            that is not promising; the model lets that exception through.
        memo: in a search, a cache shared by all fits on the same rows, such as encoded features; the key must say what
            the value depends on besides the rows. None outside a search.
        corpus: the documents to search; None where a task has none.
        folder: where a fit may write checkpoints; the model creates it when needed. None in a search.
        announce: shows a line of progress to the user during a long fit.
    """

    schema: Schema
    seed: int
    threads: int
    report: Report = no_report
    memo: dict[Any, Any] | None = None
    corpus: Corpus | None = None
    folder: Path | None = None
    announce: Callable[[str], None] = no_announcement


@dataclass(frozen=True)
class ModelReport:
    """Facts about a fitted model beside its predictions.

    Attributes:
        details: goes into ``result.json``: type of index, requests, retries. JSON values.
        notes: sentences that a reader of the run must see.
        curves: one row per epoch of a model that learns in epochs: ``epoch``, ``train_loss``, ``valid_loss`` (NaN
            without validation rows) and more.
    """

    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    curves: tuple[Mapping[str, Any], ...] = ()


class Model(ABC):
    """Base class of everything that learns from rows and predicts rows.

    Subclass it as a dataclass (``@dataclass(eq=False)``) whose fields are the parameters, with the names that the YAML
    file uses. The constructor does no work and checks nothing that needs data. What ``fit`` learns goes into attributes
    that end in ``_``, or into fields with ``init=False``.

    A parameter may itself be a model, or hold models in a list, a mapping or another dataclass. The defaults below take
    these nested models into account, so that a model of models needs no code to warm up or to estimate requests.
    """

    @property
    def uses_validation(self) -> bool:
        """True if ``fit`` wants validation rows (to stop early, to calibrate). Default: true if a nested model does.

        The final fit of a model that does not want them learns from all development rows.
        """
        return any(model.uses_validation for model in nested(self).values())

    @property
    def column_kinds(self) -> Collection[str] | None:
        """The kinds of the columns that this model reads (``bakeoff.columns.kinds``); None: any.

        A task with a column of another kind is refused. Default: numbers, categories, dates and texts; of a model with
        nested models, what all of these read.
        """
        read = [model.column_kinds for model in nested(self).values()]
        if not read:
            return frozenset({"numeric", "categorical", "date", "text"})
        limited = [frozenset(kinds) for kinds in read if kinds is not None]
        return frozenset.intersection(*limited) if limited else None

    @property
    def supports_lag_features(self) -> bool:
        """True if this regression model may forecast from a table of lag features. Default: false."""
        return False

    @property
    def predict_batch_size(self) -> int | None:
        """Rows that a search predicts between two looks at the score, for a model with expensive predictions.

        None: all rows at once. Default: the smallest batch size of the nested models.
        """
        sizes = [model.predict_batch_size for model in nested(self).values()]
        return min((size for size in sizes if size is not None), default=None)

    @abstractmethod
    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when these parameters cannot serve this task. Cheap: no data, no fit."""

    @abstractmethod
    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn from ``train``; use ``valid`` (None when there is none) only to stop early or to calibrate."""

    def fit_to_all(self, rows: Examples, context: Context) -> None:  # noqa: B027 - nothing is the default
        """Learn once more, from training and validation rows together, after ``fit`` has used the latter to stop early.

        Called on a model with ``uses_validation`` whose predictions are not of these rows. Default: nothing.
        """

    @abstractmethod
    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n ≥ 1 rows of the feature columns. Raises ``RuntimeError`` before ``fit``."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the fitted model into an existing, empty folder, in a format that loads without executing code."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote: the loaded model predicts the same."""

    def warm_up(self, X: pd.DataFrame) -> None:
        """Get ready for timed predictions. Default: predict one row, or warm up the nested models if there are any.

        A model whose predictions cost money overrides this to do nothing.

        Args:
            X: development rows, one or more.
        """
        models = nested(self)
        for model in models.values():
            model.warm_up(X)
        if not models:
            self.predict(X.iloc[:1])

    def estimate_requests(self, train: Examples, X: pd.DataFrame, context: Context) -> list[RequestEstimate]:
        """Estimate the LLM requests of a fit to ``train`` and of predicting n rows; sends and embeds nothing.

        Default: those of all nested models, as if each predicted every row.
        """
        return [one for model in nested(self).values() for one in model.estimate_requests(train, X, context)]

    def reread(self, recorded: Predictions, transcripts: Sequence[Transcript], schema: Schema) -> Predictions:
        """Read the recorded replies of a language model again, without a request. The model need not be fitted.

        Default: raise ``ConfigError``, as a model that reads no replies.

        Args:
            recorded: predictions of n rows.
            transcripts: of the requests that were made for them.
            schema: of the task.
        """
        raise ConfigError(f"reread: {type(self).__name__} reads no replies of a language model.")

    def report(self) -> ModelReport:
        """Report on the fit, and on the predictions so far; called after ``fit`` and again after ``predict``.

        Default: what the nested models report, by their place.
        """
        return combined({place: model.report() for place, model in nested(self).items()})


def nested(component: object) -> dict[str, Model]:
    """The models among the parameters of a dataclass, by place: ``router``, ``stages[0]``, ``by_segment.large``.

    Looks into lists, mappings and other dataclasses at any depth, but not into the models that it finds.
    """
    if not is_dataclass(component) or isinstance(component, type):
        return {}
    values = ((f.name, getattr(component, f.name, None)) for f in fields(component) if f.init)
    return {place: model for name, value in values for place, model in _models(value, name)}


def _models(value: object, place: str) -> Iterator[tuple[str, Model]]:
    if isinstance(value, Model):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _models(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _models(item, f"{place}[{i}]")
    else:
        for below, model in nested(value).items():
            yield f"{place}.{below}", model


def combined(reports: Mapping[str, ModelReport]) -> ModelReport:
    """One report of several models; details and notes say by which place each is meant, rows of curves in ``model``."""
    return ModelReport(
        {place: dict(report.details) for place, report in reports.items() if report.details},
        tuple(f"{place}: {note}" for place, report in reports.items() for note in report.notes),
        tuple({"model": place, **row} for place, report in reports.items() for row in report.curves),
    )


def require_kind(model: object, schema: Schema, *kinds: str) -> None:
    """Raise ``ConfigError`` where a model does not serve this kind of task."""
    if schema.kind not in kinds:
        served = " and ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))
        raise ConfigError(f"model: {type(model).__name__} serves {served}, and this task is {schema.kind} (data.kind).")


def require_columns(model: Model, schema: Schema) -> None:
    """Raise ``ConfigError`` where a task has a column of a kind that a model does not read."""
    read = model.column_kinds
    if read is None:
        return
    unread = [name for name, kind in schema.columns.items() if kind not in read]
    if unread:
        kind = schema.columns[unread[0]]
        raise ConfigError(
            f'model: {type(model).__name__} reads no column of the kind {kind}, which "{unread[0]}" is. Leave out what '
            f"it cannot read: {advice.override('data.ignore', unread)}"
        )


def require_fitted(model: object, attribute: str = "schema_") -> None:
    """Raise ``RuntimeError`` where ``fit`` has not set the attribute ``learned`` yet."""
    if not hasattr(model, attribute):
        raise RuntimeError(f"{type(model).__name__}: predict was called before fit.")
