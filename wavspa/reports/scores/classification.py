"""Scores of classified examples, computed by scikit-learn and torchmetrics."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

BINS = 15
"""Bins of equal width, by the probability of the predicted class, that the calibration error uses."""


class Answers(NamedTuple):
    """A run's answers to n examples with C classes."""

    labels: np.ndarray
    """[n] int64, the true class of each"""
    probabilities: np.ndarray
    """[n, C]"""
    predicted: np.ndarray
    """[n] int64, the class that the run chooses"""
    names: Sequence[str]
    """the names of the classes"""


class Scores(NamedTuple):
    """Scores by name; NaN is undefined.

    For several resamples each score has an additional first axis.
    """

    overall: Mapping[str, np.ndarray]
    per_class: Mapping[str, np.ndarray]
    """[C] each"""


def scores_of(answers: Answers) -> Scores:
    """The scores of some answers.

    Undefined are the precision of a class that is never predicted, the recall of one that does not occur, and
    the F1 of one to which both apply; if all examples have one label, all scores that compare classes.

    Args:
        answers: At least one.
    """
    # Imported here: scikit-learn takes a second to load.
    from sklearn.metrics import (
        accuracy_score,
        balanced_accuracy_score,
        brier_score_loss,
        log_loss,
        matthews_corrcoef,
        precision_recall_fscore_support,
    )

    labels, probabilities, predicted, names = answers
    classes = range(len(names))
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=np.nan
    )
    ranked = [_ranking_scores(labels == number, probabilities[:, number]) for number in classes]
    average_precision, auroc = map(np.array, zip(*ranked, strict=True))
    several = len(np.unique(labels)) > 1
    overall = {
        "accuracy": accuracy_score(labels, predicted),
        # A class that is predicted but does not occur has no recall; scikit-learn would warn about it.
        "balanced_accuracy": (
            balanced_accuracy_score(*_of_classes_that_occur(labels, predicted))
            if several
            else np.nan
        ),
        "macro_f1": mean_where_defined(f1),
        "mcc": matthews_corrcoef(labels, predicted) if several else np.nan,
        "average_precision": of_ranking(average_precision),
        "auroc": of_ranking(auroc),
        "brier": brier_score_loss(labels, probabilities, labels=classes),
        "nll": log_loss(labels, probabilities, labels=classes),
        "ece": _calibration_error(labels, probabilities),
    }
    per_class = {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "average_precision": average_precision,
        "auroc": auroc,
    }
    return Scores({name: np.asarray(value) for name, value in overall.items()}, per_class)


def confusion(answers: Answers) -> np.ndarray:
    """Examples of each true class (rows) by predicted class (columns), int64 [C, C]."""
    from sklearn.metrics import confusion_matrix

    counts: np.ndarray = confusion_matrix(
        answers.labels, answers.predicted, labels=range(len(answers.names))
    )
    return counts


def mean_where_defined(values: np.ndarray) -> np.ndarray:
    """The mean over the last axis, ignoring NaN; NaN if all values are."""
    defined = ~np.isnan(values)
    total = np.where(defined, values, 0.0).sum(axis=-1)
    count = defined.sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def of_ranking(by_class: np.ndarray) -> np.ndarray:
    """The overall ranking score, from those of the classes [..., C]: of class 1 if C = 2, else the mean."""
    if by_class.shape[-1] == 2:
        return np.asarray(by_class[..., 1])
    return mean_where_defined(by_class)


def _ranking_scores(positive: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    if positive.all() or not positive.any():
        return np.nan, np.nan
    return average_precision_score(positive, scores), roc_auc_score(positive, scores)


def _of_classes_that_occur(
    labels: np.ndarray, predicted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and predictions with each class that does not occur replaced by a wrong one that does."""
    occur = np.unique(labels)
    wrong = np.where(labels == occur[0], occur[-1], occur[0])
    return labels, np.where(np.isin(predicted, occur), predicted, wrong)


def _calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error

    error = multiclass_calibration_error(
        torch.from_numpy(probabilities),
        torch.from_numpy(labels),
        num_classes=probabilities.shape[1],
        n_bins=BINS,
    )
    return float(error)
