"""The dual encoder for pairs of sequences."""

from typing import Unpack

import torch
from torch import Tensor, nn

from wavspa.models.encoder import Encoder, Head
from wavspa.models.options import EncoderOptions

INTERACTIONS = ("none", "nli")


class DualEncoder(nn.Module):
    """One encoder for both sequences of a pair, pooled, joined and classified.

    The joined vector is ``[e1, e2]``, or with interaction ``nli`` ``[e1, e2, e1 * e2, e1 - e2]``; the head
    has the hidden widths ``head_dim`` and ``head_dim // 2``. No CLS token is prepended: pool ``cls`` takes
    the state of the first token, as upstream does.

    Args:
        vocab_size: Number of token ids.
        classes: Number of classes C.
        interaction: ``none`` or ``nli``.
        pool: As in :class:`~wavspa.models.encoder.Encoder`, except ``token``.
        mlp_dim: Hidden width of the MLPs and of the head.
        head_dim: Hidden width of the head, at least 2; None means ``mlp_dim``.
        **encoder: Further options of :class:`~wavspa.models.encoder.Encoder`.

    Raises:
        ValueError: An option with an impossible value; the message names it.
    """

    def __init__(
        self,
        vocab_size: int,
        classes: int,
        *,
        interaction: str = "none",
        pool: str = "mean",
        mlp_dim: int = 256,
        head_dim: int | None = None,
        **encoder: Unpack[EncoderOptions],
    ) -> None:
        super().__init__()
        if interaction not in INTERACTIONS:
            raise ValueError(
                f"interaction={interaction!r} is unknown; choose one of {', '.join(INTERACTIONS)}"
            )
        if pool == "token":
            raise ValueError("pool must give one vector per sequence for pairs, got 'token'")
        self.interaction = interaction
        self.encoder = Encoder(vocab_size, pool=pool, mlp_dim=mlp_dim, **encoder)
        name, hidden = ("mlp_dim", mlp_dim) if head_dim is None else ("head_dim", head_dim)
        if hidden < 2:
            # The head halves it.
            raise ValueError(f"{name} must be at least 2 for a pair, got {hidden}")
        if classes < 1:
            raise ValueError(f"classes must be at least 1, got {classes}")
        width = self.encoder.pool.out_dim * (2 if interaction == "none" else 4)
        self.head = Head([width, hidden, hidden // 2, classes])

    def forward(
        self,
        tokens1: Tensor,
        tokens2: Tensor,
        lengths1: Tensor | None = None,
        lengths2: Tensor | None = None,
    ) -> Tensor:
        """Classify pairs: token ids int64 [B, N1] and [B, N2], lengths int64 [B] -> logits [B, C]."""
        e1, e2 = self._embed(tokens1, lengths1), self._embed(tokens2, lengths2)
        parts = [e1, e2] if self.interaction == "none" else [e1, e2, e1 * e2, e1 - e2]
        logits: Tensor = self.head(torch.cat(parts, dim=-1))
        return logits

    def _embed(self, tokens: Tensor, lengths: Tensor | None) -> Tensor:
        embedded: Tensor = self.encoder.pool(self.encoder(tokens, lengths), lengths)
        return embedded
