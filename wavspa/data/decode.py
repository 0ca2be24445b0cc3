"""The pixels and symbols behind tokens, as pictures and texts show them."""

import json
from typing import Any

import numpy as np
import tokenizers

from wavspa.data.datamodule import SequenceDataModule
from wavspa.data.digits import Digits
from wavspa.data.lra.cifar10 import Cifar10
from wavspa.data.lra.pathfinder.datamodule import Pathfinder
from wavspa.data.tokenizers import UNKNOWN

UNPRINTABLE = "\N{MIDDLE DOT}"


def picture(data: SequenceDataModule, tokens: np.ndarray) -> np.ndarray | None:
    """The square picture that ``tokens [N]`` are row by row, or None if they are none."""
    if not isinstance(data, Digits | Cifar10 | Pathfinder):
        return None
    side = round(len(tokens) ** 0.5)
    # A row that max_length has cut is not a picture any more.
    return tokens.reshape(side, side) if side * side == len(tokens) else None


def symbols(data: SequenceDataModule, tokens: np.ndarray) -> list[str]:
    """The symbol of each of ``tokens [N]`` by the card and the vocabulary of prepared data.

    Unprintable ones are a middle dot; unknown tokens are their numbers. The steps of a series
    are their places.
    """
    if tokens.ndim > 1:
        return [str(step) for step in range(1, len(tokens) + 1)]
    texts = _texts(data, tokens)
    return [text if text.isprintable() else UNPRINTABLE for text in texts]


def _texts(data: SequenceDataModule, tokens: np.ndarray) -> list[str]:
    card = data.card
    if "vocabulary" in card:
        names = {token: symbol for symbol, token in card["vocabulary"].items()}
        return [names.get(token, str(token)) for token in tokens.tolist()]
    kind = card["choices"].get("tokenizer", {}).get("name")
    if kind == "bytes":
        return [chr(t - 1) if 0 < t <= 128 else UNPRINTABLE for t in tokens.tolist()]
    if kind == "characters":
        known = [UNPRINTABLE, UNKNOWN, *_vocabulary(data)]
        return [known[t] if t < len(known) else UNPRINTABLE for t in tokens.tolist()]
    if kind == "bpe":
        tokenizer = tokenizers.Tokenizer.from_file(str(data.folder / "tokenizer.json"))
        return [tokenizer.id_to_token(t - 1) or UNPRINTABLE for t in tokens.tolist()]
    return [str(token) for token in tokens.tolist()]


def _vocabulary(data: SequenceDataModule) -> list[Any]:
    vocabulary: list[Any] = json.loads(
        (data.folder / "vocabulary.json").read_text(encoding="utf-8")
    )
    return vocabulary
