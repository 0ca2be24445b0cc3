"""A tag for each word of a sequence."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import MeanMetric
from typing_extensions import override

from wavspa.checks import OptionError, at_least, one_of
from wavspa.data.labels import class_names
from wavspa.data.tagging.collate import NO_WORD, NOWHERE
from wavspa.data.tagging.entities import (
    NONE,
    OUTSIDE,
    SCHEMES,
    STRICT,
    Tagset,
    are_of_entities,
    prefix_of,
)
from wavspa.data.tagging.tags import Tags
from wavspa.errors import UserError
from wavspa.models.encoder import Encoder
from wavspa.tasks.base import Task, full_precision
from wavspa.tasks.class_weights import BALANCED, ClassWeights, Weighted, of_seen, train_labels
from wavspa.tasks.step_sums import Mean
from wavspa.tasks.targets.tags import OF_ENTITIES, OF_WORDS, Counted, TagCounts
from wavspa.training.schedules import Schedule

SPLITS = ("val", "test")


class Tagging(Weighted, Task):
    """Trains a model with the cross entropy of each word's tag, at the token in which the word begins.

    Words that the model does not read have no part in the loss; their tags count as missed. Logged:
    ``train/loss``, ``train/token_accuracy`` (both of a step's batch) and ``lr``; over all of a split
    ``val/…`` and ``test/…`` of ``loss``, ``token_accuracy``, ``token_f1`` (the mean over the tags) and,
    unless the scheme is ``none``, ``entity_f1``, ``entity_precision`` and ``entity_recall`` as seqeval
    counts them.

    Args:
        model: ``model(tokens [B, N], lengths [B]) -> logits [B, N, C]``.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        outputs: Number of tags, C.
        scheme: How tags make entities: one of :data:`wavspa.data.tagging.entities.SCHEMES`.
        class_weights, label_smoothing: As of :class:`wavspa.tasks.Classification`, of tags.
        monitor: The metric that decides which checkpoint is the best one.
        mode: Whether its best value is the highest (``max``) or the lowest (``min``); None: the metric's own.

    Raises:
        ValueError: An option is out of range.
    """

    kind = Tags.kind

    def __init__(
        self,
        model: nn.Module,
        optimizer: Callable[[nn.Module], Optimizer],
        schedule: Schedule,
        outputs: int,
        scheme: str = "lenient",
        class_weights: ClassWeights = None,
        label_smoothing: float = 0.0,
        monitor: str = "val/entity_f1",
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        at_least("outputs", outputs, 2)
        one_of("scheme", scheme, SCHEMES)
        of_entities = () if scheme == NONE else OF_ENTITIES
        super().__init__(
            model, optimizer, schedule, ["loss", *OF_WORDS, *of_entities], monitor, mode
        )
        if isinstance(model, Encoder) and model.pool.kind != "token":
            raise OptionError(
                "model",
                " must have logits at every token: leave model/encoder to task=tagging, or choose token",
            )
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"label_smoothing must be in [0, 1), got {label_smoothing}")
        self.outputs, self.scheme, self.label_smoothing = outputs, scheme, label_smoothing
        self.choose_weights(class_weights, outputs)
        self.losses = nn.ModuleDict({split: MeanMetric() for split in SPLITS})
        self.counts = nn.ModuleDict({split: TagCounts(outputs) for split in SPLITS})
        self.counted: Counted | None = None
        """of the last validation or test"""

    def forward(self, tokens: Tensor, lengths: Tensor | None, places: Tensor) -> Tensor:
        """Logits ``[B, W, C]`` at ``places [B, W]`` of ``tokens [B, N]`` with ``lengths [B]`` (None: all)."""
        logits: Tensor = self.model(tokens, lengths)
        at = places.clamp(min=0)[:, :, None].expand(-1, -1, logits.shape[2])
        return full_precision(logits.gather(1, at))

    def logits(self, batch: Any) -> Tensor:
        """The model's logits ``[B, W, C]`` of a batch; they are meaningless for a word that is not read."""
        logits: Tensor = self(batch.tokens, batch.lengths, batch.places)
        return logits

    def tags(self, batch: Any) -> Tensor:
        """The predicted tags ``[B, W]`` of a batch; -1 for a word that is not read."""
        return _read(self.logits(batch), batch)

    def loss(self, logits: Tensor, batch: Any) -> Mean:
        """The mean cross entropy of ``logits [B, W, C]`` over words that are read, weighted by their tags."""
        labels = batch.labels.masked_fill(batch.places < 0, NO_WORD)
        weights = self.class_weights.to(logits.dtype)
        total = F.cross_entropy(
            logits.flatten(0, 1),
            labels.flatten(),
            weights,
            reduction="sum",
            ignore_index=NO_WORD,
            label_smoothing=self.label_smoothing,
        )
        weight = (weights[labels.clamp(min=0)] * (labels >= 0)).sum()
        # A batch whose tags all have weight 0 has no loss.
        return Mean(total / weight.clamp(min=torch.finfo(logits.dtype).tiny), weight)

    @override
    def setup(self, stage: str) -> None:
        super().setup(stage)
        card = self.trainer.datamodule.training_card
        if self.chosen_weights == BALANCED:
            weights = of_seen(self.class_weights, train_labels(card))
            self.class_weights.copy_(weights)
        tagset = Tagset(class_names(card, self.outputs), self.scheme)
        for split in SPLITS:
            self._counts(split).tagset = tagset

    @override
    def check_data(self, card: Mapping[str, Any]) -> None:
        super().check_data(card)
        tags = [tag for tag in class_names(card, self.outputs) if tag != OUTSIDE]
        strict = STRICT.get(self.scheme)
        for tag in tags if self.scheme != NONE else ():
            if not are_of_entities([tag]) or (strict and prefix_of(tag) not in strict.prefixes):
                raise UserError(
                    f"dataset.scheme={self.scheme} does not have the tag {tag!r} of the data: take "
                    "dataset.scheme=auto, or none to score words alone"
                )
        ends = strict.last() if strict else ""
        if ends and not set(ends) & set(map(prefix_of, tags)):
            raise UserError(
                f"dataset.scheme={self.scheme} ends entities with the prefixes {', '.join(ends)}, but no tag "
                "of the data has one: use dataset.scheme=auto"
            )

    @override
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        logits = self.logits(batch)
        loss = self.loss(logits, batch)
        read = batch.places >= 0
        right = ((logits.argmax(dim=-1) == batch.labels) & read).sum()
        count = read.sum()
        accuracy = Mean(right / count.clamp(min=1), count.to(logits.dtype))
        return self.count_batch(batch_idx, len(batch.labels), loss, token_accuracy=accuracy)

    @override
    def evaluation_step(self, split: str, batch: Any) -> None:
        logits = self.logits(batch)
        mean = self.losses[split]
        assert isinstance(mean, MeanMetric)
        mean.update(*self.loss(logits, batch))
        self._counts(split).update(_read(logits, batch), batch.labels)
        self.log(f"{split}/loss", mean, on_step=False, on_epoch=True)

    @override
    def log_split(self, split: str) -> None:
        counts = self._counts(split)
        self.counted = counts.counted()
        counts.reset()
        # The same on all ranks: the metric has gathered what they counted.
        scores = self.counted.scores()
        self.log_dict({f"{split}/{name}": v for name, v in scores.items()}, sync_dist=True)

    def _counts(self, split: str) -> TagCounts:
        counts = self.counts[split]
        assert isinstance(counts, TagCounts)
        return counts


def _read(logits: Tensor, batch: Any) -> Tensor:
    return logits.argmax(dim=-1).masked_fill(batch.places < 0, NOWHERE)
