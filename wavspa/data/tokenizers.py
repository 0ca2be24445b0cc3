"""From texts to tokens. 0 is always the pad, which no tokenizer returns."""

import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavspa.checks import is_writable, whole_number
from wavspa.errors import UserError

# Texts whose characters are counted at a time.
CHUNK = 256
CODE_POINTS = 0x110000
VOCABULARY = "vocabulary.json"
RUN_VOCABULARY = "vocabulary"  # where a run's folder keeps what was learned
ALONE, INSIDE, BEGINS = 0, 1, 2
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Tokenizer:
    """What :class:`wavspa.data.text_datamodule.Texts` needs of a tokenizer.

    Attributes:
        learns: Whether there is a vocabulary to learn from the train split.
        end: Whether each text has a token at its end, which is the largest one.
    """

    learns = False
    end = False

    @property
    def end_token(self) -> int | None:
        """The last token of each text, also of one that is cut; None if texts have no end."""
        return self.size - 1 if self.end else None

    @property
    def size(self) -> int:
        """How many tokens there are, the pad among them; known after :meth:`fit`."""
        raise NotImplementedError

    def cache_key(self) -> Mapping[str, Any]:
        """Everything that shapes the tokens, as JSON can hold it."""
        raise NotImplementedError

    def fit(self, texts: Iterable[str]) -> None:
        """Learn the vocabulary, where there is one to learn, from the texts of the train split."""

    def encode(self, texts: Sequence[str], length: int | None = None) -> list[np.ndarray]:
        """The first ``length`` tokens of each text (None: all), arrays of one integer dtype."""
        raise NotImplementedError

    def places(self, text: str, starts: np.ndarray) -> np.ndarray:
        """The place among the tokens of ``text``, from 0, of the token in which each character begins.

        Args:
            text: The text.
            starts: The characters, [W] int64 in increasing order.
        """
        raise NotImplementedError

    def word_kinds(self) -> np.ndarray:
        """[size] int64, the place of each token in its word: :data:`ALONE`, :data:`INSIDE`
        (it continues what is before it, unless that is alone) or :data:`BEGINS`.
        """
        raise NotImplementedError

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without pads and their end."""
        raise NotImplementedError

    def files(self) -> Mapping[str, str]:
        """What was learned, as text files by name, to be kept next to the data."""
        return {}

    def load(self, folder: Path) -> None:
        """Take up again what was learned from the files in ``folder``, if :attr:`learns`."""


class Bytes(Tokenizer):
    """The bytes of UTF-8, each plus one: 256 tokens and the pad.

    Args:
        end: Append an end token, 257, to each text, even if it is cut.
    """

    def __init__(self, end: bool = False) -> None:
        self.end = end

    @property
    def size(self) -> int:
        """257, or 258 with the end."""
        return 257 + self.end

    def cache_key(self) -> Mapping[str, Any]:
        """Its name, and whether there is an end."""
        return {"name": "bytes", "end": self.end}

    def word_kinds(self) -> np.ndarray:
        """Words are letters, digits, ``_`` and the bytes of all that is not ASCII."""
        words = [byte >= 0x80 or _is_of_word(chr(byte)) for byte in range(256)]
        return _kinds([False, *words], self.size)

    def encode(self, texts: Sequence[str], length: int | None = None) -> list[np.ndarray]:
        """[bytes] uint16 of each text."""
        # A character has at least one byte, so the cut spares the bytes of what is left out.
        parts = (text[:length].encode("utf-8", "surrogatepass") for text in texts)
        tokens = (np.frombuffer(part, np.uint8).astype(np.uint16) + 1 for part in parts)
        return [ended(row, length, self.end_token) for row in tokens]

    def places(self, text: str, starts: np.ndarray) -> np.ndarray:
        """The first byte of each character."""
        codes = _code_points(text)
        widths = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
        first: np.ndarray = (np.cumsum(widths) - widths)[starts]
        return first

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of the bytes; those that are not UTF-8 are a replacement character."""
        return bytes(t - 1 for t in tokens if 0 < t <= 256).decode("utf-8", "replace")


class Characters(Tokenizer):
    """Unicode characters: 1 is any that the vocabulary lacks; those that it has count from 2.

    Args:
        min_count: The vocabulary is what occurs at least this often in the train split, in Unicode order.
        end: Append an end token, the last of the vocabulary, to each text, even if it is cut.
        run: The folder of a run whose vocabulary is used; None: it is learned.
    """

    learns = True

    def __init__(self, min_count: int = 1, end: bool = False, run: str | None = None) -> None:
        self._kept = kept_vocabulary(run, VOCABULARY)
        self.min_count = whole_number("tokenizer.min_count", min_count)
        self.end = end
        self.vocabulary: list[str] = []

    @property
    def size(self) -> int:
        """The pad, the unknown, the vocabulary, the end."""
        return 2 + len(self.vocabulary) + self.end

    def cache_key(self) -> Mapping[str, Any]:
        """Its name and its options."""
        return {
            "name": "characters",
            "min_count": self.min_count,
            "end": self.end,
            **of_kept(self._kept),
        }

    def fit(self, texts: Iterable[str]) -> None:
        """Count characters."""
        if self._kept is not None:
            self.load(self._kept.parent)
            return
        counts = np.zeros(CODE_POINTS, np.int64)
        texts = iter(texts)
        while chunk := list(itertools.islice(texts, CHUNK)):
            counts += np.bincount(_code_points("".join(chunk)), minlength=CODE_POINTS)
        self._know(np.flatnonzero(counts >= self.min_count))

    def load(self, folder: Path) -> None:
        """Read ``vocabulary.json``."""
        vocabulary = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
        self._know(np.array([ord(character) for character in vocabulary]))

    def _know(self, known: np.ndarray) -> None:
        """Make the code points ``known`` [characters] the vocabulary."""
        self.vocabulary = [chr(code) for code in known]
        self._tokens = np.ones(CODE_POINTS, np.uint16 if self.size <= 2**16 else np.int32)
        self._tokens[known] = np.arange(2, 2 + len(known))

    def word_kinds(self) -> np.ndarray:
        """Words are letters, digits and ``_``."""
        return _kinds([False, False, *map(_is_of_word, self.vocabulary)], self.size)

    def encode(self, texts: Sequence[str], length: int | None = None) -> list[np.ndarray]:
        """[characters] uint16, or int32 of a very large vocabulary, of each text."""
        tokens = (self._tokens[_code_points(text[:length])] for text in texts)
        return [ended(row, length, self.end_token) for row in tokens]

    def places(self, text: str, starts: np.ndarray) -> np.ndarray:
        """A character is a token."""
        return starts

    def decode(self, tokens: Sequence[int]) -> str:
        """The characters; an unknown one, or half of a surrogate pair, is a replacement character."""
        written = (sign if is_writable(sign) else UNKNOWN for sign in self.vocabulary)
        known = {1: UNKNOWN, **dict(enumerate(written, start=2))}
        return "".join(known.get(token, "") for token in tokens)

    def files(self) -> Mapping[str, str]:
        """``vocabulary.json``: the characters, token 2 first."""
        return {VOCABULARY: json.dumps(self.vocabulary) + "\n"}


def kept_vocabulary(run: str | None, file: str) -> Path | None:
    """The file of the vocabulary that a run keeps; None without a run."""
    return None if run is None else Path(os.path.expanduser(run)) / RUN_VOCABULARY / file


def of_kept(file: Path | None) -> Mapping[str, str]:
    """The identity of a vocabulary that is taken from a run, for ``cache_key``.

    Raises:
        UserError: The run keeps none of this kind.
    """
    if file is None:
        return {}
    try:
        return {"learned": hashlib.sha256(file.read_bytes()).hexdigest()}
    except OSError as error:
        raise UserError(
            f"dataset.tokenizer.run={file.parent.parent} keeps no {RUN_VOCABULARY}/{file.name}: name a run "
            "with this tokenizer"
        ) from error


def _is_of_word(text: str) -> bool:
    return text.replace("_", "a").isalnum()


def _kinds(of_word: Sequence[bool], size: int) -> np.ndarray:
    """Kinds of the first tokens; the rest, such as the end, are alone."""
    kinds = np.full(size, ALONE, np.int64)
    kinds[: len(of_word)][np.array(of_word)] = INSIDE
    return kinds


def _code_points(text: str) -> np.ndarray:
    """[characters] uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def cut(tokens: np.ndarray, length: int | None, end: int | None) -> np.ndarray:
    """The first ``length`` tokens [N]; with an ``end``, this is the last of what is cut."""
    if length is None or len(tokens) <= length:
        return tokens
    head = tokens[:length]
    if end is not None:
        head = head.copy()  # what is cut may be mapped from a file
        head[-1] = end
    return head


def ended(tokens: np.ndarray, length: int | None, end: int | None) -> np.ndarray:
    """The first ``length`` tokens [N] with their ``end``, if there is one."""
    whole = tokens if end is None else np.append(tokens, tokens.dtype.type(end))
    return cut(whole, length, end)
