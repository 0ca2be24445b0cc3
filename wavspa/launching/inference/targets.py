"""What the outputs of a run mean whose targets are not one class: columns of its answers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from wavspa.data import SequenceDataModule
from wavspa.data.targets.numbers import scale_of
from wavspa.tasks.targets.base import TargetTask


class TargetColumns(ABC):
    """The columns that a prediction writes.

    Attributes:
        names: What they are called.
    """

    names: list[str]

    @abstractmethod
    def of(self, outputs: np.ndarray) -> list[pa.Array]:
        """The columns, each [n], of outputs [n, K] float32."""


class NumberColumns(TargetColumns):
    """The predicted numbers in the units of the data.

    Args:
        card: Of the data that the run was trained on.
    """

    def __init__(self, card: Mapping[str, Any]) -> None:
        self.names = [f"predicted_{target['name']}" for target in card["targets"]]
        self._scale = scale_of(card, "targets")

    def of(self, outputs: np.ndarray) -> list[pa.Array]:
        """One column for each number, float64."""
        numbers = outputs * self._scale.deviation + self._scale.mean
        return [pa.array(column) for column in numbers.T.copy()]


def target_columns(
    task: TargetTask, data: SequenceDataModule, card: Mapping[str, Any]
) -> TargetColumns:
    """The columns of the answers of a task.

    Args:
        task: The task.
        data: The run's data.
        card: Of the data that the run was trained on.
    """
    return NumberColumns(card)
