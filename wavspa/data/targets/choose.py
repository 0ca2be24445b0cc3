"""From ``dataset.label_kind`` to what the labels are, and batches of them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from wavspa.checks import different_names, one_of
from wavspa.data.loading.widths import Width
from wavspa.data.targets.base import Target
from wavspa.data.targets.classes import Classes
from wavspa.data.targets.label_sets import LabelSets
from wavspa.data.targets.numbers import Numbers
from wavspa.errors import UserError

KINDS = ("class", "number", "labels")


def target_of(kind: str, label: str | Sequence[str] | None, separator: str) -> Target:
    """What the labels of files are.

    Args:
        kind: One of :data:`KINDS`.
        label: Their column, or several columns of numbers; None: there are none.
        separator: Between the labels of a text.

    Raises:
        UserError: The kind is unknown, or cannot be combined with the columns.
    """
    one_of("label_kind", kind, KINDS)
    if label is None:
        return Classes([])
    columns = [label] if isinstance(label, str) else different_names("label", label)
    if kind == Numbers.kind:
        return Numbers(columns)
    if len(columns) > 1:
        raise UserError(
            f"dataset.label=[{','.join(columns)}]: several columns are for task=regression; a row has "
            "one column of labels otherwise"
        )
    if kind == LabelSets.kind:
        if not separator:
            raise UserError(
                f"dataset.separator must be a text of at least 1 character, got {separator!r}"
            )
        return LabelSets(columns, separator)
    return Classes(columns)


class CollateTargets(NamedTuple):
    """Makes batches whose labels are those of a target.

    Attributes:
        collate: Makes batches of examples with the label 0.
        target: What the labels are.
        width: ``dataset.classes``.
    """

    collate: Callable[..., Any]
    target: Target
    width: int

    def __call__(self, examples: Sequence[Any], pad_to: Width = None) -> Any:
        """A batch of at least one example, padded as ``collate`` does."""
        batch = self.collate([example._replace(label=0) for example in examples], pad_to)
        labels = self.target.collated([example.label for example in examples], self.width)
        return batch._replace(labels=torch.from_numpy(labels))
