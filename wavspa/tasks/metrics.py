"""The metrics of each kind of benchmark, as functions that a task's configuration names.

Each returns fresh metrics of logits ``[..., C]`` and labels ``[...]`` by their logged name.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import (
    BinaryAUROC,
    BinaryF1Score,
    BinaryPrecision,
    BinaryPrecisionRecallCurve,
    BinaryRecall,
    MulticlassAccuracy,
    MulticlassF1Score,
)
from torchmetrics.utilities import dim_zero_cat

from wavspa.tasks.own_metrics import with_own

LEADERBOARD_FPR = 0.05


def multiclass(classes: int, **own: Metric) -> dict[str, Metric]:
    """``accuracy``, macro ``f1`` and, for two classes, ``auroc``.

    Args:
        classes: Number of classes.
        **own: Further metrics by their name.

    Raises:
        ValueError: ``own`` has the name of an existing one, or cannot take logits.
    """
    metrics: dict[str, Metric] = {
        "accuracy": MulticlassAccuracy(classes, average="micro"),
        "f1": MulticlassF1Score(classes, average="macro"),
    }
    if classes == 2:
        metrics["auroc"] = AUROC()
    return with_own(metrics, classes, own)


def detection(classes: int, **own: Metric) -> dict[str, Metric]:
    """D2A's ``auroc`` and ``f1_at_5_fpr`` (macro), and ``accuracy``; further ones as in :func:`multiclass`.

    Raises:
        ValueError: ``classes`` is not 2.
    """
    _check_two(classes)
    metrics: dict[str, Metric] = {
        "auroc": AUROC(),
        "f1_at_5_fpr": MacroF1AtFPR(),
        "accuracy": MulticlassAccuracy(classes, average="micro"),
    }
    return with_own(metrics, classes, own)


def clones(classes: int, **own: Metric) -> dict[str, Metric]:
    """BigCloneBench's ``f1``, ``precision`` and ``recall`` of class 1, and ``accuracy``; others likewise.

    Raises:
        ValueError: ``classes`` is not 2.
    """
    _check_two(classes)
    metrics: dict[str, Metric] = {
        "f1": F1(),
        "precision": Precision(),
        "recall": Recall(),
        "accuracy": MulticlassAccuracy(classes, average="micro"),
    }
    return with_own(metrics, classes, own)


class _OfTwoLogits:
    """Turns logits ``[B, 2]`` into the probability of class 1 for the binary metric behind it."""

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Count ``preds [B, 2]``, logits of the two classes, and ``target [B]``."""
        # The class behind it is known where the two are joined.
        super().update(preds.softmax(dim=-1)[:, 1], target)  # type: ignore[misc]


class AUROC(_OfTwoLogits, BinaryAUROC):
    """Area under the ROC curve; NaN where one of the classes is absent."""

    def compute(self) -> Tensor:  # type: ignore[override]
        """The area, a scalar."""
        labels = dim_zero_cat(self.target)
        if labels.min() == labels.max():
            return torch.tensor(math.nan, device=labels.device)
        return super().compute()


class F1(_OfTwoLogits, BinaryF1Score):
    """F1 of class 1."""


class Precision(_OfTwoLogits, BinaryPrecision):
    """Precision of class 1."""


class Recall(_OfTwoLogits, BinaryRecall):
    """Recall of class 1."""


class MacroF1AtFPR(_OfTwoLogits, BinaryPrecisionRecallCurve):
    """Macro F1 at the threshold that the D2A leaderboard chooses.

    Among the points of scikit-learn's ROC curve it takes the one whose false-positive rate is closest to 5 %
    (of two equally close ones the higher), then goes to the lowest rate with the same true-positive rate.
    A score of at least that point's threshold is class 1. NaN where one of the classes is absent.
    """

    # A scalar in place of the curve that the class behind it computes.
    def compute(self) -> Tensor:  # type: ignore[override]
        """The macro F1, a scalar."""
        # Imported here: scikit-learn takes a second to load.
        from sklearn.metrics import f1_score, roc_curve

        scores = dim_zero_cat(self.preds).cpu().numpy()
        labels = dim_zero_cat(self.target).cpu().numpy()
        if labels.min() == labels.max():
            return torch.tensor(math.nan)
        fpr, tpr, thresholds = roc_curve(labels, scores)
        point = int((fpr >= LEADERBOARD_FPR).argmax())
        if point > 0 and LEADERBOARD_FPR - fpr[point - 1] < fpr[point] - LEADERBOARD_FPR:
            point -= 1
        first = int((tpr == tpr[point]).argmax())
        return torch.tensor(f1_score(labels, scores >= thresholds[first], average="macro"))


def _check_two(classes: int) -> None:
    if classes != 2:
        raise ValueError(f"these metrics need classes 2, got {classes}")


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

    Memory grows with B, not with its square. Among equal similarities the one that comes first in the data
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
