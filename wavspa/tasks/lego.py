"""The values of a chain of variables, each read at its own position in the sequence."""

from collections.abc import Callable
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torchmetrics import MeanMetric
from torchmetrics.classification import MultilabelAccuracy
from typing_extensions import override

from wavspa.tasks.base import Task, full_precision
from wavspa.tasks.step_sums import Mean, mean_over
from wavspa.training.schedules import Schedule


class Lego(Task):
    """Trains on the first variables of each chain; reports the accuracy at every position of it.

    Logged: ``train/loss``, ``train/accuracy`` (both of the trained positions of a step's batch) and ``lr``;
    over all of a split ``val/…`` and ``test/…`` of ``loss`` and ``accuracy`` (trained positions),
    ``accuracy_beyond`` (the others) and ``accuracy_<position>``, counted from 1.

    Args:
        model: ``model(tokens [B, N], lengths [B]) -> logits [B, N, 2]``.
        optimizer: Builds the optimizer of a model.
        schedule: Factor of the learning rate at ``(step, total steps)``.
        variables: Number of variables in a chain, V.
        trained: Number of positions, from the first of the chain, that the loss counts.
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
        variables: int,
        trained: int = 6,
        monitor: str = "val/accuracy",
        mode: Literal["min", "max"] | None = None,
    ) -> None:
        if not 1 <= trained < variables:
            raise ValueError(f"trained must be in [1, {variables}), got {trained}")
        positions = [f"accuracy_{position}" for position in range(1, variables + 1)]
        names = ["loss", "accuracy", "accuracy_beyond", *positions]
        super().__init__(model, optimizer, schedule, names, monitor, mode)
        self.trained = trained
        splits = ("val", "test")
        self.losses = nn.ModuleDict({split: MeanMetric() for split in splits})
        self.scores = nn.ModuleDict(
            {split: MultilabelAccuracy(variables, average=None) for split in splits}
        )

    def forward(self, tokens: Tensor, lengths: Tensor, places: Tensor) -> Tensor:
        """Logits ``[B, V]`` of the value 1, read at ``places [B, V]``."""
        logits: Tensor = self.model(tokens, lengths)
        at_places = full_precision(logits.gather(1, places[:, :, None].expand(-1, -1, 2)))
        return at_places[:, :, 1] - at_places[:, :, 0]

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean binary cross entropy at the trained positions of ``logits`` and ``labels [B, V]``."""
        logits, labels = logits[:, : self.trained], labels[:, : self.trained]
        return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))

    @override
    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        logits = self(batch.tokens, batch.lengths, batch.places)
        right = mean_over(((logits > 0) == batch.labels)[:, : self.trained])
        loss = Mean(self.loss(logits, batch.labels), right.weight)
        return self.count_batch(batch_idx, len(logits), loss, accuracy=right)

    @override
    def evaluation_step(self, split: str, batch: Any) -> None:
        logits = self(batch.tokens, batch.lengths, batch.places)
        loss, score = self.losses[split], self.scores[split]
        assert isinstance(loss, MeanMetric)
        assert isinstance(score, MultilabelAccuracy)
        loss.update(self.loss(logits, batch.labels), len(batch.labels))
        score.update(logits.sigmoid(), batch.labels)
        self.log(f"{split}/loss", loss, on_step=False, on_epoch=True)

    @override
    def log_split(self, split: str) -> None:
        score = self.scores[split]
        assert isinstance(score, MultilabelAccuracy)
        by_position: Tensor = score.compute()
        score.reset()
        values = {
            "accuracy": by_position[: self.trained].mean(),
            "accuracy_beyond": by_position[self.trained :].mean(),
        }
        for position, accuracy in enumerate(by_position, start=1):
            values[f"accuracy_{position}"] = accuracy
        # The same on all ranks: the metric has gathered what they collected.
        self.log_dict({f"{split}/{name}": v for name, v in values.items()}, sync_dist=True)
