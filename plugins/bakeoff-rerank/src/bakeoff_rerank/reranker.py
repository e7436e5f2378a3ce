"""The reranker: a cross-encoder that reads question and passage together."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from bakeoff.extend import ConfigError, Hit, Source, assets, body
from bakeoff_rerank import pairs, training

FORMAT = 2  # of what is kept; another one is trained anew
PREDICT_BATCH = 32  # pairs


@dataclass(frozen=True)
class TrainedCrossEncoder:
    """A cross-encoder that is trained on the training questions of a task when it is first used, and kept.

    Args:
        train_on: source of the questions and documents, of kind qa; test questions are never used.
        split_column: column of the source that marks the training questions; None: all are.
        base: minilm: pinned weights of MiniLM, with a new head; tiny: a small BERT from scratch, without a download.
        epochs: passes over all questions.
        negatives: passages for each question that do not answer it.
        learning_rate: peak value.
        max_tokens: maximum tokens of a question and a passage together.
        batch: questions a step of training.
        weight: of the cross-encoder, from 0 (the order as it was found) to 1 (the cross-encoder alone).
        seed: of training.
    """

    train_on: Source
    split_column: str | None = "split"
    base: Literal["minilm", "tiny"] = "minilm"
    epochs: int = 5
    negatives: int = 4
    learning_rate: float = 1e-4
    max_tokens: int = 128
    batch: int = 2
    weight: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ConfigError(f"retriever.reranker.weight: {self.weight} is not between 0 and 1.")
        if min(self.epochs, self.negatives, self.batch) < 1:
            raise ConfigError("retriever.reranker: epochs, negatives and batch must be 1 or more.")

    def rerank(self, queries: Sequence[str], hits: Sequence[Sequence[Hit]], threads: int = 1) -> list[list[Hit]]:
        """Rerank the passages of each query by the retriever's and the cross-encoder's scores.

        Raises:
            ConfigError: there is nothing to be trained on.
            AssetError: the weights cannot be fetched.
        """
        asked = [
            (query, body(hit.passage.title, hit.passage.text))
            for query, found in zip(queries, hits, strict=True)
            for hit in found
        ]
        if not asked:
            return [[] for _ in hits]
        import torch

        encoder = _loaded(self.trained(threads))
        torch.set_num_threads(threads)
        said = encoder.predict(
            asked, batch_size=PREDICT_BATCH, show_progress_bar=False, activation_fn=torch.nn.Identity()
        )
        scores = iter(said.tolist())
        return [self._ordered(found, [next(scores) for _ in found]) for found in hits]

    def trained(self, threads: int = 1) -> Path:
        """Folder of the trained model, training it if needed. Safe to call from several processes at once."""
        made_of = pairs.build_pairs(self.train_on, self.split_column, self.negatives, self.seed)
        # By its content: the same questions give the same model, whatever the source is called.
        told = [FORMAT, self.base, self.epochs, self.learning_rate, self.max_tokens, self.batch, self.seed]
        content = json.dumps([told, [asdict(pair) for pair in made_of]])
        folder = assets.cache_folder() / "rerankers" / hashlib.sha256(content.encode()).hexdigest()[:24]
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{folder}.lock"):
                if not folder.exists():
                    part = Path(tempfile.mkdtemp(dir=folder.parent))
                    training.train(
                        made_of, self.base, self.epochs, self.learning_rate, self.max_tokens, self.batch,
                        self.seed, threads, part,
                    )  # fmt: skip
                    part.rename(folder)
        return folder

    def _ordered(self, hits: Sequence[Hit], scores: Sequence[float]) -> list[Hit]:
        """Sort by the weighted sum of both scores, each scaled from 0 to 1 over the passages of a question."""
        both = [
            Hit(hit.passage, self.weight * of_encoder + (1 - self.weight) * of_first)
            for hit, of_encoder, of_first in zip(
                hits, _scaled(scores), _scaled([hit.score for hit in hits]), strict=True
            )
        ]
        return sorted(both, key=lambda hit: -hit.score)


def _scaled(scores: Sequence[float]) -> list[float]:
    low, span = min(scores, default=0.0), max(scores, default=0.0) - min(scores, default=0.0)
    return [(score - low) / span if span else 1.0 for score in scores]


@lru_cache(maxsize=2)
def _loaded(folder: Path) -> Any:
    from sentence_transformers import CrossEncoder
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return CrossEncoder(str(folder), device="cpu", local_files_only=True)
