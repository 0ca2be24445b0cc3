"""One label for each sequence."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import MeanMetric, Metric, MetricCollection
from torchmetrics.classification import BinaryAUROC, MulticlassAccuracy, MulticlassF1Score

from wavspa.training.failures import RunFailed
from wavspa.training.schedules import Schedule, scheduler


class Batch(Protocol):
    """What this task reads of a batch."""

    tokens: Tensor
    lengths: Tensor
    labels: Tensor


class Classification(LightningModule):
    """Trains a model with cross entropy; reports accuracy, macro F1 and, of two classes, AUROC.

    Logged: ``train/loss``, ``train/accuracy`` (of a step's batch) and ``lr``; over the whole of a split
    ``val/…`` and ``test/…`` of ``loss``, ``accuracy``, ``f1``, ``auroc``.

    Args:
        model: ``model(tokens [B, N], lengths [B]) -> logits [B, C]``.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        classes: C.
        class_weights: C weights of the loss.
        label_smoothing: Share of the target that goes to all classes alike.
        monitor: The metric that decides which checkpoint is the best one.
        mode: Whether its best value is the highest or the lowest.

    Raises:
        ValueError: An option is out of range.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[nn.Module], Optimizer],
        schedule: Schedule,
        classes: int,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        monitor: str = "val/accuracy",
        mode: Literal["min", "max"] = "max",
    ) -> None:
        super().__init__()
        if classes < 2:
            raise ValueError(f"classes must be at least 2, got {classes}")
        if class_weights is not None and len(class_weights) != classes:
            raise ValueError(
                f"class_weights must be one for each of {classes} classes, got {len(class_weights)}"
            )
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"label_smoothing must be in [0, 1), got {label_smoothing}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        legal = [f"val/{name}" for name in ("loss", *_metrics(classes))]
        if monitor not in legal:
            raise ValueError(f"monitor must be one of {', '.join(legal)}, got {monitor!r}")
        self.model = model
        self.make_optimizer = optimizer
        self.schedule = schedule
        self.label_smoothing = label_smoothing
        weights = (
            None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
        )
        self.register_buffer("class_weights", weights, persistent=False)
        self.losses = nn.ModuleDict({split: MeanMetric() for split in ("val", "test")})
        self.scores = nn.ModuleDict({split: _scores(split, classes) for split in ("val", "test")})

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Logits ``[B, C]`` of ``tokens [B, N]`` with ``lengths [B]``."""
        return self.model(tokens, lengths)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross entropy of ``logits [B, C]`` and ``labels [B]``."""
        return F.cross_entropy(
            logits.float(), labels, self.class_weights, label_smoothing=self.label_smoothing
        )

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:  # noqa: D102
        logits = self(batch.tokens, batch.lengths)
        loss = self.loss(logits, batch.labels)
        if not torch.isfinite(loss):
            raise RunFailed(
                f"the loss is {loss.item()} at step {self.global_step}: lower optimizer.lr, lengthen "
                "schedule.warmup or set trainer.gradient_clip_val"
            )
        accuracy = (logits.argmax(dim=-1) == batch.labels).float().mean()
        rate = self.trainer.optimizers[0].param_groups[0]["lr"]
        self.log_dict({"train/loss": loss, "train/accuracy": accuracy, "lr": rate})
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: D102
        self._evaluate("val", batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:  # noqa: D102
        self._evaluate("test", batch)

    def configure_optimizers(self) -> Any:  # noqa: D102
        optimizer = self.make_optimizer(self.model)
        schedule = scheduler(optimizer, self.schedule, self.trainer.max_steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _evaluate(self, split: str, batch: Batch) -> None:
        logits = self(batch.tokens, batch.lengths).float()
        loss, scores = self.losses[split], self.scores[split]
        assert isinstance(loss, MeanMetric) and isinstance(scores, MetricCollection)
        loss.update(self.loss(logits, batch.labels), weight=len(batch.labels))
        scores.update(logits, batch.labels)
        self.log(f"{split}/loss", loss, on_step=False, on_epoch=True)
        self.log_dict(scores, on_step=False, on_epoch=True)


class AUROC(BinaryAUROC):
    """Area under the ROC curve from two logits."""

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Count ``preds [B, 2]``, logits of the two classes, and ``target [B]``."""
        super().update(preds.softmax(dim=-1)[:, 1], target)


def _metrics(classes: int) -> dict[str, Metric]:
    metrics: dict[str, Metric] = {
        "accuracy": MulticlassAccuracy(classes, average="micro"),
        "f1": MulticlassF1Score(classes, average="macro"),
    }
    if classes == 2:
        metrics["auroc"] = AUROC()
    return metrics


def _scores(split: str, classes: int) -> MetricCollection:
    return MetricCollection(dict(_metrics(classes)), prefix=f"{split}/")
