"""The common part of tasks that predict something other than one class."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal

from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric, Metric, MetricCollection
from typing_extensions import override

from wavspa.tasks.base import Task, full_precision
from wavspa.tasks.step_sums import Mean
from wavspa.training.schedules import Schedule

SPLITS = ("val", "test")


class TargetTask(Task):
    """Trains a model on targets of one kind; reports the loss and metrics of its outputs.

    Logged: ``train/loss`` and ``lr``; over a split ``val/…`` and ``test/…`` of ``loss`` and of
    the metrics.

    Args:
        model: ``model(tokens [B, N], lengths [B]) -> outputs [B, K]``; of pairs
            ``model(tokens1, tokens2, lengths1, lengths2)``.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        outputs: Number of outputs, K.
        metrics: Returns fresh metrics by their name.
        monitor: The metric that decides which checkpoint is the best one.
        mode: Whether its best value is the highest (``max``) or the lowest (``min``); None: the metric's own.

    Raises:
        ValueError: An option is out of range.
    """

    kind: str
    """of the targets: what ``dataset.label_kind`` calls it"""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[nn.Module], Optimizer],
        schedule: Schedule,
        outputs: int,
        metrics: Callable[[int], dict[str, Metric]],
        monitor: str,
        mode: Literal["min", "max"] | None,
    ) -> None:
        super().__init__(model, optimizer, schedule, ["loss", *metrics(outputs)], monitor, mode)
        self.outputs = outputs
        self.losses = nn.ModuleDict({split: MeanMetric() for split in SPLITS})
        self.scores = nn.ModuleDict(
            {
                split: MetricCollection(
                    dict(metrics(outputs)), prefix=f"{split}/", compute_groups=False
                )
                for split in SPLITS
            }
        )

    @abstractmethod
    def loss(self, outputs: Tensor, labels: Tensor) -> Mean:
        """The loss of ``outputs [B, …]`` in full precision and the ``labels`` of their batch."""

    @abstractmethod
    def update(self, scores: MetricCollection, outputs: Tensor, labels: Tensor) -> None:
        """Take a batch's outputs and labels into metrics."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """The model's output for its inputs."""
        outputs: Tensor = self.model(*inputs)
        return outputs

    def logits(self, batch: Any) -> Tensor:
        """The model's outputs of a batch, of sequences or of pairs."""
        if hasattr(batch, "tokens"):
            inputs: tuple[Tensor, ...] = (batch.tokens, batch.lengths)
        else:
            inputs = (batch.tokens1, batch.tokens2, batch.lengths1, batch.lengths2)
        outputs: Tensor = self(*inputs)
        return outputs

    @override
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        labels = batch.labels
        loss = self.loss(full_precision(self.logits(batch)), labels)
        return self.count_batch(batch_idx, len(labels), loss)

    @override
    def evaluation_step(self, split: str, batch: Any) -> None:
        outputs = full_precision(self.logits(batch))
        mean, scores = self.losses[split], self.scores[split]
        assert isinstance(mean, MeanMetric)
        assert isinstance(scores, MetricCollection)
        loss = self.loss(outputs, batch.labels)
        mean.update(loss.value, loss.weight)
        self.update(scores, outputs, batch.labels)
        self.log(f"{split}/loss", mean, on_step=False, on_epoch=True)
        self.log_dict(scores, on_step=False, on_epoch=True)

    def training_card(self) -> Mapping[str, Any] | None:
        """The card of the data that the run was trained on; None without a trainer's data."""
        data = getattr(self.trainer, "datamodule", None)
        return None if data is None else data.training_card
