"""Network weights on disk, as safetensors, which load without executing code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff.errors import DataError

if TYPE_CHECKING:
    from torch import nn

FILE = "weights.safetensors"


def save(network: nn.Module, folder: Path) -> None:
    """Write all weights and buffers."""
    from safetensors.torch import save_file

    save_file(
        {name: value.detach().cpu().contiguous().clone() for name, value in network.state_dict().items()}, folder / FILE
    )


def load(network: nn.Module, folder: Path) -> None:
    """Load weights into a network of the same shape. Raises ``DataError`` if they do not fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = folder / FILE
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise DataError(f"{file}: the weights cannot be read: {error}.") from error
    own = network.state_dict()
    faults = [f"{name} is missing" for name in own if name not in tensors]
    faults += [f"{name} is unknown" for name in tensors if name not in own]
    faults += [
        f"{name} is of shape {tuple(tensors[name].shape)}, not {tuple(value.shape)}"
        for name, value in own.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise DataError(f"{file}: these are the weights of another model: {'; '.join(faults[:3])}{more}.")
    network.load_state_dict(tensors)
