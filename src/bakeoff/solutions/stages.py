"""Stages of a cascade: which part answers, and from when on its answer is accepted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, did_you_mean
from bakeoff.models.rules import conditions
from bakeoff.models.rules.rules import DEFAULT
from bakeoff.predictions import OK, WITHHELD, Predictions, stated_confidence
from bakeoff.solutions.answers import Answers, Rows
from bakeoff.solutions.base import HUMAN
from bakeoff.task import ABSTAINED, Gold, Schema

if TYPE_CHECKING:
    import pandas as pd

LEARNT = "learnt"
OF_PEOPLE = ("usd", "accuracy", "seconds")
HUMAN_KINDS = ("classification", "qa")
TO_A_PERSON = "handed to a person"
BY_A_PERSON = "a person found no answer"
WRONG_ANSWER = "a wrong answer"


@dataclass(frozen=True)
class Stage:
    """One stage of a cascade. A prediction is accepted if all of the given conditions hold.

    Attributes:
        part: name of the part that answers, or ``human``.
        accept: least confidence at which a prediction is accepted; ``learnt``: learnt on validation rows; None: any.
        covered: a rule holds, as opposed to the default of the rules.
        where: column → condition, as in rules.
        agree: name of another part, or of an earlier stage, that gives the same answer.
        usd: price of one decision of a person, in US dollars.
        accuracy: share of a person's decisions that are right; None: right by definition.
        seconds: time that a person takes for one decision; None: not counted.
    """

    part: str
    accept: float | str | None = None
    covered: bool = False
    where: Mapping[str, Any] | None = None
    agree: str | None = None
    usd: float = 0.0
    accuracy: float | None = None
    seconds: float | None = None

    @property
    def is_human(self) -> bool:
        """True if a person decides."""
        return self.part == HUMAN

    @property
    def is_learnt(self) -> bool:
        """True if the least confidence is learnt."""
        return self.accept == LEARNT


def read_stages(declared: Sequence[Any], parts: Mapping[str, Any]) -> tuple[Stage, ...]:
    """Read the stages of a config: names of parts, or mappings of ``Stage``.

    Raises:
        ConfigError: a key is unknown, a value makes no sense, or the order does not.
    """
    stages = [_read(item, f"model.stages.{i}", HUMAN in parts) for i, item in enumerate(declared)]
    names = [stage.part for stage in stages]
    for i, stage in enumerate(stages):
        where = f"model.stages.{i}"
        if stage.is_human and i < len(stages) - 1:
            raise ConfigError(f"{where}: a person answers every row, so {HUMAN} is the last stage.")
        if stage.agree is not None and stage.agree in names[i:]:
            raise ConfigError(
                f'{where}.agree: "{stage.agree}" is {"this stage" if stage.agree == stage.part else "a later stage"}. '
                "Name an earlier stage, or a part that is no stage."
            )
    return tuple(stages)


def _read(item: Any, where: str, has_human_part: bool) -> Stage:
    if isinstance(item, str):
        return Stage(item, None if item == HUMAN and not has_human_part else LEARNT)
    allowed = [f.name for f in fields(Stage)]
    if not isinstance(item, Mapping) or not isinstance(item.get("part"), str):
        raise ConfigError(f"{where}: {item!r} is no stage. Write the name of a part, or {{part: linear, accept: 0.9}}.")
    for key in item:
        if key not in allowed:
            raise ConfigError(
                f"{where}.{key}: there is no such key. Keys: {', '.join(allowed)}.{did_you_mean(str(key), allowed)}"
            )
    values = {str(key): value for key, value in item.items() if value is not None}
    stage = Stage(**values)
    if stage.is_human:
        wrong = [key for key in ("accept", "covered", "where", "agree") if key in values]
        if wrong:
            raise ConfigError(f"{where}.{wrong[0]}: what a person decides is accepted. Remove it.")
    elif any(key in values for key in OF_PEOPLE):
        raise ConfigError(f"{where}: {', '.join(OF_PEOPLE)} are of the stage {HUMAN}.")
    elif not any(key in values for key in ("accept", "covered", "where", "agree")):
        stage = Stage(stage.part, LEARNT)
    for key in OF_PEOPLE:
        number = getattr(stage, key)
        if number is not None and (not _is_number(number) or number < 0 or (key == "accuracy" and number > 1)):
            raise ConfigError(
                f"{where}.{key}: {number!r} is not a number {'from 0 to 1' if key == 'accuracy' else '≥ 0'}."
            )
    if not (stage.accept is None or stage.is_learnt or (_is_number(stage.accept) and 0 <= float(stage.accept) <= 1)):
        raise ConfigError(f'{where}.accept: {stage.accept!r} is neither a confidence from 0 to 1 nor "{LEARNT}".')
    return stage


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_stage(stage: Stage, schema: Schema, where: str) -> None:
    """Raise ``ConfigError`` where a stage cannot serve a task."""
    if stage.is_human and schema.kind not in HUMAN_KINDS:
        raise ConfigError(
            f"{where}: the answers of a person are known for {', '.join(HUMAN_KINDS)}, not {schema.kind}."
        )
    if stage.where is not None:
        conditions.parse(stage.where, schema, f"{where}.where")


def meets_conditions(
    stage: Stage, predictions: Predictions, answers: Answers, rows: Rows, X: pd.DataFrame, schema: Schema
) -> NDArray[np.bool_]:
    """Rows whose prediction meets every condition of a stage but its least confidence, shape (m,).

    Args:
        stage: not a person.
        predictions: of the m rows.
        answers: of all parts; asked for the part that must agree.
        rows: positions of the m rows.
        X: all n rows of the feature columns.
        schema: schema of the task.
    """
    accepted = np.asarray(predictions.status == OK, dtype=np.bool_)
    if stage.covered and predictions.stage is not None:
        accepted &= np.array([str(name).rpartition("/")[2] != DEFAULT for name in predictions.stage], dtype=np.bool_)
    if stage.where is not None:
        cells = conditions.Cells(X.iloc[rows], schema)
        for condition in conditions.parse(stage.where, schema, "model.stages"):
            accepted &= condition.holds(cells, np.arange(len(rows)))
    if stage.agree is not None:
        other = answers.of(stage.agree, rows)
        accepted &= np.array(
            [a == b for a, b in zip(predictions.output, other.output, strict=True)], dtype=np.bool_
        ) & (other.status == OK)
    return accepted


def is_confident(stage: Stage, predictions: Predictions, threshold: float | None) -> NDArray[np.bool_]:
    """Rows at or above the least confidence of a stage, shape (m,).

    Args:
        stage: whose ``accept`` is given or learnt.
        predictions: of the m rows.
        threshold: the learnt least confidence; None: none is accepted.

    Raises:
        ConfigError: the part gives no confidence.
    """
    if stage.accept is None:
        return np.ones(len(predictions), dtype=np.bool_)
    least = threshold if stage.is_learnt else float(stage.accept)
    if least is None:
        return np.zeros(len(predictions), dtype=np.bool_)
    return np.asarray(np.nan_to_num(require_confidence(stage, predictions), nan=-1.0) >= least)


def require_confidence(stage: Stage, predictions: Predictions) -> NDArray[np.float64]:
    """The confidence of each prediction. Raises ``ConfigError`` where the part gives none."""
    sure = stated_confidence(predictions)
    if sure is None:
        raise ConfigError(
            f"model.stages: {stage.part} gives no confidence by which it could be accepted. Give the stage another "
            f"condition: {{part: {stage.part}, covered: true}}, where: {{column: condition}} or agree: another part."
        )
    return sure


def decided_by_person(stage: Stage, answers: Answers, rows: Rows, schema: Schema, seed: int) -> Predictions:
    """Decisions of a person for some rows.

    Where the truth is known, they are it, or wrong with the declared probability: the same rows in every combination.
    On new rows they are withheld, for a person to decide.

    Args:
        stage: the person.
        answers: of the parts, with the truth where it is known.
        rows: positions of the m rows.
        schema: schema of the task.
        seed: of the simulated mistakes.
    """
    n, classes = len(rows), list(schema.classes)
    price = np.full(n, stage.usd)
    took = None if stage.seconds is None else np.full(n, stage.seconds)
    if answers.truth is None:
        unknown = np.full((n, len(classes)), 1 / len(classes)) if classes else None
        withheld, reason = np.full(n, WITHHELD, dtype=object), np.full(n, TO_A_PERSON, dtype=object)
        return Predictions(
            np.full(n, ABSTAINED, dtype=object), unknown, confidence=np.zeros(n), status=withheld, reason=reason,
            human_usd=price, seconds=took,
        )  # fmt: skip
    share_right = 1.0 if stage.accuracy is None else stage.accuracy
    random = np.random.default_rng([seed, len(answers)])
    is_wrong = (random.random(len(answers)) >= share_right)[rows]
    shift = random.integers(1, max(2, len(classes)), len(answers))[rows]
    truth, sure = answers.truth[rows], np.full(n, share_right)
    if schema.kind == "qa":
        output = np.array([_answer(gold, wrong) for gold, wrong in zip(truth, is_wrong, strict=True)], dtype=object)
        status = np.where(output == ABSTAINED, WITHHELD, OK).astype(object)
        reason = np.where(output == ABSTAINED, BY_A_PERSON, "").astype(object)
        return Predictions(output, confidence=sure, status=status, reason=reason, human_usd=price, seconds=took)
    position = {label: i for i, label in enumerate(classes)}
    codes = np.array([position.get(label, 0) for label in truth], dtype=np.intp)
    codes = np.where(is_wrong, (codes + shift) % len(classes), codes)
    proba = np.full((n, len(classes)), (1 - share_right) / (len(classes) - 1))
    proba[np.arange(n), codes] = share_right
    output = np.array(classes, dtype=object)[codes]
    return Predictions(output, proba, confidence=sure, human_usd=price, seconds=took)


def _answer(gold: Gold, is_wrong: bool) -> str:
    """Answer of a person to a question: a gold answer, or that there is none."""
    if is_wrong:
        return WRONG_ANSWER
    return gold.answers[0] if gold.answers else ABSTAINED
