"""Byte-level byte pair encoding, learned from the train split or read from GPT-2's files.

Tokens are the ids of the vocabulary, each plus one, since 0 is the pad.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE as BPEModel
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from wavspa.checks import true_or_false, whole_number
from wavspa.data.sources.downloads import File, download_all
from wavspa.data.tokenizers import ALONE, BEGINS, INSIDE, Tokenizer, ended, kept_vocabulary, of_kept
from wavspa.errors import UserError

# The library warns of every process that reads batches if it may not take this for granted.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

TOKENIZER = "tokenizer.json"
GPT2_FILES = ("vocab.json", "merges.txt")
BLANK = "Ġ"
GPT2 = "https://huggingface.co/openai-community/gpt2"


class _ByteLevel(Tokenizer):
    """What a byte-level BPE does once its vocabulary is known."""

    def __init__(self, model: BPEModel, end: bool) -> None:
        self.end = true_or_false("tokenizer.end", end)
        self._tokenizer = tokenizers.Tokenizer(model)
        self._tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
        self._decoder = ByteLevelDecoder()

    @property
    def size(self) -> int:
        """The pad, the vocabulary, the end."""
        return 1 + self._tokenizer.get_vocab_size() + self.end

    def encode(self, texts: Sequence[str], length: int | None = None) -> list[np.ndarray]:
        """[tokens] uint16, or int32 of a very large vocabulary, of each text."""
        dtype = np.uint16 if self.size <= 2**16 else np.int32
        encodings = self._tokenizer.encode_batch_fast([_whole(text) for text in texts])
        tokens = (np.array(encoding.ids[:length], dtype) + 1 for encoding in encodings)
        return [ended(row, length, self.end_token) for row in tokens]

    def places(self, text: str, starts: np.ndarray) -> np.ndarray:
        """The first token that ends after the beginning of a character; it may begin with a blank."""
        ends = [end for _, end in self._tokenizer.encode(_whole(text)).offsets]
        return np.searchsorted(ends, starts, side="right")

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of the bytes; those that are not UTF-8 are a replacement character."""
        ids = [t - 1 for t in tokens if t > 0 and t != self.end_token]
        text: str = self._decoder.decode([str(self._tokenizer.id_to_token(i)) for i in ids])
        return text

    @property
    def _end_key(self) -> dict[str, bool]:
        """Without an end none: data that were prepared before there could be one are found again."""
        return {"end": True} if self.end else {}

    def word_kinds(self) -> np.ndarray:
        """A blank at its front begins a word; what is neither letters nor digits is alone."""
        kinds = np.full(self.size, ALONE, np.int64)
        for piece, token in self._tokenizer.get_vocab().items():
            if all(map(_is_of_word, piece.removeprefix(BLANK))):
                kinds[token + 1] = BEGINS if piece.startswith(BLANK) else INSIDE
        return kinds

    def files(self) -> Mapping[str, str]:
        """``tokenizer.json``, in the format of the library `tokenizers`; its ids are not shifted."""
        return {TOKENIZER: self._tokenizer.to_str(pretty=True) + "\n"}


class BPE(_ByteLevel):
    """Byte pairs that are merged in the order of their frequency in the train split.

    Args:
        vocab_size: Number of tokens, including the 256 bytes; small data yield fewer.
        run: The folder of a run whose vocabulary is used; None: it is learned.
        end: Append an end token, the last of the vocabulary, to each text, even if it is cut.
    """

    learns = True

    def __init__(self, vocab_size: int, end: bool = False, run: str | None = None) -> None:
        super().__init__(BPEModel(), end)
        self._kept = kept_vocabulary(run, TOKENIZER)
        self.vocab_size = whole_number("tokenizer.vocab_size", vocab_size, least=256)

    def cache_key(self) -> Mapping[str, Any]:
        """Its name and its options."""
        return {
            "name": "bpe",
            "vocab_size": self.vocab_size,
            **self._end_key,
            **of_kept(self._kept),
        }

    def fit(self, texts: Iterable[str]) -> None:
        """Learn the merges."""
        if self._kept is not None:
            self.load(self._kept.parent)
            return
        trainer = BpeTrainer(
            vocab_size=self.vocab_size,
            initial_alphabet=ByteLevel.alphabet(),
            show_progress=False,
        )
        self._tokenizer.train_from_iterator(map(_whole, texts), trainer)

    def load(self, folder: Path) -> None:
        """Read ``tokenizer.json``."""
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / TOKENIZER))


class BPEFiles(_ByteLevel):
    """A vocabulary that was learned elsewhere.

    Args:
        folder: The folder of GPT-2's ``vocab.json`` and ``merges.txt``.
        end: As in :class:`BPE`.
        download: Download missing files of GPT-2 from the hub.

    Raises:
        UserError: They are missing, damaged, or do not hold every byte.
    """

    def __init__(self, folder: str | Path, end: bool = False, download: bool = False) -> None:
        root = Path(os.path.expanduser(folder))
        paths = [root / name for name in GPT2_FILES]
        if true_or_false("tokenizer.download", download):
            download_all(root, [File(f"{GPT2}/resolve/main/{name}") for name in GPT2_FILES])
        for path in paths:
            if not path.is_file():
                raise UserError(
                    f"dataset.tokenizer.folder: there is no {path}; get {' and '.join(GPT2_FILES)} "
                    f"of GPT-2 from {GPT2}"
                )
        self._checksums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
        try:
            model = BPEModel.from_file(*map(str, paths))
        except Exception as error:  # the library does not define exceptions
            raise UserError(f"{paths[0]} and {paths[1].name} cannot be used: {error}") from error
        super().__init__(model, end)
        if not self._tokenizer.get_vocab().keys() >= set(ByteLevel.alphabet()):
            raise UserError(
                f"{paths[0]} is not a byte-level vocabulary: it lacks some of the bytes"
            )

    def cache_key(self) -> Mapping[str, Any]:
        """Its name, the checksums of its files, and whether there is an end."""
        return {"name": "bpe", "files": self._checksums, **self._end_key}


def _is_of_word(sign: str) -> bool:
    """Whether the byte behind a sign of the vocabulary is part of a word."""
    return sign == "_" or (sign.isalnum() if sign.isascii() else sign < "\u0100" or sign > "\u0121")


def _whole(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON can hold and the library refuses."""
    return text.encode("utf-8", "replace").decode()
