"""End of each epoch: training curves, best weights, pruning, early stopping, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from bakeoff import unfinished
from bakeoff.errors import ConfigError
from bakeoff.models.base import Report
from bakeoff.models.deep.batches import Batches

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

    from bakeoff.models.deep.recipe import Recipe

MOST_TIME_WRITING = 0.005  # of all time; a small network is done before a second checkpoint would pay


class InTraining(Protocol):
    """Protocol of a network in training, as needed by ``Watch``.

    Attributes:
        network: whose weights learn.
        recipe: with a learning rate that is a number.
        train_losses: of the batches of this epoch so far.
        valid_losses: of the validation batches, with their rows; empty where there are none.
    """

    network: torch.nn.Module
    recipe: Recipe
    train_losses: list[torch.Tensor]
    valid_losses: list[tuple[torch.Tensor, int]]

    @property
    def current_epoch(self) -> int:
        """Number of the epoch, from 0."""

    @property
    def trainer(self) -> Trainer:
        """Lightning's trainer of this fit."""

    def valid_loss(self) -> float:
        """Mean over the validation rows; NaN when there were none."""


class Watch:
    """Monitor of a fit, whose state is saved in checkpoints.

    It is no Lightning callback, for a callback's hooks cost a small network a thirtieth of its time.

    Args:
        batches: of the training rows.
        seed: base random seed; each epoch derives its own, so an interrupted fit gives the same result.
        patience: epochs without a lower validation loss after which training ends; None: never.
        report: takes each epoch's loss; it may raise, to end a trial.
        announce: receives the training progress.
        checkpoint: where to write the state of training; None: nowhere.

    Attributes:
        curves: a row an epoch: losses, learning rate, seconds.
        best: the weights of the lowest validation loss; of the last epoch when there are no validation rows.
        best_epoch: counted from 0.
    """

    def __init__(
        self,
        batches: Batches,
        seed: int,
        patience: int | None,
        report: Report,
        announce: Callable[[str], None],
        checkpoint: Path | None,
    ) -> None:
        self.batches = batches
        self.seed = seed
        self.patience = patience
        self.report = report
        self.announce = announce
        self.checkpoint = checkpoint
        self.curves: list[dict[str, float]] = []
        self.best: dict[str, torch.Tensor] = {}
        self.best_epoch = 0
        self.best_loss = math.inf
        self._seconds_writing = 0.0
        self._began = self._epoch_began = time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""
        return {
            "curves": self.curves,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        for name, value in state_dict.items():
            setattr(self, name, value)

    def begin(self, epoch: int) -> None:
        """Seed the random generators for this epoch."""
        self.batches.epoch = epoch
        torch.manual_seed(self.seed * 100_003 + epoch)
        self._epoch_began = time.perf_counter()

    def end(self, module: InTraining) -> None:
        """Evaluate an epoch: record losses, keep the best weights, stop if there is no progress.

        Raises:
            ConfigError: a loss is not a number.
        """
        trainer, epoch = module.trainer, module.current_epoch
        train_loss = self.mean_loss(module)
        valid_loss = module.valid_loss()
        if module.valid_losses and not math.isfinite(valid_loss):
            raise ConfigError(f"model: the validation loss is not a number in epoch {epoch + 1}. {_remedy(module)}")
        self.curves.append(
            {
                "epoch": epoch,
                "steps": trainer.global_step,
                "train_loss": train_loss,
                "valid_loss": valid_loss,
                "learning_rate": float(trainer.optimizers[0].param_groups[0]["lr"]),
                "seconds": time.perf_counter() - self._epoch_began,
            }
        )
        has_valid = bool(module.valid_losses)
        if not has_valid or valid_loss < self.best_loss:
            self.best_loss, self.best_epoch = valid_loss if has_valid else train_loss, epoch
            if has_valid:
                self.best = weights(module.network)
        self._announce(trainer.max_epochs or 1, train_loss, valid_loss)
        if has_valid and self.patience is not None and epoch - self.best_epoch >= self.patience:
            trainer.should_stop = True
        self._write(trainer)
        if has_valid:
            self.report(epoch, valid_loss)

    def mean_loss(self, module: InTraining) -> float:
        """Mean loss of this epoch's batches so far; reading it synchronises with the device.

        Raises:
            ConfigError: a loss is not a number.
        """
        mean = float(torch.stack(module.train_losses).mean())
        if math.isfinite(mean):
            return mean
        step = next(i for i, loss in enumerate(module.train_losses) if not math.isfinite(float(loss)))
        before = [float(loss) for loss in module.train_losses[:step]] or [row["train_loss"] for row in self.curves]
        previous = f"; the last loss before was {before[-1]:.3g}" if before else "; it never was"
        where = f"from step {step + 1} of {len(self.batches)} in epoch {module.current_epoch + 1}"
        raise ConfigError(f"model: the loss is not a number {where}{previous}. {_remedy(module)}")

    def _announce(self, of: int, train_loss: float, valid_loss: float) -> None:
        epochs_done = len(self.curves)
        seconds_left = (of - epochs_done) * sum(row["seconds"] for row in self.curves) / epochs_done
        validation = "" if math.isnan(valid_loss) else f", validation {valid_loss:.4f}"
        self.announce(
            f"fitting, epoch {epochs_done}/{of}, loss {train_loss:.4f}{validation}, at most {seconds_left:.0f} s left"
        )

    def _write(self, trainer: Trainer) -> None:
        """Write a checkpoint atomically, unless checkpoints have already taken too much time."""
        now = time.perf_counter()
        if self.checkpoint is None or self._seconds_writing > MOST_TIME_WRITING * (now - self._began):
            return
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        part = unfinished.named(self.checkpoint)
        trainer.save_checkpoint(part)
        part.replace(self.checkpoint)
        self._seconds_writing += time.perf_counter() - now


def weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Copy trainable weights and buffers."""
    learning = {name for name, weight in network.named_parameters() if weight.requires_grad}
    frozen = {name for name, _ in network.named_parameters()} - learning
    return {name: value.detach().clone() for name, value in network.state_dict().items() if name not in frozen}


def _remedy(module: InTraining) -> str:
    return (
        f"Lower model.learning_rate (now {module.recipe.learning_rate:g}), set trainer.gradient_clip_val, "
        "or look for extreme values among the features."
    )
