"""The base of every data set: its options, preparation and checks."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavspa.checks import shown, whole_number, whole_number_or_none
from wavspa.data.loading.dataset import Rows, View
from wavspa.data.loading.loaders import BatchLoaders
from wavspa.data.preparation import store
from wavspa.data.sources.downloads import Download, download_all
from wavspa.data.sources.locate import FilesNotFound
from wavspa.data.targets.base import Target
from wavspa.data.targets.classes import Classes
from wavspa.data.targets.numbers import Numbers
from wavspa.errors import UserError


class SequenceDataModule(BatchLoaders):
    """Labelled token sequences in the splits ``train``, ``val`` and ``test``.

    A data set is a subclass with :meth:`cache_key`, :meth:`build` and :meth:`card_facts`, and with
    ``downloads``, where to download its files if :meth:`build` does not find them. To support
    prediction on new examples it also defines ``input_columns``, the columns of their parts in a table,
    :meth:`parse_input` and :meth:`encode_inputs`. ``mask_rate`` is the share of tokens that
    pre-training masks by default; with ``has_words`` it has ``word_kinds()`` as well, as in
    :class:`wavspa.data.Texts`. ``target`` is the kind of its labels.

    Args:
        name: The name of the data in reports and of the prepared folder.
        data_root: The folder under which prepared data are kept.
        vocab_size: Size of the model's embedding; tokens in the data are smaller. ``auto`` accepts
            any, and is set by :meth:`infer_auto`.
        classes: Number of labels, which count from 0; or ``auto``.
        limit: At most this many examples of each split are used.
        eval_limit: At most this many of val and of test, if that is fewer.
        download: Download files that are missing below the data root, if they have a public address.
        max_length, batch_size, batch_tokens, eval_batch_size, workers, pad, seed: See
            :class:`BatchLoaders`.

    Raises:
        UserError: An option is out of range.
    """

    downloads: Sequence[Download] = ()
    input_columns: Sequence[str] = ()
    mask_rate = 0.15
    has_words = False
    target: Target = Classes(["label"])

    def __init__(
        self,
        *,
        name: str,
        data_root: str | Path,
        vocab_size: int | str,
        classes: int | str,
        max_length: int,
        batch_size: int,
        batch_tokens: int | None = None,
        eval_batch_size: int | None = None,
        limit: int | None = None,
        eval_limit: int | None = None,
        workers: int = 0,
        download: bool = True,
        pad: str = "batch",
        seed: int = 0,
    ) -> None:
        super().__init__(
            max_length=max_length,
            batch_size=batch_size,
            batch_tokens=batch_tokens,
            eval_batch_size=eval_batch_size,
            workers=workers,
            pad=pad,
            seed=seed,
        )
        self.name = name
        self.data_root = Path(os.path.expanduser(data_root))
        self.vocab_size = _number_or_auto("vocab_size", vocab_size)
        self.classes = _number_or_auto("classes", classes)
        self.limit = whole_number_or_none("limit", limit)
        self.eval_limit = whole_number_or_none("eval_limit", eval_limit)
        self.download = download

    def cache_key(self) -> Mapping[str, Any]:
        """Every choice that shapes the prepared data, as JSON can hold it."""
        raise NotImplementedError

    def build(self) -> Mapping[str, store.Source]:
        """The splits ``train``, ``val`` and ``test``, written in the order of the mapping."""
        raise NotImplementedError

    def card_facts(self, splits: store.Splits) -> store.Facts:
        """Entries of the card: ``source``, ``licence``, and what else is worth knowing."""
        raise NotImplementedError

    def card_entries(self, splits: store.Splits) -> store.Facts:
        """All that the card holds apart from the splits."""
        return {**self.card_facts(splits), "choices": self.cache_key()}

    def files(self) -> Mapping[str, str]:
        """Text files to keep next to the splits, by their name; asked for when those are written."""
        return {}

    def parse_input(
        self, values: Sequence[object], where: str, columns: Sequence[str] = ()
    ) -> tuple[Any, ...]:
        """The raw parts of a new example's sequences: by default, texts.

        Args:
            values: Values of ``columns``.
            where: The name of the row in messages.
            columns: The columns of the values; without them, ``input_columns``.

        Raises:
            UserError: A value is not text.
        """
        for column, value in zip(columns or self.input_columns, values, strict=True):
            if not isinstance(value, str) or not value:
                raise UserError(
                    f"{where}: the column {column!r} holds {shown(value)}, which is not text"
                )
        return tuple(map(str, values))

    @property
    def inputs(self) -> int | None:
        """The numbers at each step of a series; None of tokens."""
        return None

    @property
    def end_token(self) -> int | None:
        """The last token of each sequence, also of one that is cut; None without one."""
        return None

    def open_vocabulary(self, kept: Path | None = None) -> None:
        """Load the vocabulary that :meth:`encode_inputs` needs.

        Args:
            kept: The folder of the files that a run keeps of its data (:attr:`text_files`); None: the
                prepared data.
        """

    @property
    def text_files(self) -> dict[str, bytes]:
        """The files of the vocabulary learned when the data were prepared, by their names."""
        return {
            path.name: path.read_bytes()
            for path in sorted(self.folder.iterdir())
            if path.suffix != ".arrow" and path.name != "card.json"
        }

    def encode_inputs(self, parts: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Encode new examples of :meth:`parse_input` for the loaders' collation, with the label 0."""
        raise NotImplementedError

    @property
    def folder(self) -> Path:
        """The folder of the prepared data, which may not exist yet."""
        return store.prepared_folder(self.data_root, self.name, self.cache_key())

    @property
    def card(self) -> dict[str, Any]:
        """The card of the prepared data."""
        return store.read_card(self.folder)

    def infer_auto(self) -> dict[str, Any]:
        """The options that may be ``auto``, as the prepared data decide them.

        These are ``vocab_size`` and ``classes``, as small as possible.
        """
        splits = self.card["splits"].values()
        return {
            "vocab_size": 1 + max(split["largest_token"] for split in splits),
            "classes": self.target.outputs(self.card),
        }

    def prepare_data(self) -> None:
        """Prepare the data if they are missing.

        Raises:
            UserError: A data root that cannot be used, or a split without examples.
        """
        store.prepare(self.folder, self._build_or_download, self.card_entries, self.files)

    def _build_or_download(self) -> Mapping[str, store.Source]:
        try:
            return self.build()
        except FilesNotFound:
            if not (self.download and self.downloads):
                raise
        download_all(self.data_root, self.downloads)
        return self.build()

    def setup(self, stage: str | None = None) -> None:
        """Open the prepared data and check the options against them.

        Raises:
            UserError: A damaged file, or a token that ``vocab_size`` or a label that ``classes`` does
                not reach.
        """
        splits = store.open_splits(self.folder)
        self.check_card(self.card)
        pool = store.open_pool(self.folder)
        self._rows = {
            split: Rows(
                data,
                self.views(data.column_names),
                self.limit_of(split),
                self.example,
                pool,
                self.end_token,
                self.inputs,
            )
            for split, data in splits.items()
        }

    def check_card(self, card: Mapping[str, Any]) -> None:
        """Check the options against prepared data.

        Args:
            card: Their card.

        Raises:
            UserError: An option does not fit them, or a sequence is empty.
        """
        for split, summary in card["splits"].items():
            self._check(split, summary)

    def limit_of(self, split: str) -> int | None:
        """The largest number of examples of a split that are used; None: all."""
        limits = [self.limit, None if split == "train" else self.eval_limit]
        return min((limit for limit in limits if limit is not None), default=None)

    def views(self, columns: Sequence[str]) -> list[View]:
        """The parts of an example by the columns of the data: the head of each column of tokens."""
        return [View(name, self.max_length) for name in store.token_columns(columns)]

    @property
    def train_labels(self) -> dict[str, int]:
        """The training examples of each label, of those that ``limit`` leaves."""
        return self.labels_of("train")

    def labels_of(self, split: str) -> dict[str, int]:
        """The examples of each label in a prepared split, of those that the limits leave; of numbers none."""
        if self.limit_of(split) is None:
            return dict(self.card["splits"][split]["labels"])
        if isinstance(self.target, Numbers):
            return {}
        if not self._rows:
            self.setup()
        labels = np.concatenate([np.ravel(label) for label in self._rows[split].labels])
        numbers, counts = np.unique(labels, return_counts=True)
        return dict(zip(map(str, numbers.tolist()), counts.tolist(), strict=True))

    @property
    def training_card(self) -> dict[str, Any]:
        """The card, with the counts of the training labels where ``limit`` leaves fewer."""
        return {**self.card, "train_labels": self.train_labels} if self.limit else self.card

    def _check(self, split: str, summary: Mapping[str, Any]) -> None:
        if self.vocab_size is not None and summary["largest_token"] >= self.vocab_size:
            raise UserError(
                f"dataset.vocab_size must be at least {summary['largest_token'] + 1}, got "
                f"{self.vocab_size}: {split} of {self.name} holds the token {summary['largest_token']}"
            )
        labels = [int(label) for label in summary["labels"]]
        if labels and (
            min(labels) < 0 or (self.classes is not None and max(labels) >= self.classes)
        ):
            raise UserError(
                f"dataset.classes={self.classes} does not fit: {split} of {self.name} holds labels "
                f"from {min(labels)} to {max(labels)}, and they must be in 0..classes-1"
            )
        if summary["length"]["min"] < 1:
            raise UserError(f"{split} of {self.name} holds a sequence without tokens")


def _number_or_auto(option: str, value: object) -> int | None:
    return None if value == "auto" else whole_number(option, value)
