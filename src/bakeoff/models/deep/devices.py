"""Device, precision and number of threads with which a network is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bakeoff.errors import ConfigError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from bakeoff.models.deep.trainer import Trainer

WORTH_SHARING = 2**24  # multiplications in a matrix product that make threads worthwhile, about a millisecond's work


def chosen(trainer: Trainer) -> torch.device:
    """Resolve the trainer's accelerator to a device. Raises ``ConfigError`` if there is none."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    best = next((name for name, is_there in there.items() if is_there), "cpu")
    accelerator = trainer.accelerator
    if accelerator == "auto":
        return torch.device(best)
    if accelerator == "gpu":
        accelerator = best if best != "cpu" else "cuda"
    if not there.get(accelerator, accelerator == "cpu"):
        raise ConfigError(f"trainer.accelerator: there is no {accelerator} device here. Choose auto or cpu.")
    return torch.device(accelerator)


def precision(trainer: Trainer, device: torch.device) -> str:
    """Resolve the trainer's precision for this device."""
    import torch

    if trainer.precision != "auto":
        return trainer.precision
    if device.type == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return "32-true"


def useful_threads(network: nn.Module, items: int, n: int) -> int:
    """Choose n threads for a network with matrix products large enough to parallelise, else one.

    By its size and not by the clock: how sums are split among threads shows in their last digits, and the same seed has
    to give the same network.

    Args:
        network: the one to measure, without embeddings, which are only looked up.
        items: rows or tokens that go through it at once.
        n: threads there are.
    """
    from torch import nn

    looked_up = {id(part.weight) for part in network.modules() if isinstance(part, nn.Embedding)}
    largest = max((w.numel() for w in network.parameters() if w.ndim == 2 and id(w) not in looked_up), default=0)
    return n if largest * items >= WORTH_SHARING else 1


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Limit PyTorch to n threads while the block runs, so that parallel workers do not compete for cores.

    PyTorch's number is of the whole process, hence the way back.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def described() -> str:
    """Describe the accelerators of this machine."""
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return ", ".join(dict.fromkeys(names)) + (f" ({len(names)})" if len(names) > 1 else "")
    return "Apple GPU" if torch.backends.mps.is_available() else "no GPU: networks are computed on the processor"
