"""Features of sequences that need no training."""

import torch

from wavspa import Encoder
from wavspa.data import Batch


def bag(batch: Batch, size: int) -> torch.Tensor:
    """How often each token occurs in each row, [B, size]."""
    counts = torch.zeros(len(batch.labels), size)
    counts.scatter_add_(1, batch.tokens, torch.ones_like(batch.tokens, dtype=counts.dtype))
    counts[:, 0] = 0  # the pads
    return counts


def untrained(size: int, max_length: int) -> Encoder:
    """An untrained encoder; all channels start with the same filter."""
    torch.manual_seed(0)
    return Encoder(size, max_len=max_length, dim=128, depth=4, heads=4, mlp_dim=256).eval()


@torch.inference_mode()
def embed(encoder: Encoder, batch: Batch) -> torch.Tensor:
    """Pooled states, [B, D]."""
    return encoder.pool(encoder(batch.tokens, batch.lengths), batch.lengths)
