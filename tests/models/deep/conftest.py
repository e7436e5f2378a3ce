"""Small rows that small networks learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bakeoff.models.base import Context
from bakeoff.task import Examples, Schema

SPAM = Schema("classification", "label", {"message": "text"}, ("ham", "spam"), "spam")
TABLE = Schema("regression", "price", {"area": "numeric", "town": "categorical", "note": "text"})


def rows(X: pd.DataFrame, y: Any) -> Examples:
    return Examples(X, np.asarray(y), np.arange(len(X)), X.iloc[:, :0])


@pytest.fixture
def messages() -> Examples:
    """Sixty texts of two classes that single words tell apart, shuffled."""
    texts = [f"win a free prize number {i}, call now" for i in range(30)] + [f"see you at {i}, love" for i in range(30)]
    order = np.random.default_rng(0).permutation(60)
    labels = np.array(["spam"] * 30 + ["ham"] * 30, dtype=object)
    return rows(pd.DataFrame({"message": np.array(texts, dtype=object)[order]}), labels[order])


@pytest.fixture
def houses() -> Examples:
    """Eighty rows with numbers, categories, texts and gaps, and a value that all of them tell of."""
    random = np.random.default_rng(0)
    area = random.uniform(20, 200, 80)
    town = random.choice(["Ham", "Kew", "Bow"], 80)
    is_new = random.random(80) < 0.5
    X = pd.DataFrame(
        {
            "area": np.where(random.random(80) < 0.1, np.nan, area),
            "town": pd.Series(town).where(random.random(80) > 0.1),
            "note": [f"a {'new' if new else 'old'} house" for new in is_new],
        }
    )
    return rows(X, area * 2 + (town == "Kew") * 100 + is_new * 50)


@pytest.fixture
def context() -> Callable[..., Context]:
    """A context of one thread for a schema; further arguments as ``Context`` takes them."""

    def made(schema: Schema = SPAM, folder: Path | None = None, **further: Any) -> Context:
        return Context(schema, seed=1, threads=1, folder=folder, **further)

    return made


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the hub's layout: two layers of sixteen dimensions, and letters as tokens."""
    import torch
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    letters = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz0123456789.,:?!"]
    tokenizer = Tokenizer(models.WordLevel({c: i for i, c in enumerate(letters)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")
    fast.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = BertModel(
            BertConfig(
                vocab_size=len(letters),
                hidden_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=32,
                max_position_embeddings=64,
            )
        )
    network.save_pretrained(folder)
    return folder
