"""A vector for each sequence, close to those with the same label."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from typing_extensions import override

from wavspa.checks import positive
from wavspa.tasks.base import Task, full_precision
from wavspa.tasks.metrics import MeanAveragePrecisionAtR
from wavspa.tasks.step_sums import mean_over
from wavspa.training.schedules import Schedule

METRIC = "map_at_r"


class Embedding(Task):
    """Trains an encoder to separate sequences of one label from all others; reports MAP@R.

    It trains on pairs with the same label. Each first one has to pick its partner, by the cosine of their
    embeddings, among the partner and all sequences of the batch that have another label: cross entropy over
    the cosines divided by ``temperature``. Validation and test rank every sequence of the split for every
    other one; their labels need not occur in training. The others are those of one batch on one
    device: with ``trainer.accumulate_grad_batches`` or several devices there are fewer than in a large batch.

    Logged: ``train/loss``, ``train/accuracy`` (share of a step's pairs where the partner comes first) and
    ``lr``; ``val/map_at_r`` and ``test/map_at_r``.

    Args:
        model: ``model(tokens [B, N], lengths [B]) -> states [B, N, D]`` with
            ``model.pool(states, lengths) -> [B, D]``.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        temperature: The smaller, the more the hardest negatives count.
        monitor: The metric that decides which checkpoint is the best one.
        mode: Whether its best value is the highest (``max``) or the lowest (``min``); None: the metric's own.

    Raises:
        ValueError: An option is out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[nn.Module], Optimizer],
        schedule: Schedule,
        temperature: float = 0.1,
        monitor: str = f"val/{METRIC}",
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        super().__init__(model, optimizer, schedule, [METRIC], monitor, mode)
        if not hasattr(model, "pool") or getattr(model, "head", None) is not None:
            raise ValueError("the model must be an encoder without a head: model/encoder=embedding")
        self.temperature = positive("temperature", temperature)
        self.scores = nn.ModuleDict({split: MeanAveragePrecisionAtR() for split in ("val", "test")})

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings ``[B, D]`` of length 1 of ``tokens [B, N]`` with ``lengths [B]``."""
        encoder: Any = self.model
        pooled = encoder.pool(encoder(tokens, lengths), lengths)
        return F.normalize(full_precision(pooled), dim=-1)

    def similarities(self, first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
        """What each of B pairs with ``labels [B]`` has to choose from.

        Args:
            first: Embeddings [B, D].
            second: Their partners [B, D].
            labels: [B].

        Returns:
            ``[B, 1 + 2 B]``: the cosine with the partner, then those with all first and all second ones,
            -inf where they have the same label; divided by the temperature.
        """
        partner = (first * second).sum(dim=1, keepdim=True)
        others = first @ torch.cat([first, second]).T
        same = (labels[:, None] == labels).repeat(1, 2)
        return torch.cat([partner, others.masked_fill(same, -torch.inf)], dim=1) / self.temperature

    @override
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        first = self(batch.tokens1, batch.lengths1)
        second = self(batch.tokens2, batch.lengths2)
        similarities = self.similarities(first, second, batch.labels)
        losses = F.cross_entropy(similarities, torch.zeros_like(batch.labels), reduction="none")
        accuracy = mean_over(similarities.argmax(dim=1) == 0)
        return self.count_batch(batch_idx, len(losses), mean_over(losses), accuracy=accuracy)

    @override
    def evaluation_step(self, split: str, batch: Any) -> None:
        score = self.scores[split]
        assert isinstance(score, MeanAveragePrecisionAtR)
        score.update(self(batch.tokens, batch.lengths), batch.labels)
        self.log(f"{split}/{METRIC}", score, on_step=False, on_epoch=True)
