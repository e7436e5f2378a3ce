"""Pooled encoders: with an output layer, or for the similarity of two texts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bakeoff.models.deep.batches import LENGTHS, Batch, Rows
from bakeoff.models.deep.networks import TOKENS, is_within

LEFT, RIGHT = "left", "right"


def pooled(encoder: nn.Module, batch: Batch, pooling: str) -> Tensor:
    """Pool token vectors by their mean, or take the first one, shape (b, width)."""
    tokens, lengths = batch[TOKENS], batch[TOKENS + LENGTHS]
    is_token = is_within(lengths, tokens.shape[1])
    mask = is_token.squeeze(-1).long()
    states: Tensor = encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
    mean = (states * is_token).sum(dim=1) / lengths.unsqueeze(-1)
    vectors = mean if pooling == "mean" else states[:, 0]
    return vectors.to(torch.float32)


class Pooled(nn.Module):
    """Encoder with pooling and an output layer.

    Args:
        encoder: takes ``input_ids`` and ``attention_mask``, gives ``last_hidden_state``.
        width: of its vectors.
        dropout: share of values dropped in training.
        outputs: number of outputs.
        pooling: mean of all vectors, or the first one.
    """

    def __init__(self, encoder: nn.Module, width: int, dropout: float, outputs: int, pooling: str) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)
        self.pooling = pooling

    def forward(self, batch: Batch) -> Tensor:
        """Compute outputs, shape (b, outputs)."""
        outputs: Tensor = self.head(self.dropout(pooled(self.encoder, batch, self.pooling)))
        return outputs


class Vectors(nn.Module):
    """Pooled and normalised vectors of texts.

    Args:
        encoder: takes ``input_ids`` and ``attention_mask``, gives ``last_hidden_state``.
        pooling: mean of all vectors, or the first one.
    """

    def __init__(self, encoder: nn.Module, pooling: str) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling

    def forward(self, batch: Batch) -> Tensor:
        """Compute vectors, shape (b, width)."""
        return nn.functional.normalize(pooled(self.encoder, batch, self.pooling), dim=-1)


class Pairs(nn.Module):
    """Cosine similarity of pairs of texts. A text that is in several pairs of a batch is encoded once.

    Args:
        vectors: of texts.
        rows: the texts; a batch holds positions among them.
    """

    def __init__(self, vectors: Vectors, rows: Rows) -> None:
        super().__init__()
        self.vectors = vectors
        self.rows = rows

    def forward(self, batch: Batch) -> Tensor:
        """Compute cosines, shape (b, 1)."""
        device = batch[LEFT].device
        distinct, where = torch.unique(torch.cat([batch[LEFT], batch[RIGHT]]), return_inverse=True)
        texts = self.rows.batch(distinct.cpu().numpy())
        vectors = self.vectors({name: tensor.to(device) for name, tensor in texts.items()})
        left, right = vectors[where].chunk(2)
        cosines: Tensor = (left * right).sum(dim=-1, keepdim=True)
        return cosines
