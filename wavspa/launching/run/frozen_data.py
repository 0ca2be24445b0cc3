"""The card of its data that a run keeps, and a check that data prepared later are the same."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from typing_extensions import override

from wavspa import atomic
from wavspa.data import SequenceDataModule
from wavspa.data.preparation import store
from wavspa.data.preparation.overlap import warnings_of
from wavspa.errors import UserError
from wavspa.reporting import warn
from wavspa.run_folder import layout

# What distinguishes rows, in any version of Arrow; older cards lack the last one.
_CONTENT = ("examples", "labels", "length", "largest_token", "content")
SPLITS = ("train", "val", "test")


class FrozenData(Callback):
    """Keeps the card and the vocabulary of the data in the run's folder when the run starts.

    A run that resumes must have the same data.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        if kept_card(self._folder) is not None:
            check_same_data(self._folder, data, SPLITS)
        elif trainer.is_global_zero:
            keep_data(self._folder, data)
        if trainer.is_global_zero:
            print_warnings(data.card)


def kept_card(folder: Path) -> dict[str, Any] | None:
    """The card of the data that the run in ``folder`` was trained on; None if it never started.

    Raises:
        UserError: The card is damaged.
    """
    path = folder / layout.CARD
    if not path.exists():
        return None
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from error
    return card


def keep_data(folder: Path, data: SequenceDataModule) -> None:
    """Copy what reports, evaluation and prediction need from prepared data into a run's folder."""
    for name, content in data.text_files.items():
        (folder / layout.VOCABULARY).mkdir(exist_ok=True)
        (folder / layout.VOCABULARY / name).write_bytes(content)
    atomic.write_text(folder / layout.CARD, json.dumps(data.training_card, indent=2) + "\n")


def training_card(folder: Path, data: SequenceDataModule) -> Mapping[str, Any]:
    """The card of the training data of the run in ``folder``: the one it keeps, or else that of its data."""
    card = kept_card(folder)
    if card is not None:
        return card
    data.prepare_data()
    data.setup()
    return data.training_card


def open_vocabulary(folder: Path, data: SequenceDataModule) -> None:
    """Prepare a data set for new examples, with the vocabulary that the run was trained with.

    Raises:
        UserError: The run keeps no vocabulary, and that of the data has changed.
    """
    kept = folder / layout.VOCABULARY
    if kept.is_dir():
        data.open_vocabulary(kept)
        return
    data.open_vocabulary()
    if data.folder.is_dir():
        check_same_data(folder, data, ())


def check_same_data(folder: Path, data: SequenceDataModule, splits: Sequence[str]) -> None:
    """Check that prepared data are the ones that the run in ``folder`` was trained on.

    Args:
        folder: The run's folder.
        data: Its data set, prepared.
        splits: The splits whose rows must be the same; labels and vocabulary always must.

    Raises:
        UserError: The data differ, so that the run's metrics on them would be meaningless.
    """
    kept = kept_card(folder)
    if kept is None:
        return
    if what := _difference(kept, data.card, splits):
        raise UserError(
            f"{data.folder} is not what {folder} was trained on: {what}. Restore the old files and "
            "options, or score other rows with wavspa-evaluate run=… input=FILE"
        )


def print_warnings(card: Mapping[str, Any]) -> None:
    """Print a card's warnings on standard error."""
    for line in warnings_of(card):
        warn(line)


def _difference(kept: Mapping[str, Any], now: Mapping[str, Any], splits: Sequence[str]) -> str:
    tokenizer, tokenizer_now = (
        card.get("choices", {}).get("tokenizer", "none") for card in (kept, now)
    )
    if tokenizer != tokenizer_now:
        return f"the tokenizer is {tokenizer_now} and was {tokenizer}"
    if _differs(kept, now, "label_names"):
        return f"the labels are {now['label_names']} and were {kept['label_names']}"[:300]
    if any(_differs(kept, now, key) for key in ("files", "vocabulary", "vocab_size")):
        return "the vocabulary has changed"
    for split in splits:
        before, after = kept["splits"].get(split, {}), now["splits"].get(split, {})
        if any(_differs(before, after, key) for key in _CONTENT):
            return f"the rows of {split} have changed"
    if splits and _differs(kept.get(store.POOL, {}), now.get(store.POOL, {}), "content"):
        return "the texts of the rows have changed"
    return ""


def _differs(kept: Mapping[str, Any], now: Mapping[str, Any], key: str) -> bool:
    return key in kept and key in now and kept[key] != now[key]
