"""Answer columns of a run that tags words: the words, their tags, and the resulting spans."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from wavspa.data.labels import class_names
from wavspa.data.tagging.entities import OUTSIDE, Tagset
from wavspa.data.tagging.files import TAGS, WORDS
from wavspa.data.tagging.words import Words
from wavspa.tasks import Tagging

SPANS = "spans"
_SPAN = pa.struct(
    [("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("text", pa.string())]
)


class TagColumns:
    """The columns that a prediction of tags writes.

    Args:
        task: The task.
        card: The card of the data that the run was trained on.

    Attributes:
        names: The names of the columns.
        unread: Number of words so far that the model has not read: they are outside entities, or untagged.
    """

    names = (WORDS, TAGS, SPANS)

    def __init__(self, task: Tagging, card: Mapping[str, Any]) -> None:
        self._tagset = Tagset(class_names(card, task.outputs), task.scheme)
        self._tags = [*self._tagset.names, OUTSIDE if self._tagset.has_entities else None]
        self.unread = 0

    def of(self, ids: Sequence[np.ndarray], rows: Sequence[Words]) -> list[pa.Array]:
        """The columns, each [n].

        Args:
            ids: The tags [W] of each row; -1 for a word that was not read.
            rows: The words of each row.
        """
        self.unread += int(sum((tags < 0).sum() for tags in ids))
        return [
            pa.array([words.texts() for words in rows], pa.list_(pa.string())),
            pa.array([[self._tags[tag] for tag in tags] for tags in ids], pa.list_(pa.string())),
            pa.array(
                [self._spans(tags, words) for tags, words in zip(ids, rows, strict=True)],
                pa.list_(_SPAN),
            ),
        ]

    def _spans(self, tags: np.ndarray, words: Words) -> list[dict[str, Any]]:
        """The entities with their character positions; without entities, each word with its tag."""
        spans = []
        for first, last, kind in self._tagset.entities(tags).tolist():
            start, end = int(words.starts[first]), int(words.ends[last - 1])
            label, text = self._tagset.types[kind], words.text[start:end]
            spans.append({"start": start, "end": end, "label": label, "text": text})
        return spans
