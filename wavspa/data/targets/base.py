"""The label of a row: how it is read, learned, stored and batched."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from wavspa.data.preparation.store import Facts, Splits

Where = Callable[[int], str]


class Target(ABC):
    """The labels of a data set of files, from a row of a table to a batch.

    Args:
        columns: Their columns.

    Attributes:
        kind: What ``dataset.label_kind`` calls it.
        task: The task that it is for, for messages.
        unlabelled: The placeholder for the label of a new example.
        may_be_blank: Whether a row without a value is labelled all the same.
    """

    kind: str
    task: str
    unlabelled: Any = 0
    may_be_blank = False

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = list(columns)

    @abstractmethod
    def read(self, values: Sequence[object], where: str) -> Any:
        """The label of a row.

        Args:
            values: Values of the columns.
            where: How a message names the row.

        Raises:
            UserError: They are not a label of this kind.
        """

    @abstractmethod
    def learn(self, labels: Sequence[Any], where: str, classes: int | None) -> np.ndarray:
        """Look at the labels of train, in the order of its rows.

        Args:
            labels: As :meth:`read` returns them.
            where: How a message names the file.
            classes: ``dataset.classes``, if it was given.

        Returns:
            [rows] int, the groups of which a hold-out takes the same share.

        Raises:
            UserError: A model cannot learn them.
        """

    @abstractmethod
    def open(self, card: Mapping[str, Any]) -> None:
        """Take from the card of prepared data what :meth:`learn` found."""

    @abstractmethod
    def encode(self, label: Any, where: str) -> Any:
        """A label as stored.

        Raises:
            UserError: Train does not have it.
        """

    @abstractmethod
    def facts(self, splits: Splits) -> Facts:
        """What the card of the data keeps of the labels."""

    @abstractmethod
    def outputs(self, card: Mapping[str, Any]) -> int:
        """How many outputs a model of these data has: ``dataset.classes``."""

    def array(self, labels: Sequence[Any]) -> pa.Array:
        """Stored labels as a column."""
        return pa.array(labels, pa.int64())

    def collated(self, labels: Sequence[Any], width: int) -> np.ndarray:
        """Stored labels as the ``labels`` of a batch.

        Args:
            labels: Labels of its examples.
            width: ``dataset.classes``.
        """
        return np.array(labels, np.int64)
