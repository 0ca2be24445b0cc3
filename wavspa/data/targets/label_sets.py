"""Any number of labels for each example."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from wavspa.checks import shown
from wavspa.data.labels import in_order, joined, read_label
from wavspa.data.targets.named import NamedTarget
from wavspa.errors import UserError


class LabelSets(NamedTarget):
    """A list of labels in json and parquet, labels joined by a separator in other files; or none.

    Args:
        columns: Their one column.
        separator: Between the labels of a text.
    """

    kind = "labels"
    task = "multilabel"
    unlabelled: tuple[int, ...] = ()
    may_be_blank = True

    def __init__(self, columns: Sequence[str], separator: str) -> None:
        super().__init__(columns)
        self.separator = separator

    def read(self, values: Sequence[object], where: str) -> tuple[str, ...]:
        """The labels of a row, each once; a blank text and null have none."""
        (value,), (column,) = values, self.columns
        found: Iterable[object]
        if value is None or value == "":
            found = ()
        elif isinstance(value, str):
            found = filter(None, map(str.strip, value.split(self.separator)))
        elif isinstance(value, list):
            found = value
        else:
            raise UserError(
                f"{where}: the column {column!r} holds {shown(value)}, which is neither a list of labels "
                f"nor a text of labels with {self.separator!r} between them (dataset.separator)"
            )
        names = []
        for one in found:
            if one is None or not str(one).strip():
                raise UserError(
                    f"{where}: the column {column!r} holds {shown(value)}, in which a label is blank: leave "
                    "it out"
                )
            names.append(read_label(one, column, where))
        return tuple(dict.fromkeys(names))

    def learn(self, labels: Sequence[Any], where: str, classes: int | None) -> np.ndarray:
        """The id of each row's rarest label, so that a hold-out takes some of each."""
        self._where = where
        self._counts = Counter(label for row in labels for label in row)
        if all(len(row) == 1 for row in labels):
            raise UserError(
                f"{where}: each row has exactly one label in the column {self.columns[0]!r}: choose "
                f"task=classification, or the separator of labels "
                f"(dataset.separator is {self.separator!r})"
            )
        if not self._counts:
            raise UserError(f"{where}: no row has a label in the column {self.columns[0]!r}")
        if classes is None and (several := joined(self._counts)):
            raise UserError(
                f"{where}: the column {self.columns[0]!r} holds several labels in one, such as "
                f"{shown(several)}: choose their separator (dataset.separator is {self.separator!r}); if "
                f"they are labels all the same, set dataset.classes={len(self._counts)}"
            )
        if held := [label for label in in_order(self._counts) if self.separator in label]:
            raise UserError(
                f"{where}: the label {shown(held[0])} holds {self.separator!r}, by which predictions join "
                "labels: choose another dataset.separator, which no label holds"
            )
        self._name(in_order(self._counts))
        rarest = (
            min((self._counts[label], self._ids[label]) for label in row)[1]
            if row
            else len(self.names)
            for row in labels
        )
        return np.fromiter(rarest, np.int64, len(labels))

    def encode(self, label: tuple[str, ...], where: str) -> list[int]:
        """The ids, in order."""
        if unknown := [name for name in label if name not in self._ids]:
            raise UserError(f"{where}: the label {unknown[0]!r} does not occur in {self._where}")
        return sorted(self._ids[name] for name in label)

    def array(self, labels: Sequence[Any]) -> pa.Array:
        """Lists of ids."""
        return pa.array(labels, pa.list_(pa.int64()))

    def collated(self, labels: Sequence[Any], width: int) -> np.ndarray:
        """Float32 [B, C]: 1 where an example has a label."""
        found = np.zeros((len(labels), width), np.float32)
        for row, ids in zip(found, labels, strict=True):
            row[list(ids)] = 1.0
        return found
