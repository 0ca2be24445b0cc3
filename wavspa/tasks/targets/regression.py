"""One number or several for each sequence."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import Metric, MetricCollection
from typing_extensions import override

from wavspa.checks import at_least
from wavspa.data.targets.numbers import Numbers, Scale, check_scale, scale_of
from wavspa.errors import UserError
from wavspa.tasks.step_sums import Mean, mean_over
from wavspa.tasks.targets import numbers as metrics_of
from wavspa.tasks.targets.base import TargetTask
from wavspa.training.schedules import Schedule


class Regression(TargetTask):
    """Trains a model with the mean squared error; reports MAE, R² and Spearman's correlation.

    The model predicts numbers that are standardised by the mean and the deviation of train, which the card of
    the data holds; the loss is of those, the errors that are reported are in the units of the data.

    Args:
        model, optimizer, schedule: See :class:`TargetTask`.
        outputs: Number of numbers for each sequence, K.
        metrics: Returns fresh metrics of predictions and targets ``[B, K]``, standardised, by their name.
        monitor, mode: See :class:`TargetTask`.

    Raises:
        ValueError: An option is out of range.
    """

    kind = Numbers.kind
    exact_buffers = ("mean", "deviation")
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[nn.Module], Optimizer],
        schedule: Schedule,
        outputs: int,
        metrics: Callable[[int], dict[str, Metric]] = metrics_of.regression,
        monitor: str = "val/mae",
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        at_least("outputs", outputs, 1)
        super().__init__(model, optimizer, schedule, outputs, metrics, monitor, mode)
        self.register_buffer("mean", torch.zeros(outputs, dtype=torch.float64), persistent=False)
        self.register_buffer(
            "deviation", torch.ones(outputs, dtype=torch.float64), persistent=False
        )

    @override
    def setup(self, stage: str) -> None:
        card = self.training_card()
        if card is None:
            raise UserError(
                "task=regression needs a data set whose card holds the scale of its numbers"
            )
        self.set_scale(scale_of(card, "targets"))

    def set_scale(self, scale: Scale) -> None:
        """Take the mean and the deviation [K] of train."""
        self.mean.copy_(torch.from_numpy(scale.mean))
        self.deviation.copy_(torch.from_numpy(scale.deviation))
        for metric in self.modules():
            if isinstance(metric, metrics_of.MAE):
                metric.scale.copy_(self.deviation)

    @override
    def check_data(self, card: Mapping[str, Any]) -> None:
        if len(card["targets"]) != self.outputs:
            raise UserError(
                f"dataset.classes must be the columns of dataset.label, {len(card['targets'])}, got "
                f"{self.outputs}"
            )
        check_scale(card["targets"])

    def standardised(self, labels: Tensor) -> Tensor:
        """Numbers ``[B, K]`` of the data as the model is to predict them, float32."""
        return ((labels - self.mean) / self.deviation).float()

    @override
    def loss(self, outputs: Tensor, labels: Tensor) -> Mean:
        return mean_over((outputs - self.standardised(labels)) ** 2)

    @override
    def update(self, scores: MetricCollection, outputs: Tensor, labels: Tensor) -> None:
        scores.update(outputs, self.standardised(labels))
