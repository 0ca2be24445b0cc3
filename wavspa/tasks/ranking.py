"""How well similar embeddings find their like."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

QUERIES = 256


class MeanAveragePrecisionAtR(Metric):
    """Mean average precision at R of embeddings ``[B, D]`` with labels ``[B]``, as CodeXGLUE counts it.

    Each embedding is a query that ranks all others by their inner product with it. R is the number of others
    with its label, and its average precision the sum of the precisions at those of the first R ranks that
    have its label, divided by R. Queries that are alone with their label are left out.
    """

    full_state_update = False
    embeddings: list[Tensor]
    labels: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("embeddings", default=[], dist_reduce_fx="cat")
        self.add_state("labels", default=[], dist_reduce_fx="cat")

    def update(self, embeddings: Tensor, labels: Tensor) -> None:
        """Collect ``embeddings [B, D]`` and ``labels [B]``."""
        self.embeddings.append(embeddings)
        self.labels.append(labels)

    def compute(self) -> Tensor:
        """The mean over all queries, a scalar."""
        return map_at_r(dim_zero_cat(self.embeddings), dim_zero_cat(self.labels))


def map_at_r(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Mean average precision at R of ``embeddings [B, D]`` with ``labels [B]``, a scalar.

    Memory grows with B, not with its square. Of equal similarities the one that stands first in the data
    ranks first.
    """
    precisions = torch.cat(
        [_average_precisions(embeddings, labels, start) for start in range(0, len(labels), QUERIES)]
    )
    return precisions[~precisions.isnan()].mean()


def _average_precisions(embeddings: Tensor, labels: Tensor, start: int) -> Tensor:
    """Average precisions ``[Q]`` of the queries from ``start`` on; NaN where R is 0."""
    similarity_QB = embeddings[start : start + QUERIES] @ embeddings.T
    similarity_QB.diagonal(start).fill_(-torch.inf)
    order_QB = similarity_QB.argsort(dim=1, descending=True, stable=True)
    found_QB = labels[order_QB[:, :-1]] == labels[start : start + QUERIES, None]
    relevant_Q1 = found_QB.sum(dim=1, keepdim=True)
    rank_B = torch.arange(1, found_QB.shape[1] + 1, device=labels.device)
    hits_QB = found_QB & (rank_B <= relevant_Q1)
    precision_QB = hits_QB.cumsum(dim=1) / rank_B
    return (precision_QB * hits_QB).sum(dim=1) / relevant_Q1.squeeze(1)
