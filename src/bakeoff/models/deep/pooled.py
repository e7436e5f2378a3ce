"""An encoder, the mean of its vectors, and a layer that answers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bakeoff.models.deep.batches import LENGTHS, Batch
from bakeoff.models.deep.networks import TOKENS, is_within


class Pooled(nn.Module):
    """Answers from what an encoder makes of a text.

    Args:
        encoder: takes ``input_ids`` and ``attention_mask``, gives ``last_hidden_state``.
        width: of its vectors.
        dropout: share of values that are left out in training.
        outputs: how many.
        pooling: mean of all vectors, or the first one.
    """

    def __init__(self, encoder: nn.Module, width: int, dropout: float, outputs: int, pooling: str) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)
        self.pooling = pooling

    def forward(self, batch: Batch) -> Tensor:
        """Outputs, shape (b, outputs)."""
        tokens, lengths = batch[TOKENS], batch[TOKENS + LENGTHS]
        is_token = is_within(lengths, tokens.shape[1])
        mask = is_token.squeeze(-1).long()
        states: Tensor = self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state
        mean = (states * is_token).sum(dim=1) / lengths.unsqueeze(-1)
        vectors = mean if self.pooling == "mean" else states[:, 0]
        said: Tensor = self.head(self.dropout(vectors.to(torch.float32)))
        return said
