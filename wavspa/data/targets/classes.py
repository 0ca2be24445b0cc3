"""One class of several for each example."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wavspa.checks import shown
from wavspa.data.labels import check_classes, in_order, read_label
from wavspa.data.targets.named import NamedTarget
from wavspa.errors import UserError


class Classes(NamedTarget):
    """Labels of any kind, one in a row: their ids count from 0 in the order of :func:`in_order`."""

    kind = "class"
    task = "classification"

    def read(self, values: Sequence[object], where: str) -> str:
        """The label as text."""
        if isinstance(values[0], list):
            raise UserError(
                f"{where}: the column {self.columns[0]!r} holds the list {shown(values[0])}: task=multilabel "
                "takes several labels"
            )
        return read_label(values[0], self.columns[0], where)

    def learn(self, labels: Sequence[Any], where: str, classes: int | None) -> np.ndarray:
        """The id of each label; labels that are not classes are refused."""
        self._counts, self._where = Counter(labels), where
        self.check(self._counts, where, classes)
        self._name(in_order(self._counts))
        return np.array([self._ids[label] for label in labels])

    def check(self, counts: Mapping[str, int], where: str, classes: int | None) -> None:
        """Refuse labels of train, with their rows, that are not classes."""
        if len(counts) < 2 or classes is None:
            check_classes(counts, self.columns[0], where)

    def encode(self, label: str, where: str) -> int:
        """The id."""
        if label not in self._ids:
            raise UserError(f"{where}: the label {label!r} does not occur in {self._where}")
        return self._ids[label]

    def outputs(self, card: Mapping[str, Any]) -> int:
        """One for each label that occurs."""
        splits = card["splits"].values()
        return 1 + max(int(label) for split in splits for label in split["labels"])
