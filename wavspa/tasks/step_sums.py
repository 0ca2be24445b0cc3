"""Sums over all batches and ranks of an optimizer step: its means do not depend on how it is divided."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn


class Mean(NamedTuple):
    """A mean over a batch: its ``value``, and the ``weight`` that the sum was divided by; both scalars."""

    value: Tensor
    weight: Tensor


class StepSums:
    """The means of an optimizer step, from those of its batches.

    Lightning divides each batch's loss by the number of batches, and ranks average their gradients: a small
    batch then counts as much as a large one, and one with few weights as much as one with many. Here each
    loss counts by its weight. The sum of all weights is known only after the last batch, so the
    losses are scaled by a provisional number, and the gradients are corrected before the optimizer sees them.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._weights: dict[str, Tensor] = {}
        self._provisional = 1.0
        self.complete = True
        """Whether the step has all its batches."""

    def reset(self) -> None:
        """Forget a step that was not completed."""
        self.complete = True

    def add(
        self, trainer: Trainer, batch_idx: int, examples: int, means: Mapping[str, Mean]
    ) -> Tensor:
        """Take in a batch.

        Args:
            trainer: The trainer.
            batch_idx: The batch's number.
            examples: Number of examples in the batch, the same on all ranks.
            means: Means over the batch, including the ``loss``.

        Returns:
            The loss to be differentiated.
        """
        if self.complete:
            self._sums, self._weights = {}, {}
            self._provisional = float(examples)
        batches = trainer.accumulate_grad_batches
        self.complete = (batch_idx + 1) % batches == 0 or trainer.is_last_batch
        for name, (value, weight) in means.items():
            weight = weight.detach().to(value.dtype)
            self._sums[name] = self._sums.get(name, 0) + value.detach() * weight
            self._weights[name] = self._weights.get(name, 0) + weight
        loss, weight = means["loss"]
        if _parts(trainer) == 1:
            return loss
        return loss * (weight.to(loss.dtype) / self._provisional)

    def means(self, trainer: Trainer) -> dict[str, float]:
        """The means over the complete step and all ranks, by name."""
        return {
            name: float(_over_ranks(trainer, total) / _over_ranks(trainer, self._weights[name]))
            for name, total in self._sums.items()
        }

    def scale_gradients(self, trainer: Trainer, parameters: Iterable[nn.Parameter]) -> None:
        """Correct the gradients of a complete step; those of an incomplete one stay as they are."""
        if not self.complete or _parts(trainer) == 1:
            return
        weight = _over_ranks(trainer, self._weights["loss"])
        # A step that weighs nothing has gradients of 0, which dividing by 0 would make NaN.
        factor = torch.where(weight > 0, self._provisional * _parts(trainer) / weight, 1.0)
        for gradient in (p.grad for p in parameters if p.grad is not None):
            # A scalar: it is not rounded to the gradient's own precision first.
            gradient.mul_(factor)


def _parts(trainer: Trainer) -> int:
    """Batches on all ranks that Lightning averages over in a step."""
    parts: int = trainer.accumulate_grad_batches * trainer.world_size
    return parts


def _over_ranks(trainer: Trainer, value: Tensor) -> Tensor:
    # A copy, because the ranks add theirs up in place.
    total = trainer.strategy.reduce(value.clone(), reduce_op="sum")
    assert isinstance(total, Tensor)
    return total


def mean_over(values: Tensor) -> Mean:
    """The plain mean of ``values``, which counts by their number."""
    values = values if values.is_floating_point() else values.float()
    # Filled in there: copying a number to a device would wait for it.
    return Mean(values.mean(), torch.full((), float(values.numel()), device=values.device))
