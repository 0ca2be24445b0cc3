"""Predictions of a trained run for new examples."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from omegaconf import DictConfig
from torch import Tensor

from wavspa.data import SourceTargets
from wavspa.data.image_datamodule import Pictures
from wavspa.data.sources.tables import TableFile
from wavspa.errors import UserError
from wavspa.launching.answers.tags import TagColumns
from wavspa.launching.answers.targets import TargetColumns, target_columns
from wavspa.launching.decisions.decision import read_decision
from wavspa.launching.inference.inputs import names_of_classes
from wavspa.launching.run.build import build_run
from wavspa.launching.run.frozen_data import open_vocabulary, training_card
from wavspa.tasks import Classification, Embedding, Seq2Seq, Tagging
from wavspa.tasks.seq2seq import Text
from wavspa.tasks.targets.base import TargetTask
from wavspa.training.checkpoints.read import find_checkpoint
from wavspa.training.trainer import usable_accelerator

# Number of batches whose examples are in memory, and sorted by length, at a time.
WINDOW = 32

_ANSWERING = (Classification, Embedding, Seq2Seq, Tagging, TargetTask)


class Examples(NamedTuple):
    """New examples in order: the parts of each, and its values in further columns."""

    parts: list[tuple[Any, ...]]
    ids: list[tuple[str, ...]]


class Answers(NamedTuple):
    """A run's predictions for n examples, in order."""

    ids: list[tuple[str, ...]]
    classes: np.ndarray | None
    """[n] int64, the predicted class, for a run with classes"""
    probabilities: np.ndarray | None
    """[n, C] float32, for a run with classes"""
    embeddings: np.ndarray | None
    """[n, W] float32, if they were requested"""
    texts: list[Text] | None = None
    """for a run that writes texts"""
    targets: list[pa.Array] | None = None
    """[n] each, the columns for a run whose targets are not a single class"""


class Predictor:
    """The best checkpoint of a run, with the run's own tokens, batches, device and precision.

    Args:
        folder: The run's folder.
        config: Its configuration.
        embeddings: Return the input of the classifier's head in addition to the logits. A run that embeds
            always returns its embeddings and nothing else; one that writes texts has none.

    Attributes:
        decision: How logits become classes, as kept by the run.
        labels: The names of the classes in the card of the run's data; empty for runs without classes.
        writes: Whether the answers are texts.
        tags: The answer columns of a run that tags words, else None.
        targets: The answer columns of a run whose targets are not a single class, else None.

    Raises:
        UserError: The run cannot answer new examples, or its checkpoint cannot be used.
    """

    def __init__(self, folder: Path, config: DictConfig, embeddings: bool = False) -> None:
        task, data = build_run(config)
        self.data = data
        if not data.input_columns or not isinstance(task, _ANSWERING):
            raise UserError(
                f"{folder} is a run on {data.name}, which neither classifies nor embeds new examples: "
                "wavspa-evaluate prints the metrics of its data"
            )
        self.writes = isinstance(task, Seq2Seq)
        if embeddings and isinstance(task, Seq2Seq | Tagging):
            does = "writes texts" if self.writes else "tags words"
            raise UserError(f"embeddings=true: {folder} {does} and has no embeddings: leave it out")
        checkpoint = find_checkpoint(folder)
        content = task.load_trained(checkpoint)
        self.decision = read_decision(folder, content["global_step"])
        open_vocabulary(folder, data)
        # If pads are attended to, an answer depends on its batch: then batches are those of the test.
        self._by_length = config.model.padding != "upstream"
        self._fabric = Fabric(
            accelerator=usable_accelerator(config.trainer.accelerator),
            devices=1,
            precision=config.trainer.precision,
            plugins=[LightningEnvironment()],
        )
        self._task = self._fabric.setup_module(task.eval())
        if self.writes:
            self._task.mark_forward_method("write")
        self._embeds = isinstance(task, Embedding)
        self._embeddings: Tensor | None = None
        self.labels: list[str] = []
        self.targets: TargetColumns | None = None
        if isinstance(task, Classification):
            self.labels = names_of_classes(folder, data, task.classes)
        self.tags: TagColumns | None = None
        if isinstance(task, Tagging):
            self.tags = TagColumns(task, training_card(folder, data))
            self._task.mark_forward_method("tags")
        if isinstance(task, TargetTask):
            self.targets = target_columns(task, data, training_card(folder, data))
        if isinstance(task, Classification | TargetTask):
            self._task.mark_forward_method("logits")
            if embeddings:
                head: Any = task.model.head
                head.register_forward_pre_hook(self._hear)

    @property
    def cut_sources(self) -> int:
        """Number of sources so far that were longer than the run can read."""
        return self.data.cut_sources if isinstance(self.data, SourceTargets) else 0

    @property
    def target_names(self) -> list[str]:
        """The names of the answer columns of a run whose targets are not a single class."""
        columns = self.targets or self.tags
        return [] if columns is None else list(columns.names)

    @property
    def has_pictures(self) -> bool:
        """Whether the examples are pictures."""
        return isinstance(self.data, Pictures)

    def answers(
        self, table: TableFile, columns: Sequence[str], ids: Sequence[str]
    ) -> Iterator[Answers]:
        """The answers to all rows of a table, a bounded number at a time.

        Args:
            table: The examples.
            columns: The columns that hold the examples.
            ids: Further columns to keep.

        Raises:
            UserError: A column is missing or a row cannot be used; the message names its line.
        """
        rows = self._rows(table, columns, ids)
        while window := list(itertools.islice(rows, WINDOW * self.data.eval_batch_size)):
            yield self._answer(Examples(*map(list, zip(*window, strict=True))))

    def _rows(
        self, table: TableFile, columns: Sequence[str], ids: Sequence[str]
    ) -> Iterable[tuple[tuple[Any, ...], tuple[str, ...]]]:
        # A part of an example may be blank: the data set decides whether the rest is enough.
        for place, values in table.read([*columns, *ids], blank=columns):
            parts = self.data.parse_input(values[: len(columns)], table.at(place), columns)
            yield parts, tuple(map(_kept, values[len(columns) :]))

    def _answer(self, window: Examples) -> Answers:
        examples = self.data.encode_inputs(window.parts)
        lengths = [max(map(len, example[:-1])) for example in examples]
        order = np.argsort(lengths, kind="stable") if self._by_length else np.arange(len(examples))
        size = self.data.eval_batch_size
        batches = np.split(order, range(size, len(order), size))
        if self.writes:
            texts = [
                text for batch in batches for text in self._texts([examples[i] for i in batch])
            ]
            return Answers(window.ids, None, None, None, [texts[i] for i in np.argsort(order)])
        if self.tags is not None:
            found = [
                tags for batch in batches for tags in self._tagged([examples[i] for i in batch])
            ]
            words = [row for (row,) in window.parts]
            columns = self.tags.of([found[i] for i in np.argsort(order)], words)
            return Answers(window.ids, None, None, None, targets=columns)
        outputs = [self._outputs([examples[i] for i in batch]) for batch in batches]
        back = torch.from_numpy(np.argsort(order))
        logits, embeddings = (_joined(column, back) for column in zip(*outputs, strict=True))
        if logits is None:
            return Answers(window.ids, None, None, embeddings)
        if self.targets is not None:
            return Answers(window.ids, None, None, embeddings, targets=self.targets.of(logits))
        decided = self.decision.classes(logits), self.decision.probabilities(logits)
        return Answers(window.ids, *decided, embeddings)

    @torch.inference_mode()
    def _outputs(self, examples: Sequence[Any]) -> tuple[Tensor | None, Tensor | None]:
        """Logits [B, C] and embeddings [B, W]; None for those that the answers do not hold."""
        batch = self._fabric.to_device(self.data.collate(examples, pad_to=self.data.pad_to))
        if self._embeds:
            return None, self._task(batch.tokens, batch.lengths)
        return self._task.logits(batch), self._embeddings

    @torch.inference_mode()
    def _texts(self, examples: Sequence[Any]) -> list[Text]:
        batch = self._fabric.to_device(self.data.collate(examples, pad_to=self.data.pad_to))
        texts: list[Text] = self._task.write(batch)
        return texts

    @torch.inference_mode()
    def _tagged(self, examples: Sequence[Any]) -> list[np.ndarray]:
        """The tags [W] of each example."""
        batch = self._fabric.to_device(self.data.collate(examples, pad_to=self.data.pad_to))
        tags = self._task.tags(batch).cpu().numpy()
        return [row[: len(one.places)] for row, one in zip(tags, examples, strict=True)]

    def _hear(self, head: Any, inputs: tuple[Tensor]) -> None:
        (self._embeddings,) = inputs


def _joined(parts: Sequence[Tensor | None], order: Tensor) -> np.ndarray | None:
    """Concatenate parts [B, W] and reorder them to [n, W] float32; None if there are no parts."""
    present = [part for part in parts if part is not None]
    return torch.cat(present).float().cpu()[order].numpy() if present else None


def _kept(value: object) -> str:
    """A value as written; for a picture stored in the table itself, its path."""
    if isinstance(value, dict):
        value = value.get("path")
    return "" if value is None or isinstance(value, bytes) else str(value)
