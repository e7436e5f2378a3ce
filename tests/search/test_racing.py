from __future__ import annotations

import numpy as np

from bakeoff.search.racing import is_dominated

RNG = np.random.default_rng(0)


def test_clearly_worse_in_every_objective_is_dominated() -> None:
    other = RNG.normal([0.9, 10], [0.005, 0.1], (5, 2))
    mine = RNG.normal([0.7, 20], [0.005, 0.1], (4, 2))
    assert is_dominated(mine, other, [1, -1])


def test_better_in_one_objective_is_not_dominated() -> None:
    other = RNG.normal([0.9, 10], [0.005, 0.1], (5, 2))
    mine = RNG.normal([0.7, 5], [0.005, 0.1], (4, 2))
    assert not is_dominated(mine, other, [1, -1])


def test_one_fold_is_no_evidence() -> None:
    assert not is_dominated([[0.1, 50]], [[0.9, 10], [0.9, 10]], [1, -1])


def test_equal_trials_are_stopped_as_rarely_as_promised() -> None:
    stopped = sum(is_dominated(RNG.normal(0, 1, (4, 2)), RNG.normal(0, 1, (5, 2)), [1, 1]) for _ in range(500))
    assert stopped <= 5
