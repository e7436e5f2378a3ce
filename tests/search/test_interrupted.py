"""An interrupted search equals an undisturbed one, for every sampler and pruner that is shipped."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml

from bakeoff.errors import DataError
from bakeoff.execution import runner
from bakeoff.request.spec import Request
from bakeoff.search import study as studies
from bakeoff.search.tuning import Search

CONF = Path(__file__).parents[2] / "conf" / "search"
SAMPLERS = [path.stem for path in sorted(CONF.glob("*.yaml")) if path.stem != "none"]
PRUNERS = [path.stem for path in sorted((CONF / "pruner").glob("*.yaml"))]
FOREST: dict[str, Any] = {
    "_target_": "bakeoff.models.Estimator",
    "regressor": {"_target_": "sklearn.tree.DecisionTreeRegressor"},
    "search_space": {
        "regressor.max_depth": "range(2, 12)",
        "regressor.min_samples_leaf": "tag(log, interval(0.01, 0.3))",
        "scale": "choice(true, false)",
    },
}


class Killed(BaseException):
    """The process is gone: nothing after it runs."""


def request(folder: Path, sampler: str = "tpe", pruner: str = "median", **search: Any) -> Request:
    component = yaml.safe_load((CONF / f"{sampler}.yaml").read_text())["sampler"]
    component |= {"n_startup_trials": 3} if "n_startup_trials" in component else {}
    component |= {"population_size": 4} if "population_size" in component else {}
    pruned = {"validation": {"kind": "kfold", "folds": 3}} if pruner != "none" else {}
    settings = {
        "sampler": component,
        "pruner": yaml.safe_load((CONF / "pruner" / f"{pruner}.yaml").read_text()),
        "trials": 10,
    } | pruned | search  # fmt: skip
    if pruner == "median":
        settings["pruner"] |= {"n_startup_trials": 1, "n_warmup_steps": 0}
    data = {
        "_target_": "bakeoff.data.Sample", "sample": "diabetes", "name": "diabetes", "target": "progression",
        "kind": "regression",
    }  # fmt: skip
    space = {
        **FOREST["search_space"],
        **({"regressor.min_samples_leaf": "choice(1, 5, 20)"} if sampler == "grid" else {}),
    }
    model = {**FOREST, "search_space": space}
    content = {
        "name": "test", "variant": "forest", "seed": 3, "incumbent": None, "resume": True,
        "data": data, "model": model, "metrics": {}, "decision": {"metric": "rmse"}, "search": settings,
    }  # fmt: skip
    return Request.from_config(content, folder)


def search(asked: Request) -> Search:
    return runner.searching(asked, runner.load_task(asked), compose=lambda choices: asked)


def outcome(asked: Request) -> list[tuple[Any, ...]]:
    """All that a study came to: number, state, parameters, values, intermediate values."""
    trials = search(asked).open().get_trials()
    return [(t.number, t.state.name, t.params, t.values, t.intermediate_values) for t in trials]


def killing(monkeypatch: pytest.MonkeyPatch, method: str, before: int) -> None:
    """Kill the process in place of a write to the storage: of its n-th call of a method."""
    calls = 0
    write = getattr(optuna.storages.JournalStorage, method)

    def killed(self: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == before:
            raise Killed
        return write(self, *arguments, **named)

    monkeypatch.setattr(optuna.storages.JournalStorage, method, killed)


WRITES = ("set_trial_param", "set_trial_state_values", "create_new_trial")


@pytest.mark.parametrize(
    ("sampler", "pruner"), [*((s, "none") for s in SAMPLERS), *(("tpe", p) for p in PRUNERS if p != "none")]
)
def test_a_search_killed_at_random_writes_equals_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampler: str, pruner: str
) -> None:
    monkeypatch.setattr(studies, "MOST_LOSSES", 100)  # the same trial may be hit again and again here
    whole = request(tmp_path / "whole", sampler, pruner)
    search(whole).run()
    expected = outcome(whole)
    assert len(expected) == 10
    pieces = request(tmp_path / "pieces", sampler, pruner)
    generator = random.Random(f"{sampler} {pruner}")
    kills = 0
    for _ in range(8):
        with monkeypatch.context() as patched:
            writes = (*WRITES, "set_trial_intermediate_value") if pruner != "none" else WRITES
            killing(patched, generator.choice(writes), generator.randint(1, 6))
            try:
                search(pieces).run()
                break
            except Killed:
                kills += 1
    search(pieces).run()
    assert kills > 1
    assert outcome(pieces) == expected


def test_a_search_that_is_made_longer_equals_a_long_one(tmp_path: Path) -> None:
    whole, pieces = request(tmp_path / "whole"), request(tmp_path / "pieces")
    search(whole).run()
    for trials in (3, 4, 10):
        search(replace(pieces, search=replace(pieces.search, trials=trials))).run()
    assert outcome(pieces) == outcome(whole)


def test_an_exhausted_grid_killed_before_its_end_tries_nothing_twice(tmp_path: Path) -> None:
    asked = request(tmp_path, "grid", "none", trials=None)
    model = {**FOREST, "search_space": {"regressor.max_depth": "choice(3, 5)", "scale": "choice(true, false)"}}
    content = asked.to_config() | {"model": model}
    asked = Request.from_config(content, tmp_path)
    search(asked).run()
    again = search(asked).run()
    assert again.summary["trials"] == 4
    assert again.summary["ended_by"] == "every combination was tried"


def damages(content: bytes) -> list[bytes]:
    generator = random.Random(1)
    flips = []
    for _ in range(60):
        damaged = bytearray(content)
        damaged[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        flips.append(bytes(damaged))
    return flips


def read(journal: Path) -> object:
    storage: Callable[..., Any] = studies._storage
    return [t.values for t in storage(journal.parent, None).get_all_trials(0)]


def test_a_flipped_bit_in_the_journal_of_a_study_is_told(tmp_path: Path) -> None:
    asked = request(tmp_path, trials=3)
    search(asked).run()
    journal = tmp_path / studies.JOURNAL
    content, sound = journal.read_bytes(), read(journal)
    for damage in damages(content):
        journal.write_bytes(damage)
        try:
            values = read(journal)
        except DataError as error:
            assert "study.journal: it is damaged at line" in str(error)
        else:
            assert values == sound, damage


def test_half_a_line_that_a_full_disk_left_is_removed(tmp_path: Path) -> None:
    asked = request(tmp_path, trials=3)
    search(asked).run()
    expected = outcome(asked)
    journal = tmp_path / studies.JOURNAL
    whole = journal.read_bytes()
    journal.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 20])
    search(asked).run()
    assert outcome(asked) == expected
