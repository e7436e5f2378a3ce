"""Training as a practitioner expects it: stops early, keeps the best, goes on after an interruption, says why not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.errors import ConfigError, DataError
from bakeoff.models.base import Context
from bakeoff.models.deep import devices, finding, training
from bakeoff.models.deep.mlp import MLP
from bakeoff.models.deep.recurrent import Recurrent
from bakeoff.models.deep.trainer import Trainer
from bakeoff.task import Examples, Schema

SPAM = Schema("classification", "label", {"message": "text"}, ("ham", "spam"), "spam")
TABLE = Schema("regression", "price", {"area": "numeric", "town": "categorical", "note": "text"})
TABLE_OF_X = Schema("regression", "y", {"x": "numeric"})
Make = Callable[..., Context]


def lstm(**arguments: Any) -> Recurrent:
    small: dict[str, Any] = {"embedding": 8, "hidden": 8, "epochs": 4, "learning_rate": 0.02, "batch_size": 16}
    return Recurrent(**{**small, **arguments})


def parts(examples: Examples, n_valid: int = 15) -> tuple[Examples, Examples]:
    return examples.take(slice(n_valid, None)), examples.take(slice(0, n_valid))


class Interrupted(Exception):
    """Stands for whatever ends a process in the middle of a fit."""


def test_an_interrupted_fit_goes_on_from_its_checkpoint_to_the_very_same_network(
    messages: Examples, context: Make, tmp_path: Path
) -> None:
    train, valid = parts(messages)
    whole = lstm()
    whole.fit(train, valid, context())

    def interrupt(epoch: int, loss: float) -> None:
        if epoch == 1:
            raise Interrupted

    with pytest.raises(Interrupted):
        lstm().fit(train, valid, context(folder=tmp_path / "here", report=interrupt))
    assert [file.suffix for file in (tmp_path / "here").iterdir()] == [".ckpt"]
    reported: list[int] = []
    resumed = lstm()
    resumed.fit(train, valid, context(folder=tmp_path / "here", report=lambda epoch, loss: reported.append(epoch)))
    assert min(reported) > 0, "epochs before the checkpoint are not repeated"
    assert resumed.report().details["training"]["resumed"]
    assert "went on from the last checkpoint" in " ".join(resumed.report().notes)
    assert [row["epoch"] for row in resumed.report().curves] == [0, 1, 2, 3]
    a, b = (model.predict(messages.X).proba for model in (resumed, whole))
    assert a is not None
    assert b is not None
    np.testing.assert_array_equal(a, b)
    assert not list(tmp_path.iterdir()), "a finished fit needs no checkpoint"


def test_a_checkpoint_of_another_model_is_not_gone_on_with(messages: Examples, context: Make, tmp_path: Path) -> None:
    train, valid = parts(messages)
    model = lstm(epochs=1, trainer=Trainer(keep_checkpoints=True))
    model.fit(train, valid, context(folder=tmp_path / "here"))
    (kept,) = tmp_path.iterdir()
    other = lstm(epochs=1, hidden=4)
    other.fit(train, valid, context(folder=tmp_path / "here"))
    assert not other.report().details["training"]["resumed"]
    assert not kept.exists()


def test_training_stops_when_validation_gets_no_better_and_keeps_the_best(messages: Examples, context: Make) -> None:
    train, valid = parts(messages)
    valid.y[:4] = np.where(valid.y[:4] == "spam", "ham", "spam")  # so that there is too sure an answer
    model = lstm(epochs=40, learning_rate=0.1, trainer=Trainer(patience=2, schedule="constant"))
    model.fit(train, valid, context())
    losses = [row["valid_loss"] for row in model.report().curves]
    assert len(losses) < 40
    assert len(losses) - int(np.argmin(losses)) == 3
    assert model.report().details["training"]["best_epoch"] == int(np.argmin(losses)) + 1
    proba = model.predict(valid.X).proba
    assert proba is not None
    is_spam = valid.y == "spam"
    found = -np.log(np.where(is_spam, proba[:, 1], proba[:, 0])).mean()
    assert found == pytest.approx(min(losses), rel=1e-3)


def test_each_epoch_is_reported_and_what_the_search_raises_passes(messages: Examples, context: Make) -> None:
    from optuna import TrialPruned

    def report(epoch: int, loss: float) -> None:
        if epoch == 1:
            raise TrialPruned

    model = lstm()
    with pytest.raises(TrialPruned):
        model.fit(*parts(messages), context(report=report))


def test_ctrl_c_is_an_interruption_and_not_the_end_of_the_process(messages: Examples, context: Make) -> None:
    import signal

    def interrupt(epoch: int, loss: float) -> None:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        lstm().fit(*parts(messages), context(report=interrupt))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_loss_that_is_no_number_says_where_it_began(houses: Examples, context: Make) -> None:
    model = MLP(hidden=[8], learning_rate=1e30, epochs=2, batch_size=16, trainer=Trainer(gradient_clip_val=None))
    with pytest.raises(ConfigError, match=r"not a number from step \d of 4 in epoch 1.*Lower model.learning_rate"):
        model.fit(houses.take(slice(16, None)), None, context(TABLE))


def test_mixed_precision_clips_gradients_on_a_processor_as_well(houses: Examples, context: Make) -> None:
    model = MLP(hidden=[8], epochs=1, trainer=Trainer(precision="bf16-mixed", accelerator="cpu"))
    model.fit(*parts(houses), context(TABLE))
    assert len(model.report().curves) == 1


def test_no_memory_says_which_batch_size_to_try(context: Make) -> None:
    import resource

    import psutil

    n, width = 40_000, 4096
    X = pd.DataFrame({"x": np.zeros(n)})
    examples = Examples(X, np.zeros(n), np.arange(n), X.iloc[:, :0])
    model = MLP(hidden=[width], batch_size=n, epochs=1)
    model.fit(examples.take(slice(0, 8)), None, context(TABLE_OF_X))  # all libraries are loaded
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + n * width * 2, hard))
    try:
        with pytest.raises(ConfigError, match=r"model.batch_size: 40000 rows .* Try model.batch_size=20000, or auto"):
            model.fit(examples, None, context(TABLE_OF_X))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_a_network_that_is_too_large_says_so(messages: Examples, context: Make) -> None:
    with pytest.raises(ConfigError, match=r"the network does not fit into the memory of this machine"):
        lstm(embedding=10**12).fit(*parts(messages), context())


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear", "plateau"])
def test_the_learning_rate_follows_its_schedule(schedule: Any, houses: Examples, context: Make) -> None:
    model = MLP(hidden=[4], epochs=6, batch_size=32, trainer=Trainer(schedule=schedule, warmup=0.0))
    model.fit(*parts(houses), context(TABLE))
    rates = [row["learning_rate"] for row in model.report().curves]
    assert max(rates) <= 0.002 + 1e-9
    assert rates[-1] == pytest.approx(0 if schedule in ("cosine", "linear") else 0.002, abs=1e-5)


def test_batch_size_and_learning_rate_are_found_on_request(houses: Examples, context: Make) -> None:
    model = MLP(hidden=[8], epochs=1, batch_size="auto", learning_rate="auto")
    model.fit(*parts(houses), context(TABLE))
    facts = model.report().details["training"]
    assert facts["batch_size"] == finding.SMALLEST
    assert finding.LOWEST_RATE < facts["learning_rate"] <= finding.HIGHEST_RATE


def test_fast_dev_run_trains_on_one_batch(messages: Examples, context: Make, tmp_path: Path) -> None:
    model = lstm(epochs=30, trainer=Trainer(fast_dev_run=True))
    model.fit(*parts(messages), context(folder=tmp_path))
    assert [row["steps"] for row in model.report().curves] == [1]
    assert not list(tmp_path.iterdir())


def test_balanced_weights_find_more_of_a_rare_class(context: Make) -> None:
    random = np.random.default_rng(0)
    y = np.where(random.random(300) < 0.1, "yes", "no").astype(object)
    X = pd.DataFrame({"x": random.normal(size=300) + (y == "yes") * 1.0})
    schema = Schema("classification", "y", {"x": "numeric"}, ("no", "yes"), "yes")
    examples = Examples(X, y, np.arange(300), X.iloc[:, :0])

    def found(weights: Any) -> int:
        model = MLP(hidden=[8], epochs=8, learning_rate=0.02, class_weights=weights)
        model.fit(examples, None, context(schema))
        return int((model.predict(X).output == "yes").sum())

    assert found("balanced") > found(None)
    assert found({"yes": 9.0}) > found(None)


def test_a_fit_leaves_chance_threads_and_loggers_as_they_were(messages: Examples, context: Make) -> None:
    import logging

    import torch

    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    level = logging.getLogger("pytorch_lightning").level
    lstm(epochs=1).fit(*parts(messages), context())
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert logging.getLogger("pytorch_lightning").level == level


def test_who_watches_is_told_how_far_training_is(
    messages: Examples, context: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    lstm(epochs=2).fit(*parts(messages), context(announce=told.append))
    assert re.fullmatch(r"fitting, epoch 2/2, loss \d\.\d{4}, validation \d\.\d{4}, at most 0 s left", told[-1])
    captured = capsys.readouterr()
    assert captured.out + captured.err == "", "bakeoff's own display is not disturbed"


def test_weights_of_another_network_are_refused(messages: Examples, context: Make, tmp_path: Path) -> None:
    model = lstm(epochs=1)
    model.fit(*parts(messages), context())
    model.save(tmp_path)
    described = json.loads((tmp_path / "parameters.json").read_text())
    (tmp_path / "parameters.json").write_text(json.dumps({**described, "hidden": 9}))
    with pytest.raises(DataError, match=r"weights of another model: .* is of shape"):
        Recurrent.load(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(DataError, match="cannot be read"):
        Recurrent.load(tmp_path)


def test_small_networks_use_one_thread_and_large_ones_all() -> None:
    from torch import nn

    small = nn.Sequential(nn.Embedding(100_000, 64), nn.Linear(64, 64))
    assert devices.useful_threads(small, items=64, n=8) == 1
    assert devices.useful_threads(nn.Linear(1024, 1024), items=64, n=8) == 8


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        (Trainer(schedule="cosin"), 'trainer.schedule: "cosin" is unknown.*Did you mean "cosine"'),  # type: ignore[arg-type]
        (Trainer(precision="8"), "trainer.precision"),
        (Trainer(patience=0), "trainer.patience: 0 is less than 1"),
        (Trainer(warmup=1.0), "trainer.warmup"),
        (Trainer(extra={"max_epochs": 3}), "trainer.extra.max_epochs: this is not an extra"),
        (Trainer(extra={"profiler": "advanced"}), "trainer.extra.profiler: this is not an extra"),
    ],
)
def test_settings_of_the_trainer_are_checked_before_any_work(trainer: Trainer, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        lstm(trainer=trainer).check(SPAM)


def test_what_lightning_does_not_take_is_refused(messages: Examples, context: Make) -> None:
    with pytest.raises(ConfigError, match=r"trainer.extra: Lightning refuses it: .*val_check_interval"):
        lstm(trainer=Trainer(extra={"val_check_interval": "no number"})).fit(*parts(messages), context())


def test_a_device_that_is_not_there_is_refused() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(ConfigError, match="there is no cuda device here"):
        devices.chosen(Trainer(accelerator="cuda"))


def test_values_of_a_model_are_checked_before_any_work() -> None:
    for model, message in (
        (lstm(hidden=0), "model.hidden: 0 is out of range"),
        (lstm(learning_rate=0.0), "model.learning_rate"),
        (lstm(batch_size=0), "model.batch_size"),
        (lstm(class_weights={"spma": 2.0}), 'there is no class "spma".*Did you mean "spam"'),
        (lstm(class_weights="balance"), 'Did you mean "balanced"'),
    ):
        with pytest.raises(ConfigError, match=message):
            model.check(SPAM)


def test_memory_is_told_from_other_faults() -> None:
    assert finding.is_out_of_memory(MemoryError())
    assert finding.is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not finding.is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert training.FEW_ROWS < training.PREDICT_BATCH
