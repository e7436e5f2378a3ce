"""Declared settings of a table: the role of each column, and how the rows are split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakeoff.columns import kinds as column_kinds
from bakeoff.config.settings import IN_NEITHER, check_seed
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.tasks import kinds

DUPLICATES = ("auto", "independent", "group", "drop")
SPLITS = ("auto", "random", "stratified", "group", "time", "given")


@dataclass
class SplitSettings:
    """Settings of the split into training, validation and test.

    Raises:
        ConfigError: an unknown kind, or a share that is not between 0 and 1.
    """

    kind: str = "auto"  # auto: group or time if such a column is declared, else stratified (classes) or random (values)
    test: float = 0.2  # share of all rows; not used when the source brings test rows of its own
    valid: float = 0.2  # share of the rows that are not for test
    sealed: float = 0  # share of the test rows that nothing predicts until bakeoff confirm opens them, once
    seed: int = 0  # of chance in the split; models have another, so that runs of several seeds can be compared
    column: str | None = None  # column that says train, valid or test of each row; not a feature
    per_class: int | None = None  # rows of each class to learn from, training and validation together; None: all
    splitter: Any = None  # a component that says it instead

    def __post_init__(self) -> None:
        """Check what can be checked without data."""
        _one_of(self.kind, SPLITS, "data.split.kind")
        check_seed(self.seed, "data.split.seed")
        if not 0 < self.test <= 1:
            raise ConfigError(
                f"data.split.test: {self.test} is not a share. It must be more than 0 and less than 1, or 1 where "
                "nothing is learnt from rows."
            )
        if not 0 < self.valid < 1:
            raise ConfigError(f"data.split.valid: {self.valid} is not a share. It must be more than 0 and less than 1.")
        if not 0 <= self.sealed < 1:
            raise ConfigError(
                f"data.split.sealed: {self.sealed} is not a share of the test rows. It must be less than 1, or 0 for "
                "none."
            )
        if self.per_class is not None and self.per_class < 2:
            raise ConfigError(
                f"data.split.per_class: {self.per_class} is too few: a class needs a row to learn from and one to "
                "validate on. Give 2 or more, or null."
            )


@dataclass
class ForecastSettings:
    """Settings for cutting a series into rows, each of them an origin: the last moment seen.

    Raises:
        ConfigError: a length is less than 1.
    """

    horizon: int | None = None  # number of moments to predict after the origin
    window: int | None = None  # how many moments up to the origin are seen; None: two seasons, or the horizon if longer
    season: int | None = None  # moments after which the pattern repeats; None: a day, a week or a year, by the step
    stride: int | None = None  # moments between two origins; None: the horizon
    train_stride: int | None = None  # the same between two origins to learn from; None: the stride
    series: str | None = None  # column that names each of several series; a feature
    known: list[str] = field(default_factory=list)  # columns whose values after the origin are known, as of holidays
    calendar: bool = True  # hour and weekday are known too, where moments are dates

    def __post_init__(self) -> None:
        """Check what can be checked without data."""
        for key in ("horizon", "window", "season", "stride", "train_stride"):
            length = getattr(self, key)
            if length is not None and length < 1:
                raise ConfigError(f"data.forecast.{key}: {length} is less than 1.")


@dataclass
class DataSettings:
    """Settings of a table: the meaning of its columns, and the treatment of its rows.

    Not frozen: OmegaConf makes the nodes of a frozen dataclass read-only, and nothing could be overridden.

    Raises:
        ConfigError: an unknown kind, or one column in two roles that exclude each other.
    """

    name: str  # of the data, in tables and reports
    target: str  # column to be predicted; empty where a task has no truth to compare with
    kind: str = "auto"  # of task; auto: by the values of the target, see bakeoff.tasks.auto
    label_separator: str | None = None  # between labels of a cell, in a multilabel task; None: | ; or , as they occur
    id: str | None = None  # column that names each row; positions are used when there is none
    columns: Any = None  # mapping, or its JSON: column → number, category, text, date, date:FORMAT or id
    missing: list[str] = field(default_factory=list)  # texts that stand for a missing value, besides empty cells
    decimal: str | None = None  # before the decimals of numbers in text files; None: found out for each column
    thousands: str | None = None  # between thousands in text files, "" for nothing; None: found out for each column
    text: list[str] = field(default_factory=list)  # columns that hold free text, besides those recognised as such
    slices: list[str] = field(default_factory=list)  # columns by which scores are broken down; they stay features
    group: str | None = None  # column whose equal values stay in one part of the split; not a feature
    time: str | None = None  # column by which a time split is ordered; not a feature
    ignore: list[str] = field(default_factory=list)  # columns that are not features
    positive: str | None = None  # class that precision, recall and F1 speak of; the rarer of two when none is given
    duplicates: str = "auto"  # rows with equal inputs: independent draws, a group that stays in one part, or dropped
    drop_duplicates: bool | None = None  # deprecated: true is duplicates=drop
    metric: str | None = field(default=None, metadata=IN_NEITHER)  # primary metric of this data
    licence: str | None = field(default=None, metadata=IN_NEITHER)  # of the data
    split: SplitSettings = field(default_factory=SplitSettings)
    forecast: ForecastSettings = field(default_factory=ForecastSettings)  # of a series

    def __post_init__(self) -> None:
        """Check what can be checked without data."""
        if self.drop_duplicates:
            self.duplicates = "drop"
        _one_of(self.duplicates, DUPLICATES, "data.duplicates")
        kinds.get(self.kind).check_settings(self)
        self._check_columns()
        apart = {"id": self.id, "group": self.group, "time": self.time}
        roles = [(role, column) for role, column in apart.items() if column is not None]
        for role, column in [*roles, *(("ignore", c) for c in self.ignore), *(("text", c) for c in self.text)]:
            if column == self.target:
                raise ConfigError(f'data.{role}: "{column}" is the target already. Choose another column, or none.')
        for column in self.text:
            role_of_column = next(
                (role for role, c in [*roles, *(("ignore", c) for c in self.ignore)] if c == column), None
            )
            if role_of_column:
                raise ConfigError(
                    f'data.text: "{column}" is no feature, data.{role_of_column} names it. Remove it from one of them.'
                )

    @classmethod
    def undecided(cls, columns: dict[str, str]) -> DataSettings:
        """Settings of data whose target nobody has chosen yet."""
        settings = cls(name="", target="?", columns=columns)
        settings.target = ""
        return settings

    @property
    def apart(self) -> list[str]:
        """The columns that are not features, the target included."""
        return [
            c
            for c in dict.fromkeys([self.target, self.id, self.group, self.time, self.split.column, *self.ignore])
            if c
        ]

    @property
    def column_types(self) -> dict[str, str]:
        """The declared type of each column that has one. Raises ``ConfigError`` for what is no mapping of them."""
        columns = self.columns
        if isinstance(columns, str):
            try:
                columns = json.loads(columns)
            except json.JSONDecodeError as error:
                raise ConfigError(f"data.columns: this is neither a mapping nor JSON of one: {error.msg}.") from None
        if not isinstance(columns or {}, Mapping):
            raise ConfigError(f"data.columns: {columns!r} is no mapping. Write 'data.columns={{column: type}}'.")
        return {str(name): str(declared) for name, declared in (columns or {}).items()}

    def _check_columns(self) -> None:
        for name, declared in self.column_types.items():
            known, _, form = declared.partition(":")
            kind = column_kinds.declared(known, f"data.columns.{name}")
            if form and not kind.has_format:
                raise ConfigError(f'data.columns.{name}: "{declared}": "{known}" takes no format, as "date" does.')
            if name in self.text and known != "text":
                raise ConfigError(f'data.columns.{name}: data.text names "{name}" too. Remove it from one of them.')
        if self.decimal is not None and self.decimal not in (".", ","):
            raise ConfigError(f'data.decimal: "{self.decimal}" is neither "." nor ",".')
        if self.thousands is not None and self.thousands not in ("", ",", ".", " ", "'"):
            raise ConfigError(f'data.thousands: "{self.thousands}" is none of ",", ".", " ", "\'" and "" (nothing).')
        if self.thousands and self.thousands == self.decimal:
            raise ConfigError(f'data.thousands: "{self.thousands}" is data.decimal already.')


def _one_of(value: str, allowed: Sequence[str], where: str) -> None:
    if value not in allowed:
        raise ConfigError(
            f'{where}: "{value}" is unknown. Allowed: {", ".join(allowed)}.{did_you_mean(value, allowed)}'
        )
