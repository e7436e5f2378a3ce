"""Training loop: fit a network with Lightning, resuming an interrupted fit, and keep the best weights."""

from __future__ import annotations

import hashlib
import json
import logging
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bakeoff import unfinished
from bakeoff.errors import ConfigError
from bakeoff.models.base import Context
from bakeoff.models.deep import devices
from bakeoff.models.deep.batches import Batches, Rows
from bakeoff.models.deep.recipe import Recipe
from bakeoff.models.deep.targets import Targets
from bakeoff.models.deep.trainer import Trainer

if TYPE_CHECKING:
    from torch import nn

log = logging.getLogger(__name__)
PREDICT_BATCH = 256
FEW_ROWS = 64  # number of rows up to which more threads do not speed up prediction
SUFFIX = ".ckpt"


@dataclass(frozen=True)
class Problem:
    """Training data of a network.

    Attributes:
        train: rows to learn from, with their targets.
        valid: rows to stop on; None when there are none.
        targets: encoder of the truth.
        y: the training targets as they are in the data, for class weights.
        identity: plain values that make this network what it is; with the rows, they identify its checkpoint.
        at_once: number of a row's items that go through the network together: 1, or its tokens.
    """

    train: Rows
    valid: Rows | None
    targets: Targets
    y: NDArray[Any]
    identity: Mapping[str, Any]
    at_once: int = 1


@dataclass
class Trained:
    """A trained network with a report on its training.

    Attributes:
        network: in evaluation mode, on the device where it was trained.
        targets: decoder of its outputs.
        threads: for predicting.
        curves: a row an epoch.
        facts: details of the fit, for the record.
    """

    network: nn.Module
    targets: Targets
    threads: int
    curves: list[dict[str, float]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def outputs(self, rows: Rows) -> NDArray[np.float32]:
        """Compute the network's outputs for n rows, shape (n, outputs)."""
        return answered(self.network, rows, self.targets.outputs, self.threads)


def answered(network: nn.Module, rows: Rows, width: int, n_threads: int) -> NDArray[np.float32]:
    """Compute a network's outputs for n rows in evaluation mode, shape (n, width)."""
    import torch

    device = next(network.parameters()).device
    outputs = np.empty((len(rows), width), dtype=np.float32)
    batches = Batches(rows, PREDICT_BATCH)
    with devices.threads(1 if len(rows) <= FEW_ROWS else n_threads), torch.inference_mode():
        for positions in batches.positions():
            batch = rows.batch(positions)
            if device.type != "cpu":
                batch = {name: tensor.to(device) for name, tensor in batch.items()}
            outputs[positions] = network(batch).float().cpu().numpy()
    return outputs


def fit(
    build: Callable[[], nn.Module], problem: Problem, recipe: Recipe, trainer: Trainer, context: Context
) -> Trained:
    """Train a new network on the problem.

    Args:
        build: makes the network; chance in it follows the seed.
        problem: training data.
        recipe: epochs, learning rate, batch size and regularisation.
        trainer: all other training settings.
        context: seed, threads, progress reporter, and checkpoint folder.

    Raises:
        ConfigError: memory does not suffice, the loss is not a number, or Lightning refuses its arguments.
    """
    import torch

    from bakeoff.models.deep import finding
    from bakeoff.models.deep.module import Module
    from bakeoff.models.deep.watch import Watch

    start = time.perf_counter()
    device = devices.chosen(trainer)
    epochs = trainer.max_epochs or recipe.epochs
    weights = problem.targets.weights(problem.y, recipe.class_weights)
    valid = problem.valid if problem.valid is not None and len(problem.valid) else None
    if trainer.schedule == "plateau" and valid is None:
        trainer = replace(trainer, schedule="constant")
    with devices.threads(1), _chance(context.seed, device), _quiet():
        network = _built(build)
        network.train()

        def module(of: Recipe, steps: int, watch: Watch | None = None) -> Module:
            loss_weights = None if weights is None else torch.from_numpy(weights)
            return Module(network, loss_weights, problem.targets.is_classes, of, trainer, steps, watch)

        recipe = finding.settled(recipe, lambda of: module(of, 1), problem.train, device, context.seed)
        threads = devices.useful_threads(network, int(recipe.batch_size) * problem.at_once, context.threads)
        torch.set_num_threads(threads)
        batches = Batches(problem.train, int(recipe.batch_size), shuffle_seed=context.seed)
        checkpoint = _checkpoint(problem, recipe, trainer, context)
        watch = Watch(batches, context.seed, trainer.patience, context.report, context.announce, checkpoint)
        lightning = _lightning(trainer, device, epochs)
        learning = module(recipe, epochs * len(batches), watch)
        resumed = checkpoint is not None and checkpoint.is_file()
        loader_of_valid = None if valid is None else Batches(valid, max(int(recipe.batch_size), PREDICT_BATCH))
        if resumed:
            log.info("goes on from the checkpoint %s", checkpoint)
        try:
            with _interruptible(lightning):
                lightning.fit(
                    learning, batches, loader_of_valid, ckpt_path=checkpoint if resumed else None, weights_only=True
                )
        except (RuntimeError, MemoryError) as error:
            if not finding.is_out_of_memory(error):
                raise
            raise ConfigError(_out_of_memory(int(recipe.batch_size), device)) from error
    if watch.best:
        network.load_state_dict(watch.best, strict=False)
    network.to(device)
    network.eval()
    if checkpoint is not None and not trainer.keep_checkpoints:
        checkpoint.unlink(missing_ok=True)
        if checkpoint.parent.is_dir() and not any(checkpoint.parent.iterdir()):
            checkpoint.parent.rmdir()
    facts = {
        "device": str(device),
        "precision": devices.precision(trainer, device),
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "epochs": len(watch.curves),
        "best_epoch": watch.best_epoch + 1,
        "batch_size": int(recipe.batch_size),
        "learning_rate": float(recipe.learning_rate),
        "stopped_early": len(watch.curves) < epochs and not trainer.fast_dev_run,
        "resumed": resumed,
        "seconds": time.perf_counter() - start,
    }
    return Trained(network, problem.targets, threads, watch.curves, facts)


def _built(build: Callable[[], nn.Module]) -> nn.Module:
    from bakeoff.models.deep import finding

    try:
        return build()
    except (RuntimeError, MemoryError) as error:
        if not finding.is_out_of_memory(error):
            raise
        raise ConfigError(
            "model: the network does not fit into the memory of this machine. Choose fewer or narrower layers."
        ) from error


def _lightning(trainer: Trainer, device: Any, epochs: int) -> Any:
    """Build Lightning's Trainer, silent and without output files."""
    from lightning_fabric.utilities.exceptions import MisconfigurationException
    from pytorch_lightning import Trainer as LightningTrainer

    try:
        return LightningTrainer(
            accelerator=device.type,
            devices=1,
            precision=devices.precision(trainer, device),  # type: ignore[arg-type]
            max_epochs=epochs,
            gradient_clip_val=trainer.gradient_clip_val,
            # On a CPU every operation used here is deterministic, and enforcing it would only cost time.
            deterministic="warn" if trainer.deterministic and device.type != "cpu" else None,
            fast_dev_run=trainer.fast_dev_run,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            num_sanity_val_steps=0,
            **trainer.extra,
        )
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise ConfigError(f"trainer.extra: Lightning refuses it: {error}") from error


def _checkpoint(problem: Problem, recipe: Recipe, trainer: Trainer, context: Context) -> Path | None:
    """Path of this fit's checkpoint; removes those of other fits. None if checkpoints are off."""
    if context.folder is None or trainer.fast_dev_run:
        return None
    rows = [problem.train.digest, None if problem.valid is None else problem.valid.digest]
    identity = [problem.identity, vars(recipe), vars(trainer), context.seed, rows]
    name = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:16] + SUFFIX
    unfinished.remove_left(context.folder)
    for other in context.folder.glob(f"*{SUFFIX}"):
        if other.name != name:
            log.info("%s is of another model, or of other data: removed", other)
            other.unlink()
    return context.folder / name


def _out_of_memory(batch_size: int, device: Any) -> str:
    smaller = batch_size // 2
    remedy = f"Try model.batch_size={smaller}, or auto" if smaller else "Choose a smaller model or shorter sequences"
    where = "the memory of this machine" if device.type == "cpu" else f"the memory of {device}"
    return f"model.batch_size: {batch_size} rows at a time do not fit into {where}. {remedy}."


@contextmanager
def _chance(seed: int, device: Any) -> Iterator[None]:
    """Seed the random generators while the block runs, and restore their state afterwards."""
    import torch

    was_deterministic = torch.are_deterministic_algorithms_enabled()
    was_warning = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(was_deterministic, warn_only=was_warning)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Lightning's banners and tips: bakeoff has its own progress display and log."""
    import pytorch_lightning  # noqa: F401  sets up its loggers

    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning", "lightning.pytorch")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pytorch_lightning|lightning|torch\.optim\.lr_scheduler")
        warnings.filterwarnings("ignore", message=".*(does not have many workers|GPU available but not used).*")
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


@contextmanager
def _interruptible(lightning: Any) -> Iterator[None]:
    """Make Ctrl-C raise ``KeyboardInterrupt``, since Lightning would exit the process and ignore further signals."""
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if is_main else None
    try:
        yield
    except SystemExit:
        if lightning.interrupted:
            raise KeyboardInterrupt from None
        raise
    finally:
        if is_main:
            signal.signal(signal.SIGINT, handler)


def notes(trained: Trained, cut: Mapping[str, int], max_tokens: int) -> list[str]:
    """Notes on a network for readers of the run."""
    truncated = ", ".join(f"{count:,} {part}" for part, count in cut.items() if count)
    sentences = []
    if truncated:
        limit = f"Texts are truncated to {max_tokens:,} tokens (model.max_tokens)"
        sentences.append(f"{limit}; truncated: {truncated} rows.")
    if trained.facts.get("resumed"):
        sentences.append("Training went on from the last checkpoint of an interrupted run.")
    return sentences
