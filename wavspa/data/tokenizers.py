"""From texts to tokens. 0 is always the pad, so that no tokenizer gives it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np


class Tokenizer(Protocol):
    """What :class:`wavspa.data.texts.Texts` needs of a tokenizer."""

    def choices(self) -> Mapping[str, Any]:
        """Everything that shapes the tokens, as JSON can hold it."""

    def fit(self, texts: Iterable[str]) -> None:
        """Learn the vocabulary, where there is one to learn, from the texts of the train split."""

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, all arrays of one integer dtype."""

    def files(self) -> Mapping[str, str]:
        """What was learned, as text files by name, to be kept beside the data."""


class Bytes:
    """The bytes of UTF-8, each plus one: 256 tokens and the pad."""

    def choices(self) -> Mapping[str, Any]:
        """Its name."""
        return {"tokenizer": "bytes"}

    def fit(self, texts: Iterable[str]) -> None:
        """Nothing to learn."""

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """[bytes] uint16 of each text."""
        return [np.frombuffer(text.encode(), np.uint8).astype(np.uint16) + 1 for text in texts]

    def files(self) -> Mapping[str, str]:
        """Nothing to keep."""
        return {}
