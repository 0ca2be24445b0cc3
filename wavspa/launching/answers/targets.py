"""Answer columns of a run whose targets are not a single class."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from wavspa.data import SequenceDataModule
from wavspa.data.labels import class_names
from wavspa.data.targets.label_sets import LabelSets
from wavspa.data.targets.numbers import scale_of
from wavspa.tasks import Multilabel
from wavspa.tasks.targets.base import TargetTask


class TargetColumns(ABC):
    """The columns that a prediction writes.

    Attributes:
        names: The names of the columns.
    """

    names: list[str]

    @abstractmethod
    def of(self, outputs: np.ndarray) -> list[pa.Array]:
        """The columns, each [n], for outputs [n, K] float32."""


class NumberColumns(TargetColumns):
    """The predicted numbers in the units of the data.

    Args:
        card: The card of the data that the run was trained on.
    """

    def __init__(self, card: Mapping[str, Any]) -> None:
        self.targets = [str(target["name"]) for target in card["targets"]]
        self.names = [f"predicted_{name}" for name in self.targets]
        self._scale = scale_of(card, "targets")

    def of(self, outputs: np.ndarray) -> list[pa.Array]:
        """One column for each number, float64."""
        numbers = outputs * self._scale.deviation + self._scale.mean
        return [pa.array(column) for column in numbers.T.copy()]


class LabelColumns(TargetColumns):
    """The predicted labels, joined, and the probability of each.

    Args:
        labels: The names of the labels.
        thresholds: The probabilities [C] from which labels are predicted.
        separator: The separator between labels.
    """

    def __init__(self, labels: list[str], thresholds: np.ndarray, separator: str) -> None:
        self.names = ["labels", *(f"probability_{label}" for label in labels)]
        self._labels, self._thresholds, self._separator = labels, thresholds, separator

    def of(self, outputs: np.ndarray) -> list[pa.Array]:
        """One column of joined labels, and one for each label's probability, float32."""
        probabilities = torch.from_numpy(outputs).sigmoid().numpy()
        joined = self.joined(probabilities >= self._thresholds)
        return [pa.array(joined), *(pa.array(column) for column in probabilities.T.copy())]

    def joined(self, which: np.ndarray) -> list[str]:
        """The labels of each row of a mask [n, C], as one text."""
        return [
            self._separator.join(self._labels[number] for number in np.flatnonzero(row))
            for row in which
        ]


def target_columns(
    task: TargetTask, data: SequenceDataModule, card: Mapping[str, Any]
) -> TargetColumns:
    """The answer columns of a task.

    Args:
        task: The task.
        data: The run's data.
        card: The card of the data that the run was trained on.
    """
    if isinstance(task, Multilabel):
        assert isinstance(data.target, LabelSets)
        names = class_names(card, task.outputs)
        return LabelColumns(names, task.thresholds.cpu().numpy(), data.target.separator)
    return NumberColumns(card)
