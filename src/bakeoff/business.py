"""Business models: what each outcome is worth in US dollars, before the cost of the prediction.

As with costs, the value of a run is not part of its record: it is computed from recorded predictions, targets and
inputs whenever it is shown, so that other values need no new run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from bakeoff import capacity
from bakeoff.config import components
from bakeoff.config.component import Component
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.predictions import OK, WITHHELD
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.task import PredictionTable, Schema

Cell = float | str
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
TEXTS = ("qa", "generation")


class BusinessModel(Protocol):
    """Values predictions. Parameters go to the constructor and nowhere else."""

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` where it cannot value the predictions of a task."""

    def columns(self) -> list[str]:
        """The feature columns that the values depend on."""

    def dollars(self, table: PredictionTable, X: pd.DataFrame) -> NDArray[np.float64]:
        """Value each prediction in US dollars, shape (n,); NaN where unknown.

        Args:
            table: n predictions with their targets.
            X: the feature columns of the same rows, or at least ``columns()``.
        """


HUMAN = "human"
"""Stage of a cascade whose decisions a person makes."""


@dataclass(frozen=True)
class ValueMatrix:
    """A value for each pair of truth and prediction of a classification.

    Args:
        values: true label → predicted label → value: a number, the name of a numeric column, or a product of both such
            as ``monthly_charges * 12``.
        withheld: value of a row from which the model abstains, beside the price of the person who decides then.
        per_month: number of predictions a month; None: values are told for 1,000 predictions only.
        capacity: greatest number of positive predictions: 500 (a month), ``500 a week``, or a share such as ``5%``;
            None: any. Thresholds keep it, and a variant that is shown to exceed it may not be shipped.
    """

    values: dict[str, dict[str, Cell]]
    withheld: Cell = 0.0
    per_month: float | None = None
    capacity: Cell | None = None

    def __post_init__(self) -> None:
        """Validate volume and capacity."""
        _check_volume(self.per_month)
        capacity.check(self.capacity, self.per_month)

    def check(self, schema: Schema) -> None:
        """Every pair of classes has a value, and every column is there."""
        if schema.kind != "classification":
            raise ConfigError(f"business.values: a matrix values labels, and this task is {schema.kind} (data.kind).")
        for label in [*self.values, *(label for row in self.values.values() for label in row)]:
            if label not in schema.classes:
                raise ConfigError(
                    f'business.values: there is no class "{label}". Classes: {", ".join(schema.classes)}.'
                    f"{did_you_mean(label, schema.classes)}"
                )
        for truth in schema.classes:
            row = self.values.get(truth)
            missing = [label for label in schema.classes if label not in (row or {})]
            if missing:
                raise ConfigError(f'business.values.{truth}: there is no value for the prediction "{missing[0]}".')
        _check_columns(self.columns(), schema, "business.values")

    def columns(self) -> list[str]:
        """The columns in the cells."""
        cells = [cell for row in self.values.values() for cell in row.values()]
        return list(dict.fromkeys(name for cell in [*cells, self.withheld] for name in _parse(cell)[1]))

    def dollars(self, table: PredictionTable, X: pd.DataFrame) -> NDArray[np.float64]:
        """Look up the cell of each row; a row without an answer has no value."""
        import numpy as np

        dollars = np.full(len(table), math.nan)
        status, output = table.predictions.status, table.predictions.output
        for truth, row in self.values.items():
            for label, cell in row.items():
                here = np.flatnonzero((table.target == truth) & (output == label) & (status == OK))
                dollars[here] = _evaluate(cell, X, here)
        withheld = np.flatnonzero(status == WITHHELD)
        dollars[withheld] = _evaluate(self.withheld, X, withheld)
        return dollars


@dataclass(frozen=True)
class Outcomes:
    """A value for a right, a wrong and a withheld answer.

    Args:
        right: of a right answer; of a text, one that equals a reference answer but for case, articles and punctuation.
        wrong: of a wrong answer.
        withheld: of a row from which the model abstains, beside the price of the person who decides then.
        escalated: of a row that a person decided, as the last stage of a cascade, beside the price of the person; None:
            a right or a wrong answer as any other.
        per_month: number of predictions a month; None: values are told for 1,000 predictions only.
        capacity: greatest number of positive predictions: 500 (a month), ``500 a week``, or a share such as ``5%``;
            None: any. Thresholds keep it, and a variant that is shown to exceed it may not be shipped.
    """

    right: float = 1.0
    wrong: float = -5.0
    withheld: float = 0.0
    escalated: float | None = None
    per_month: float | None = None
    capacity: Cell | None = None

    def __post_init__(self) -> None:
        """Validate volume and capacity."""
        _check_volume(self.per_month)
        capacity.check(self.capacity, self.per_month)

    def check(self, schema: Schema) -> None:
        """Answers must be right or wrong."""
        if schema.kind not in ("classification", "multilabel", *TEXTS):
            raise ConfigError(f"business: answers of a {schema.kind} task are not simply right or wrong.")

    def columns(self) -> list[str]:
        """None."""
        return []

    def dollars(self, table: PredictionTable, X: pd.DataFrame) -> NDArray[np.float64]:
        """Value each answer. To abstain from a question without an answer is right."""
        import numpy as np

        from bakeoff.words import normalised

        kind, predictions = kinds.get(table.schema.kind), table.predictions
        is_right = kind.is_right(predictions.output, table.target)
        if is_right is None:
            short = predictions.output if predictions.short is None else predictions.short
            given = [a if b is None else b for a, b in zip(predictions.output, short, strict=True)]
            is_right = np.array(
                [
                    any(normalised(str(answer)) == normalised(gold) for gold in target.answers)
                    for answer, target in zip(given, table.target, strict=True)
                ],
                dtype=np.bool_,
            )
        dollars = np.where(is_right, self.right, self.wrong).astype(np.float64)
        dollars[predictions.status == WITHHELD] = self.withheld
        if table.schema.kind in TEXTS:
            unanswerable = np.array([not target.answers for target in table.target], dtype=np.bool_)
            dollars[(predictions.status == WITHHELD) & unanswerable] = self.right
        if self.escalated is not None and predictions.human_usd is not None:
            by_person = predictions.human_usd > 0
            if predictions.stage is not None:  # whose decisions may be free
                by_person = by_person | (predictions.stage == HUMAN)
            dollars[by_person] = self.escalated
        dollars[~predictions.is_answered] = math.nan
        return dollars


@dataclass(frozen=True)
class ErrorCosts:
    """A loss for each unit by which a number is predicted too high or too low.

    Args:
        over: loss in US dollars for each unit predicted too much.
        under: for each unit predicted too little.
        per_month: number of predictions a month; None: values are told for 1,000 predictions only.
    """

    over: float = 1.0
    under: float = 1.0
    per_month: float | None = None

    def __post_init__(self) -> None:
        """Validate the volume."""
        _check_volume(self.per_month)

    def check(self, schema: Schema) -> None:
        """Targets must be numbers."""
        if schema.kind != "regression":
            raise ConfigError(f"business: {type(self).__name__} values numbers, and this task is {schema.kind}.")

    def columns(self) -> list[str]:
        """None."""
        return []

    def dollars(self, table: PredictionTable, X: pd.DataFrame) -> NDArray[np.float64]:
        """Minus the loss of each prediction."""
        import numpy as np

        error = table.predictions.output - table.target
        loss = np.where(error > 0, self.over * error, -self.under * error)
        return np.where(table.predictions.status == OK, -loss, math.nan)


def _check_volume(per_month: float | None) -> None:
    if per_month is not None and not (math.isfinite(per_month) and per_month > 0):
        raise ValueError(f"per_month: {per_month} is no number of predictions a month. Give more than 0, or null.")


def build_valuer(
    node: Component | Mapping[str, Any] | None, schema: Schema
) -> Callable[[PredictionTable, pd.DataFrame], PredictionTable]:
    """Build a function that adds the value of each prediction to a table.

    Args:
        node: the business model, or its config; None: tables stay as they are.
        schema: schema of the task.

    Raises:
        ConfigError: the business model cannot be made, or cannot value this task.
    """
    if node is None:
        return lambda table, X: table
    model: BusinessModel = components.instantiate(node, "business", "business")
    model.check(schema)
    capacity.of_business(node, schema)

    def value(table: PredictionTable, X: pd.DataFrame) -> PredictionTable:
        import numpy as np

        dollars = np.asarray(model.dollars(table, X), dtype=np.float64)
        if dollars.shape != (len(table),):
            raise ConfigError(f"business: {type(model).__name__} gave shape {dollars.shape} for {len(table)} rows.")
        return replace(table, value=dollars)

    return value


def columns_of(node: Component | Mapping[str, Any] | None) -> list[str]:
    """The feature columns that a business model reads."""
    if node is None:
        return []
    model: BusinessModel = components.instantiate(node, "business", "business")
    return model.columns()


def _parse(cell: Cell) -> tuple[float, list[str]]:
    """The factor and the columns of a cell. Raises ``ConfigError`` where it is neither a number nor a product."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _finite(float(cell), cell), []
    factor, names = 1.0, []
    for part in str(cell).split("*"):
        text = part.strip()
        if _NUMBER.fullmatch(text):
            factor *= float(text)
            continue
        if text.startswith("-"):
            factor, text = -factor, text[1:].strip()
        if not text or isinstance(cell, bool):
            raise ConfigError(
                f"business.values: {cell!r} is no number, column, or product such as monthly_charges * 12."
            )
        names.append(text)
    return _finite(factor, cell), names


def _finite(factor: float, cell: Cell) -> float:
    if not math.isfinite(factor):
        raise ConfigError(f"business.values: {cell!r} is no finite number of US dollars.")
    return factor


def _evaluate(cell: Cell, X: pd.DataFrame, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    import numpy as np
    import pandas as pd

    factor, names = _parse(cell)
    value = np.full(len(rows), factor)
    for name in names:
        value = value * pd.to_numeric(X[name].iloc[rows], errors="coerce").to_numpy(dtype=np.float64)
    return value


def _check_columns(names: list[str], schema: Schema, where: str) -> None:
    for name in names:
        if name not in schema.columns:
            raise ConfigError(
                f'{where}: there is no feature column "{name}". Columns: {", ".join(schema.columns)}.'
                f"{did_you_mean(name, schema.columns)}"
            )
        if schema.columns[name] != "numeric":
            raise ConfigError(f"{where}: {name} is {schema.columns[name]}, and a value needs a number.")
