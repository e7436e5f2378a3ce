"""Training settings that are independent of the network: the config group ``trainer``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bakeoff.errors import ConfigError, did_you_mean

SCHEDULES = ("constant", "cosine", "linear", "plateau")
ACCELERATORS = ("auto", "cpu", "cuda", "gpu", "mps")
PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed", "64-true")
# Arguments of Lightning's Trainer that are set here or by the run.
TAKEN = frozenset(
    {
        "accelerator", "barebones", "callbacks", "default_root_dir", "deterministic", "devices", "enable_checkpointing",
        "enable_model_summary", "enable_progress_bar", "fast_dev_run", "gradient_clip_val", "logger", "max_epochs",
        "num_sanity_val_steps", "precision", "strategy",
    }
)  # fmt: skip
EXTRA = frozenset(
    {
        "accumulate_grad_batches", "benchmark", "check_val_every_n_epoch", "detect_anomaly", "gradient_clip_algorithm",
        "inference_mode", "limit_train_batches", "limit_val_batches", "log_every_n_steps", "max_steps", "max_time",
        "min_epochs", "min_steps", "num_nodes", "overfit_batches", "reload_dataloaders_every_n_epochs",
        "sync_batchnorm", "use_distributed_sampler", "val_check_interval",
    }
)  # fmt: skip
"""Arguments of Lightning's Trainer that a config may set: none that writes files or runs a plugin of Lightning."""


@dataclass(frozen=True)
class Trainer:
    """Settings of Lightning's Trainer, the learning-rate schedule, and early stopping.

    Args:
        max_epochs: maximum passes over the training rows; None: as many as the model asks for.
        patience: epochs without a lower validation loss after which training ends; None: never.
        schedule: how the learning rate falls: ``cosine`` or ``linear`` to 0 at the last epoch, ``plateau`` by half
            whenever the validation loss has not fallen for ``patience // 2`` epochs, or ``constant``.
        warmup: share of all steps in which the learning rate rises from 0.
        gradient_clip_val: maximum gradient norm; None: no clipping.
        accelerator: auto uses a GPU if there is one.
        precision: auto takes bf16 or fp16 on a GPU, and 32 bits elsewhere.
        deterministic: use deterministic algorithms wherever there are some.
        fast_dev_run: train and validate on one batch only, as a smoke test; a number: on that many batches.
        keep_checkpoints: leave the last checkpoint in the run folder when training has ended.
        extra: more of Lightning's own arguments, such as ``accumulate_grad_batches``.
    """

    max_epochs: int | None = None
    patience: int | None = 5
    schedule: Literal["constant", "cosine", "linear", "plateau"] = "cosine"
    warmup: float = 0.05
    gradient_clip_val: float | None = 1.0
    accelerator: str = "auto"
    precision: str = "auto"
    deterministic: bool = True
    fast_dev_run: bool | int = False
    keep_checkpoints: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ``ConfigError`` for a value that is out of range or unknown. Imports nothing."""
        for name, value, allowed in (
            ("schedule", self.schedule, SCHEDULES),
            ("accelerator", self.accelerator, ACCELERATORS),
            ("precision", self.precision, PRECISIONS),
        ):
            if value not in allowed:
                raise ConfigError(
                    f'trainer.{name}: "{value}" is unknown. Allowed: {", ".join(allowed)}.'
                    f"{did_you_mean(value, allowed)}"
                )
        for name, number in (("max_epochs", self.max_epochs), ("patience", self.patience)):
            if number is not None and number < 1:
                raise ConfigError(f"trainer.{name}: {number} is less than 1. Give 1 or more, or null.")
        if not 0 <= self.warmup < 1:
            raise ConfigError(f"trainer.warmup: {self.warmup} is not a share. It must be 0 or more and less than 1.")
        if self.gradient_clip_val is not None and self.gradient_clip_val <= 0:
            raise ConfigError(
                f"trainer.gradient_clip_val: {self.gradient_clip_val} is not above 0. Give more, or null."
            )
        ours = sorted(TAKEN & set(self.extra))
        if ours:
            raise ConfigError(
                f"trainer.extra.{ours[0]}: this is not an extra. Set trainer.{ours[0]} where there is one; the run "
                "decides the others."
            )
        for name in self.extra:
            if name not in EXTRA:
                raise ConfigError(
                    f"trainer.extra.{name}: this is not an extra. Extras: {', '.join(sorted(EXTRA))}."
                    f"{did_you_mean(str(name), EXTRA)}"
                )
