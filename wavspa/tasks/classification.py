"""The tasks of one label for each sequence, or for each pair."""

from collections.abc import Callable
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import MeanMetric, Metric, MetricCollection
from typing_extensions import override

from wavspa.checks import at_least
from wavspa.tasks import metrics as metrics_of
from wavspa.tasks.base import Task, full_precision
from wavspa.tasks.class_weights import ClassWeights, Weighted
from wavspa.tasks.step_sums import Mean, mean_over
from wavspa.training.schedules import Schedule


class Batch(Protocol):
    """The part of a batch that this task reads."""

    tokens: Tensor
    lengths: Tensor
    labels: Tensor


class Classification(Weighted, Task):
    """Trains a model with cross entropy; reports accuracy, macro F1 and, for two classes, AUROC.

    Logged: ``train/loss``, ``train/accuracy`` (of a step's batch) and ``lr``; over all of a split
    ``val/…`` and ``test/…`` of ``loss`` and of the metrics.

    Args:
        model: ``model(tokens [B, N], lengths [B]) -> logits [B, C]``.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        classes: The number of classes, C.
        metrics: Returns fresh metrics of logits ``[B, C]`` and labels ``[B]`` by their name.
        class_weights: C weights of the loss; or a mapping from each label of the data to its weight; or
            ``balanced``: inverse to the classes' shares of the train split, which are in the card of
            the data, with a mean of 1 over its examples.
        label_smoothing: Share of the target that is spread over all classes.
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
        classes: int,
        metrics: Callable[[int], dict[str, Metric]] = metrics_of.multiclass,
        class_weights: ClassWeights = None,
        label_smoothing: float = 0.0,
        monitor: str = "val/accuracy",
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        at_least("classes", classes, 2)
        super().__init__(model, optimizer, schedule, ["loss", *metrics(classes)], monitor, mode)
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"label_smoothing must be in [0, 1), got {label_smoothing}")
        self.classes = classes
        self.label_smoothing = label_smoothing
        self.choose_weights(class_weights, classes)
        splits = ("val", "test")
        self.losses = nn.ModuleDict({split: MeanMetric() for split in splits})
        self.scores = nn.ModuleDict(
            {
                # Groups are found by what the first batch counts, where any two may be alike.
                split: MetricCollection(
                    dict(metrics(classes)), prefix=f"{split}/", compute_groups=False
                )
                for split in splits
            }
        )

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Logits ``[B, C]`` of ``tokens [B, N]`` with ``lengths [B]``."""
        logits: Tensor = self.model(tokens, lengths)
        return logits

    def logits(self, batch: Any) -> Tensor:
        """The model's logits ``[B, C]`` of a batch."""
        logits: Tensor = self(batch.tokens, batch.lengths)
        return logits

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross entropy of ``logits [B, C]`` and ``labels [B]``, weighted by the labels' classes."""
        logits = full_precision(logits)
        weights = self.class_weights.to(logits.dtype)
        total = F.cross_entropy(
            logits, labels, weights, reduction="sum", label_smoothing=self.label_smoothing
        )
        # A batch whose classes all have weight 0 has no loss.
        return total / weights[labels].sum().clamp(min=torch.finfo(logits.dtype).tiny)

    @override
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        logits, labels = self.logits(batch), batch.labels
        loss = self.loss(logits, labels)
        weight = self.class_weights.to(loss.dtype)[labels].sum()
        accuracy = mean_over(logits.argmax(dim=-1) == labels)
        return self.count_batch(batch_idx, len(labels), Mean(loss, weight), accuracy=accuracy)

    @override
    def evaluation_step(self, split: str, batch: Any) -> None:
        logits = full_precision(self.logits(batch))
        loss, scores = self.losses[split], self.scores[split]
        assert isinstance(loss, MeanMetric)
        assert isinstance(scores, MetricCollection)
        loss.update(self.loss(logits, batch.labels), self.class_weights[batch.labels].sum())
        scores.update(logits, batch.labels)
        self.log(f"{split}/loss", loss, on_step=False, on_epoch=True)
        self.log_dict(scores, on_step=False, on_epoch=True)


class PairBatch(Protocol):
    """The part of a batch that this task reads."""

    tokens1: Tensor
    lengths1: Tensor
    tokens2: Tensor
    lengths2: Tensor
    labels: Tensor


class Matching(Classification):
    """:class:`Classification` of pairs.

    Args:
        model: ``model(tokens1 [B, N1], tokens2 [B, N2], lengths1 [B], lengths2 [B]) -> logits [B, C]``.
        **options: See :class:`Classification`.
    """

    # Of two sequences, where the class above takes one.
    def forward(  # type: ignore[override]
        self, tokens1: Tensor, tokens2: Tensor, lengths1: Tensor, lengths2: Tensor
    ) -> Tensor:
        """Logits ``[B, C]`` of ``tokens1 [B, N1]``, ``tokens2 [B, N2]`` with their lengths ``[B]``."""
        logits: Tensor = self.model(tokens1, tokens2, lengths1, lengths2)
        return logits

    def logits(self, batch: Any) -> Tensor:
        """The model's logits ``[B, C]`` of a batch."""
        logits: Tensor = self(batch.tokens1, batch.tokens2, batch.lengths1, batch.lengths2)
        return logits
