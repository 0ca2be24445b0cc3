"""Metrics of predicted sets of labels, and the thresholds that decide them, over all examples of a split."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import binary_average_precision
from torchmetrics.utilities import dim_zero_cat

EVEN = 0.5


def multilabel(labels: int) -> dict[str, Metric]:
    """``f1_micro``, ``f1_macro``, ``map`` (mean average precision) and ``subset_accuracy``.

    They take probabilities ``[B, C]`` and labels ``[B, C]``, 1 where an example has a label.
    """
    return {
        "f1_micro": F1(labels, micro=True),
        "f1_macro": F1(labels, micro=False),
        "map": MeanAveragePrecision(labels),
        "subset_accuracy": SubsetAccuracy(labels),
    }


def best_thresholds(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The threshold [C] of each label with its highest F1; the highest of several.

    Args:
        probabilities: [n, C].
        labels: [n, C], 1 where an example has a label. Of one that no example has it is 0.5.
    """
    scores, order = probabilities.sort(dim=0, descending=True)
    hits = labels.gather(0, order).cumsum(dim=0)
    # With a threshold at a score, all examples with that score have the label.
    last = torch.ones_like(scores, dtype=torch.bool)
    last[:-1] = scores[:-1] > scores[1:]
    chosen = torch.arange(1, len(scores) + 1, device=scores.device)[:, None]
    f1 = 2 * hits / (chosen + labels.sum(dim=0))
    best = f1.where(last, -1.0).argmax(dim=0, keepdim=True)
    found = scores.gather(0, best).squeeze(0)
    return found.where(labels.sum(dim=0) > 0, EVEN)


class OfLabels(Metric):
    """What is collected over a split, and the thresholds at which labels are predicted.

    Args:
        labels: Number of labels, C.

    Attributes:
        best: Whether the thresholds are those that are best for what is collected.
        thresholds: [C], otherwise.
    """

    full_state_update = False
    probabilities: list[Tensor]
    labels: list[Tensor]
    thresholds: Tensor

    def __init__(self, labels: int, **options: Any) -> None:
        super().__init__(**options)
        self.best = False
        self.register_buffer("thresholds", torch.full((labels,), EVEN), persistent=False)
        self.add_state("probabilities", default=[], dist_reduce_fx="cat")
        self.add_state("labels", default=[], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, labels: Tensor) -> None:
        """Collect ``probabilities [B, C]`` and ``labels [B, C]``."""
        self.probabilities.append(probabilities)
        self.labels.append(labels)

    def collected(self) -> tuple[Tensor, Tensor]:
        """All probabilities and labels, both [n, C]."""
        return dim_zero_cat(self.probabilities), dim_zero_cat(self.labels)

    def decided(self) -> tuple[Tensor, Tensor]:
        """The labels that are predicted and those that are true, both [n, C] bool."""
        probabilities, labels = self.collected()
        at = best_thresholds(probabilities, labels) if self.best else self.thresholds
        return probabilities >= at, labels.bool()


class F1(OfLabels):
    """F1 over all labels together, or its mean over them, with 0 for one that is neither true nor predicted.

    It is NaN where no label at all is true or predicted.

    Args:
        labels: Number of labels.
        micro: Whether all labels are counted together.
    """

    def __init__(self, labels: int, micro: bool, **options: Any) -> None:
        super().__init__(labels, **options)
        self.micro = micro

    def compute(self) -> Tensor:
        """The score, a scalar."""
        predicted, true = self.decided()
        dim = (0, 1) if self.micro else 0
        hits = (predicted & true).sum(dim=dim)
        counted = predicted.sum(dim=dim) + true.sum(dim=dim)
        if not counted.any():
            return torch.full((), torch.nan, device=true.device)
        return (2 * hits / counted.clamp(min=1)).mean()


class SubsetAccuracy(OfLabels):
    """The share of examples all of whose labels are right."""

    def compute(self) -> Tensor:
        """The share, a scalar."""
        predicted, true = self.decided()
        return (predicted == true).all(dim=1).float().mean()


class MeanAveragePrecision(OfLabels):
    """The mean over the labels of their average precision; labels that no example has are left out."""

    def compute(self) -> Tensor:
        """The mean, a scalar; NaN where no example has a label."""
        probabilities, labels = self.collected()
        there = torch.nonzero(labels.sum(dim=0)).flatten().tolist()
        if not there:
            return torch.full((), torch.nan, device=labels.device)
        of_each = [
            binary_average_precision(probabilities[:, i], labels[:, i].long()) for i in there
        ]
        return torch.stack(of_each).mean()
