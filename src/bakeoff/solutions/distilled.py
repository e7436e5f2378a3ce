"""Distilled: a small model that learns from the labels that a language model gives to training rows."""

from __future__ import annotations

import copy
import hashlib
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ConfigError, DataError
from bakeoff.llm.usage import metered
from bakeoff.models import persistence
from bakeoff.models.base import Context, Model, ModelReport, no_report, require_kind
from bakeoff.predictions import OK, Predictions, in_words
from bakeoff.task import Examples, Schema
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import pandas as pd

STUDENT = "student"
HELD_OUT_SHARE = 5
"""One labelled row in so many measures how far the student agrees with the teacher."""
FEWEST_LABELLED = 20


@dataclass(eq=False)
class Distilled(Model):
    """A student that learns the teacher's labels of training rows, and predicts alone.

    The targets of these rows are not learned from, unless the teacher shows some as examples; they only measure how
    often the teacher is right. The rows are the same in every fit, so that a cached language model is asked once.

    Args:
        teacher: labels rows, such as a prompted language model; it is not asked when rows are predicted.
        student: learns its labels.
        rows: number of training rows that are labelled, a random sample; null: all.
    """

    teacher: Model
    student: Model
    rows: int | None = 300

    @property
    def uses_validation(self) -> bool:
        """True: validation rows are not labelled, so that the labelled rows are the same in every fit."""
        return True

    def check(self, schema: Schema) -> None:
        """Raise ``ConfigError`` where teacher or student cannot serve the task."""
        require_kind(self, schema, "classification", "multilabel")
        if self.rows is not None and self.rows < FEWEST_LABELLED:
            raise ConfigError(f"model.rows: {self.rows} labelled rows are too few; {FEWEST_LABELLED} are needed.")
        self.teacher.check(schema)
        self.student.check(schema)

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        """Have the teacher label rows, measure how far a student agrees on some of them, and fit it to all of them.

        Raises:
            DataError: the teacher gave too few answers, or the same to all rows.
        """
        inner = replace(context, report=no_report, memo=None, folder=None)
        self.schema_ = context.schema
        self.teacher.fit(train, None, inner)
        chosen = train.take(_sample(train, self.rows, context.seed))
        start = time.perf_counter()
        with metered() as meter:
            labels = self.teacher.predict(chosen.X)
        seconds = time.perf_counter() - start + meter.replayed_seconds
        answered = np.flatnonzero(labels.status == OK)
        lost = labels.reasons("no_answer", "withheld", "not_asked")
        if len(answered) < FEWEST_LABELLED:
            raise DataError(
                f"model.teacher: it labelled {len(answered):,} of {len(chosen):,} rows, too few to learn from "
                f"({in_words(lost)})."
            )
        labelled = replace(chosen.take(answered), y=labels.output[answered])
        if len(set(labelled.y.tolist())) < 2:
            raise DataError(f'model.teacher: it labelled all {len(labelled):,} rows "{labelled.y[0]}".')
        usage = meter.usage(len(chosen))
        self.labelling_: dict[str, Any] = {
            "rows": len(labelled),
            "without_answer": len(chosen) - len(labelled),
            "teacher_right": self._share(labelled.y, chosen.take(answered).y),
            "agreement": self._agreement(labelled, inner),
            "requests": int(usage.calls.sum()),
            "tokens": int(usage.input_tokens.sum() + usage.output_tokens.sum()),
            "usd": None if np.isnan(usage.cost_usd).any() else float(usage.cost_usd.sum()),
            "seconds": seconds,
            "replayed_seconds": meter.replayed_seconds,
        }
        self._fit_student(self.student, labelled, inner)

    def _fit_student(self, student: Model, labelled: Examples, context: Context) -> None:
        if not student.uses_validation:
            student.fit(labelled, None, context)
            return
        learning, held = _split(len(labelled), context.seed)
        student.fit(labelled.take(learning), labelled.take(held), context)

    def _agreement(self, labelled: Examples, context: Context) -> float | None:
        """Share of held-out labels that a student of the other labels repeats; None where these are all alike."""
        learning, held = _split(len(labelled), context.seed)
        if len(set(labelled.y[learning].tolist())) < 2:
            return None
        student = copy.deepcopy(self.student)
        self._fit_student(student, labelled.take(learning), context)
        return self._share(student.predict(labelled.X.iloc[held]).output, labelled.y[held])

    def _share(self, first: NDArray[Any], second: NDArray[Any]) -> float:
        right = kinds.get(self.schema_.kind).is_right(first, second)
        assert right is not None
        return float(np.mean(right))

    def predict(self, X: pd.DataFrame) -> Predictions:
        """Predict n rows with the student alone."""
        return self.student.predict(X)

    def warm_up(self, X: pd.DataFrame) -> None:
        """Warm up the student; the teacher is not asked."""
        self.student.warm_up(X)

    def estimate_requests(self, train: Examples, X: pd.DataFrame, context: Context) -> list[Any]:
        """Estimate the requests for the labels: predicting asks for none."""
        return self.teacher.estimate_requests(train, train.X.iloc[_sample(train, self.rows, context.seed)], context)

    def report(self) -> ModelReport:
        """The price of the labels, how often they are right, and how far the student agrees."""
        if not hasattr(self, "labelling_"):
            return ModelReport()
        found = self.labelling_
        lost = f" ({found['without_answer']:,} more had no answer)" if found["without_answer"] else ""
        agrees = "is not known" if found["agreement"] is None else f"is {found['agreement']:.1%}"
        price = "an unknown price" if found["usd"] is None else f"${found['usd']:.4f}"
        return ModelReport(
            {"labelling": found, STUDENT: dict(self.student.report().details)},
            (
                f"Learned from {found['rows']:,} training rows that the teacher labelled{lost}: it is right about "
                f"{found['teacher_right']:.1%} of them. On a held-out fifth, the student's agreement with the teacher "
                f"{agrees}. Labelling took {found['requests']:,} requests, {found['tokens']:,} tokens, {price} "
                f"and {found['seconds']:,.0f} s.",
                *self.student.report().notes,
            ),
        )

    def save(self, folder: Path) -> None:
        """Write the student and the parameters; the teacher is kept as it is configured."""
        persistence.write(folder, self, self.schema_, labelling=self.labelling_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what ``save`` wrote."""
        saved = persistence.read(cls, folder)
        model: Self = saved.model
        model.schema_, model.labelling_ = saved.schema, dict(saved.learned["labelling"])
        return model


def _sample(rows: Examples, most: int | None, seed: int) -> NDArray[np.intp]:
    """Positions of a random sample of rows that depends on their ids alone, so that every fit takes the same."""
    keys = [hashlib.sha256(f"{seed}:{identity}".encode()).hexdigest() for identity in rows.ids]
    order = np.argsort(np.array(keys))
    return np.sort(order[: len(rows) if most is None else most])


def _split(n: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions to learn from, and held out."""
    order = np.random.default_rng(seed).permutation(n)
    cut = math.ceil(n / HELD_OUT_SHARE)
    return np.sort(order[cut:]), np.sort(order[:cut])
