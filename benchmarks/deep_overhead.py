"""Overhead of bakeoff per epoch: a model's own fit vs a hand-written Lightning loop, same network, same rows.

The hand-written loop is a LightningModule of a dozen lines with the same optimiser, without early stopping, curves,
checkpoints or handling of losses that are not finite. Its batches come once from PyTorch's DataLoader, and once, as
fast as possible, from indexing tensors; the overhead is relative to the faster of the two. All sides are timed in
turn, per epoch, within the loop. Each turn compares medians, and the reported figure is the median ratio over all
turns, because these machines are noisy.

python benchmarks/deep_overhead.py [--rows 20000] [--epochs 6] [--times 15]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import _quick
import numpy as np
import pandas as pd

from bakeoff.models.base import Context
from bakeoff.models.deep.mlp import MLP
from bakeoff.models.deep.trainer import Trainer
from bakeoff.task import Examples, Schema

MOST = 0.03
COLUMNS, HIDDEN, BATCH, RATE = 32, [256, 128], 128, 0.001
SCHEMA = Schema("regression", "y", {f"x{i}": "numeric" for i in range(COLUMNS)})


def rows(n: int) -> Examples:
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(n, COLUMNS)), columns=list(SCHEMA.columns))
    return Examples(X, X.to_numpy().sum(axis=1) + random.normal(size=n), np.arange(n), X.iloc[:, :0])


def by_bakeoff(train: Examples, valid: Examples, epochs: int, folder: Path) -> list[float]:
    """Seconds per epoch in bakeoff, with everything that a run does."""
    model = MLP(hidden=HIDDEN, epochs=epochs, batch_size=BATCH, learning_rate=RATE, trainer=Trainer(patience=None))
    ends: list[float] = []
    context = Context(SCHEMA, 0, 1, report=lambda epoch, loss: ends.append(time.perf_counter()), folder=folder)
    model.fit(train, valid, context)
    return list(np.diff(ends))


def by_hand(train: Examples, valid: Examples, epochs: int, by_index: bool) -> list[float]:
    """Seconds per epoch of a plain loop."""
    import pytorch_lightning as pl
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    layers: list[nn.Module] = []
    for before, after in zip([COLUMNS, *HIDDEN], HIDDEN, strict=False):
        layers += [nn.Linear(before, after), nn.GELU(), nn.Dropout(0.1)]
    network = nn.Sequential(*layers, nn.Linear(HIDDEN[-1], 1))
    ends: list[float] = []
    mean, deviation = train.y.mean(), train.y.std()

    class Plain(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            x, y = batch
            return nn.functional.mse_loss(self.network(x).squeeze(-1), y)

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            x, y = batch
            nn.functional.mse_loss(self.network(x).squeeze(-1), y)

        def on_train_epoch_end(self) -> None:
            ends.append(time.perf_counter())

        def configure_optimizers(self) -> Any:
            weights = [weight for weight in self.parameters() if weight.ndim > 1]
            biases = [weight for weight in self.parameters() if weight.ndim == 1]
            groups = [{"params": weights}, {"params": biases, "weight_decay": 0.0}]
            optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)
            steps = epochs * -(-len(train) // BATCH)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    class Indexed:
        def __init__(self, tensors: tuple[torch.Tensor, ...], size: int, shuffle: bool) -> None:
            self.tensors, self.size, self.shuffle = tensors, size, shuffle

        def __len__(self) -> int:
            return -(-len(self.tensors[0]) // self.size)

        def __iter__(self) -> Any:
            n = len(self.tensors[0])
            order = torch.randperm(n) if self.shuffle else torch.arange(n)
            for positions in order.split(self.size):
                yield [tensor[positions] for tensor in self.tensors]

    def loader(part: Examples, size: int, shuffle: bool) -> Any:
        x = torch.tensor(part.X.to_numpy(), dtype=torch.float32)
        y = torch.tensor((part.y - mean) / deviation, dtype=torch.float32)
        if by_index:
            return Indexed((x, y), size, shuffle)
        return DataLoader(TensorDataset(x, y), batch_size=size, shuffle=shuffle)

    torch.set_num_threads(1)
    trainer = pl.Trainer(
        accelerator="cpu", devices=1, max_epochs=epochs, gradient_clip_val=1.0, logger=False,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(Plain(), loader(train, BATCH, True), loader(valid, 256, False))
    return list(np.diff(ends))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--rows", type=int, default=20_000)
    ask.add_argument("--epochs", type=int, default=6)
    ask.add_argument("--times", type=int, default=15)
    given = _quick.parse(ask, rows=300, epochs=2, times=1)
    warnings.filterwarnings("ignore")
    for name in ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    examples = rows(given.rows)
    n_valid = given.rows // 10
    train, valid = examples.take(slice(n_valid, None)), examples.take(slice(0, n_valid))
    turns: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(given.times):
            loader, plain = (
                statistics.median(by_hand(train, valid, given.epochs + 1, by_index)) for by_index in (False, True)
            )
            ours = statistics.median(by_bakeoff(train, valid, given.epochs + 1, Path(folder) / str(i)))
            turns.append((loader, plain, ours))
    loader, plain, ours = (statistics.median(column) for column in zip(*turns, strict=True))
    share = statistics.median(ours / min(loader, plain) for loader, plain, ours in turns) - 1
    print(f"an epoch of {len(train):,} rows, by hand with a DataLoader  {loader * 1000:8.1f} ms")
    print(f"the same, by hand, indexing tensors              {plain * 1000:8.1f} ms")
    print(f"the same in bakeoff                              {ours * 1000:8.1f} ms")
    print(f"bakeoff's share  {share:8.1%}   at most {MOST:.0%}  {'PASS' if share <= MOST else 'MISS'}")


if __name__ == "__main__":
    main()
