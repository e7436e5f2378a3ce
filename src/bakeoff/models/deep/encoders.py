"""Pre-trained encoders: loading, choice of trainable weights, and saving."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bakeoff import assets
from bakeoff.errors import AssetError, ConfigError, DataError
from bakeoff.models.deep.batches import Ragged, Rows
from bakeoff.models.deep.tokens import Cut, cut, once
from bakeoff.models.deep.training import FEW_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer
    from torch import nn

MINILM = "minilm"
TOKENS = "tokens"  # as in networks.py, which imports torch
CONFIG, TOKENIZER = "config.json", "tokenizer.json"
Tune = Literal["full", "last", "lora", "head"]


@dataclass(frozen=True)
class Encoder:
    """A pre-trained encoder.

    Attributes:
        network: of transformers; takes ``input_ids`` and ``attention_mask``.
        tokenizer: its own.
    """

    network: nn.Module
    tokenizer: Tokenizer

    @property
    def width(self) -> int:
        """Number of dimensions of its vectors."""
        return int(self.network.config.hidden_size)  # type: ignore[union-attr, arg-type]

    @property
    def longest(self) -> int:
        """Maximum sequence length in tokens."""
        return int(getattr(self.network.config, "max_position_embeddings", 10**9))


def check(tune: Tune) -> None:
    """Raise ``ConfigError`` when a package of the extra is missing."""
    for package in ("transformers", *(["peft"] if tune == "lora" else [])):
        if find_spec(package) is None:
            raise ConfigError(f'model: {package} is not installed. Install it: pip install "bakeoff[finetune]"')


def pretrained(name: str, revision: str | None) -> Encoder:
    """Load the encoder of that name.

    Args:
        name: ``minilm``, which is pinned; a name on the Hugging Face hub; or a folder in the hub's layout.
        revision: of the hub repository; None: the newest.

    Raises:
        AssetError: it cannot be loaded.
        DataError: its weights do not fit its config.
    """
    from tokenizers import Tokenizer

    if name == MINILM:
        network = build_from_config(assets.resolve("minilm_config"))
        load(network, assets.resolve("minilm_weights"))
        return Encoder(network, _plain(Tokenizer.from_file(str(assets.resolve("minilm_tokenizer")))))
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision, use_fast=True, trust_remote_code=False)
        # Safetensors only: other files of weights are pickles.
        network = AutoModel.from_pretrained(name, revision=revision, use_safetensors=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise AssetError(
            f"model.encoder: {name} cannot be loaded: {reason} Give the name of an encoder on the hub that has "
            "safetensors, the folder of one, or minilm."
        ) from error
    if not hasattr(tokenizer, "backend_tokenizer"):
        raise AssetError(f"model.encoder: {name} has no fast tokenizer (tokenizer.json). Choose another encoder.")
    return Encoder(network.float(), _plain(Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())))


def build_from_config(file: Path) -> nn.Module:
    """Build an encoder from its config, without loading weights."""
    from transformers import AutoConfig, AutoModel

    described = json.loads(file.read_text("utf-8"))
    auto: Any = AutoModel
    network: nn.Module = auto.from_config(AutoConfig.for_model(described.pop("model_type"), **described)).float()
    return network


def load(network: nn.Module, file: Path) -> None:
    """Read an encoder's weights. Raises ``DataError`` when some are missing or of another shape."""
    from safetensors.torch import load_file

    try:
        missing, _ = network.load_state_dict(load_file(file), strict=False)
    except RuntimeError as error:
        raise DataError(f"{file}: these are the weights of another encoder: {error}") from error
    if missing:
        raise DataError(f"{file}: these are the weights of another encoder: {', '.join(missing[:3])} is missing.")


def save(encoder: Encoder, folder: Path) -> None:
    """Write config and tokenizer; the weights are kept with the head's."""
    (folder / CONFIG).write_text(encoder.network.config.to_json_string(use_diff=False), encoding="utf-8")  # type: ignore[union-attr, operator]
    encoder.tokenizer.save(str(folder / TOKENIZER))


def saved(folder: Path) -> Encoder:
    """Read back what ``save`` wrote, without weights."""
    from tokenizers import Tokenizer

    return Encoder(build_from_config(folder / CONFIG), _plain(Tokenizer.from_file(str(folder / TOKENIZER))))


def read(tokenizer: Tokenizer, texts: Sequence[str]) -> Ragged:
    """Tokenise n texts, special tokens included."""
    padding = next((i for t in ("[PAD]", "<pad>") if (i := tokenizer.token_to_id(t)) is not None), 0)
    return Ragged.from_sequences([encoding.ids for encoding in tokenizer.encode_batch(list(texts))], padding)


def read_once(encoder: Encoder, name: str, texts: Sequence[str], longest: int) -> Cut:
    """Tokenise n texts, truncated; cached for the same texts and tokenizer.

    Args:
        encoder: whose tokenizer it is.
        name: equal for encoders whose tokenizers do the same.
        texts: n of them; a handful bypass the cache.
        longest: maximum tokens per text.
    """
    if len(texts) <= FEW_ROWS:
        tokenised = read(encoder.tokenizer, texts)
    else:
        tokenised = once(name, texts, lambda: read(encoder.tokenizer, texts))
    return cut(tokenised, longest, keep_last=True)


@dataclass
class Texts:
    """Texts as an encoder reads them.

    Attributes:
        encoder: whose tokenizer it is.
        name: equal for encoders whose tokenizers do the same.
        max_tokens: per text; longer texts are truncated.
        cut: name of a set of texts → number of truncated ones.
    """

    encoder: Encoder
    name: str
    max_tokens: int
    cut: dict[str, int] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """Maximum number of tokens per text."""
        return min(self.max_tokens, self.encoder.longest)

    def rows(self, texts: Sequence[str], whose: str) -> Rows:
        """Tokenise n texts, and count those truncated."""
        shortened = read_once(self.encoder, self.name, texts, self.longest)
        self.cut[whose] = max(shortened.count, self.cut.get(whose, 0))
        return Rows(len(texts), ragged={TOKENS: shortened.tokens})


def prepare(network: nn.Module, tune: Tune, last_layers: int, rank: int) -> nn.Module:
    """Make some of an encoder's weights trainable, and freeze the others.

    Args:
        network: of transformers.
        tune: all weights, those of the last layers, a low-rank addition to all matrices (LoRA, Hu et al. 2022) or none.
        last_layers: number of last layers to train.
        rank: of the low-rank addition.
    """
    if tune == "lora":
        from peft import LoraConfig, get_peft_model

        added: nn.Module = get_peft_model(
            network, LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules="all-linear")
        )
        return added
    network.requires_grad_(tune == "full")
    if tune == "last":
        layers = _layers(network)
        if last_layers > len(layers):
            raise ConfigError(f"model.last_layers: {last_layers} of {len(layers)} layers. Allowed: 1 to {len(layers)}.")
        for layer in layers[-last_layers:]:
            layer.requires_grad_(True)
    return network


def merged(network: nn.Module) -> nn.Module:
    """Merge low-rank adapters into the encoder, so that peft is no longer needed."""
    if hasattr(network, "merge_and_unload"):
        whole: nn.Module = network.merge_and_unload()  # type: ignore[operator]
        return whole
    return network


def _layers(network: nn.Module) -> Any:
    """Return the layers of an encoder: its longest list of modules."""
    from torch import nn

    lists = [module for module in network.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len)


def _plain(tokenizer: Tokenizer) -> Tokenizer:
    """Turn off the tokenizer's truncation and padding: bakeoff does both, and counts."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
