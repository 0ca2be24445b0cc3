"""A check that weights were trained on the same tokens as a run."""

from collections.abc import Mapping
from typing import Any

from wavspa.data import SequenceDataModule
from wavspa.errors import UserError
from wavspa.training.checkpoints.parent import Parent


def check_tokens(parent: Parent, vocab_size: int, data: SequenceDataModule) -> None:
    """Refuse weights trained on other tokens: a row of their embedding would belong to another token.

    Args:
        parent: The weights.
        vocab_size: The number of token ids of the run's data.
        data: The run's data, prepared if their vocabulary is learned.

    Raises:
        UserError: The tokenizers, the sizes of the vocabularies or the learned vocabularies differ.
    """
    if parent.model.get("inputs") is not None or data.inputs is not None:
        before = parent.model.get("inputs")
        if before != data.inputs:
            raise UserError(
                f"was trained on {_inputs(before)}, but this run has {_inputs(data.inputs)}: "
                "choose a part without the embedding, such as :blocks"
            )
        return
    theirs = parent.card.get("choices", {}).get("tokenizer")
    there = f"{parent.model['vocab_size']:,} tokens of {_name(theirs, parent.data)}"
    own = data.tokenizer.cache_key() if data.has_words else None  # type: ignore[attr-defined]
    here = f"{vocab_size:,} of {_name(own, data.name)}"
    other = UserError(
        f"was trained on {there}, but this run has {here}: choose the same tokenizer, or a part without "
        "the embedding, such as :blocks"
    )
    if parent.model["vocab_size"] != vocab_size:
        raise other
    if not parent.card:
        return  # a checkpoint without a card: nothing more is known
    learned, learned_here = parent.card.get("files", {}), _files(data)
    if learned and learned_here:
        if learned != learned_here:
            raise UserError(
                f"was trained on {there}, but this run has learned another vocabulary: "
                "dataset.tokenizer.run=RUN uses that of the run"
            )
    elif (theirs is None) != (own is None) or (theirs is not None and theirs != own):
        raise other


def _inputs(channels: int | None) -> str:
    return "tokens" if channels is None else f"series of {channels} channels"


def _files(data: SequenceDataModule) -> Mapping[str, str]:
    """The checksums of the vocabulary's files, if the data are prepared and have such files."""
    files: Mapping[str, str] = data.card.get("files", {}) if data.folder.is_dir() else {}
    return files


def _name(tokenizer: Mapping[str, Any] | None, data: str) -> str:
    return data if tokenizer is None else str(tokenizer.get("name", "a tokenizer"))
