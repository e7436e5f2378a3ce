"""Lightning module: a network with its loss, optimiser and learning-rate schedule."""

from __future__ import annotations

import math
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from bakeoff.models.deep.batches import TARGET, Batch
from bakeoff.models.deep.recipe import Recipe
from bakeoff.models.deep.trainer import Trainer
from bakeoff.models.deep.watch import Watch

HEAD = "head."
LOOK_EVERY = 50  # batches
WATCH = "watch"


class Module(LightningModule):
    """A network in training. Losses are kept as tensors and read once an epoch: reading one waits for the device.

    Args:
        network: takes a batch and gives outputs of shape (b, outputs).
        weights: of the classes, shape (k,); None for values, or when all count alike.
        is_classes: whether the targets are labels.
        recipe: with a learning rate that is a number.
        settings: of the trainer.
        steps: of all epochs together.
        watch: goes with the epochs; None where there are none.
    """

    def __init__(
        self,
        network: nn.Module,
        weights: Tensor | None,
        is_classes: bool,
        recipe: Recipe,
        settings: Trainer,
        steps: int,
        watch: Watch | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("weights", weights, persistent=False)
        self.is_classes = is_classes
        self.recipe = recipe
        self.settings = settings
        self.steps = steps
        self.watch = watch
        self.train_losses: list[Tensor] = []
        self.valid_losses: list[tuple[Tensor, int]] = []

    def loss(self, batch: Batch) -> Tensor:
        """Loss of a batch: cross-entropy, or squared error."""
        outputs = self.network(batch)
        if self.is_classes:
            weights = self.weights if isinstance(self.weights, Tensor) else None
            return nn.functional.cross_entropy(outputs.float(), batch[TARGET], weight=weights)
        return nn.functional.mse_loss(outputs.float().reshape(batch[TARGET].shape), batch[TARGET])

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the loss of a training batch."""
        loss = self.loss(batch)
        self.train_losses.append(loss.detach())
        # NaN persists: the last loss reveals a NaN in any earlier step.
        if batch_idx % LOOK_EVERY == 0 and self.watch is not None and not math.isfinite(float(loss.detach())):
            self.watch.mean_loss(self)
        return loss

    def on_train_epoch_start(self) -> None:
        """Reset the losses of the previous epoch."""
        self.train_losses = []
        if self.watch is not None:
            self.watch.begin(self.current_epoch)

    def on_train_epoch_end(self) -> None:
        """End the epoch in the watch."""
        if self.watch is not None:
            self.watch.end(self)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the watch's state to a checkpoint."""
        if self.watch is not None:
            checkpoint[WATCH] = self.watch.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the watch's state from a checkpoint."""
        if self.watch is not None:
            self.watch.load_state_dict(checkpoint[WATCH])

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect the loss of a validation batch."""
        self.valid_losses.append((self.loss(batch).detach(), len(batch[TARGET])))

    def on_validation_epoch_start(self) -> None:
        """Reset the validation losses of the previous epoch."""
        self.valid_losses = []

    def on_validation_epoch_end(self) -> None:
        """Step the plateau scheduler."""
        if self.settings.schedule == "plateau":
            self.log("valid_loss", torch.tensor(self.valid_loss()))

    def valid_loss(self) -> float:
        """Mean over the validation rows; NaN when there were none."""
        n = sum(rows for _, rows in self.valid_losses)
        return float(sum(loss * rows for loss, rows in self.valid_losses)) / n if n else math.nan

    def configure_optimizers(self) -> Any:
        """AdamW (Loshchilov and Hutter 2019), without decay for biases and norms, and the schedule."""
        # Fused steps save a tenth of a small network's time; in mixed precision Lightning does not clip with them.
        is_mixed = self.settings.precision.endswith("mixed")
        optimizer = AdamW(self.parameter_groups(), fused=(self.device.type == "cpu" and not is_mixed) or None)
        if self.settings.schedule == "plateau":
            patience = max(1, (self.settings.patience or 4) // 2)
            plateau = ReduceLROnPlateau(optimizer, factor=0.5, patience=patience)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "valid_loss"}}
        if self.settings.schedule == "constant" and not self.settings.warmup:
            return optimizer
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": LambdaLR(optimizer, self.share), "interval": "step"},
        }

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Group trainable weights by learning rate and weight decay."""
        rate = float(self.recipe.learning_rate)
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, weight in self.network.named_parameters():
            if weight.requires_grad:
                own_rate = rate * self.recipe.head_rate if name.startswith(HEAD) else rate
                decay = self.recipe.weight_decay if weight.ndim > 1 else 0.0
                groups.setdefault((own_rate, decay), []).append(weight)
        return [{"params": members, "lr": lr, "weight_decay": decay} for (lr, decay), members in groups.items()]

    def share(self, step: int) -> float:
        """Share of the peak learning rate after a number of steps."""
        warm = self.settings.warmup * self.steps
        if step < warm:
            return (step + 1) / (warm + 1)
        progress = min(1.0, (step - warm) / max(1.0, self.steps - warm))
        match self.settings.schedule:
            case "cosine":
                return 0.5 * (1 + math.cos(math.pi * progress))
            case "linear":
                return 1 - progress
            case _:
                return 1.0
