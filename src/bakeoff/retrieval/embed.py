"""Embedders: map texts to vectors of length 1."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from bakeoff import assets, secrets
from bakeoff.errors import ConfigError
from bakeoff.retrieval import generations, sentence_models

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class MiniLM:
    """all-MiniLM-L6-v2 with 8-bit weights under onnxruntime: 384 dimensions, mean over the tokens. For English.

    A text longer than ``max_tokens`` is read in parts of that length, and the mean is over the tokens of all of them.

    Args:
        max_tokens: read at once, special tokens included; at most 512.
        batch: parts of texts per batch. The vectors do not depend on it.
    """

    max_tokens: int = 256
    batch: int = 8

    knows_english_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 8 <= self.max_tokens <= 512:
            raise ConfigError(f"embedder.max_tokens: {self.max_tokens}. MiniLM reads from 8 to 512 tokens at once.")

    @property
    def identity(self) -> str:
        """Model file and maximum tokens read at once."""
        return f"minilm-{assets.ASSETS['minilm'].sha256[:16]}-mean-of-parts-{self.max_tokens}"

    def count_longer(self, texts: Sequence[str]) -> int:
        """Number of texts that are read in parts."""
        long = [text for text in texts if len(text) > self.max_tokens - 2]  # a token is a character at least
        return sum(bool(tokens.overflowing) for tokens in _tokenizer(self.max_tokens).encode_batch(long))

    def embed(self, texts: Sequence[str], threads: int = 1) -> NDArray[np.float32]:
        """Vectors of length 1, shape (n, 384). Raises ``AssetError`` when the model cannot be fetched."""
        tokenizer, session = _tokenizer(self.max_tokens), _session(threads)
        encoded = tokenizer.encode_batch(list(texts))
        parts = [(row, part.ids) for row, whole in enumerate(encoded) for part in (whole, *whole.overflowing)]
        parts.sort(key=lambda part: len(part[1]))  # little padding: neighbours are of a length
        sums, counts = np.zeros((len(texts), 384), dtype=np.float32), np.zeros((len(texts), 1), dtype=np.float32)
        for start in range(0, len(parts), self.batch):
            rows, tokens = zip(*parts[start : start + self.batch], strict=True)
            ids = np.zeros((len(rows), max(map(len, tokens))), dtype=np.int64)
            mask = np.zeros_like(ids)
            for i, own in enumerate(tokens):
                ids[i, : len(own)], mask[i, : len(own)] = own, 1
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            hidden = session.run(None, inputs)[0]
            np.add.at(sums, list(rows), (hidden * mask[..., None]).sum(axis=1))
            np.add.at(counts, list(rows), mask.sum(axis=1, keepdims=True))
        return normalised(np.divide(sums, np.maximum(counts, 1), dtype=np.float32))


@cache
def _tokenizer(max_tokens: int) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(assets.resolve("minilm_tokenizer")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


@lru_cache(maxsize=4)
def _session(threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the cores to others
    return onnxruntime.InferenceSession(str(assets.resolve("minilm")), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class SentenceTransformers:
    """A model of sentence-transformers, by its name on the hub or its folder. Needs the extra sentence-transformers.

    Args:
        model: name or folder.
        revision: of the hub repository; None: the newest.
        batch: texts per batch.
        device: cpu, cuda, …; None: the best available.
        prefix: prepended to each text, if the model needs one.
    """

    model: str
    revision: str | None = None
    batch: int = 32
    device: str | None = None
    prefix: str = ""

    @property
    def identity(self) -> str:
        """Model, revision and prefix; of a folder its files, which training may write anew."""
        return f"sentence-transformers-{self.model}-{self.revision}-{self.prefix}{_state(Path(self.model))}"

    def embed(self, texts: Sequence[str], threads: int = 1) -> NDArray[np.float32]:
        """Vectors of length 1. Raises ``ConfigError`` when the library is missing."""
        model = _sentence_transformer(self.model, self.revision, self.device)
        import torch  # only now: the line above says what is missing

        if not len(texts):
            return np.zeros((0, model.get_sentence_embedding_dimension()), dtype=np.float32)
        torch.set_num_threads(threads)
        prefixed = [self.prefix + text for text in texts]
        vectors = model.encode(prefixed, batch_size=self.batch, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)


@lru_cache(maxsize=2)
def _sentence_transformer(model: str, revision: str | None, device: str | None) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise ConfigError(missing("embedder")) from None
    sentence_models.check(model, "embedder.model")
    return SentenceTransformer(model, revision=revision, device=device, trust_remote_code=False)


def _state(folder: Path) -> str:
    """Names, sizes and times of the files of a folder, hashed; nothing where there is none."""
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    file_states = [(str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return f"-{hashlib.sha256(repr(file_states).encode()).hexdigest()[:16]}" if file_states else ""


def missing(where: str) -> str:
    """The message for a part that needs the extra."""
    return (
        f"{where}: sentence-transformers is not installed. Run pip install 'bakeoff[sentence-transformers]', "
        "or choose another: see bakeoff list embedder."
    )


OPENAI = "https://api.openai.com/v1"
MOST_BYTES = 500_000_000  # of one reply: 2,048 vectors of 8,192 numbers


@dataclass(frozen=True)
class OpenAIEmbeddings:
    """An OpenAI-compatible endpoint for embeddings. The texts leave this machine unless it is served here.

    Args:
        model: as the server names it.
        base_url: of the server, such as http://127.0.0.1:8080/v1.
        key_env: the environment variable that holds the key; None: the server needs none.
        dimensions: of the vectors, if the model lets one choose; None: its default.
        batch: texts per request.
        retries: maximum retries of a failed request, with back-off.
        timeout_seconds: per request.
        cache: on: texts that were embedded before are not sent again, while the server answers a short text as it did;
            refresh: all are embedded anew, and kept.
    """

    model: str
    base_url: str = OPENAI
    key_env: str | None = "OPENAI_API_KEY"
    dimensions: int | None = None
    batch: int = 128
    retries: int = 4
    timeout_seconds: float = 60.0
    cache: Literal["on", "refresh"] = "on"

    @property
    def identity(self) -> str:
        """Server, model and dimensions, never the key; and which of several models that were served by this name."""
        number = generations.generation(self._name)
        return f"{self._name}-{number}" if number else self._name

    @property
    def _name(self) -> str:
        return f"openai-{secrets.without_secrets(self.base_url)}-{self.model}-{self.dimensions}"

    def verify(self) -> None:
        """Embed a short text once a process, to see whether the model is the one of before."""
        generations.verify(self._name, self.embed, self.cache == "refresh")

    def embed(self, texts: Sequence[str], threads: int = 1) -> NDArray[np.float32]:
        """Vectors of length 1, shape (n, dimensions).

        Raises:
            ConfigError: there is no key.
            LLMError: the server refuses, is not there, or gives other than a vector for each text.
        """
        import openai

        from bakeoff.errors import LLMError
        from bakeoff.llm import wire

        key = os.environ.get(self.key_env) if self.key_env else "none"
        if not key:
            raise ConfigError(f"embedder.key_env: the environment has no {self.key_env}. Set it to your key.")
        chosen: dict[str, Any] = {} if self.dimensions is None else {"dimensions": self.dimensions}
        where = f"embedder: {self.model} at {secrets.without_secrets(self.base_url)}"
        rows: list[Any] = []
        with wire.connect(
            self.base_url, key, self.timeout_seconds, retries=self.retries, most_bytes=MOST_BYTES
        ) as client:
            for start in range(0, len(texts), self.batch):
                batch = [text or " " for text in texts[start : start + self.batch]]  # servers refuse an empty text
                try:
                    answer = client.embeddings.create(model=self.model, input=batch, encoding_format="float", **chosen)
                except (openai.OpenAIError, ValueError) as error:
                    raise LLMError(f"{where} gives no vectors: {_cause(error)}.") from None
                rows += _vectors(answer, len(batch))
        if len(rows) != len(texts):
            raise LLMError(f"{where} gives other than one vector for each text.")
        try:
            vectors = np.array(rows, dtype=np.float32).reshape(len(rows), -1 if rows else self.dimensions or 0)
        except (TypeError, ValueError):
            raise LLMError(f"{where} gives what are no vectors, or vectors of several lengths.") from None
        if not np.isfinite(vectors).all():
            raise LLMError(f"{where} gives vectors with what are no numbers (null, NaN or infinite).")
        return normalised(vectors)


def _vectors(answer: Any, n: int) -> list[Any]:
    """A server's vectors for n texts, in their order; empty unless there is one for each."""
    items = {
        getattr(item, "index", None): getattr(item, "embedding", None) for item in getattr(answer, "data", ()) or ()
    }
    return [items[i] for i in range(n)] if items.keys() == set(range(n)) else []


def _cause(error: Exception) -> str:
    """Type of an error and the server's status; not its message, which may contain the key, unless it is ours."""
    from bakeoff.llm.limits import EndlessReply

    for one in (error, error.__cause__):
        if isinstance(one, EndlessReply):
            return str(one)
    status = getattr(error, "status_code", None)
    return type(error).__name__ + (f" ({status})" if status else "")


@dataclass(frozen=True)
class Hashing:
    """Counts of words and pairs of words, hashed: no model, no download; knows spelling and no meaning.

    Args:
        dimensions: of the vectors.
        ngrams: longest sequence of words that counts.
    """

    dimensions: int = 1024
    ngrams: int = 2

    @property
    def identity(self) -> str:
        """Dimensions and n-grams."""
        return f"hashing-{self.dimensions}-{self.ngrams}"

    def embed(self, texts: Sequence[str], threads: int = 1) -> NDArray[np.float32]:
        """Vectors of length 1, shape (n, dimensions); of length 0 for a text without words."""
        if not len(texts):
            return np.zeros((0, self.dimensions), dtype=np.float32)
        from sklearn.feature_extraction.text import HashingVectorizer

        hashed = HashingVectorizer(n_features=self.dimensions, ngram_range=(1, self.ngrams), norm="l2")
        return np.asarray(hashed.transform(texts).toarray(), dtype=np.float32)


def normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each row to length 1; rows of zeros stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)
