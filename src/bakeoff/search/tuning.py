"""Search of one variant: trials on training and validation rows until the budget is spent."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.config import component, search_space
from bakeoff.config.search_space import Dimension
from bakeoff.config.settings import LARGEST_SEED, SearchSettings
from bakeoff.errors import BakeoffError, Unavailable
from bakeoff.numbers import number
from bakeoff.request.spec import Request
from bakeoff.search import study as studies
from bakeoff.search.evaluation import Evaluation
from bakeoff.search.study import SPENT_USD
from bakeoff.tasks import kinds

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

log = logging.getLogger(__name__)
Announce = Callable[[str], None]
Compose = Callable[[Mapping[str, str]], Request]


class SearchFailed(BakeoffError):
    """No trial of a search has a value."""


@dataclass(frozen=True)
class Best:
    """Result of a search, and its cost.

    Attributes:
        request: with the best parameters in it.
        parameters: config key → value, of the best trial.
        summary: for the record: budget, counts by state, best values, Pareto set, importances, what ended it.
        trials: one mapping a trial, for trials.parquet.
    """

    request: Request
    parameters: Mapping[str, Any]
    summary: Mapping[str, Any]
    trials: Sequence[Mapping[str, Any]]


class Tally:
    """Running totals of a study's finished trials, updated incrementally, and dollars that lost trials had spent."""

    def __init__(self, trials: Sequence[FrozenTrial], lost_usd: float = 0.0) -> None:
        self.trials: list[FrozenTrial] = []
        self.seconds, self.spent_usd = 0.0, lost_usd
        self.pruned = self.failed = 0
        self.first_values: list[float] = []
        for trial in trials:
            self.add(trial)

    def add(self, trial: FrozenTrial) -> None:
        """Count one more."""
        self.trials.append(trial)
        self.seconds += _seconds([trial])
        self.spent_usd += trial.user_attrs.get(SPENT_USD, 0.0)
        self.pruned += trial.state.name == "PRUNED"
        self.failed += trial.state.name == "FAIL"
        if trial.state.name == "COMPLETE":
            self.first_values.append(trial.values[0])


@dataclass
class Search:
    """One variant's search, ready to try parameters.

    Attributes:
        request: the variant, its folder and its seed.
        evaluation: how a setting is valued.
        settings: sampler, budget, objectives and the like.
        name: of the study.
        digest: equal for searches whose trials can be compared.
        compose: composes the request anew for other choices of config groups.
        announce: called with a line of progress.
        sampler: makes Optuna's sampler of a seed.
        pruner: of Optuna's.
    """

    request: Request
    evaluation: Evaluation
    settings: SearchSettings
    name: str
    digest: str
    compose: Compose
    announce: Announce
    sampler: Callable[[int], Any]
    pruner: Any
    _composed: dict[tuple[tuple[str, Any], ...], Request] = field(default_factory=dict)
    _dimensions: dict[tuple[tuple[str, Any], ...], list[Dimension]] = field(default_factory=dict)

    def open(self) -> optuna.Study:
        """Open the study, with the sampler of its next trial."""
        study = self._open()
        done = study.get_trials(deepcopy=False)
        study.sampler = self._sampler_of(len(done))
        # Some samplers end a search by Study.stop, which wants to be called from Optuna's own loop.
        study._thread_local.in_optimize_loop = True
        if done and done[-1].state.is_finished():  # a sampler of combinations says here that all were tried
            study.sampler.after_trial(study, done[-1], done[-1].state, done[-1].values)
        return study

    def _sampler_of(self, number: int) -> Any:
        """Sampler of the trial of that number. Its seed depends on nothing else, whatever came before."""
        seed = np.random.SeedSequence([self.request.seed, number]).generate_state(1)[0]
        return self.sampler(int(seed) % (LARGEST_SEED + 1))

    def _open(self) -> optuna.Study:
        directions = [o.direction for o in self.evaluation.objectives]
        return studies.open_study(
            self.request.folder, self.name, directions, self.digest, self.settings.storage, self.pruner
        )

    def prepare(self, wait: bool = False) -> tuple[int, int]:
        """Prepare for workers: requeue the trials of killed workers, and queue the missing ones.

        Args:
            wait: first, for workers that are still at work.

        Returns:
            How many trials have begun, and how many have ended, until now.
        """
        study = self._resume()
        studies.heal(study)
        if wait:
            studies.wait(study)
        begun = len([t for t in study.get_trials(deepcopy=False) if t.state.name != "WAITING"])
        if self.settings.workers > 1 and self.settings.trials is not None:
            studies.reserve(study, self.settings.trials)
        return begun, len(studies.finished(study))

    def work(self) -> None:
        """Run trials until the budget is spent: alone the missing ones, as one of several workers the queued ones."""
        if self.settings.workers == 1:
            with studies.at_work(self._resume(), None):
                self._advance()
            return
        study = self.open()
        with studies.at_work(study, self.settings.worker) as worker:
            while self._ended(study, Tally(studies.finished(study))) is None:
                if self.settings.trials is None:
                    trial = studies.ask(study, None, self._sampler_of)
                else:
                    trial = studies.take(study, self._sampler_of)
                if trial is None:
                    return
                self._try(study, trial, worker)

    def run(self) -> Best:
        """Run the missing trials in this process, then return the best."""
        with studies.at_work(self._resume(), None):
            return self._run()

    def _run(self) -> Best:
        return self._best(*self._advance())

    def _advance(self) -> tuple[optuna.Study, str]:
        """Run the missing trials; return the study, and the name of the budget that is spent."""
        study = self.open()
        studies.heal(study)
        tally = Tally(studies.finished(study), study.user_attrs.get(studies.LOST_USD, 0.0))
        while (ended := self._ended(study, tally)) is None:
            trial = studies.ask(study, self.settings.trials, self._sampler_of)
            ended_trial = None if trial is None else self._try(study, trial)
            if ended_trial is None:
                tally = Tally(studies.finished(study), study.user_attrs.get(studies.LOST_USD, 0.0))
                continue
            tally.add(ended_trial)
            self.announce(self._progress(tally))
        return study, ended

    def standing(self) -> tuple[float, str]:
        """Best value of the trials that the budget holds, larger is better, and the value in words.

        Minus infinity where no trial has a value that keeps the constraints.

        Later trials do not count: a search that went on has the same standing as when its budget was spent.
        """
        study = self._open()
        tally = Tally([])
        for trial in studies.finished(study):
            if self._ended(study, tally) is not None:
                break
            tally.add(trial)
        chosen = self._choose(tally.trials)
        if chosen is None or any(violation > 0 for violation in chosen.constraints.values()):
            return -math.inf, "without a value"
        position, sign = self.evaluation.deciding
        value = float(chosen.values[position])
        return sign * value, f"{self.evaluation.objectives[position].name} {number(value)}"

    def _resume(self) -> optuna.Study:
        """Open the study after its process was killed: what that process alone had begun begins anew."""
        if self.settings.workers > 1:
            return self._open()
        lost = studies.rewind(self.request.folder, self.settings.storage)
        if lost.numbers:
            log.info("the trial of a killed process begins again: %s", ", ".join(map(str, lost.numbers)))
        study = self._open()
        studies.count_losses(study, lost)
        return study

    def watched(self) -> Callable[[], str]:
        """Return a function that describes the progress of this search's workers."""
        study = self._open()

        def told() -> str:
            tally = Tally(studies.finished(study))
            return self._progress(tally) if tally.trials else "starting workers"

        return told

    def suggest(self, trial: Trial) -> tuple[Request, dict[str, Any]]:
        """Suggest a trial's request and parameters: group choices first, since they decide which other keys exist."""
        choices = self._choices(trial)
        request = self._chosen(choices)
        values: dict[str, Any] = dict(choices)
        facts: dict[str, Any] = {**request.components, "task": self.evaluation.facts}
        for dimension in self._space(choices):
            if search_space.is_group(dimension.key) or not dimension.applies(facts):
                continue
            value = search_space.suggest(trial, dimension)
            values[dimension.key] = value
            facts = component.updated(facts, dimension.key.split("."), value)
        return request.with_components({group: facts[group] for group in request.components}), values

    def _choices(self, trial: Trial) -> tuple[tuple[str, Any], ...]:
        groups = [d for d in self._space(()) if search_space.is_group(d.key)]
        return tuple((d.key, search_space.suggest(trial, d)) for d in groups)

    def _chosen(self, choices: tuple[tuple[str, Any], ...]) -> Request:
        if not choices:
            return self.request
        if choices not in self._composed:
            self._composed[choices] = self.compose(dict(choices))
        return self._composed[choices]

    def _space(self, choices: tuple[tuple[str, Any], ...]) -> list[Dimension]:
        if choices not in self._dimensions:
            unused = kinds.get(self.evaluation.schema.kind).unused_head
            self._dimensions[choices] = self._chosen(choices).dimensions(unused)
        return self._dimensions[choices]

    def _try(self, study: optuna.Study, trial: Trial, worker: str | None = None) -> FrozenTrial | None:
        """Run one trial and record its outcome; None if another worker took it over in the meantime."""
        from optuna import TrialPruned
        from optuna.trial import TrialState

        with studies.alive(study, trial):
            try:
                if worker is not None:
                    trial.set_user_attr(studies.WORKER, worker)
                request, _ = self.suggest(trial)
                values, constraints = self.evaluation.value(request, trial)
                for name, violation in constraints.items():
                    trial.set_constraint(name, violation)
                if any(math.isnan(v) for v in values):
                    raise ValueError(f"{' and '.join(o.name for o in self.evaluation.objectives)} is not a number")
                ended = study.tell(trial, values, skip_if_finished=True)
            except TrialPruned:
                ended = study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
            except Unavailable:  # the setting is not to blame
                studies.put_back(study, trial)
                raise
            except Exception as error:
                if studies.is_given_up(study, trial):
                    log.warning("trial %d was taken for lost, and is left to its retry", trial.number)
                    return None
                log.warning("trial %d failed", trial.number, exc_info=True)
                trial.set_user_attr(studies.ERROR, f"{type(error).__name__}: {error}")
                return study.tell(trial, state=TrialState.FAIL)
        return None if ended.state is TrialState.FAIL else ended

    def _ended(self, study: optuna.Study, tally: Tally) -> str | None:
        """Name of the exhausted budget; None while some is left."""
        s = self.settings
        if s.trials is not None and len(tally.trials) >= s.trials:
            return f"{s.trials} trials"
        if s.seconds is not None and tally.seconds / s.workers >= s.seconds:
            return f"{s.seconds:g} seconds"
        if s.dollars is not None and tally.seconds / 3600 * s.usd_per_hour + tally.spent_usd >= s.dollars:
            return f"{s.dollars:g} dollars"
        # A brute-force sampler with nothing left to try says so by a flag in the study.
        return "every combination was tried" if study._stop_flag else None

    def _progress(self, tally: Tally) -> str:
        n_done, objective = len(tally.trials), self.evaluation.objectives[0]
        of = f"/{self.settings.trials}" if self.settings.trials is not None else ""
        parts = [f"trial {n_done}{of}"]
        if tally.first_values:
            best = max(tally.first_values) if objective.sign > 0 else min(tally.first_values)
            parts.append(f"best {objective.name} {best:.4g}")
        parts += [f"{n} {word}" for word, n in (("pruned", tally.pruned), ("failed", tally.failed)) if n]
        if self.settings.trials is not None:
            parts.append(
                f"{(self.settings.trials - n_done) * tally.seconds / n_done / self.settings.workers:.0f} s left"
            )
        return ", ".join(parts)

    def _choose(self, trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
        """Choose the best feasible trial: by the decision metric on the Pareto front, or by the only objective."""
        complete = [t for t in trials if t.state.name == "COMPLETE"]
        if not complete:
            return None
        feasible = [t for t in complete if all(v <= 0 for v in t.constraints.values())]
        if not feasible:
            return min(complete, key=lambda t: sum(max(0.0, v) for v in t.constraints.values()))
        first, sign = self.evaluation.deciding
        return max(pareto(feasible, self.evaluation.signs), key=lambda t: sign * t.values[first])

    def _best(self, study: optuna.Study, ended: str) -> Best:
        trials = studies.finished(study)
        chosen = self._choose(trials)
        if chosen is None:
            causes = [t.user_attrs[studies.ERROR] for t in trials if studies.ERROR in t.user_attrs]
            raise SearchFailed(
                f"none of {len(trials)} trials has a value. The first that failed says: {causes[0]}" if causes
                else f"none of {len(trials)} trials came to its end: the budget ({ended}) was spent before."
            )  # fmt: skip
        choices = tuple((k, v) for k, v in chosen.params.items() if search_space.is_group(k))
        values = {k: search_space.decoded(v) for k, v in chosen.params.items() if not search_space.is_group(k)}
        best = self._chosen(choices).updated(values)
        complete = [t for t in trials if t.state.name == "COMPLETE"]
        feasible = [t for t in complete if all(v <= 0 for v in t.constraints.values())]
        summary = {
            "trials": len(trials),
            "complete": len(complete),
            "pruned": sum(t.state.name == "PRUNED" for t in trials),
            "failed": sum(t.state.name == "FAIL" for t in trials),
            "errors": list(dict.fromkeys(t.user_attrs[studies.ERROR] for t in trials if studies.ERROR in t.user_attrs))[
                :5
            ],
            "ended_by": ended,
            "seconds": _seconds(trials),
            "spent_usd": sum(t.user_attrs.get(SPENT_USD, 0.0) for t in trials),
            "budget": {
                "trials": self.settings.trials,
                "seconds": self.settings.seconds,
                "dollars": self.settings.dollars,
            },
            "racing": self._racing(),
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
        return Best(best, dict(chosen.params), summary, [self._row(t) for t in study.get_trials(deepcopy=False)])

    def _racing(self) -> dict[str, Any] | None:
        """Rounds of the race, those in which the variant took part, and the budget of all; None without a race."""
        s = self.settings
        if s.racing is None or s.lasted is None:
            return None
        total = {"trials": s.total.trials, "seconds": s.total.seconds, "dollars": s.total.dollars}
        return {"rounds": s.racing, "lasted": s.lasted, "total": total}

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
            "worker": trial.user_attrs.get(studies.WORKER),
            "error": trial.user_attrs.get(studies.ERROR),
        }


def digest(identity: Mapping[str, Any], fingerprint: str) -> str:
    """Compute a digest that is equal for searches with comparable trials."""
    text = json.dumps([identity, fingerprint], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def pareto(trials: Sequence[FrozenTrial], signs: Sequence[int]) -> list[FrozenTrial]:
    """Return the Pareto-optimal trials (Pareto 1906); one of several with equal values."""
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
    """Compute each parameter's importance for the first objective (PED-ANOVA, Watanabe et al. 2023)."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    if len(complete) < 4:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it wants small targets: it gets them
            importances = get_param_importances(
                study, evaluator=PedAnovaImportanceEvaluator(), target=lambda t: -sign * t.values[0]
            )
    except (ValueError, RuntimeError):
        return {}
    return dict(importances)
