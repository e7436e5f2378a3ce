"""The search of one variant, on real data, through the same door as the runner."""

from __future__ import annotations

import gc
import math
import types
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from bakeoff.config import components
from bakeoff.errors import ConfigError
from bakeoff.execution import runner
from bakeoff.models.base import Context
from bakeoff.models.rules.constant import Constant
from bakeoff.request.spec import Request
from bakeoff.search import SearchFailed
from bakeoff.search import study as studies
from bakeoff.search.tuning import Search, pareto
from bakeoff.task import Examples, Predictions, Task

FOREST = {
    "_target_": "bakeoff.models.Estimator",
    "regressor": {"_target_": "sklearn.ensemble.HistGradientBoostingRegressor", "max_iter": 20},
    "search_space": {
        "regressor.max_leaf_nodes": "range(3, 40)",
        "regressor.learning_rate": "tag(log, interval(0.01, 0.5))",
        "scale": "choice(true, false)",
    },
}


def request(folder: Path, model: Mapping[str, Any] = FOREST, **search: Any) -> Request:
    settings = {
        "sampler": {"_target_": "optuna.samplers.TPESampler", "n_startup_trials": 4},
        "pruner": {"_target_": "optuna.pruners.NopPruner"},
        "trials": 6,
    } | search
    data = {
        "_target_": "bakeoff.data.Sample", "sample": "diabetes", "name": "diabetes", "target": "progression",
        "kind": "regression",
    }  # fmt: skip
    content = {
        "name": "test", "variant": "forest", "seed": 3, "incumbent": None, "resume": True,
        "data": data, "model": model, "metrics": {}, "decision": {"metric": "rmse"}, "search": settings,
    }  # fmt: skip
    return Request.from_config(content, folder)


def search(asked: Request) -> Search:
    return runner.searching(asked, runner.load_task(asked), compose=lambda choices: asked)


def tried(study_folder: Path, asked: Request) -> list[dict[str, Any]]:
    return [t.params for t in search(replace(asked, folder=study_folder)).open().get_trials()]


def test_it_finds_better_parameters_than_it_began_with(tmp_path: Path) -> None:
    best = search(request(tmp_path, trials=15)).run()
    values = [t["rmse"] for t in best.trials]
    assert best.summary["best"]["values"] == [min(values)]
    assert min(values) < values[0]
    assert set(best.parameters) == {"model.regressor.max_leaf_nodes", "model.regressor.learning_rate", "model.scale"}
    chosen = best.request.model.arguments["regressor"].arguments["max_leaf_nodes"]
    assert chosen == best.parameters["model.regressor.max_leaf_nodes"]
    assert FOREST["regressor"] == {"_target_": "sklearn.ensemble.HistGradientBoostingRegressor", "max_iter": 20}
    assert sum(best.summary["importances"].values()) == pytest.approx(1)


def test_one_worker_and_one_seed_give_the_same_trials_twice(tmp_path: Path) -> None:
    for name in ("first", "second"):
        search(request(tmp_path / name)).run()
    first, second = (tried(tmp_path / name, request(tmp_path)) for name in ("first", "second"))
    assert first == second
    assert len({str(p) for p in first}) == 6


def test_more_trials_go_on_from_those_there_are(tmp_path: Path) -> None:
    search(request(tmp_path, trials=3)).run()
    before = tried(tmp_path, request(tmp_path))
    best = search(request(tmp_path, trials=8)).run()
    after = tried(tmp_path, request(tmp_path))
    assert after[:3] == before
    assert best.summary["trials"] == len(after) == 8
    assert len({str(p) for p in after}) == 8, "a resumed search does not draw the same points again"


def test_a_finished_search_tries_nothing_more(tmp_path: Path) -> None:
    first = search(request(tmp_path)).run()
    again = search(request(tmp_path)).run()
    assert again.parameters == first.parameters
    assert again.summary["trials"] == 6


def test_a_trial_of_a_killed_process_begins_again_under_its_number_until_it_is_given_up(tmp_path: Path) -> None:
    asked = request(tmp_path, trials=5)
    params = []
    for losses in range(studies.MOST_LOSSES + 1):
        killed = search(asked)
        study = killed._resume()
        assert study.user_attrs.get(studies.LOSSES, {}) == ({"0": losses} if losses else {})
        lost = studies.ask(study, 5, killed._sampler_of)
        assert lost is not None and lost.number == 0
        params.append(killed.suggest(lost)[1])
    assert all(drawn == params[0] for drawn in params)
    best = search(asked).run()
    assert best.summary["trials"] == 5
    assert [t["state"] for t in best.trials] == ["FAIL", *["COMPLETE"] * 5], "lost once too often"


def test_among_workers_the_trial_of_a_killed_one_is_tried_again_once_with_the_same_parameters(tmp_path: Path) -> None:
    asked = request(tmp_path, trials=5)
    killed = search(asked).open()
    lost = killed.ask()
    params = search(asked).suggest(lost)[1]
    assert studies.heal(killed) == 1
    retried = killed.ask()
    assert search(asked).suggest(retried)[1] == params
    assert retried.user_attrs[studies.RETRY_OF] == lost.number
    # Killed a second time: it is given up, and a new trial takes its place.
    studies.heal(killed)
    best = search(asked).run()
    assert best.summary["trials"] == 5
    states = [t["state"] for t in best.trials]
    assert states.count("COMPLETE") == 5
    assert sum(t["retry_of"] is not None for t in best.trials) == 1


def test_a_study_of_another_request_is_refused(tmp_path: Path) -> None:
    search(request(tmp_path)).run()
    changed = {**FOREST, "scale": False}
    with pytest.raises(ConfigError, match=r"another request.*resume=false"):
        search(request(tmp_path, model=changed)).run()


@pytest.mark.parametrize("kind", ["Random", "GP", "CmaEs", "NSGAII", "TPE"])
def test_samplers(tmp_path: Path, kind: str) -> None:
    best = search(request(tmp_path, sampler={"_target_": f"optuna.samplers.{kind}Sampler"})).run()
    assert best.summary["complete"] == 6


def test_grid_tries_every_combination_and_ends(tmp_path: Path) -> None:
    model = {**FOREST, "search_space": {"regressor.max_leaf_nodes": "choice(3, 5, 7)", "scale": "choice(true, false)"}}
    sampler = {"_target_": "optuna.samplers.BruteForceSampler"}
    best = search(request(tmp_path, model, sampler=sampler, trials=None)).run()
    assert best.summary["trials"] == 6
    assert best.summary["ended_by"] == "every combination was tried"


def test_a_budget_of_seconds_or_dollars_ends_it(tmp_path: Path) -> None:
    best = search(request(tmp_path / "s", trials=None, seconds=0.3)).run()
    assert best.summary["ended_by"] == "0.3 seconds"
    assert 0.3 <= best.summary["seconds"] < 5
    best = search(request(tmp_path / "d", trials=None, dollars=0.1, usd_per_hour=3600)).run()
    assert best.summary["ended_by"] == "0.1 dollars"


def test_several_objectives_give_a_pareto_set_and_the_decision_metric_chooses(tmp_path: Path) -> None:
    validation = {"kind": "kfold", "folds": 3}
    asked = request(tmp_path, objectives=["latency_p50_ms", "rmse"], validation=validation, trials=10)
    best = search(asked).run()
    front = best.summary["pareto"]
    assert front
    assert best.summary["best"]["values"][1] == min(point["values"][1] for point in front)


def test_a_constraint_rules_out_what_breaks_it(tmp_path: Path) -> None:
    best = search(request(tmp_path, constraints={"rmse": ">= 60"}, trials=12)).run()
    assert best.summary["best"]["is_feasible"]
    assert best.summary["best"]["values"][0] >= 60
    assert min(t["rmse"] for t in best.trials) < 60, "it would have been better"
    best = search(request(tmp_path / "none", constraints={"rmse": "<= 1"})).run()
    assert not best.summary["best"]["is_feasible"]


@pytest.mark.parametrize("bound", ["50", "< 50", "<= much", "=50"])
def test_a_bound_that_is_none_is_refused(tmp_path: Path, bound: str) -> None:
    with pytest.raises(ConfigError, match=r"search\.constraints\.rmse.*<= 50"):
        search(request(tmp_path, constraints={"rmse": bound}))


def test_failed_trials_are_counted_and_do_not_end_the_search(tmp_path: Path) -> None:
    model = {**FOREST, "search_space": {"regressor.max_leaf_nodes": "choice(-1, 5)", "scale": "choice(true, false)"}}
    best = search(request(tmp_path, model, trials=8)).run()
    assert best.summary["failed"] + best.summary["complete"] == 8
    assert best.summary["failed"] > 0
    assert "max_leaf_nodes" in best.summary["errors"][0]


def test_a_search_whose_trials_all_fail_tells_the_first_cause(tmp_path: Path) -> None:
    model = {**FOREST, "search_space": {"regressor.max_leaf_nodes": "choice(-1, -2)"}}
    with pytest.raises(SearchFailed, match=r"none of 6 trials has a value.*max_leaf_nodes"):
        search(request(tmp_path, model)).run()


def test_folds_keep_groups_together_and_are_pruned(tmp_path: Path) -> None:
    pruner = {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": 3}
    model = {**FOREST, "search_space": {"regressor.learning_rate": "choice(0.1, 0.2, 1e-9, 1e-8, 1e-7, 0.15)"}}
    asked = request(tmp_path, model, validation={"kind": "kfold", "folds": 4}, pruner=pruner, trials=20,
                    sampler={"_target_": "optuna.samplers.RandomSampler"})  # fmt: skip
    best = search(asked).run()
    assert best.summary["pruned"] > 0
    pruned = [t for t in best.trials if t["state"] == "PRUNED"]
    assert all(0 < t["steps"] < 4 for t in pruned)
    assert float(best.parameters["model.regressor.learning_rate"]) >= 0.1


def test_catboost_is_pruned_by_round(tmp_path: Path) -> None:
    model = {
        "_target_": "bakeoff.models.CatBoost", "iterations": 200,
        "search_space": {"learning_rate": "choice(0.1, 0.12, 0.0001, 0.0002, 0.11)"},
    }  # fmt: skip
    pruner = {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": 3}
    sampler = {"_target_": "optuna.samplers.RandomSampler"}
    best = search(request(tmp_path, model, pruner=pruner, sampler=sampler, trials=15)).run()
    assert best.summary["pruned"] > 0
    assert float(best.parameters["model.learning_rate"]) >= 0.1


class Peeping(Constant):
    """Collects everything that can be reached from what a trial is given, and from the search's own evaluation."""

    evaluation: Any = None
    reached: dict[int, Any] = {}  # noqa: RUF012

    def fit(self, train: Examples, valid: Examples | None, context: Context) -> None:
        super().fit(train, valid, context)
        waiting: list[Any] = [train, valid, context, Peeping.evaluation]
        while waiting:
            thing = waiting.pop()
            if id(thing) in Peeping.reached or isinstance(thing, types.ModuleType | type | types.FrameType):
                continue
            Peeping.reached[id(thing)] = thing
            is_function = isinstance(thing, types.FunctionType)
            waiting += [c.cell_contents for c in thing.__closure__ or ()] if is_function else gc.get_referents(thing)


def test_a_model_that_looks_for_test_rows_in_a_trial_finds_none(tmp_path: Path) -> None:
    asked = request(tmp_path, trials=1)
    task = runner.load_task(asked)
    judged = search(asked)
    evaluation = replace(judged.evaluation, build=lambda content: Peeping())
    Peeping.evaluation, Peeping.reached = judged.evaluation, {}
    replace(judged, evaluation=evaluation).run()
    reached = Peeping.reached.values()
    arrays = [thing for thing in reached if isinstance(thing, np.ndarray)]
    train, test = task.development.train, task.test
    assert any(np.shares_memory(array, train.y) for array in arrays), "it does look"
    assert any(thing is judged.evaluation.build for thing in reached), "also at what the runner handed to the search"
    for secret in (test.y, test.ids, *(test.X[name].to_numpy() for name in test.X)):
        assert not any(np.shares_memory(array, secret) for array in arrays)
    assert not any(isinstance(thing, Task) for thing in reached)


def test_the_pareto_set_holds_what_nothing_beats() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    for a, b in [(1, 1), (2, 2), (1, 3), (2, 2), (3, math.inf)]:
        study.add_trial(optuna.create_trial(values=[a, b]))
    front = pareto(study.get_trials(), [1, -1])
    assert [t.values for t in front] == [[1, 1], [2, 2], [3, math.inf]]


def test_a_sampler_that_lacks_its_library_says_so() -> None:
    with pytest.raises(ConfigError, match="is not allowed"):
        components.check_component({"_target_": "os.getcwd"}, "search.sampler")


class Dear(Constant):
    """Answers a few rows at a time, and remembers how many it was asked."""

    predict_batch_size = 10
    asked = 0

    def __init__(self, is_bad: bool = False) -> None:
        self.is_bad = is_bad

    def predict(self, X: Any) -> Predictions:
        Dear.asked += len(X)
        answers = super().predict(X)
        return replace(answers, output=answers.output + 1000) if self.is_bad else answers


def test_a_hopeless_setting_of_a_dear_model_stops_after_a_few_batches(tmp_path: Path) -> None:
    pruner = {"_target_": "optuna.pruners.PercentilePruner", "percentile": 50.0, "n_startup_trials": 1}
    tuned = search(request(tmp_path, pruner=pruner))
    study = tuned.open()
    rows = len(tuned.evaluation.folds[0].valid)
    good = replace(tuned.evaluation, build=lambda content: Dear())
    Dear.asked = 0
    trial = study.ask()
    values, _ = good.value(tuned.request, trial)
    assert Dear.asked == rows
    study.tell(trial, values)
    Dear.asked = 0
    with pytest.raises(optuna.TrialPruned):
        replace(good, build=lambda content: Dear(is_bad=True)).value(tuned.request, study.ask())
    assert Dear.asked <= 2 * Dear.predict_batch_size < rows


def test_batches_give_the_score_of_all_rows_at_once(tmp_path: Path) -> None:
    tuned = search(request(tmp_path))
    batched, _ = replace(tuned.evaluation, build=lambda content: Dear()).value(tuned.request, tuned.open().ask())
    at_once, _ = replace(tuned.evaluation, build=lambda content: Constant()).value(tuned.request, tuned.open().ask())
    assert batched == pytest.approx(at_once)


def test_dear_models_may_be_scored_on_a_sample_of_the_validation_rows(tmp_path: Path) -> None:
    tuned = search(request(tmp_path, validation={"rows": 20}))
    again = search(request(tmp_path, validation={"rows": 20}))
    assert len(tuned.evaluation.folds[0].valid) == 20
    assert list(tuned.evaluation.folds[0].valid.ids) == list(again.evaluation.folds[0].valid.ids)
