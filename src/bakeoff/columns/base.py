"""The contract of a column kind: how the cells of a column become values, and how those are compared and profiled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bakeoff.task import Reading


@dataclass(frozen=True)
class Declared:
    """Declaration of a column whose cells are converted.

    Attributes:
        form: what follows the type in ``data.columns`` after a colon, such as ``%d.%m.%Y``; empty for nothing.
        decimal: ``data.decimal``.
        thousands: ``data.thousands``.
        where: what messages call the data, such as ``my.csv``.
        known: how a known task read the column, where the data must be read as its rows were; None for a new task.
    """

    form: str
    decimal: str | None
    thousands: str | None
    where: str
    known: Reading | None = None


@dataclass(frozen=True)
class Converted:
    """The cells of a whole column as values.

    Attributes:
        values: of n rows.
        reading: how new cells become values in the same way; None where a program writes them.
        remarks: what nobody declared: a sentence with ``{columns}`` for the name of the column, and the type to declare
            where it is to be read otherwise.
    """

    values: pd.Series
    reading: Reading | None = None
    remarks: tuple[tuple[str, str], ...] = ()


class ColumnKind(ABC):
    """A kind of feature column. All that is special to it is here, besides what a model makes of its values.

    Values are numbers, dates or strings, because rows are hashed and stored: the value of an image is its path.

    Attributes:
        name: in schemas, and so in run folders.
        words: by which ``data.columns`` declares it, the usual one first.
        has_format: whether a format may follow the word, after a colon.
        has_order: whether rules may compare sizes; the values of a kind without an order are labels.
        remembers_values: whether the values of training are recorded, to notice new ones.
        missing: what stands in the frame for a missing value; None: a missing value.
        operand: what a value in a condition of a rule is called in messages.
    """

    name: ClassVar[str]
    words: ClassVar[tuple[str, ...]]
    has_format: ClassVar[bool] = False
    has_order: ClassVar[bool] = False
    remembers_values: ClassVar[bool] = False
    missing: ClassVar[str | None] = None
    operand: ClassVar[str] = "value"

    def recognise(self, values: pd.Series) -> pd.Series | None:
        """The values of n rows, where a column that nobody declared is of this kind; None where it is not.

        Only bakeoff's own kinds are asked, as an installed plugin must not change how a table is read.
        """
        return None

    @abstractmethod
    def convert(self, values: pd.Series, declared: Declared) -> Converted:
        """The cells of all n rows of a column that is declared to be of this kind.

        Raises ``DataError`` where they hold something else.
        """

    @abstractmethod
    def read(self, values: pd.Series, reading: Reading, problems: Sequence[list[str]], name: str) -> pd.Series:
        """Cells of n new rows as values, the same way as the known ones; whatever cannot be read is missing.

        Args:
            values: the cells; missing in all rows where rows lack the column.
            reading: how the cells of the known rows were turned into values.
            problems: n lists; a sentence is added to that of each row whose cell is wrong.
            name: of the column, for these sentences.
        """

    @abstractmethod
    def array(self, column: pd.Series[Any]) -> NDArray[Any]:
        """The values of n rows as rules compare them, shape (n,); None, NaN or NaT where one is missing."""

    def parse_operand(self, value: Any) -> Any:
        """Parse the value that a condition compares with. Raises ``ValueError`` if it is not comparable with values."""
        return str(value)

    def profile(self, present: pd.Series[Any], with_values: bool) -> dict[str, Any]:
        """Distribution of one or more values, none of them missing, as JSON.

        Args:
            present: the values.
            with_values: whether values may be named; False where they must not leave the data.
        """
        return {"distinct": int(present.nunique())}
