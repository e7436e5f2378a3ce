"""Fine-tuning on a GPU: accuracy on the 77 intents of banking77, and rows a second beside a plain Lightning loop.

Wants a GPU, and a folder with banking77 as train.csv and test.csv (columns text, category; CC BY 4.0, Casanueva et al.
2020). Where there is none it says so, and measures nothing.

python benchmarks/finetune_gpu.py --data FOLDER [--encoder minilm] [--epochs 10]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import _quick
import numpy as np
import pandas as pd

from bakeoff import environment
from bakeoff.models.base import Context
from bakeoff.models.deep import encoders
from bakeoff.models.deep.batches import Batches, Rows
from bakeoff.models.deep.finetune import FinetunedEncoder
from bakeoff.models.deep.trainer import Trainer
from bakeoff.task import Examples, Schema

LEAST_ACCURACY, LEAST_THROUGHPUT = 0.92, 0.95
BATCH, MAX_TOKENS = 64, 64


def read(file: Path) -> Examples:
    frame = pd.read_csv(file)
    return Examples(frame[["text"]], frame["category"].to_numpy(dtype=object), np.arange(len(frame)), frame.iloc[:, :0])


def by_hand(encoder: str, rows: Rows, outputs: int, epochs: int, device: str, precision: str) -> list[float]:
    """Seconds per epoch of a plain Lightning loop over the same batches."""
    import pytorch_lightning as pl
    import torch
    from torch import nn

    from bakeoff.models.deep.pooled import Pooled

    loaded = encoders.pretrained(encoder, None)
    ends: list[float] = []

    class Plain(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = Pooled(loaded.network, loaded.width, 0.1, outputs, "mean")

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            return nn.functional.cross_entropy(self.network(batch), batch["target"])

        def on_train_epoch_end(self) -> None:
            if device == "cuda":
                torch.cuda.synchronize()
            ends.append(time.perf_counter())

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters(), lr=1e-4)

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(environment.cores())
    trainer = pl.Trainer(
        accelerator=device, devices=1, max_epochs=epochs, gradient_clip_val=1.0, precision=precision, logger=False,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
    )  # fmt: skip
    module = Plain()
    module.network.train()
    trainer.fit(module, Batches(rows, BATCH, shuffle_seed=0))
    return list(np.diff(ends))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--data", type=Path)
    ask.add_argument("--encoder", default=encoders.MINILM)
    ask.add_argument("--epochs", type=int, default=10)
    ask.add_argument("--rows", type=int, default=None, help="of the training rows; all where not given")
    ask.add_argument("--cpu", action="store_true", help="run it without a GPU all the same, to see that it runs")
    given = _quick.parse(ask, epochs=2, rows=64, cpu=True, data=_quick.texts())
    import torch

    if not torch.cuda.is_available() and not given.cpu:
        print("not measured: there is no GPU here")
        return
    if given.data is None or find_spec("transformers") is None:
        print("not measured: it wants --data FOLDER, and the extra: pip install 'bakeoff[finetune]'")
        return
    warnings.filterwarnings("ignore")
    train, test = read(given.data / "train.csv"), read(given.data / "test.csv")
    if given.rows is not None:
        train = train.take(np.random.default_rng(0).permutation(len(train))[: given.rows])
    schema = Schema("classification", "category", {"text": "text"}, tuple(sorted(set(test.y))))
    ends: list[float] = []
    context = Context(schema, 0, environment.cores(), announce=lambda doing: ends.append(time.perf_counter()))
    trainer = Trainer(deterministic=False, accelerator="cpu" if given.cpu else "auto")
    model = FinetunedEncoder(
        encoder=given.encoder, epochs=given.epochs, batch_size=BATCH, max_tokens=MAX_TOKENS, trainer=trainer
    )
    start = time.perf_counter()
    model.fit(train, None, context)
    seconds = time.perf_counter() - start
    accuracy = float((model.predict(test.X).output == test.y).mean())
    facts = model.report().details["training"]
    rows = model.texts_.rows(list(train.X["text"]), "again").with_target(model.targets_.encoded(train.y))
    ours = statistics.median(np.diff(ends))
    device = facts["device"].partition(":")[0]
    plain = by_hand(given.encoder, rows, len(schema.classes), min(given.epochs, 5), device, facts["precision"])
    share = statistics.median(plain) / ours
    where = torch.cuda.get_device_name() if device == "cuda" else "the processor"
    verdicts = {True: "PASS", False: "MISS"}
    print(f"{given.encoder} on {where} in {facts['precision']}: {len(train):,} rows, {facts['epochs']} epochs")
    print(f"fitted in       {seconds:8.1f} s")
    print(f"accuracy        {accuracy:8.3f}   at least {LEAST_ACCURACY}  {verdicts[accuracy >= LEAST_ACCURACY]}")
    print(f"rows a second   {len(train) / ours:8.0f}")
    print(f"of a plain loop {share:8.2f}   at least {LEAST_THROUGHPUT}  {verdicts[share >= LEAST_THROUGHPUT]}")


if __name__ == "__main__":
    main()
