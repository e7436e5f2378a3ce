"""Automatic batch size and learning rate, determined before training for parameters set to ``auto``.

Lightning's own tuner writes checkpoints into the working directory, and its largest batch that fits is on a processor
all of the rows; here the batch size stops growing when that no longer pays.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.models.deep.batches import Batches, Rows
from bakeoff.models.deep.recipe import Recipe

if TYPE_CHECKING:
    import torch

    from bakeoff.models.deep.module import Module

SMALLEST, LARGEST = 8, 1024  # rows a step; larger ones seldom generalise as well
STEPS_AN_EPOCH = 8  # at least
PAYS = 1.15  # how much more rows a second a doubled batch must bring
LOWEST_RATE, HIGHEST_RATE, RATES = 1e-6, 1.0, 80
USUAL_RATE = 1e-3
HOPELESS = 4.0  # stop the range test when the loss exceeds this multiple of the lowest


def settled(recipe: Recipe, module: Callable[[Recipe], Module], train: Rows, device: torch.device, seed: int) -> Recipe:
    """Replace ``auto`` in the recipe by numbers; the network's weights are restored."""
    if recipe.batch_size == "auto":
        rate = USUAL_RATE if recipe.learning_rate == "auto" else recipe.learning_rate
        tried = module(replace(recipe, learning_rate=rate))
        recipe = replace(recipe, batch_size=batch_size(tried, train, device))
    if recipe.learning_rate == "auto":
        tried = module(replace(recipe, learning_rate=LOWEST_RATE))
        recipe = replace(recipe, learning_rate=learning_rate(tried, train, int(recipe.batch_size), device, seed))
    return recipe


def batch_size(module: Module, train: Rows, device: torch.device) -> int:
    """Double the batch size while it fits into memory and raises rows per second, tested on the longest rows."""
    tried = copy.deepcopy(module).to(device)
    lengths = train.lengths
    order = np.arange(len(train)) if lengths is None else np.argsort(-lengths, kind="stable")
    most = min(LARGEST, max(SMALLEST, len(train) // STEPS_AN_EPOCH))
    best, fastest, size = SMALLEST, 0.0, SMALLEST
    while size <= most:
        try:
            seconds = min(_step_seconds(tried, train, order[:size], device) for _ in range(3))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            break
        if size / seconds < fastest * PAYS:
            break
        best, fastest, size = size, size / seconds, size * 2
    return best


def learning_rate(module: Module, train: Rows, size: int, device: torch.device, seed: int) -> float:
    """Learning-rate range test: the rate at which the loss falls fastest as the rate rises (Smith 2017)."""
    import torch

    tried = copy.deepcopy(module).to(device)
    optimizer = torch.optim.AdamW(tried.parameter_groups())
    base = [group["lr"] / LOWEST_RATE for group in optimizer.param_groups]
    rates = np.geomspace(LOWEST_RATE, HIGHEST_RATE, RATES)
    losses: list[float] = []
    smooth = 0.0
    batches = Batches(train, size, shuffle_seed=seed)
    source = iter(batches)
    for i, rate in enumerate(rates):
        batch = next(source, None)
        if batch is None:
            batches.epoch += 1
            source = iter(batches)
            batch = next(source)
        for group, factor in zip(optimizer.param_groups, base, strict=True):
            group["lr"] = rate * factor
        optimizer.zero_grad()
        loss = tried.loss({name: tensor.to(device) for name, tensor in batch.items()})
        torch.autograd.backward(loss)
        optimizer.step()
        smooth = 0.9 * smooth + 0.1 * loss.item()
        losses.append(smooth / (1 - 0.9 ** (i + 1)))
        if not math.isfinite(losses[-1]) or losses[-1] > HOPELESS * min(losses):
            break
    usable = [loss for loss in losses if math.isfinite(loss)]
    if len(usable) < 10:
        return USUAL_RATE
    slope = np.gradient(np.array(usable))
    return float(f"{rates[5 + int(np.argmin(slope[5:]))]:.2g}")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means out of memory, on any device."""
    import torch

    message = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        words in message for words in ("out of memory", "can't allocate memory", "not enough memory")
    )


def _step_seconds(module: Module, train: Rows, rows: Any, device: torch.device) -> float:
    import torch

    start = time.perf_counter()
    batch = {name: tensor.to(device) for name, tensor in train.batch(rows).items()}
    torch.autograd.backward(module.loss(batch))
    module.zero_grad()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
