"""Hand-written rules: the first rule that matches decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff import booleans
from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.models import classes, persistence
from bakeoff.models.base import Context, Model, ModelReport, require_fitted, require_kind
from bakeoff.models.rules import conditions, templates
from bakeoff.models.rules.conditions import Cells, Condition
from bakeoff.models.rules.many import ManyLabels
from bakeoff.models.texts import shown
from bakeoff.task import Examples, Predictions, Schema

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("name", "keywords", "regex", "column", "where", "output", "confidence")
DEFAULT = "default"
EXAMPLE = "{name: prize, keywords: [free, win], output: spam}"


@dataclass(frozen=True)
class Rule:
    """One rule, read and checked.

    Attributes:
        output: a label, a number, a tuple of labels or a template.
        patterns: each must be found in one of ``columns``.
        conditions: all must hold.
        confidence: in its output; None to learn it from the training rows.
    """

    name: str
    output: Any
    patterns: tuple[re.Pattern[str], ...]
    columns: tuple[str, ...]
    conditions: tuple[Condition, ...]
    confidence: float | None

    def fires(self, cells: Cells, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of the given rows for which the whole rule holds."""
        for condition in self.conditions:
            rows = rows[condition.holds(cells, rows)]
        for pattern in self.patterns:
            texts = [cells.texts(name)[rows] for name in self.columns]
            matches = (any(pattern.search(text) for text in row) for row in zip(*texts, strict=True))
            rows = rows[np.fromiter(matches, dtype=bool, count=len(rows))]
        return rows


@dataclass(eq=False)
class Rules(Model):
    """Predicts by the first rule that holds, and by a default where none does; ``stage`` names the rule.

    In a multi-label task, every rule that holds adds its label or labels. In text generation, outputs are templates,
    see ``templates``.

    Args:
        rules: in order. A rule holds when all its parts do: ``keywords`` (any of them, as whole words, in any case),
            ``regex`` (Python's, found anywhere), both in ``column`` (default: all text columns, or all categorical ones
            where there is no text), and ``where`` (a mapping of columns to conditions, see ``conditions.FORMS``). It
            answers its ``output``, with its ``confidence``, or with the Laplace-smoothed share of training rows that
            it answers correctly.
        default: the output where no rule holds; by default the most frequent class, or the mean, of such training rows,
            no label, or an empty text.
    """

    rules: list[dict[str, Any]]
    default: str | float | list[str] | None = None

    column_kinds = None

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` when there are no rules, or one cannot be read for this task."""
        require_kind(self, schema, "classification", "regression", "multilabel", "generation")
        self._read(schema)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Learn the default, and the confidence of every rule that declares none."""
        schema = context.schema
        self.schema_, self.rules_, self.outputs_ = schema, self._read(schema), np.empty(0, dtype=object)
        cells = Cells(train.X, schema)
        for rule in self.rules_:
            for condition in rule.conditions:
                condition.check(cells)
        if schema.kind == "multilabel":
            outputs, declared = [rule.output for rule in self.rules_], [rule.confidence for rule in self.rules_]
            default_labels = () if self.default is None else _output(self.default, schema, "model.default")
            holds = self._holds(train.X)
            self.many_ = ManyLabels.learned(schema.classes, outputs, declared, default_labels, holds, train.y)
            self.notes_ = [
                self._idle(r, cells) for r, fired in zip(self.rules_, holds.T, strict=True) if not fired.any()
            ]
            return
        stage = self._stages(train.X)
        self.notes_ = [self._idle(rule, cells) for i, rule in enumerate(self.rules_) if not (stage == i).any()]
        if schema.kind == "generation":
            return
        uncovered = train.y[stage == len(self.rules_)]
        if schema.kind == "regression":
            default = _mean(uncovered if len(uncovered) else train.y) if self.default is None else float(self.default)  # type: ignore[arg-type]
            self.outputs_ = np.array([*(rule.output for rule in self.rules_), default], dtype=np.float64)
            self.proba_ = None
            return
        default_shares = classes.shares(uncovered if len(uncovered) else train.y, schema.classes)
        default_label = schema.classes[default_shares.argmax()]
        if self.default is not None:
            default_label = str(_output(self.default, schema, "model.default"))
        self.outputs_ = np.array([*(rule.output for rule in self.rules_), default_label], dtype=object)
        priors = classes.shares(train.y, schema.classes)
        codes = classes.codes(self.outputs_, schema.classes)
        declared = [*(rule.confidence for rule in self.rules_), None]
        precisions = [_precision(train.y[stage == i], label, schema) for i, label in enumerate(self.outputs_)]
        self.proba_ = np.array(
            [
                classes.spread(code, stated if stated is not None else measured, priors)
                for code, stated, measured in zip(codes, declared, precisions, strict=True)
            ]
        )

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows. Raises ``RuntimeError`` before ``fit``."""
        require_fitted(self, "outputs_")
        names = np.array([*(rule.name for rule in self.rules_), DEFAULT], dtype=object)
        if self.schema_.kind == "multilabel":
            return self.many_.predict(self._holds(X), names[:-1].tolist(), DEFAULT)
        stage = self._stages(X)
        if self.schema_.kind == "generation":
            return Predictions(self._written(X, stage), stage=names[stage])
        return Predictions(self.outputs_[stage], None if self.proba_ is None else self.proba_[stage], names[stage])

    def report(self) -> ModelReport:
        """Name the rules that cover no training row, and labels that no row has."""
        return ModelReport(notes=tuple(getattr(self, "notes_", ())))

    def save(self, folder: Path) -> None:
        """Write the rules and their learnt state as JSON."""
        if self.schema_.kind == "generation":
            persistence.write(folder, self, self.schema_)
            return
        if self.schema_.kind == "multilabel":
            persistence.write(folder, self, self.schema_, many=asdict(self.many_))
            return
        proba = None if self.proba_ is None else self.proba_.tolist()
        persistence.write(folder, self, self.schema_, outputs=self.outputs_.tolist(), proba=proba)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model, schema, state = saved.model, saved.schema, saved.learned
        model.schema_, model.rules_, model.outputs_ = schema, model._read(schema), np.empty(0, dtype=object)
        if schema.kind == "generation":
            return model
        if schema.kind == "multilabel":
            model.many_ = ManyLabels.from_json(state["many"])
            return model
        model.outputs_ = np.array(state["outputs"], dtype=np.float64 if schema.kind == "regression" else object)
        model.proba_ = None if state["proba"] is None else np.array(state["proba"])
        return model

    def _stages(self, X: pd.DataFrame) -> NDArray[np.intp]:
        """Position of the rule that answers each row, shape (n,); one past the last where none does."""
        cells = Cells(X, self.schema_)
        stage = np.full(len(X), len(self.rules_), dtype=np.intp)
        rows = np.arange(len(X))
        for i, rule in enumerate(self.rules_):
            stage[rule.fires(cells, rows)] = i
            rows = rows[stage[rows] == len(self.rules_)]
            if not len(rows):
                break
        return stage

    def _idle(self, rule: Rule, cells: Cells) -> str:
        """Note on a rule that matches no training row."""
        hints = " ".join(filter(None, (condition.unseen(cells) for condition in rule.conditions)))
        alone = len(rule.fires(cells, np.arange(len(cells))))
        why = hints or (f"Earlier rules cover the {alone:,} rows for which it holds." if alone else "")
        return f'Rule "{rule.name}" covers no training row. {why}'.strip()

    def _holds(self, X: pd.DataFrame) -> NDArray[np.bool_]:
        """Evaluate each rule on each row, shape (n, rules)."""
        cells, rows = Cells(X, self.schema_), np.arange(len(X))
        holds = np.zeros((len(X), len(self.rules_)), dtype=np.bool_)
        for i, rule in enumerate(self.rules_):
            holds[rule.fires(cells, rows), i] = True
        return holds

    def _written(self, X: pd.DataFrame, stage: NDArray[np.intp]) -> NDArray[Any]:
        """The text that the rule of each row makes of it, shape (n,)."""
        values = [X[name].map(shown) for name in self.schema_.columns]
        outputs = []
        for i, row in zip(stage, zip(*values, strict=True), strict=True):
            cell_of = dict(zip(self.schema_.columns, row, strict=True))
            if i == len(self.rules_):
                outputs.append(templates.fill(str(self.default or ""), cell_of, (), ()))
            else:
                rule = self.rules_[i]
                texts = [cell_of[name] for name in rule.columns]
                outputs.append(templates.fill(str(rule.output), cell_of, rule.patterns, texts))
        return np.array(outputs, dtype=object)

    def _read(self, schema: Schema) -> tuple[Rule, ...]:
        if not self.rules:
            raise ConfigError(
                f"model.rules: there are no rules. Declare some, model.rules=[{EXAMPLE}], "
                "or take those of another data set, rules@model=sms_spam."
            )
        rules = tuple(_rule(declared, i, schema) for i, declared in enumerate(self.rules))
        names = {DEFAULT}
        for i, rule in enumerate(rules):
            if rule.name in names:
                raise ConfigError(f'model.rules[{i}].name: "{rule.name}" is taken. Give each rule a name of its own.')
            names.add(rule.name)
        if self.default is not None:
            _output(self.default, schema, "model.default")
        return rules


def _rule(declared: Any, position: int, schema: Schema) -> Rule:
    where = f"model.rules[{position}]"
    if not isinstance(declared, Mapping):
        raise ConfigError(f"{where}: {declared!r} is no rule. A rule: {EXAMPLE}.")
    settings = {str(key): value for key, value in declared.items() if value is not None}
    for key in settings:
        if key not in KEYS:
            raise ConfigError(f'{where}: a rule has no "{key}". It has: {", ".join(KEYS)}.{did_you_mean(key, KEYS)}')
    if "output" not in settings:
        raise ConfigError(f"{where}.output: what does this rule answer? A rule: {EXAMPLE}.")
    patterns = [*_keywords(settings.get("keywords"), where), *_regex(settings.get("regex"), where)]
    if not patterns and "where" not in settings:
        raise ConfigError(f"{where}: give keywords, regex or where. What always holds is the default: model.default=…")
    return Rule(
        name=str(settings.get("name", f"rule {position + 1}")),
        output=_output(
            settings["output"], schema, f"{where}.output", [name for p in patterns for name in p.groupindex]
        ),
        patterns=tuple(patterns),
        columns=_columns(settings.get("column"), schema, f"{where}.column") if patterns else (),
        conditions=conditions.parse(settings["where"], schema, f"{where}.where") if "where" in settings else (),
        confidence=_confidence(settings.get("confidence"), schema, f"{where}.confidence"),
    )


def _keywords(words: Any, where: str) -> list[re.Pattern[str]]:
    if words is None:
        return []
    if isinstance(words, list | tuple) and any(isinstance(word, bool) for word in words):
        raise ConfigError(
            f'{where}.keywords: YAML reads a bare yes, no, on or off as a boolean: write "yes", in quotes.'
        )
    if not isinstance(words, list | tuple) or not words or not all(isinstance(word, str | int) for word in words):
        raise ConfigError(f"{where}.keywords: {words!r} is not a list of words, such as [free, win].")
    either = "|".join(re.escape(str(word)) for word in words)
    return [re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)]


def _regex(pattern: Any, where: str) -> list[re.Pattern[str]]:
    if pattern is None:
        return []
    try:
        return [re.compile(pattern)]
    except (re.error, TypeError) as error:
        raise ConfigError(f"{where}.regex: {pattern!r} is not a regular expression: {error}.") from None


def _columns(name: Any, schema: Schema, where: str) -> tuple[str, ...]:
    """Columns in which keywords and a regex are searched."""
    if name is None:
        names = schema.of_kind("text") or schema.of_kind("categorical")
        if not names:
            raise ConfigError(f"{where}: no column holds text. Use where: {{column: condition}}.")
        return tuple(names)
    conditions.check_column(str(name), schema, where)
    if schema.columns[name] not in ("text", "categorical"):
        raise ConfigError(f"{where}: {name} is {schema.columns[name]}, and keywords are looked for in text. Use where.")
    return (str(name),)


def _output(value: Any, schema: Schema, where: str, groups: Iterable[str] = ()) -> Any:
    """The output of a rule: a label, a number, a tuple of labels or a template."""
    if schema.kind == "regression":
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ConfigError(f"{where}: {value!r} is not a number, and {schema.target} is one.") from None
    if schema.kind == "generation":
        return templates.check(str(value), schema, groups, where)
    if schema.kind == "multilabel" and isinstance(value, list | tuple):
        return tuple(sorted({_label(label, schema, where) for label in value}))
    label = _label(value, schema, where)
    return (label,) if schema.kind == "multilabel" else label


def _label(value: Any, schema: Schema, where: str) -> str:
    meant = booleans.written(value, schema.classes)
    if len(meant) != 1:
        hint = f' YAML reads a bare Yes or No as a boolean: write "{(meant or ["Yes"])[0]}", in quotes.'
        raise ConfigError(
            f'{where}: {"several classes can be meant by" if meant else "there is no class"} "{value}". '
            f"Classes: {', '.join(schema.classes)}."
            f"{hint if isinstance(value, bool) else did_you_mean(str(value), schema.classes)}"
        )
    return meant[0]


def _confidence(value: Any, schema: Schema, where: str) -> float | None:
    if value is None:
        return None
    if schema.kind in ("regression", "generation"):
        raise ConfigError(f"{where}: an output of a {schema.kind} has no confidence. Remove it.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigError(f"{where}: {value!r} is not a number from 0 to 1.")
    return float(value)


def _precision(y: NDArray[Any], label: str, schema: Schema) -> float:
    """Share of rows of that label, with Laplace's rule of succession (1814): never quite 0 or 1."""
    return (int((y == label).sum()) + 1) / (len(y) + len(schema.classes))


def _mean(y: NDArray[Any]) -> float:
    return float(np.mean(y))
