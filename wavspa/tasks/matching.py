"""One label for each pair of sequences."""

from typing import Any, Protocol

from torch import Tensor

from wavspa.tasks.classification import Classification


class PairBatch(Protocol):
    """What this task reads of a batch."""

    tokens1: Tensor
    lengths1: Tensor
    tokens2: Tensor
    lengths2: Tensor
    labels: Tensor


class Matching(Classification):
    """As :class:`Classification`, of pairs.

    Args:
        model: ``model(tokens1 [B, N1], tokens2 [B, N2], lengths1 [B], lengths2 [B]) -> logits [B, C]``.
        **options: see :class:`Classification`.
    """

    def forward(  # type: ignore[override]
        self, tokens1: Tensor, tokens2: Tensor, lengths1: Tensor, lengths2: Tensor
    ) -> Tensor:
        """Logits ``[B, C]`` of ``tokens1 [B, N1]``, ``tokens2 [B, N2]`` with their lengths ``[B]``."""
        return self.model(tokens1, tokens2, lengths1, lengths2)

    def logits(self, batch: Any) -> Tensor:
        """The model's logits ``[B, C]`` of a batch."""
        return self(batch.tokens1, batch.tokens2, batch.lengths1, batch.lengths2)
