"""A tag for each word of a text."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from wavspa.checks import shown
from wavspa.data.labels import in_order, read_label
from wavspa.data.tagging.entities import OUTSIDE, are_of_entities, prefix_of, type_of
from wavspa.data.targets.named import NamedTarget
from wavspa.errors import UserError

LEAST_ROWS = 20
"""Rows that a tag has to have before a hold-out takes its share of them."""


class Tagged(NamedTuple):
    """The labels of a row of W words.

    Attributes:
        starts: [W] the first character of each word in its text; -1 of an empty word.
        tags: The tag of each word, as text or, as stored, as its id.
    """

    starts: np.ndarray
    tags: Sequence[Any]


class Tags(NamedTarget):
    """The tags of the words of a row. Their ids count from 0 in the order of their text.

    Of entities, each type that train has also gets the prefixes that it was not seen with, so that a longer
    entity in test is not unknown.

    Args:
        column: Their column.
        names: What tags that are numbers are called; None: they are called by their numbers.
    """

    kind = "tags"
    task = "tagging"
    unlabelled: tuple[int, ...] = ()
    may_be_blank = True

    def __init__(self, column: str, names: Sequence[str] | None = None) -> None:
        super().__init__([column])
        self._numbered = names

    def read(self, values: Sequence[object], where: str) -> list[Any]:
        """The list in the column, of tags or of spans; null is an empty one."""
        (value,), (column,) = values, self.columns
        if value is not None and not isinstance(value, list):
            raise UserError(
                f"{where}: the column {column!r} holds {shown(value)}, which is not a list of tags or "
                "of spans"
            )
        return value or []

    def named(self, tags: Sequence[object], names: Sequence[str] | None, where: str) -> list[str]:
        """Tags as text.

        Args:
            tags: As they were read.
            names: What the file itself calls numbers.
            where: How a message names the row.

        Raises:
            UserError: One is not a tag, or a number without a name.
        """
        names = self._numbered or names
        return [sys.intern(self._name_of(tag, names, where)) for tag in tags]

    def _name_of(self, tag: object, names: Sequence[str] | None, where: str) -> str:
        if names is not None and isinstance(tag, int):
            if not 0 <= tag < len(names):
                raise UserError(f"{where}: the tag {tag} has none of the {len(names)} names")
            return names[tag]
        if tag is None or tag == "":
            raise UserError(f"{where}: a word has no tag in the column {self.columns[0]!r}")
        return read_label(tag, self.columns[0], where)

    def learn(self, labels: Sequence[Any], where: str, classes: int | None) -> np.ndarray:
        """The id of each row's rarest tag that is not too rare, so that a hold-out takes some of each."""
        self._where = where
        self._counts = Counter(tag for row in labels for tag in row.tags)
        if len(self._counts) < 2:
            raise UserError(f"{where}: all words have the same tag, {next(iter(self._counts))!r}")
        self._name(in_order(_completed(self._counts)))
        rows = Counter(tag for row in labels for tag in set(row.tags))
        chosen = {tag: (count, tag) for tag, count in rows.items() if count >= LEAST_ROWS}
        rarest = (
            min((chosen[tag] for tag in set(row.tags) if tag in chosen), default=None)
            for row in labels
        )
        found = (len(self.names) if one is None else self._ids[one[1]] for one in rarest)
        return np.fromiter(found, np.int64, len(labels))

    def encode(self, label: Tagged, where: str) -> Tagged:
        """With the ids of the tags."""
        try:
            return label._replace(tags=[self._ids[tag] for tag in label.tags])
        except KeyError as error:
            raise UserError(
                f"{where}: the tag {error.args[0]!r} does not occur in {self._where}, so no model can have "
                "learned it: rename it, or leave its rows out"
            ) from error

    def array(self, labels: Sequence[Any]) -> pa.Array:
        """Lists of ids."""
        return pa.array([row.tags for row in labels], pa.list_(pa.int64()))


def _completed(tags: Mapping[str, int]) -> set[str]:
    """The tags of train, of entities with each prefix for each type."""
    found = set(tags)
    if not are_of_entities(found):
        return found
    others = found - {OUTSIDE}
    prefixes = set(map(prefix_of, others))
    if "B" in prefixes:
        prefixes.add("I")
    untyped = {tag for tag in others if len(tag) == 1}
    types = {type_of(tag) for tag in others - untyped}
    found |= {f"{prefix}-{kind}" for prefix in prefixes for kind in types}
    return found | (prefixes if untyped else set())
