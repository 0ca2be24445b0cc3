"""A sequence written from another one."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import MeanMetric, Metric
from typing_extensions import override

from wavspa.checks import number, whole_number, whole_number_or_none
from wavspa.models.seq2seq.search import Written, generate
from wavspa.tasks import text_metrics
from wavspa.tasks.base import Task, full_precision
from wavspa.tasks.step_sums import Mean, mean_over
from wavspa.training.schedules import Schedule


class Batch(Protocol):
    """What this task reads of a batch."""

    tokens: Tensor
    lengths: Tensor
    targets: Tensor
    target_lengths: Tensor
    references: Tensor


class Vocabulary(Protocol):
    """What this task needs from a data set to make texts from tokens."""

    @property
    def end_token(self) -> int | None:
        """The last token of each target; None if they have no end."""

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of the tokens of a target."""


class Text(NamedTuple):
    """What was written from one source.

    Attributes:
        text: The text.
        score: Its log probability, divided by ``length ** length_penalty``.
        ended: Whether it has an end; False where it was cut at the longest length.
        reference: The target, if it is known.
        source: What it was written from, if kept.
    """

    text: str
    score: float
    ended: bool
    reference: str | None = None
    source: str | None = None


class Seq2Seq(Task):
    """Trains an encoder–decoder by teacher forcing; reports what it writes.

    Logged: ``train/loss`` (with label smoothing), ``train/token_accuracy`` and ``lr``; over all of a
    split ``loss`` (without smoothing, per token) and ``token_accuracy``, both given the target so far; and
    the metrics of what the model writes on its own, with ``cut_off``, the share of texts without an end:
    in validation for a share of its batches, greedily, in the test for all, by ``beam_width`` beams.

    Args:
        model: An :class:`wavspa.EncoderDecoder`.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        metrics: Returns fresh metrics of texts and references by their name.
        label_smoothing: Share of the target that is spread over all tokens.
        val_share: Share of the validation batches for which texts are written; 0: none.
        beam_width: Targets that are followed at a time for each source, in test and prediction; 1: greedy.
        length_penalty: A text's log probability is divided by its length to this power.
        max_length: Largest number of tokens in a text; None: what the model can write.
        monitor: The metric that decides which checkpoint is the best one.
        mode: Whether its best value is the highest (``max``) or the lowest (``min``); None: the metric's own.

    Raises:
        ValueError: An option is out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[nn.Module], Optimizer],
        schedule: Schedule,
        metrics: Callable[[], dict[str, Metric]] = text_metrics.summarization,
        label_smoothing: float = 0.1,
        val_share: float = 0.25,
        beam_width: int = 4,
        length_penalty: float = 1.0,
        max_length: int | None = None,
        monitor: str = "val/loss",
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        if not 0.0 <= number("val_share", val_share) <= 1.0:
            raise ValueError(f"val_share must be in [0, 1], got {val_share}")
        self.val_share = val_share
        written = [*metrics(), "cut_off"] if val_share else []
        names = ["loss", "token_accuracy", *written]
        super().__init__(model, optimizer, schedule, names, monitor, mode)
        if not hasattr(model, "max_target_len"):
            raise ValueError("the model must write sequences: model/encoder=seq2seq")
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"label_smoothing must be in [0, 1), got {label_smoothing}")
        self.label_smoothing = label_smoothing
        self.beam_width = whole_number("beam_width", beam_width)
        self.length_penalty = number("length_penalty", length_penalty, 0)
        self.max_length = whole_number_or_none("max_length", max_length)
        longest: Any = model.max_target_len
        if self.max_length is not None and self.max_length > longest:
            raise ValueError(
                f"max_length must be at most {longest}, the longest target, got {max_length}"
            )
        splits = ("val", "test")
        self.losses = nn.ModuleDict({split: MeanMetric() for split in splits})
        self.accuracies = nn.ModuleDict({split: MeanMetric() for split in splits})
        self.cut_offs = nn.ModuleDict({split: MeanMetric() for split in splits})
        self.scores = nn.ModuleDict({split: nn.ModuleDict(metrics()) for split in splits})
        self._vocabulary: Vocabulary | None = None
        self.texts: list[Text] = []
        """What was written in the last test."""

    @override
    def setup(self, stage: str) -> None:
        if self._vocabulary is None:
            self.use_vocabulary(self.trainer.datamodule)  # type: ignore[attr-defined]

    @override
    def use_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Make texts from tokens with this; without it, with the data set of the trainer."""
        self._vocabulary = vocabulary

    def forward(self, tokens: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
        """Logits ``[B, M, V]`` of ``targets [B, M]``, of sources ``tokens [B, N]`` with ``lengths [B]``."""
        logits: Tensor = self.model(tokens, targets, lengths)
        return logits

    def losses_of(self, batch: Batch, label_smoothing: float) -> tuple[Mean, Mean]:
        """The loss and the accuracy of a batch, means over the tokens of its targets."""
        logits = full_precision(self(batch.tokens, batch.targets, batch.lengths))
        places = torch.arange(batch.targets.shape[1], device=batch.targets.device)
        real = places < batch.target_lengths[:, None]
        logits, targets = logits[real], batch.targets[real]
        losses = F.cross_entropy(logits, targets, reduction="none", label_smoothing=label_smoothing)
        return mean_over(losses), mean_over(logits.argmax(dim=-1) == targets)

    def write(self, batch: Batch, beam_width: int | None = None) -> list[Text]:
        """Write the target of each source of a batch, the best of ``beam_width`` beams (None: the task's)."""
        assert self._vocabulary is not None
        model: Any = self.model
        written = generate(
            model,
            batch.tokens,
            batch.lengths,
            end=self._vocabulary.end_token,
            max_length=self.max_length,
            beam_width=self.beam_width if beam_width is None else beam_width,
            length_penalty=self.length_penalty,
        )
        return self._texts_of(written)

    @override
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        loss, accuracy = self.losses_of(batch, self.label_smoothing)
        return self.count_batch(batch_idx, len(batch.tokens), loss, token_accuracy=accuracy)

    @override
    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self._evaluate("val", batch)
        # Spread evenly over the batches, including the first.
        before, after = (math.ceil(count * self.val_share) for count in (batch_idx, batch_idx + 1))
        if after > before:
            self._score("val", batch, self.write(batch, beam_width=1))

    @override
    def on_test_start(self) -> None:
        self.texts = []

    @override
    def test_step(self, batch: Any, batch_idx: int) -> None:
        self._evaluate("test", batch)
        self._score("test", batch, self.write(batch))

    def _evaluate(self, split: str, batch: Batch) -> None:
        means = self.losses_of(batch, 0.0)
        kinds = {"loss": self.losses, "token_accuracy": self.accuracies}
        for (name, of_splits), mean in zip(kinds.items(), means, strict=True):
            metric = of_splits[split]
            assert isinstance(metric, MeanMetric)
            metric.update(mean.value, mean.weight)
            self.log(f"{split}/{name}", metric, on_step=False, on_epoch=True)

    def _score(self, split: str, batch: Batch, texts: Sequence[Text]) -> None:
        assert self._vocabulary is not None
        references = [self._vocabulary.decode(row) for row in batch.references.tolist()]
        scores, cut_off = self.scores[split], self.cut_offs[split]
        assert isinstance(scores, nn.ModuleDict)
        assert isinstance(cut_off, MeanMetric)
        for name, metric in scores.items():
            assert isinstance(metric, Metric)
            metric.update([text.text for text in texts], references)
            self.log(f"{split}/{name}", metric, on_step=False, on_epoch=True)
        cut_off.update(torch.tensor([float(not text.ended) for text in texts]))
        self.log(f"{split}/cut_off", cut_off, on_step=False, on_epoch=True)
        if split == "test":
            sources = [self._vocabulary.decode(row) for row in batch.tokens.tolist()]
            self.texts += [
                text._replace(reference=reference, source=source)
                for text, reference, source in zip(texts, references, sources, strict=True)
            ]

    def _texts_of(self, written: Written) -> list[Text]:
        assert self._vocabulary is not None
        rows = zip(*(column.tolist() for column in written), strict=True)
        return [
            Text(self._vocabulary.decode(tokens[:length]), score, ended)
            for tokens, length, score, ended in rows
        ]
