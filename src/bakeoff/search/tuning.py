"""The search of one variant: trials on training and validation rows, until the budget ends."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import metrics, space
from bakeoff.config import SearchSettings
from bakeoff.errors import BakeoffError, ConfigError
from bakeoff.search import study as studies
from bakeoff.search.evaluation import Evaluation
from bakeoff.space import Dimension

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

log = logging.getLogger(__name__)
WORKER_SEEDS = 1_000_003  # workers draw from seeds this far apart
Announce = Callable[[str], None]
Compose = Callable[[Mapping[str, str]], Mapping[str, Any]]


class SearchFailed(BakeoffError):
    """No trial of a search has a value."""


@dataclass(frozen=True)
class Constraint:
    """A bound on a metric, e.g. ``latency_p95_ms: "<= 50"``."""

    metric: str
    bound: float
    is_upper: bool

    def violation(self, value: float) -> float:
        """By how much the value breaks the bound; zero or less when it does not."""
        if math.isnan(value):
            return math.inf
        return value - self.bound if self.is_upper else self.bound - value


@dataclass(frozen=True)
class Best:
    """What a search found, and what it cost.

    Attributes:
        content: the config with the best parameters in it.
        parameters: config key → value, of the best trial.
        summary: for the record: budget, counts by state, best values, Pareto set, importances, what ended it.
        trials: one mapping a trial, for trials.parquet.
    """

    content: Mapping[str, Any]
    parameters: Mapping[str, Any]
    summary: Mapping[str, Any]
    trials: Sequence[Mapping[str, Any]]


@dataclass
class Search:
    """One variant's search, ready to try parameters.

    Attributes:
        content: the resolved config of the variant.
        evaluation: how a setting is valued.
        settings: sampler, budget, objectives and the like.
        folder: the run folder.
        name: of the study.
        compose: composes the config anew for other choices of config groups.
        announce: told what happens.
    """

    content: Mapping[str, Any]
    evaluation: Evaluation
    settings: SearchSettings
    folder: Path
    name: str
    seed: int
    digest: str
    compose: Compose
    announce: Announce
    sampler: Callable[[int], Any]
    pruner: Any
    _composed: dict[tuple[tuple[str, Any], ...], Mapping[str, Any]] = field(default_factory=dict)
    _dimensions: dict[tuple[tuple[str, Any], ...], list[Dimension]] = field(default_factory=dict)

    def open(self) -> optuna.Study:
        """The study, with a sampler that does not repeat what an earlier process drew."""
        study = self._open(None)
        tried = len([t for t in study.get_trials(deepcopy=False) if t.state.is_finished()])
        study.sampler = self.sampler(self.seed + tried + (self.settings.worker or 0) * WORKER_SEEDS)
        # Some samplers end a search by Study.stop, which wants to be called from Optuna's own loop.
        study._thread_local.in_optimize_loop = True
        return study

    def _open(self, sampler: Any) -> optuna.Study:
        directions = [o.direction for o in self.evaluation.objectives]
        return studies.open_study(
            self.folder, self.name, directions, self.digest, self.settings.storage, sampler, self.pruner
        )

    def prepare(self) -> None:
        """Before workers start: take back what killed workers left, and queue the trials that are missing."""
        study = self._open(None)
        studies.heal(study)
        if self.settings.workers > 1 and self.settings.trials is not None:
            studies.reserve(study, self.settings.trials)

    def work(self) -> None:
        """As one of several workers: do queued trials until none is left or the budget ends."""
        study = self.open()
        while self._ended(study) is None:
            trial = study.ask() if self.settings.trials is None else studies.take(study)
            if trial is None:
                return
            self._try(study, trial)

    def run(self) -> Best:
        """Alone: do the trials that are missing, then say which is best."""
        study = self.open()
        healed = studies.heal(study)
        if healed:
            log.info("%d trials of a killed process are tried again", healed)
        ended = self._ended(study)
        while ended is None:
            self._try(study, study.ask())
            ended = self._ended(study)
        return self._best(study, ended)

    def suggest(self, trial: Trial) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """The config of a trial, and the parameters in it: group choices first, for they decide what else there is."""
        choices = self._choices(trial)
        content = self._content(choices)
        values: dict[str, Any] = dict(choices)
        tried = content
        for dimension in self._space(choices):
            if space.is_group(dimension.key) or not dimension.applies({**tried, "task": self.evaluation.facts}):
                continue
            value = trial._suggest(dimension.key, space.distribution(dimension))
            values[dimension.key] = value
            tried = space.updated(tried, {dimension.key: value})
        return tried, values

    def _choices(self, trial: Trial) -> tuple[tuple[str, Any], ...]:
        groups = [d for d in self._space(()) if space.is_group(d.key)]
        return tuple((d.key, trial._suggest(d.key, space.distribution(d))) for d in groups)

    def _content(self, choices: tuple[tuple[str, Any], ...]) -> Mapping[str, Any]:
        if not choices:
            return self.content
        if choices not in self._composed:
            self._composed[choices] = self.compose(dict(choices))
        return self._composed[choices]

    def _space(self, choices: tuple[tuple[str, Any], ...]) -> list[Dimension]:
        if choices not in self._dimensions:
            self._dimensions[choices] = space.gather(self._content(choices), self.evaluation.schema.kind)
        return self._dimensions[choices]

    def _try(self, study: optuna.Study, trial: Trial) -> None:
        """One trial, to whatever end it comes."""
        from optuna import TrialPruned
        from optuna.trial import TrialState

        with studies.alive(study, trial):
            try:
                content, _ = self.suggest(trial)
                values, constraints = self.evaluation.value(content, trial)
                for name, violation in constraints.items():
                    trial.set_constraint(name, violation)
                if any(math.isnan(v) for v in values):
                    raise ValueError(f"{' and '.join(o.name for o in self.evaluation.objectives)} is not a number")
                study.tell(trial, values)
            except TrialPruned:
                study.tell(trial, state=TrialState.PRUNED)
            except Exception as error:
                log.warning("trial %d failed", trial.number, exc_info=True)
                trial.set_user_attr(studies.ERROR, f"{type(error).__name__}: {error}")
                study.tell(trial, state=TrialState.FAIL)
        self.announce(self._progress(study))

    def _ended(self, study: optuna.Study) -> str | None:
        """Which budget has come to its end; None while there is some left."""
        s = self.settings
        done = studies.finished(study)
        if s.trials is not None and len(done) >= s.trials:
            return f"{s.trials} trials"
        seconds = _seconds(done) / s.workers
        if s.seconds is not None and seconds >= s.seconds:
            return f"{s.seconds:g} seconds"
        if s.dollars is not None and _seconds(done) / 3600 * s.usd_per_hour >= s.dollars:
            return f"{s.dollars:g} dollars"
        # A brute-force sampler with nothing left to try says so by a flag in the study.
        return "every combination was tried" if study._stop_flag else None

    def _progress(self, study: optuna.Study) -> str:
        done = studies.finished(study)
        counts = {state: sum(t.state.name == state for t in done) for state in ("PRUNED", "FAIL")}
        of = f"/{self.settings.trials}" if self.settings.trials is not None else ""
        told = [f"trial {len(done)}{of}"]
        best = self._choose(done)
        if best is not None:
            told.append(f"best {self.evaluation.objectives[0].name} {best.values[0]:.4g}")
        told += [f"{n} {word}" for word, n in (("pruned", counts["PRUNED"]), ("failed", counts["FAIL"])) if n]
        if self.settings.trials is not None and done:
            left = (self.settings.trials - len(done)) * _seconds(done) / len(done) / self.settings.workers
            told.append(f"{left:.0f} s left")
        return ", ".join(told)

    def _choose(self, done: Sequence[FrozenTrial]) -> FrozenTrial | None:
        """The best feasible trial: by the decision metric among the Pareto set, or by the one objective."""
        complete = [t for t in done if t.state.name == "COMPLETE"]
        if not complete:
            return None
        feasible = [t for t in complete if all(v <= 0 for v in t.constraints.values())]
        if not feasible:
            return min(complete, key=lambda t: sum(max(0.0, v) for v in t.constraints.values()))
        first, sign = self.evaluation.deciding
        return max(pareto(feasible, self.evaluation.signs), key=lambda t: sign * t.values[first])

    def _best(self, study: optuna.Study, ended: str) -> Best:
        done = studies.finished(study)
        chosen = self._choose(done)
        if chosen is None:
            causes = [t.user_attrs[studies.ERROR] for t in done if studies.ERROR in t.user_attrs]
            raise SearchFailed(
                f"none of {len(done)} trials has a value. The first that failed says: {causes[0]}" if causes
                else f"none of {len(done)} trials came to its end: the budget ({ended}) was spent before."
            )  # fmt: skip
        choices = tuple((k, v) for k, v in chosen.params.items() if space.is_group(k))
        content = space.updated(
            self._content(choices), {k: v for k, v in chosen.params.items() if not space.is_group(k)}
        )
        complete = [t for t in done if t.state.name == "COMPLETE"]
        feasible = [t for t in complete if all(v <= 0 for v in t.constraints.values())]
        summary = {
            "trials": len(done),
            "complete": len(complete),
            "pruned": sum(t.state.name == "PRUNED" for t in done),
            "failed": sum(t.state.name == "FAIL" for t in done),
            "errors": list(dict.fromkeys(t.user_attrs[studies.ERROR] for t in done if studies.ERROR in t.user_attrs))[
                :5
            ],
            "ended_by": ended,
            "seconds": _seconds(done),
            "budget": {
                "trials": self.settings.trials,
                "seconds": self.settings.seconds,
                "dollars": self.settings.dollars,
            },
            "objectives": {o.name: o.direction for o in self.evaluation.objectives},
            "best": {"trial": chosen.number, "values": list(chosen.values), "is_feasible": chosen in feasible},
            "pareto": [
                {"trial": t.number, "values": list(t.values), "parameters": dict(t.params)}
                for t in pareto(feasible, self.evaluation.signs)
            ]
            if len(self.evaluation.objectives) > 1
            else [],
            "importances": _importances(study, complete, self.evaluation.signs[0]),
        }
        return Best(content, dict(chosen.params), summary, [self._row(t) for t in study.get_trials(deepcopy=False)])

    def _row(self, trial: FrozenTrial) -> dict[str, Any]:
        values = trial.values or [math.nan] * len(self.evaluation.objectives)
        return {
            "number": trial.number,
            "state": trial.state.name,
            **{o.name: value for o, value in zip(self.evaluation.objectives, values, strict=True)},
            **{f"param:{key}": str(value) for key, value in trial.params.items()},
            "seconds": trial.duration.total_seconds() if trial.duration else math.nan,
            "steps": len(trial.intermediate_values),
            "retry_of": trial.user_attrs.get(studies.RETRY_OF),
            "error": trial.user_attrs.get(studies.ERROR),
        }


def digest(identity: Mapping[str, Any], fingerprint: str) -> str:
    """Equal for searches whose trials can be compared."""
    text = json.dumps([identity, fingerprint], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def constraints(declared: Mapping[str, str] | None) -> list[Constraint]:
    """Read declared bounds. Raises ``ConfigError`` for one that is not ``<= number`` or ``>= number``."""
    found = []
    for name, bound in (declared or {}).items():
        operator, number = str(bound)[:2], str(bound)[2:].strip()
        try:
            found.append(Constraint(name, float(number), {"<=": True, ">=": False}[operator]))
        except (KeyError, ValueError):
            raise ConfigError(
                f'search.constraints.{name}: "{bound}" is not a bound. Write "<= 50" or ">= 0.9".'
            ) from None
        if name not in metrics.MEASUREMENTS:
            metrics.get(name, "search.constraints")
    return found


def pareto(trials: Sequence[FrozenTrial], signs: Sequence[int]) -> list[FrozenTrial]:
    """The trials that no other beats in every objective (Pareto 1906); one of several with equal values."""
    points = [[sign * value for sign, value in zip(signs, t.values, strict=True)] for t in trials]
    front = []
    for i, point in enumerate(points):
        dominated = any(
            all(a >= b for a, b in zip(other, point, strict=True)) and (other != point or j < i)
            for j, other in enumerate(points)
            if j != i
        )
        if not dominated:
            front.append(trials[i])
    return front


def _seconds(trials: Sequence[FrozenTrial]) -> float:
    return sum(t.duration.total_seconds() for t in trials if t.duration)


def _importances(study: optuna.Study, complete: Sequence[FrozenTrial], sign: int) -> dict[str, float]:
    """How much each parameter mattered for the first objective (PED-ANOVA, Watanabe et al. 2023)."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    if len(complete) < 4:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it wants small targets: it gets them
            found = get_param_importances(
                study, evaluator=PedAnovaImportanceEvaluator(), target=lambda t: -sign * t.values[0]
            )
    except (ValueError, RuntimeError):
        return {}
    return dict(found)
