"""Evaluation of trial settings: fit and score on development rows only, by holdout or cross-validation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff import business, cost, metrics
from bakeoff.config.settings import ValidationSettings
from bakeoff.errors import ConfigError, Unfinished
from bakeoff.execution.measurement import PeakMemory, latency
from bakeoff.models.base import Context, Model
from bakeoff.predictions import in_words
from bakeoff.request.spec import Request
from bakeoff.search.racing import is_dominated
from bakeoff.search.study import SPENT_USD
from bakeoff.task import (
    NO_ANSWER,
    NOT_ASKED,
    Corpus,
    Development,
    Examples,
    Predictions,
    PredictionTable,
    Schema,
    concatenated,
)
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    from optuna.trial import Trial

LATENCY_ROWS, LATENCY_SECONDS = 50, 0.5
FOLD_VALUES = "folds"


@dataclass(frozen=True)
class Objective:
    """A metric that the search optimises."""

    name: str
    direction: Literal["maximize", "minimize"]

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.direction == "maximize" else -1


def objective(name: str) -> Objective:
    """Look up an objective by name. Raises ``ConfigError`` for a name that is not measured."""
    if name in metrics.MEASUREMENTS:
        return Objective(name, metrics.MEASUREMENTS[name].direction)
    return Objective(name, metrics.get(name, "search.objectives").direction)


@dataclass(frozen=True)
class Fold:
    """Training rows, validation rows, and the cache that models share from one trial to the next."""

    train: Examples
    valid: Examples
    memo: dict[Any, Any]


@dataclass(frozen=True)
class Evaluation:
    """Evaluator of settings on development rows; it holds nothing of the test split.

    Attributes:
        schema: what is asked.
        folds: one for a holdout.
        objectives: what is optimised.
        decision_metric: which of several objectives chooses among a Pareto set; the first when it is none of them.
        bounds: constraints, metric → how much a value breaks it.
        build: makes the unfitted model of a request.
        seed: of every model.
        threads: that a model may use.
        corpus: the documents of the task, where it has any.
        max_unanswered: share of the validation rows without an answer above which a setting has no value.
    """

    schema: Schema
    folds: Sequence[Fold]
    objectives: Sequence[Objective]
    decision_metric: str
    bounds: Mapping[str, Callable[[float], float]]
    build: Callable[[Request], Model]
    seed: int
    threads: int
    corpus: Corpus | None = None
    max_unanswered: float = 0.05

    @property
    def signs(self) -> list[int]:
        """Sign of each objective: 1 if larger is better, else -1."""
        return [o.sign for o in self.objectives]

    @property
    def facts(self) -> dict[str, Any]:
        """Facts about the task to which conditions of a search space may refer."""
        facts = {"kind": self.schema.kind, "columns": sorted(set(self.schema.columns.values()))}
        if self.schema.kind == "regression":
            targets = [rows.y for fold in self.folds for rows in (fold.train, fold.valid)]
            is_positive = all((np.asarray(y, dtype=np.float64) > 0).all() for y in targets)
            facts["target"] = "positive" if is_positive else "any"
        return facts

    @property
    def deciding(self) -> tuple[int, int]:
        """Position and sign of the objective that chooses among a Pareto set."""
        names = [o.name for o in self.objectives]
        position = names.index(self.decision_metric) if self.decision_metric in names else 0
        return position, self.objectives[position].sign

    @property
    def measured(self) -> set[str]:
        """Names of all metrics to measure."""
        return {o.name for o in self.objectives} | set(self.bounds)

    def value(self, request: Request, trial: Trial) -> tuple[list[float], dict[str, float]]:
        """Fit and score a request on every fold.

        Returns:
            The mean of each objective over the folds, and by how much each constraint is broken.

        Raises:
            optuna.TrialPruned: the pruner, or the Pareto front so far, has seen enough.
        """
        scores: list[dict[str, float]] = []
        for number, fold in enumerate(self.folds):
            scores.append(self._score(request, fold, trial, may_stop=len(self.folds) == 1))
            if len(self.folds) > 1 and number + 1 < len(self.folds):
                self._stop_if_hopeless(trial, scores)
        means = {name: float(np.mean([s[name] for s in scores])) for name in scores[0]}
        if len(self.objectives) > 1 and len(self.folds) > 1:
            trial.set_user_attr(FOLD_VALUES, self._vectors(scores))
        return [means[o.name] for o in self.objectives], {n: excess(means[n]) for n, excess in self.bounds.items()}

    def _score(self, request: Request, fold: Fold, trial: Trial, may_stop: bool) -> dict[str, float]:
        model = self.build(request)
        report = self._report(trial if may_stop else None)
        context = Context(self.schema, self.seed, self.threads, report, fold.memo, self.corpus)
        start = time.perf_counter()
        with PeakMemory() if "peak_memory_mb" in self.measured else _NoMemory() as memory:
            model.fit(fold.train, fold.valid, context)
        fitted = time.perf_counter()
        predictions = self._predictions(model, fold.valid, trial if may_stop else None)
        predicted = time.perf_counter()
        valid = fold.valid
        _count_spent(trial, predictions)
        if lost := predictions.passing:
            raise Unfinished(
                f"{sum(lost.values()):,} of {len(valid):,} validation rows of a trial were not answered "
                f"({in_words(lost)}). When that has passed, the same command goes on with what is missing."
            )
        is_answered = predictions.is_answered
        if not is_answered.any():
            reason = next(iter(predictions.reasons(NO_ANSWER, NOT_ASKED)))
            raise ValueError(f"no validation row was answered: {reason}")
        if 1 - is_answered.mean() > self.max_unanswered:
            reasons = in_words(predictions.reasons(NO_ANSWER, NOT_ASKED))
            raise ValueError(
                f"{(~is_answered).sum()} of {len(valid)} validation rows have no answer ({reasons}), "
                f"more than decision.max_unanswered={self.max_unanswered:.0%}"
            )
        if not is_answered.all():
            valid, predictions = valid.take(np.flatnonzero(is_answered)), predictions.take(is_answered)
        seconds = np.full(len(valid), math.nan) if predictions.seconds is None else predictions.seconds
        if predictions.seconds is None and any(name.startswith("latency") for name in self.measured):
            spread = np.linspace(0, len(valid) - 1, min(LATENCY_ROWS, len(valid))).astype(np.intp)
            seconds = latency(model, valid.X, spread, LATENCY_SECONDS)
        table = PredictionTable(self.schema, valid.ids, valid.y, predictions, seconds, valid.slices)
        answering = max(predicted - fitted, 1e-9) / len(valid)
        searching, paid = self._projected_search(request, trial, predicted - start)
        table = cost.priced(table, request.cost, cost.RunSeconds(searching + fitted - start, answering, paid))
        table = business.build_valuer(request.business, self.schema)(table, valid.X)
        scores = metrics.score(table, [name for name in self.measured if name not in metrics.MEASUREMENTS])
        scores["fit_seconds"] = fitted - start
        scores["throughput_rows_per_s"] = 1 / answering
        scores["peak_memory_mb"] = memory.megabytes
        missing = [name for name in self.measured if name not in scores]
        if missing:
            raise ValueError(f"{', '.join(missing)} cannot be measured for this model")
        return {name: scores[name] for name in self.measured}

    def _projected_search(self, request: Request, trial: Trial, seconds: float) -> tuple[float, float]:
        """Seconds and dollars of the whole search, as the tuned variant will be billed for them.

        They are the mean over the trials so far, this one included, times the number of trials; the budget of seconds,
        where there is one and no number of trials. Nothing where no metric depends on them.
        """
        if not any(metrics.is_money(name) for name in self.measured):
            return 0.0, 0.0
        before = [t for t in trial.study.get_trials(deepcopy=False) if t.state.is_finished()]
        took = seconds + sum(t.duration.total_seconds() for t in before if t.duration)
        paid = sum(t.user_attrs.get(SPENT_USD, 0.0) for t in before) + trial.user_attrs.get(SPENT_USD, 0.0)
        known, budget = len(before) + 1, request.search
        factor = max(budget.trials or 0, known) / known
        if budget.trials is None and budget.seconds is not None:
            factor = max(budget.seconds * budget.workers / max(took, 1e-9), 1.0)
        return took * factor, paid * factor

    def _predictions(self, model: Model, valid: Examples, trial: Trial | None) -> Predictions:
        """Predict the validation rows; with a ``predict_batch_size``, batch by batch while the trial is promising."""
        size = model.predict_batch_size
        if trial is None or size is None or len(self.objectives) > 1:
            return model.predict(valid.X)
        from optuna import TrialPruned

        objective, parts = self.objectives[0], []
        order = np.random.default_rng(self.seed).permutation(len(valid))
        shuffled = valid.take(order)  # so that the first batches are fair samples
        for start in range(0, len(valid), size):
            batch = shuffled.take(slice(start, start + size))
            parts.append(model.predict(batch.X))
            so_far, answers = shuffled.take(slice(0, start + len(batch))), concatenated(parts)
            if len(so_far) == len(valid) or objective.name in metrics.MEASUREMENTS:
                continue
            seconds = np.full(len(so_far), math.nan) if answers.seconds is None else answers.seconds
            table = PredictionTable(self.schema, so_far.ids, so_far.y, answers, seconds, so_far.slices).answered
            if not len(table):
                continue
            value = metrics.score(table, [objective.name]).get(objective.name, math.nan)
            if math.isfinite(value):
                trial.report(value, start // size)
                if trial.should_prune():
                    _count_spent(trial, answers)
                    raise TrialPruned
        return concatenated(parts).take(np.argsort(order))

    def _report(self, trial: Trial | None) -> Callable[[int, float], None]:
        """Pruning hook of a fit: takes a loss and stops the trial if the pruner says so."""
        if trial is None or len(self.objectives) > 1:
            return lambda step, loss: None
        sign = -1 if self.objectives[0].direction == "maximize" else 1

        def report(step: int, loss: float) -> None:
            from optuna import TrialPruned

            trial.report(sign * loss, step)
            if trial.should_prune():
                raise TrialPruned

        return report

    def _stop_if_hopeless(self, trial: Trial, scores: Sequence[Mapping[str, float]]) -> None:
        from optuna import TrialPruned

        if len(self.objectives) == 1:
            name = self.objectives[0].name
            # The Wilcoxon pruner compares folds, the others compare running means; for both a step is a fold.
            is_by_fold = type(trial.study.pruner).__name__ == "WilcoxonPruner"
            trial.report(scores[-1][name] if is_by_fold else float(np.mean([s[name] for s in scores])), len(scores) - 1)
            hopeless = trial.should_prune()
        else:
            front = [t.user_attrs[FOLD_VALUES] for t in trial.study.best_trials if FOLD_VALUES in t.user_attrs]
            hopeless = any(is_dominated(self._vectors(scores), other, self.signs) for other in front)
        if hopeless:
            raise TrialPruned

    def _vectors(self, scores: Sequence[Mapping[str, float]]) -> list[list[float]]:
        return [[s[o.name] for o in self.objectives] for s in scores]


class _NoMemory:
    """No-op used when peak memory is not measured, since sampling it costs a thread per trial."""

    megabytes = math.nan

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _count_spent(trial: Trial, predictions: Predictions) -> None:
    """Add to the trial's spending, which may span several folds."""
    if predictions.usage.asked_any:
        spent = trial.user_attrs.get(SPENT_USD, 0.0) + predictions.usage.paid_usd
        trial.set_user_attr(SPENT_USD, spent)


def folds(development: Development, settings: ValidationSettings, seed: int) -> list[Fold]:
    """Build the folds of a search: the task's own training and validation rows, or k folds of both.

    Folds follow the task's split: stratified for classes, groups and equal rows together; where rows are in the order
    of time, each fold is scored on rows later than those it learns from.

    Raises:
        ConfigError: the kind is unknown, there are no validation rows, or fewer separate rows than folds.
    """
    if settings.kind == "holdout":
        if not len(development.valid):
            raise ConfigError(
                "search.validation: there are no validation rows to tune on. Give the data some, or do not search."
            )
        return [Fold(development.train, _sampled(development.valid, settings.rows, seed), {})]
    if settings.kind != "kfold":
        raise ConfigError(f'search.validation.kind: "{settings.kind}" is unknown. Allowed: holdout, kfold.')
    take = development.examples.take
    return [
        Fold(take(train), _sampled(take(valid), settings.rows, seed), {})
        for train, valid in _assigned(development, settings.folds, seed)
    ]


def _sampled(valid: Examples, rows: int | None, seed: int) -> Examples:
    """All validation rows, or a seeded sample of them."""
    if rows is None or rows >= len(valid):
        return valid
    return valid.take(np.random.default_rng(seed).permutation(len(valid))[:rows])


def _before(train: Any, valid: Any, spans: NDArray[np.intp] | None) -> Any:
    """Training rows whose target period ends before that of any validation row begins."""
    if spans is None:
        return train
    earlier = train[spans[train, 1] < spans[valid, 0].min()]
    if not len(earlier):
        raise ConfigError("search.validation.folds: no row to learn from is left in the first of them. Ask for fewer.")
    return earlier


def _assigned(development: Development, k: int, seed: int) -> Iterator[tuple[Any, Any]]:
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, TimeSeriesSplit

    rows, y, groups = np.arange(len(development.examples)), development.examples.y, development.groups
    separate = len(np.unique(groups))
    if not 2 <= k <= separate:
        raise ConfigError(f"search.validation.folds: {k} folds cannot be made of {separate:,} separate rows.")
    if development.is_ordered:
        for train, valid in TimeSeriesSplit(k).split(rows):
            yield _before(train, valid, development.spans), valid
    elif (strata := kinds.get(development.schema.kind).strata(y)) is not None:
        yield from StratifiedGroupKFold(k, shuffle=True, random_state=seed).split(rows, strata, groups)
    else:
        yield from GroupKFold(k, shuffle=True, random_state=seed).split(rows, y, groups)
