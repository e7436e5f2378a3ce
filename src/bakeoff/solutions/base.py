"""The contract of a solution: it learns from out-of-sample predictions of its parts, and combines their predictions."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.models import out_of_sample, persistence
from bakeoff.models.base import Context, Model, ModelReport, combined, no_report
from bakeoff.predictions import Predictions, concatenated
from bakeoff.solutions.answers import Answers, Asked, DecidedByPeople, Recorded, simulated
from bakeoff.solutions.judging import Judge
from bakeoff.task import Development, Examples, Schema

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.intp]
HUMAN = "human"
"""Name of the stage at which a person decides."""
HELD_OUT_SHARE = 5  # one row in so many decides where a task has no validation rows
CROSS_FITS = 5


@dataclass(frozen=True)
class HeldOut:
    """Validation rows with out-of-sample predictions of the parts: what a solution learns from.

    Attributes:
        schema: schema of the task.
        rows: n validation rows.
        answers: predictions of each part for these rows, by models that never saw them.
        judge: ranks combined predictions.
        seed: of random choices.
        groups: equal for rows that belong together, shape (n,); None: each row is by itself.
        capacity: greatest share of rows that may be predicted positive, as the business model declares it; None: any.
    """

    schema: Schema
    rows: Examples
    answers: Recorded
    judge: Judge
    seed: int
    groups: NDArray[np.intp] | None = None
    capacity: float | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Rows) -> HeldOut:
        """The given rows."""
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, rows=self.rows.take(rows), answers=self.answers.take(rows), groups=groups)

    @property
    def answered(self) -> HeldOut:
        """The rows for which every part gave an answer or withheld it.

        On other rows candidates cannot be compared: one that sends a hard row to a part without an answer for it would
        look better, since that row is not scored.
        """
        each = [predictions.is_answered for predictions in self.answers.predictions.values()]
        return self.take(np.flatnonzero(np.all(each, axis=0)))

    def with_numbers(self, columns: Sequence[str]) -> HeldOut:
        """The rows with a number in each of some feature columns.

        A candidate that gives a row without one no outcome that reads the column would look better than it is.
        """
        import pandas as pd

        numbers = [pd.to_numeric(self.rows.X[name], errors="coerce").notna().to_numpy() for name in columns]
        return self.take(np.flatnonzero(np.all(numbers, axis=0))) if numbers else self

    def folds(self) -> list[tuple[Rows, Rows]]:
        """Positions of the rows to learn from and to predict, so that every row is predicted once; groups stay whole.

        Empty where there are too few separate rows.
        """
        codes = np.arange(len(self)) if self.groups is None else np.unique(self.groups, return_inverse=True)[1]
        order = np.random.default_rng(self.seed).permutation(codes.max(initial=-1) + 1)
        if len(order) < 2 * CROSS_FITS:
            return []
        fold = order[codes] % CROSS_FITS
        return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(CROSS_FITS)]


class Solution(DecidedByPeople):
    """A model made of other models, its parts.

    Subclass it as a dataclass with a field ``parts``: name of a part → its model. In a config a part that ``parts``
    does not hold is the variant of that name in the same bake-off, or of the name that ``parts`` gives as text. The
    runner then hands over what the runs of these variants recorded: no model runs twice, and no language model is asked
    twice. On its own, ``fit`` fits the parts.

    What a solution learns comes from ``HeldOut`` alone: validation rows, predicted by models that never saw them.
    """

    parts: dict[str, Any]

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the parts, in the order in which they are asked; people are none."""

    @property
    def asks_people(self) -> bool:
        """True if people decide on some rows. Default: false."""
        return False

    @property
    def learns(self) -> bool:
        """True if ``learn`` needs validation rows. Default: true."""
        return True

    @abstractmethod
    def check_solution(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when these parameters cannot serve the task. The parts are checked by themselves."""

    @abstractmethod
    def learn(self, held: HeldOut) -> None:
        """Learn thresholds, weights and the like from validation rows."""

    @abstractmethod
    def combine(self, answers: Answers, X: pd.DataFrame) -> Predictions:
        """Combine the predictions of the parts for n rows, asking each part for the rows that need it."""

    def judge(self, schema: Schema, deciding: str | None = None) -> Judge:
        """The judge of candidates, without prices.

        Args:
            schema: schema of the task.
            deciding: metric that decides; None: the default of the kind.
        """
        return Judge.of_schema(schema, deciding, ())

    @property
    def models(self) -> dict[str, Model]:
        """The parts that are models; a part that is the name of a variant is none."""
        return {name: part for name, part in self.parts.items() if isinstance(part, Model)}

    @property
    def variants(self) -> dict[str, str]:
        """Parts that are variants of the bake-off: name of the part → name of the variant."""
        return {name: str(self.parts.get(name, name)) for name in self.names if name not in self.models}

    @property
    def uses_validation(self) -> bool:
        """True if validation rows decide on anything, in the solution or in a part."""
        return self.learns or any(model.uses_validation for model in self.models.values())

    @property
    def column_kinds(self) -> Collection[str] | None:
        """The kinds of columns that all parts read; variants of a bake-off are checked by themselves."""
        return super().column_kinds if self.models else None

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when the solution or one of its parts cannot serve the task."""
        if not self.names:
            raise ConfigError(f"model: {type(self).__name__} needs parts: names of variants or of options of model.")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ConfigError(f"model: {', '.join(twice)} is a part twice. Name each once.")
        unused = [name for name in self.parts if name not in self.names]
        if unused:
            raise ConfigError(
                f"model.parts: {unused[0]} is not used. Parts in use: {', '.join(self.names)}."
                f"{did_you_mean(unused[0], self.names)}"
            )
        self.check_solution(schema)
        for model in self.models.values():
            model.check(schema)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Predict validation rows out of sample with each part, learn from that, then fit each part for good."""
        if self.variants:
            raise ConfigError(
                f"model.parts: {', '.join(self.variants)} are variants of a bake-off, and there is no run of them here."
            )
        self.schema_ = context.schema
        inner = replace(context, report=no_report, memo=None, folder=None)
        if self.learns:
            used, held_out = (train, valid) if valid is not None and len(valid) else _split(train, context.seed)
            development = Development(
                context.schema, joined(used, held_out), len(used), np.arange(len(used) + len(held_out)),
                corpus=context.corpus,
            )  # fmt: skip
            predictions = {}
            for name, model in self.models.items():
                table, notes = out_of_sample.predicted(
                    lambda model=model: copy.deepcopy(model),  # type: ignore[misc]
                    development, inner, predict=simulated,
                )  # fmt: skip
                if table is None:
                    raise ConfigError(f"model.parts.{name}: {' '.join(notes)}")
                predictions[name] = table.predictions
            self.learn(
                HeldOut(
                    context.schema,
                    held_out,
                    Recorded(predictions, held_out.y),
                    self.judge(context.schema),
                    context.seed,
                ).answered
            )
        everything = train if valid is None else joined(train, valid)
        for model in self.models.values():
            if model.uses_validation:
                model.fit(train, valid, inner)
                model.fit_to_all(everything, inner)
            else:
                model.fit(everything, None, inner)

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows, asking each part only for the rows that need it. Raises ``RuntimeError`` before ``fit``."""
        if not hasattr(self, "schema_"):
            raise RuntimeError(f"{type(self).__name__}: predict was called before fit.")
        return self.combine(Asked(self.models, X), X)

    def simulate(self, X: pd.DataFrame, truth: NDArray[Any]) -> Predictions:
        """Predict n rows with known targets, by which the decisions of people are simulated."""
        return self.combine(Asked(self.models, X, truth), X)

    def report(self) -> ModelReport:
        """Details of what was learned, besides the reports of the parts."""
        of_parts = combined({name: model.report() for name, model in self.models.items()})
        learned = self.learned_report() if hasattr(self, "schema_") else ModelReport()
        return ModelReport({**of_parts.details, **learned.details}, (*learned.notes, *of_parts.notes), of_parts.curves)

    def learned_report(self) -> ModelReport:
        """Report on what ``learn`` found. Default: nothing."""
        return ModelReport()

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """The state that ``learn`` found, as plain JSON values."""

    @abstractmethod
    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``state`` gave."""

    def save(self, folder: Path) -> None:
        """Write the parts, the parameters and what was learnt."""
        persistence.write(folder, self, self.schema_, learned=self.state())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        solution: Self = saved.model
        solution.schema_ = saved.schema
        solution.set_state(saved.learned["learned"])
        return solution

    schema_: Schema


def cross_fitted(solution: Solution, held: HeldOut) -> Predictions | None:
    """Predictions of the validation rows by copies of a solution that learnt from the other rows.

    None where there are too few rows for folds. A solution that learns nothing is not copied.
    """
    if not solution.learns:
        return solution.combine(held.answers, held.rows.X)
    folds = held.folds()
    if not folds:
        return None
    parts = []
    for learning, rows in folds:
        one = copy.copy(solution)
        one.learn(held.take(learning))
        parts.append(one.combine(held.answers.take(rows), held.rows.X.iloc[rows]))
    order = np.argsort(np.concatenate([rows for _, rows in folds]))
    return concatenated(parts).take(order)


def joined(first: Examples, second: Examples) -> Examples:
    """The rows of both."""
    import pandas as pd

    return Examples(
        pd.concat([first.X, second.X]),
        np.concatenate([first.y, second.y]),
        np.concatenate([first.ids, second.ids]),
        pd.concat([first.slices, second.slices]),
    )


def _split(rows: Examples, seed: int) -> tuple[Examples, Examples]:
    """Rows to fit the parts to, and rows to learn from, where a task has no validation rows."""
    order = np.random.default_rng(seed).permutation(len(rows))
    cut = max(1, len(rows) // HELD_OUT_SHARE)
    return rows.take(np.sort(order[cut:])), rows.take(np.sort(order[:cut]))


def require_known(names: Sequence[str], known: Sequence[str], where: str) -> None:
    """Raise ``ConfigError`` for a name that is none of the parts."""
    for name in names:
        if name not in known:
            raise ConfigError(f'{where}: "{name}" is no part. Parts: {", ".join(known)}.{did_you_mean(name, known)}')


class OfOnePart(Solution):
    """A solution that changes what one part says. Subclasses declare the field ``part``, its name; empty for none."""

    part: str

    @property
    def names(self) -> tuple[str, ...]:
        """The part."""
        return (self.part,) if self.part else ()
