"""The words of a text, and the spans of characters that label them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wavspa.checks import shown
from wavspa.data.tagging.entities import OUTSIDE
from wavspa.errors import UserError

UNITS = {
    "word": re.compile(r"\w+|[^\w\s]"),
    "character": re.compile(r"\S"),
}
"""What has a tag in a text: letters and digits side by side or another sign; or each character. No blank."""


class Words(NamedTuple):
    """A text, and where its W words are.

    Attributes:
        text: The text.
        starts: [W] the first character of each.
        ends: [W] the one after its last.
    """

    text: str
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def texts(self) -> list[str]:
        """Each word."""
        places = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        return [self.text[start:end] for start, end in places]


class Span(NamedTuple):
    """Characters of a text, and what they are."""

    start: int
    end: int
    label: str

    def __str__(self) -> str:
        return f"{self.start}..{self.end} ({self.label})"


def split_text(text: str, unit: str) -> Words:
    """The words of a text by one of :data:`UNITS`."""
    found = [match.span() for match in UNITS[unit].finditer(text)]
    places = np.array(found, np.int64).reshape(-1, 2)
    return Words(text, places[:, 0], places[:, 1])


def joined_words(words: Sequence[str]) -> Words:
    """The text of words with a blank between two of them."""
    lengths = np.array([len(word) for word in words], np.int64)
    starts = np.cumsum(lengths + 1) - lengths - 1
    return Words(" ".join(words), starts, starts + lengths)


def read_spans(values: Sequence[object], where: str) -> list[Span]:
    """Spans as json has them: objects with start, end and label, or lists of the three.

    Raises:
        UserError: One is something else.
    """
    spans = []
    for value in values:
        if isinstance(value, dict):
            parts = [value.get("start"), value.get("end"), value.get("label")]
        else:
            parts = list(value) if isinstance(value, list | tuple) else []
        numbers = [part for part in parts[:2] if type(part) is int]
        if len(parts) != 3 or len(numbers) != 2 or not isinstance(parts[2], str) or not parts[2]:
            raise UserError(
                f"{where}: {shown(value)} is not a span: it must be an object with start and end, whole "
                "numbers, and label, or a list of the three"
            )
        spans.append(Span(numbers[0], numbers[1], parts[2]))
    return sorted(spans)


def tags_of_spans(words: Words, spans: Sequence[Span], where: str) -> list[str]:
    """The tag of each word by the scheme IOB2.

    Args:
        words: The words.
        spans: In the order of their characters.
        where: How a message names the text.

    Raises:
        UserError: Two spans overlap, or one is beyond the text, holds no word or cuts one.
    """
    tags = [OUTSIDE] * len(words)
    before: Span | None = None
    for span in spans:
        if not 0 <= span.start < span.end <= len(words.text):
            raise UserError(
                f"{where}: the span {span} is empty or beyond the text of {len(words.text)} characters"
            )
        if before is not None and span.start < before.end:
            raise UserError(
                f"{where}: the spans {before} and {span} overlap: a word has one tag, so leave one out"
            )
        first = int(np.searchsorted(words.ends, span.start, side="right"))
        last = int(np.searchsorted(words.starts, span.end, side="left"))
        if first == last:
            raise UserError(f"{where}: the span {span} holds no word")
        for word in (first, last - 1):
            start, end = int(words.starts[word]), int(words.ends[word])
            if start < span.start or end > span.end:
                raise UserError(
                    f"{where}: the span {span} cuts the word {shown(words.text[start:end])}: "
                    "dataset.unit=character tags each character"
                )
        tags[first:last] = [f"B-{span.label}", *[f"I-{span.label}"] * (last - first - 1)]
        before = span
    return tags
