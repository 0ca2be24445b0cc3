"""What a trained run answers to new examples."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from omegaconf import DictConfig
from torch import Tensor

from wavspa.data import SequenceDataModule
from wavspa.data.inputs import Lines
from wavspa.data.labels import class_names
from wavspa.data.readers import TableFile
from wavspa.errors import UserError
from wavspa.launching.build import build_run
from wavspa.tasks.classification import Classification
from wavspa.training import layout
from wavspa.training.checkpoints import find_checkpoint, load_weights, read_checkpoint

# Batches whose examples are in memory, and put in order by length, at a time.
WINDOW = 32


class Examples(NamedTuple):
    """New examples in their order: the texts of each, and the values of further columns."""

    texts: list[tuple[str, ...]]
    ids: list[tuple[str, ...]]


class Answers(NamedTuple):
    """What a run says of n examples, in their order."""

    ids: list[tuple[str, ...]]
    classes: np.ndarray
    """[n] int64"""
    probabilities: np.ndarray
    """[n, C] float32"""
    embeddings: np.ndarray
    """[n, W] float32, what the classifier's head is given"""


class Predictor:
    """The best checkpoint of a run, with the run's own tokens, batches, device and precision.

    Args:
        folder: The run's folder.
        config: Its configuration.

    Attributes:
        labels: What the classes are called by the card of the run's data.

    Raises:
        UserError: The run is none that classifies texts, or its checkpoint cannot be used.
    """

    def __init__(self, folder: Path, config: DictConfig) -> None:
        task, data = build_run(config)
        assert isinstance(data, SequenceDataModule)
        self.data = data
        if not self.data.text_columns:
            raise UserError(
                f"{folder} is a run on {self.data.name}, which are no texts: csv, tsv, json lines, parquet "
                "and plain text are read, and no pictures; wavspa-evaluate gives the metrics of its data"
            )
        if not isinstance(task, Classification):
            raise UserError(f"{folder}: its task, {config.task._target_}, is not one of classes")
        checkpoint = find_checkpoint(folder)
        load_weights(task.model, read_checkpoint(checkpoint), checkpoint)
        self.data.open_vocabulary()
        self.labels = class_names(self._card(folder), task.classes)
        # Where pads are attended to, an answer depends on its batch: then it is that of the test.
        self._by_length = config.model.padding != "upstream"
        self._fabric = Fabric(
            accelerator=config.trainer.accelerator,
            devices=1,
            precision=config.trainer.precision,
            plugins=[LightningEnvironment()],
        )
        self._task = self._fabric.setup_module(task.eval())
        self._task.mark_forward_method("logits")
        head: Any = task.model.head
        head.register_forward_pre_hook(self._hear)

    def columns(self, table: TableFile, named: Sequence[str] | None = None) -> Sequence[str]:
        """The columns of a table where the texts stand: ``named``, or those of the run's own data.

        Raises:
            UserError: They are too many or too few.
        """
        own = self.data.text_columns
        if isinstance(table, Lines):
            named = table.columns()
        if named and len(named) != len(own):
            raise UserError(
                f"{table.path}: an example has {len(own)} texts, as in the columns {', '.join(own)}; "
                f"{', '.join(named)} cannot be all of them"
            )
        return named or own

    def _card(self, folder: Path) -> dict[str, Any]:
        card = folder / layout.CARD
        if card.exists():
            return json.loads(card.read_text())
        self.data.prepare_data()
        return self.data.card

    def answers(
        self, table: TableFile, columns: Sequence[str], ids: Sequence[str]
    ) -> Iterator[Answers]:
        """The answers to all rows of a table, a bounded number at a time.

        Args:
            table: The examples.
            columns: Where their texts stand.
            ids: Further columns to keep.

        Raises:
            UserError: A column is missing or a row cannot be used; its line is named.
        """
        rows = self._rows(table, columns, ids)
        while window := list(itertools.islice(rows, WINDOW * self.data.eval_batch_size)):
            yield self._answer(Examples(*map(list, zip(*window, strict=True))))

    def _rows(
        self, table: TableFile, columns: Sequence[str], ids: Sequence[str]
    ) -> Iterable[tuple[tuple[str, ...], tuple[str, ...]]]:
        # A part of an example may be blank: the data set says whether what there is will do.
        for place, values in table.read([*columns, *ids], blank=columns):
            texts = self.data.texts_of(values[: len(columns)], table.at(place))
            yield texts, tuple(map(str, values[len(columns) :]))

    def _answer(self, window: Examples) -> Answers:
        examples = self.data.examples_of(window.texts)
        lengths = [max(map(len, example[:-1])) for example in examples]
        order = np.argsort(lengths, kind="stable") if self._by_length else np.arange(len(examples))
        size = self.data.eval_batch_size
        logits, embeddings = [], []
        for batch in np.split(order, range(size, len(order), size)):
            logits.append(self._logits([examples[i] for i in batch]))
            embeddings.append(self._embeddings.float())
        back = torch.from_numpy(np.argsort(order))
        scores = torch.cat(logits).cpu()[back]
        return Answers(
            window.ids,
            scores.argmax(dim=-1).numpy(),
            scores.softmax(dim=-1).numpy(),
            torch.cat(embeddings).cpu()[back].numpy(),
        )

    @torch.inference_mode()
    def _logits(self, examples: Sequence[Any]) -> Tensor:
        batch = self.data.collate(examples, pad_to=self.data.pad_to)
        return self._task.logits(self._fabric.to_device(batch)).float()

    def _hear(self, head: Any, inputs: tuple[Tensor]) -> None:
        (self._embeddings,) = inputs
