"""Looks at test rows: which questions were asked of them, and what chance of a false ship each may spend.

A question is a pair of variants (as their predictions) and a metric. It is asked when a comparison first judges the
pair by the metric; asking it again, under whatever name, is no new look. All new questions of one comparison are one
look. The first look at some test rows is judged at the declared confidence, which spends half of alpha (one side of the
interval). Look k = 2, 3, … spends the share k^-1.6 of the other half. All looks together spend at most alpha, whatever
their number and dependence: online control of the family-wise error rate (Foster & Stine 2008; Tian & Ramdas 2021,
whose exponent this is). docs/comparison.md describes it to users.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.advice import listed
from bakeoff.compare.decision import Decision
from bakeoff.grading.labels import GRADE
from bakeoff.metrics import Metric
from bakeoff.task import PredictionTable
from bakeoff.tasks import kinds

DECAY, ZETA = 1.6, 2.2857656656801293
"""Exponent by which later looks spend less, and the sum of k^-1.6 over k = 1, 2, …"""

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Question:
    """A question that a comparison asks of test rows, and the look at which it was first asked.

    Attributes:
        metric: the deciding metric.
        incumbent: digest of the incumbent's predictions; empty where a variant was evaluated alone.
        challenger: digest of the challenger's.
        number: number of the look; 0 until it is numbered, and for the first variant of all that was evaluated alone.
        at: when it was first asked, ISO 8601 in UTC.
        folder: of the bake-off that asked it first.
        incumbent_name, challenger_name: names of the variants there.
    """

    metric: str
    incumbent: str
    challenger: str
    number: int = 0
    at: str = ""
    folder: str = ""
    incumbent_name: str = ""
    challenger_name: str = ""

    @property
    def key(self) -> Key:
        """Identity of the question: names and folders are none of it."""
        return self.metric, self.incumbent, self.challenger


@dataclass(frozen=True)
class Looks:
    """Looks that a comparison rests on, among all at the same test rows.

    Attributes:
        test: digest of the test rows.
        numbers: challenger → number of the look that first judged it so.
        alpha: chance of a false ship that all looks may spend together.
        is_held: whether intervals are widened accordingly.
        asked: every question that was asked of these test rows, as far as is known.
    """

    test: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    alpha: float = 0.05
    is_held: bool = True
    asked: tuple[Question, ...] = ()

    @property
    def number(self) -> int:
        """Number of the latest look that this comparison rests on; at least 1."""
        return max((1, *self.numbers.values()))

    @property
    def count(self) -> int:
        """Number of looks at the test rows."""
        return max((self.number, *(question.number for question in self.asked)))

    @property
    def left(self) -> float:
        """The part of alpha that is left for later looks."""
        return self.alpha - spent(self.count, self.alpha)

    def confidence(self, look: int) -> float:
        """Two-sided confidence of the intervals of a look: an error above it ships falsely, and spends its share."""
        return 1 - 2 * share(look if self.is_held else 1, self.alpha)

    def batches(self, challengers: Sequence[str]) -> list[tuple[float, list[str]]]:
        """Challengers that are judged jointly, with the confidence of their intervals, in order of their looks.

        Where only some of the challengers of a look are compared again, they have no more than their part of its share.
        """
        looks = sorted({self._judged_at(name) for name in challengers})
        members = {k: [name for name in challengers if self._judged_at(name) == k] for k in looks}
        return [(1 - (1 - self.confidence(k)) * self._part(k, len(names)), names) for k, names in members.items()]

    def _part(self, look: int, compared: int) -> float:
        judged = sum(question.number == look and bool(question.incumbent) for question in self.asked)
        return min(1.0, compared / judged) if self.is_held and judged else 1.0

    def _judged_at(self, challenger: str) -> int:
        return self.numbers.get(challenger, 1) if self.is_held else 1

    def describe(self) -> str:
        """The look, in a sentence; empty for the first."""
        if self.number < 2:
            return ""
        start = f"Look {self.number} at these test rows"
        if not self.is_held:
            return (
                f"{start}, judged as if it were the first (decision.ledger=false): the chance of a false ship over all "
                f"looks is not held at {self.alpha:.2g}."
            )
        left = f"{self.left:.2g} of {self.alpha:.2g} is left for later looks."
        newest = [name for name, look in self.numbers.items() if look == self.number]
        if not any(q.incumbent for q in self.asked if q.number == self.number):
            return f"{start}: {left}"
        who = "intervals are" if len(newest) == len(self.numbers) else f"{listed(newest)}: interval"
        return f"{start}: {who} at {percent(self.confidence(self.number))}, and {left}"


def percent(confidence: float) -> str:
    """Format a confidence with the digits that tell it from 1."""
    return f"{100 * confidence:.4g}%"


def share(look: int, alpha: float) -> float:
    """Chance of a false ship that look number ``look`` may spend; over all looks it adds up to ``alpha``."""
    if look < 2:
        return alpha / 2
    return float(alpha / 2 * look**-DECAY / (ZETA - 1))


def spent(looks: int, alpha: float) -> float:
    """Chance of a false ship that the first looks spend together."""
    return sum(share(look, alpha) for look in range(1, looks + 1))


def numbered(questions: Sequence[Question], known: Iterable[Question]) -> list[Question]:
    """Questions with the numbers of their looks: known ones keep theirs, the new ones are one look together.

    A variant that was evaluated alone took a look when its scores were shown; the first comparison of it uses that one.
    The first variant of all is free: there was nothing to choose from.

    Args:
        questions: of one comparison.
        known: questions that were asked of the same test rows before.
    """
    numbers = {question.key: question.number for question in known}
    is_used = {look for (_, incumbent, _), look in numbers.items() if incumbent}
    next_look = max((*numbers.values(), 0)) + 1 if numbers or any(q.incumbent for q in questions) else 0
    is_known = {(metric, one) for metric, *both in numbers for one in both if one}
    result = []
    for question in questions:
        look = numbers.get(question.key)
        if look is None and not question.incumbent and (question.metric, question.challenger) in is_known:
            look = 0  # its scores were shown beside another variant's
        if look is None and question.incumbent:
            alone = [numbers.get((question.metric, "", one), 0) for one in (question.incumbent, question.challenger)]
            look = next((n for n in sorted(alone, reverse=True) if n > 0 and n not in is_used), None)
            is_used |= {look} if look is not None else set()
        result.append(replace(question, number=next_look if look is None else look))
    return result


PREDICTED = {
    "retrieved": "retrieved", "cited": "cited", "evidence": "evidence", "stated_confidence": "confidence",
}  # fmt: skip
"""What a metric needs → the field of the predictions that holds it."""


def digest(table: PredictionTable, metric_needs: Sequence[str] = ()) -> str:
    """Digest of predictions, in any order: equal for answers that the deciding metric cannot tell apart.

    Args:
        table: the predictions.
        metric_needs: fields that the deciding metric needs besides outputs. Others do not count: a network that is
            trained again on another number of cores gives the same labels by slightly other probabilities.
    """
    predictions = table.predictions
    outputs = kinds.get(table.schema.kind).write_outputs(predictions.output)
    columns = [table.ids.astype(str), outputs, predictions.status]
    if predictions.proba is not None and "proba" in metric_needs:
        columns += list(predictions.proba.T)
    columns += [
        table.grades[n.removeprefix("grade:")] for n in metric_needs if n.removeprefix("grade:") in table.grades
    ]
    for need in metric_needs:
        held = getattr(predictions, PREDICTED[need]) if need in PREDICTED else table.value if need == "value" else None
        if held is not None:
            is_number = np.issubdtype(held.dtype, np.floating)
            columns.append(held if is_number else np.array([repr(each) for each in held], dtype=object))
    order = np.argsort(_hashes(table.ids.astype(str)), kind="stable")
    sha = hashlib.sha256()
    for column in columns:
        sha.update(_hashes(column)[order].tobytes())
    return sha.hexdigest()[:16]


def _hashes(column: NDArray[Any]) -> NDArray[np.uint64]:
    """Hashes of the values of a column, shape (n,)."""
    from pandas.util import hash_array

    if np.issubdtype(column.dtype, np.floating):
        # Sums in another order differ in the last bits: these are no other answers.
        return hash_array(np.ascontiguousarray(column.astype(np.float32)).ravel())
    if len(column) and isinstance(column[0], np.ndarray | list | tuple):
        return hash_array(np.array([_text(value) for value in column], dtype=object))
    try:
        return hash_array(np.ascontiguousarray(column))
    except TypeError:  # values of several types
        return hash_array(column.astype(str))


def _text(value: Sequence[object]) -> str:
    """An output of several labels or numbers as text, numbers with the precision of single ones."""
    several = np.asarray(value)
    return str(several.astype(np.float32).tolist() if np.issubdtype(several.dtype, np.number) else several.tolist())


def questions(
    metric: Metric,
    incumbent: str,
    challengers: Sequence[str],
    tables: Mapping[str, PredictionTable],
    labels: str = "",
) -> dict[str, Question]:
    """The question that a comparison asks about each challenger; about each variant, where none can be judged.

    The scores of a variant that was evaluated alone are shown, so that a later comparison may choose among such.
    A challenger with the incumbent's own predictions is no question.

    Args:
        metric: the deciding metric.
        incumbent: name of the variant to beat.
        challengers: names of those that may be shipped.
        tables: variant → its predictions.
        labels: digest of people's labels: a metric that they correct is asked anew with other labels.
    """
    named = f"{metric.name} by {labels[:8]}" if labels and f"grade:{GRADE}" in metric.needs else metric.name
    digests = {name: digest(table, metric.needs) for name, table in tables.items()}
    if challengers and incumbent in digests:
        pairs = {name: incumbent for name in challengers if digests[name] != digests[incumbent]}
    else:
        pairs = dict.fromkeys(tables, "")
    return {
        new: Question(named, digests.get(old, ""), digests[new], incumbent_name=old, challenger_name=new)
        for new, old in pairs.items()
    }


def if_first(decision: Decision) -> str:
    """Describe the decision of an undecided comparison if its test rows had not been looked at; empty if the same."""
    if decision.verdict != "ship":
        return ""
    return (
        f" Had nobody looked at these test rows before, {decision.winner} would ship: let rows decide that nobody has "
        "seen (data.split.sealed, then bakeoff confirm), or do not count looks (decision.ledger=false)."
    )
