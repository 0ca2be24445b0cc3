"""A run's tokenizer in the format of the library `tokenizers`, with the same tokens for any text.

Token 0 is the pad. No text contains it: it exists only in the vocabulary, and text that looks like it is
split like any other.
"""

import json
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from wavspa.data import SequenceDataModule
from wavspa.data.bpe import BPE, TOKENIZER, BPEFiles
from wavspa.data.lra.listops.datamodule import ListOps
from wavspa.data.text_datamodule import Texts
from wavspa.data.tokenizers import Bytes, Characters

CONFIG = "tokenizer_config.json"
_KNOWN = (Bytes, Characters, BPE, BPEFiles)
PAD, UNKNOWN, END, MASK = "<pad>", "<unk>", "<end>", "<mask>"


def tokenizer_of(
    data: SequenceDataModule, card: Mapping[str, Any], kept: Path | None = None
) -> Tokenizer | None:
    """The tokenizer of a run's texts; it cuts them at the maximum length and pads on the right.

    Args:
        data: The run's data.
        card: Their card.
        kept: The folder of the learned vocabulary; None: it is read from the prepared data.

    Returns:
        The tokenizer (for each text of a pair), or None if tokens are not made from texts, or not by one of
        wavspa's own tokenizers.

    Raises:
        UserError: The vocabulary is missing and cannot be learned again.
    """
    if isinstance(data, Texts) and isinstance(data.tokenizer, _KNOWN):
        data.open_vocabulary(kept)
        tokenizer = _of_texts(data)
    elif "vocabulary" in card:
        tokenizer = _of_words(card["vocabulary"])
        if isinstance(data, ListOps):
            # The official files nest each list in parentheses, which add nothing.
            tokenizer.normalizer = normalizers.Replace(Regex("[()]"), " ")
    else:
        return None
    tokenizer.enable_truncation(data.max_length)
    tokenizer.enable_padding(pad_id=0, pad_token=tokenizer.id_to_token(0))
    return tokenizer


def add_mask(tokenizer: Tokenizer, token: int) -> str | None:
    """Add ``<mask>`` to the special tokens, as the mask of a pre-trained encoder.

    Args:
        tokenizer: Tokenizer of its run.
        token: The id of the mask.

    Returns:
        The name; None if the mask would get another id, because some tokens of the vocabulary have no name.
    """
    if tokenizer.get_vocab_size() != token:
        return None
    name = _free(MASK, tokenizer.get_vocab())
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False)])
    return name


def tokenizer_config(
    tokenizer: Tokenizer, max_length: int, mask: str | None = None
) -> dict[str, Any]:
    """The configuration that `transformers` needs in addition to ``tokenizer.json``.

    Args:
        tokenizer: Tokenizer of the run.
        max_length: The longest sequence.
        mask: The name of the mask, if there is one.
    """
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        "padding_side": "right",
        "truncation_side": "right",
        "pad_token": tokenizer.id_to_token(0),
        # Text that looks like a special token is text.
        "split_special_tokens": True,
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    # Only the mask must be found in a text.
    return config if mask is None else {**config, "mask_token": mask, "split_special_tokens": False}


def _of_texts(data: Texts) -> Tokenizer:
    own = data.tokenizer
    if isinstance(own, Bytes):
        tokenizer = _of_pieces([PAD, *(chr(_printable(byte)) for byte in range(256))])
        tokenizer.normalizer = normalizers.ByteLevel()
        tokenizer.decoder = decoders.ByteLevel()
    elif isinstance(own, Characters):
        tokenizer = _of_pieces([PAD, UNKNOWN, *own.vocabulary], unk_token=UNKNOWN)
        tokenizer.decoder = decoders.Fuse()
    else:
        assert isinstance(own, BPE | BPEFiles)
        return _of_merges(own.files()[TOKENIZER], own.end_token)
    if own.end:
        _add_end(tokenizer, own.size - 1)
    return tokenizer


def _of_pieces(names: Sequence[str], **options: Any) -> Tokenizer:
    """Every character is a token: byte pair encoding without any pairs."""
    # The library refuses halves of surrogate pairs, which a vocabulary of characters may have learned.
    whole = (name.encode("utf-8", "ignore").decode() for name in names)
    vocabulary = {name: token for token, name in enumerate(whole) if name}
    return Tokenizer(models.BPE(vocabulary, [], **options))


def _of_merges(content: str, end: int | None) -> Tokenizer:
    """The byte pairs of a ``tokenizer.json``, with the pad and the end added, which its ids lack."""
    parts = json.loads(content)
    vocabulary = {name: token + 1 for name, token in parts["model"]["vocab"].items()}
    vocabulary = {_free(PAD, vocabulary): 0, **vocabulary}
    name = _free(END, vocabulary)
    parts["model"]["vocab"] = vocabulary if end is None else {**vocabulary, name: end}
    tokenizer = Tokenizer.from_str(json.dumps(parts))
    tokenizer.decoder = decoders.ByteLevel()
    if end is not None:
        tokenizer.post_processor = _closing(name, end)
    return tokenizer


def _of_words(vocabulary: Mapping[str, int]) -> Tokenizer:
    """Words separated by white space; an unknown one is refused."""
    words = {_free(PAD, vocabulary): 0, **vocabulary}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=""))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def _add_end(tokenizer: Tokenizer, token: int) -> None:
    """Close each text with its own token, which remains when the text is cut."""
    model = json.loads(tokenizer.to_str())["model"]
    tokenizer.model = models.BPE({**model["vocab"], END: token}, [], unk_token=model["unk_token"])
    tokenizer.post_processor = _closing(END, token)


def _closing(name: str, token: int) -> processors.TemplateProcessing:
    return processors.TemplateProcessing(single=f"$A {name}", special_tokens=[(name, token)])


def _printable(byte: int) -> int:
    """The code point that represents a byte in byte-level vocabularies: GPT-2's table."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    if byte in printable:
        return byte
    return 0x100 + sum(other not in printable for other in range(byte))


def _free(name: str, taken: Container[str]) -> str:
    """A name that is not taken: the name itself, or in further brackets."""
    while name in taken:
        name = f"<{name}>"
    return name
