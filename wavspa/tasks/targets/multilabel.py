"""Any number of labels for each sequence."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import Metric, MetricCollection
from typing_extensions import override

from wavspa.checks import OptionError, at_least
from wavspa.data.targets.label_sets import LabelSets
from wavspa.tasks.step_sums import Mean, mean_over
from wavspa.tasks.targets import label_sets as metrics_of
from wavspa.tasks.targets.base import TargetTask
from wavspa.training.schedules import Schedule

BEST = "best"
THRESHOLDS = "thresholds"


class Multilabel(TargetTask):
    """Trains a model with the binary cross entropy of each label; reports F1, mAP and subset accuracy.

    A label is predicted where its probability reaches its threshold.

    Args:
        model, optimizer, schedule: See :class:`TargetTask`.
        outputs: Number of labels, C.
        metrics: Returns fresh metrics of probabilities and labels ``[B, C]`` by their name.
        threshold: One for all labels; or ``best``: for each label the one with the highest F1, chosen at each
            validation. The checkpoint keeps them for test and prediction.
        monitor, mode: See :class:`TargetTask`.

    Raises:
        ValueError: An option is out of range.
    """

    kind = LabelSets.kind
    exact_buffers = (THRESHOLDS,)
    thresholds: Tensor

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[nn.Module], Optimizer],
        schedule: Schedule,
        outputs: int,
        metrics: Callable[[int], dict[str, Metric]] = metrics_of.multilabel,
        threshold: float | Literal["best"] = metrics_of.EVEN,
        monitor: str = "val/f1_micro",
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        at_least("outputs", outputs, 1)
        if threshold != BEST and (isinstance(threshold, str | bool) or not 0 < threshold < 1):
            raise OptionError(
                "threshold", f" must be a number between 0 and 1, or best, got {threshold!r}"
            )
        super().__init__(model, optimizer, schedule, outputs, metrics, monitor, mode)
        self.chooses = threshold == BEST
        at = metrics_of.EVEN if isinstance(threshold, str) else threshold
        self.register_buffer(THRESHOLDS, torch.full((outputs,), at))
        for metric in self._metrics_of("val"):
            metric.best = self.chooses

    @override
    def loss(self, outputs: Tensor, labels: Tensor) -> Mean:
        return mean_over(
            F.binary_cross_entropy_with_logits(outputs, labels.to(outputs.dtype), reduction="none")
        )

    @override
    def update(self, scores: MetricCollection, outputs: Tensor, labels: Tensor) -> None:
        scores.update(outputs.sigmoid(), labels)

    @override
    def on_validation_epoch_end(self) -> None:
        """Choose the thresholds before a checkpoint is written."""
        if not self.chooses:
            return
        metric = next(iter(self._metrics_of("val")))
        with metric.sync_context():
            self.thresholds.copy_(metrics_of.best_thresholds(*metric.collected()))

    @override
    def on_validation_epoch_start(self) -> None:
        self._decide_by(self.thresholds)

    @override
    def on_test_epoch_start(self) -> None:
        self._decide_by(self.thresholds)

    @override
    def take_state(self, state: Mapping[str, Any]) -> None:
        self.thresholds.copy_(state[THRESHOLDS])

    def _decide_by(self, thresholds: Tensor) -> None:
        for split in ("val", "test"):
            for metric in self._metrics_of(split):
                metric.thresholds = thresholds.float()

    def _metrics_of(self, split: str) -> list[metrics_of.OfLabels]:
        scores = self.scores[split]
        return [metric for metric in scores.modules() if isinstance(metric, metrics_of.OfLabels)]
