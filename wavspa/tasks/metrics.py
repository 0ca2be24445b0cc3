"""The metrics of each kind of benchmark, as functions that a task's configuration names.

Each gives fresh metrics of logits ``[..., C]`` and labels ``[...]`` by the name that they are logged under.
"""

import math

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

LEADERBOARD_FPR = 0.05


def multiclass(classes: int) -> dict[str, Metric]:
    """``accuracy``, macro ``f1`` and, of two classes, ``auroc``."""
    metrics: dict[str, Metric] = {
        "accuracy": MulticlassAccuracy(classes, average="micro"),
        "f1": MulticlassF1Score(classes, average="macro"),
    }
    if classes == 2:
        metrics["auroc"] = AUROC()
    return metrics


def detection(classes: int) -> dict[str, Metric]:
    """D2A's ``auroc`` and ``f1_at_5_fpr`` (macro), and ``accuracy``.

    Raises:
        ValueError: ``classes`` is not 2.
    """
    _check_two(classes)
    return {
        "auroc": AUROC(),
        "f1_at_5_fpr": MacroF1AtFPR(),
        "accuracy": MulticlassAccuracy(classes, average="micro"),
    }


def clones(classes: int) -> dict[str, Metric]:
    """BigCloneBench's ``f1``, ``precision`` and ``recall`` of class 1, and ``accuracy``.

    Raises:
        ValueError: ``classes`` is not 2.
    """
    _check_two(classes)
    return {
        "f1": F1(),
        "precision": Precision(),
        "recall": Recall(),
        "accuracy": MulticlassAccuracy(classes, average="micro"),
    }


class _OfTwoLogits:
    """Turns logits ``[B, 2]`` into the probability of class 1 for the binary metric behind it."""

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Count ``preds [B, 2]``, logits of the two classes, and ``target [B]``."""
        super().update(preds.softmax(dim=-1)[:, 1], target)  # type: ignore[misc]


class AUROC(_OfTwoLogits, BinaryAUROC):
    """Area under the ROC curve."""


class F1(_OfTwoLogits, BinaryF1Score):
    """F1 of class 1."""


class Precision(_OfTwoLogits, BinaryPrecision):
    """Precision of class 1."""


class Recall(_OfTwoLogits, BinaryRecall):
    """Recall of class 1."""


class MacroF1AtFPR(_OfTwoLogits, BinaryPrecisionRecallCurve):
    """Macro F1 at the threshold that the D2A leaderboard chooses.

    Of the points of scikit-learn's ROC curve it takes the one whose false-positive rate is closest to 5 %
    (of two equally close ones the higher), then goes to the lowest rate with the same true-positive rate.
    A score of at least that point's threshold is class 1. NaN where one of the classes is absent.
    """

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
