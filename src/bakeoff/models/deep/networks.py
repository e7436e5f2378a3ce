"""Networks trained from scratch. Each takes a batch of named tensors and returns outputs of shape (b, outputs)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from bakeoff.models.deep.batches import LENGTHS, Batch

NUMBERS, CATEGORIES, TOKENS = "numbers", "categories", "tokens"
SEEN, AHEAD = "seen", "ahead"
Cell = Literal["lstm", "gru"]


def is_within(lengths: Tensor, longest: int) -> Tensor:
    """Mask that is True where a sequence has an item, shape (b, longest, 1)."""
    return (torch.arange(longest, device=lengths.device) < lengths[:, None]).unsqueeze(-1)


class MLPNetwork(nn.Module):
    """Numbers, embedded categories and bags of embedded words, through fully connected layers.

    Args:
        numbers: number of numeric inputs.
        categories: number of codes of each category.
        dimensions: of the embedding of each category.
        texts: names of the bags of words.
        buckets: of hashed words.
        text_dimensions: of a word's embedding.
        hidden: width of each hidden layer.
        dropout: share of values dropped in training.
        outputs: number of outputs.
    """

    def __init__(
        self,
        numbers: int,
        categories: Sequence[int],
        dimensions: Sequence[int],
        texts: Sequence[str],
        buckets: int,
        text_dimensions: int,
        hidden: Sequence[int],
        dropout: float,
        outputs: int,
    ) -> None:
        super().__init__()
        self.has_numbers = numbers > 0
        self.texts = tuple(texts)
        self.categories = nn.ModuleList(
            nn.Embedding(n, d, padding_idx=0) for n, d in zip(categories, dimensions, strict=True)
        )
        self.words = nn.ModuleList(nn.Embedding(buckets, text_dimensions, padding_idx=0) for _ in texts)
        width = numbers + sum(dimensions) + text_dimensions * len(texts)
        layers: list[nn.Module] = []
        for size in hidden:
            layers += [nn.Linear(width, size), nn.GELU(), nn.Dropout(dropout)]
            width = size
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(width, outputs)

    def forward(self, batch: Batch) -> Tensor:
        """Compute outputs, shape (b, outputs)."""
        parts = [batch[NUMBERS]] if self.has_numbers else []
        parts += [embed(batch[CATEGORIES][:, i]) for i, embed in enumerate(self.categories)]
        for name, embed in zip(self.texts, self.words, strict=True):
            lengths = batch[name + LENGTHS]
            # The padding's embedding is 0. The root keeps a long text from fading into its mean.
            parts.append(embed(batch[name]).sum(dim=1) / lengths.clamp(min=1).unsqueeze(-1).float().sqrt())
        outputs: Tensor = self.head(self.layers(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)))
        return outputs


class RecurrentNetwork(nn.Module):
    """Embedded words through an LSTM or GRU, with mean and max pooling.

    Args:
        vocabulary: number of words, padding and unknown included.
        embedding: dimensions of a word.
        hidden: width of each direction.
        layers: of recurrent cells.
        cell: lstm or gru.
        bidirectional: whether the text is read from its end as well.
        dropout: share of values dropped in training.
        outputs: number of outputs.
    """

    def __init__(
        self,
        vocabulary: int,
        embedding: int,
        hidden: int,
        layers: int,
        cell: Cell,
        bidirectional: bool,
        dropout: float,
        outputs: int,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.cells = (nn.LSTM if cell == "lstm" else nn.GRU)(
            embedding,
            hidden,
            layers,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=dropout if layers > 1 else 0.0,
        )
        self.head = nn.Linear(2 * hidden * (2 if bidirectional else 1), outputs)

    def forward(self, batch: Batch) -> Tensor:
        """Compute outputs, shape (b, outputs)."""
        tokens, lengths = batch[TOKENS], batch[TOKENS + LENGTHS]
        words = self.dropout(self.embedding(tokens))
        packed = pack_padded_sequence(words, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.cells(packed)[0], batch_first=True, total_length=tokens.shape[1])
        is_word = is_within(lengths, tokens.shape[1])
        mean = states.sum(dim=1) / lengths.unsqueeze(-1)  # padding has states of 0
        highest = states.masked_fill(~is_word, -torch.inf).amax(dim=1)
        outputs: Tensor = self.head(self.dropout(torch.cat([mean, highest], dim=1)))
        return outputs


class Forecaster(nn.Module):
    """Encoder-decoder forecaster: one LSTM or GRU over the window, another over the horizon from its final state.

    What is known of a moment ahead also reaches the head directly: the cells need not learn a linear forecast.

    Args:
        seen: width of a step of the window.
        ahead: width of a step of the horizon.
        hidden: width of each direction.
        layers: of recurrent cells, in each of the two.
        cell: lstm or gru.
        bidirectional: whether window and horizon are read from their ends as well.
        dropout: share of values dropped in training.
    """

    def __init__(
        self,
        past_width: int,
        known_width: int,
        hidden: int,
        layers: int,
        cell: Cell,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        of = nn.LSTM if cell == "lstm" else nn.GRU
        between = dropout if layers > 1 else 0.0
        self.window = of(past_width, hidden, layers, batch_first=True, bidirectional=bidirectional, dropout=between)
        self.horizon = of(known_width, hidden, layers, batch_first=True, bidirectional=bidirectional, dropout=between)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden * (2 if bidirectional else 1) + known_width, 1)
        nn.init.zeros_(self.head.weight)  # so that the initial forecast is the last season

    def forward(self, batch: Batch) -> Tensor:
        """Compute outputs, shape (b, horizon)."""
        ahead = batch[AHEAD]
        _, state = self.window(batch[SEEN])
        states, _ = self.horizon(ahead, state)
        outputs: Tensor = self.head(torch.cat([self.dropout(states), ahead], dim=2))
        return outputs.squeeze(-1)


def start_at(head: nn.Linear, bias: Tensor) -> None:
    """Initialise the output bias to the prior, e.g. the class frequencies."""
    with torch.no_grad():
        head.bias.copy_(bias)
