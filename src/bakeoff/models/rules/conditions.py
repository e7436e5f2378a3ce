"""Conditions on columns, declared as short strings, parsed and never evaluated as code."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import booleans
from bakeoff.columns import kinds
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.task import Schema

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]

COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
WRITTEN = re.compile(rf"\s*({'|'.join(COMPARISONS)})\s*(.*?)\s*", re.DOTALL)
MISSING = "missing"
SHOWN = 5  # labels of a column in a message
FORMS = '"<= 12", "> 3.5", "== x", "!= x", a value, a list of values, "missing" or "!= missing"'


class Cells:
    """The columns of some rows as arrays, each read once."""

    def __init__(self, X: pd.DataFrame, schema: Schema) -> None:
        self._X, self._schema = X, schema
        self._read: dict[tuple[str, str], NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self._X)

    def values(self, name: str) -> NDArray[Any]:
        """Floats, points in time, or strings with None where one is missing, shape (n,)."""
        return self._array(name, self._schema.columns[name])

    def texts(self, name: str) -> NDArray[Any]:
        """Strings, empty where one is missing, shape (n,)."""
        return self._array(name, "text")

    def _array(self, name: str, kind: str) -> NDArray[Any]:
        if (name, kind) not in self._read:
            self._read[name, kind] = kinds.get(kind).array(self._X[name])
        return self._read[name, kind]


@dataclass(frozen=True)
class Condition:
    """A condition on one column. A missing value satisfies no comparison, only ``missing``."""

    column: str
    compare: Callable[[Any, Any], Any]
    operands: tuple[Any, ...]

    def check(self, cells: Cells) -> None:
        """Raise ``ConfigError`` where a bare boolean can be several texts of a column."""
        texts = [operand for operand in self.operands if isinstance(operand, str)]
        for value in (True, False):
            spelled = set(booleans.spellings(value))
            if spelled <= set(texts) and len(here := sorted(spelled & set(cells.values(self.column)))) > 1:
                raise ConfigError(
                    f"model.rules: where {self.column} is a bare {here[0]}, YAML reads a boolean, and the column holds "
                    f'{", ".join(here)}. Write the one that is meant in quotes: "{here[0]}".'
                )

    def unseen(self, cells: Cells) -> str:
        """A hint where a label that is compared with is nowhere in a column; else empty."""
        values = cells.values(self.column)
        if self.compare is not operator.eq or values.dtype != object or not self.operands:
            return ""
        labels = sorted({str(value) for value in values if value is not None})
        if set(labels) & {str(operand) for operand in self.operands}:
            return ""
        examples = ", ".join(f'"{label}"' for label in labels[:SHOWN])
        more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
        return f'{self.column} is never "{self.operands[0]}"; it holds {examples}{more}.'

    def holds(self, cells: Cells, rows: NDArray[np.intp]) -> Mask:
        """Evaluate the condition for each of the given rows; with several operands, any one suffices."""
        values = cells.values(self.column)[rows]
        absent = _absent(values)
        if not self.operands:
            return absent if self.compare is operator.eq else ~absent
        mask = np.zeros(len(rows), dtype=bool)
        for operand in self.operands:
            mask |= np.asarray(self.compare(values, operand), dtype=bool)
        return mask & ~absent


def _absent(values: NDArray[Any]) -> Mask:
    if values.dtype == object:
        return np.array([value is None or value == "" for value in values], dtype=bool)
    return np.asarray(np.isnat(values) if values.dtype.kind == "M" else np.isnan(values))


def parse(declared: Any, schema: Schema, where: str) -> tuple[Condition, ...]:
    """Read a mapping of columns to conditions.

    Raises:
        ConfigError: there is no such column, or the condition cannot be read for its kind.
    """
    if not isinstance(declared, Mapping) or not declared:
        raise ConfigError(f"{where}: {declared!r} maps no column to a condition. Conditions: {FORMS}.")
    return tuple(
        _condition(check_column(str(name), schema, where), value, schema, f"{where}.{name}")
        for name, value in declared.items()
    )


def check_column(name: str, schema: Schema, where: str) -> str:
    """The name, if it is a feature column. Raises ``ConfigError`` with the nearest one otherwise."""
    if name not in schema.columns:
        raise ConfigError(
            f'{where}: there is no feature column "{name}". '
            f"Columns: {', '.join(schema.columns)}.{did_you_mean(name, schema.columns)}"
        )
    return name


def _condition(name: str, declared: Any, schema: Schema, where: str) -> Condition:
    kind = schema.columns[name]
    if isinstance(declared, list | tuple):
        if not declared:
            raise ConfigError(f"{where}: an empty list never holds. Conditions: {FORMS}.")
        return Condition(name, operator.eq, tuple(o for value in declared for o in _operands(value, kind, where)))
    match = WRITTEN.fullmatch(declared) if isinstance(declared, str) else None
    symbol, value = match.groups() if match else ("==", declared)
    if symbol in ("==", "!=") and value == MISSING:
        return Condition(name, COMPARISONS[symbol], ())
    if symbol not in ("==", "!=") and not kinds.get(kind).has_order:
        raise ConfigError(
            f'{where}: "{declared}" compares sizes, and {name} holds labels. '
            f'For the label "{declared}" itself write "== {declared}".'
        )
    return Condition(name, COMPARISONS[symbol], _operands(value, kind, where))


def _operands(value: Any, kind: str, where: str) -> tuple[Any, ...]:
    """Operands of a condition: a bare Yes or No, which YAML reads as a boolean, matches any text it may have been."""
    if isinstance(value, bool) and not kinds.get(kind).has_order:
        return booleans.spellings(value)
    return (_operand(value, kind, where),)


def _operand(value: Any, kind: str, where: str) -> Any:
    if value is None or isinstance(value, Mapping | list | tuple):
        raise ConfigError(f"{where}: {value!r} is no condition. Conditions: {FORMS}.")
    try:
        return kinds.get(kind).parse_operand(value)
    except ValueError:
        meant = kinds.get(kind).operand
        raise ConfigError(f'{where}: "{value}" is not a {meant}. Conditions: {FORMS}.') from None
