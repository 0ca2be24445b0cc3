"""Tokens and operations per second, from the batches that a model trained on."""

import statistics
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from wavspa.models.flops import training_flops


class _Step(NamedTuple):
    """How long an optimizer step took, and what this device did in it."""

    seconds: float
    tokens: int
    flops: int


class Throughput:
    """Counts the steps of the recent past; the first one, which compiles and fills caches, is left out.

    Tokens are positions of a batch, pads included: so are the operations, and counting others would wait
    for the device.

    Args:
        model: The trained model; the operations of some kinds are unknown.
        peak: The device's peak operations per second, or None.
    """

    def __init__(self, model: nn.Module, peak: float | None = None) -> None:
        self.model, self.peak = model, peak
        self._tokens = self._flops = 0
        self._first: _Step | None = None
        self._steps: deque[_Step] = deque(maxlen=1000)
        self._of_length: dict[int, int] = {}

    def add(self, batch: Any) -> None:
        """Count a batch of the current step."""
        shapes = token_shapes(batch)
        self._tokens += sum(rows * length for rows, length in shapes)
        # The model of a pair costs the mean over the lengths of its sides.
        flops = sum(rows * self._flops_of(length) for rows, length in shapes)
        self._flops += flops // max(len(shapes), 1)

    def end_step(self, seconds: float) -> None:
        """End the current step.

        Args:
            seconds: From the end of the one before to its own.
        """
        step = _Step(seconds, self._tokens, self._flops)
        self._tokens = self._flops = 0
        if self._first is None:
            self._first = step
        else:
            self._steps.append(step)

    @property
    def first_step_seconds(self) -> float | None:
        """Seconds of the first step."""
        return self._first.seconds if self._first else None

    @property
    def seconds_per_step(self) -> float | None:
        """The median; None before the end of the first step."""
        steps = self._measured()
        return statistics.median(step.seconds for step in steps) if steps else None

    @property
    def flops_per_step(self) -> int | None:
        """The median; None where the model's operations are not known."""
        flops = int(statistics.median([step.flops for step in self._measured()] or [0]))
        return flops or None

    @property
    def tokens_per_second(self) -> float | None:
        """Of this device; None where batches have no tokens."""
        return self._rate(lambda step: step.tokens)

    @property
    def mfu(self) -> float | None:
        """The share of the device's peak that the model's operations reach, if both are known."""
        rate = self._rate(lambda step: step.flops)
        return None if rate is None or self.peak is None else rate / self.peak

    def _measured(self) -> list[_Step]:
        return list(self._steps) or ([self._first] if self._first else [])

    def _rate(self, amount: Callable[[_Step], int]) -> float | None:
        steps = self._measured()
        seconds, total = sum(step.seconds for step in steps), sum(map(amount, steps))
        return total / seconds if total and seconds else None

    def _flops_of(self, length: int) -> int:
        if length not in self._of_length:
            try:
                self._of_length[length] = training_flops(self.model, length)
            except ValueError:
                self._of_length[length] = 0
        return self._of_length[length]


def token_shapes(batch: Any) -> list[tuple[int, int]]:
    """Rows and positions of each ``tokens…`` of a batch.

    Args:
        batch: A named tuple such as :class:`wavspa.data.Batch`; anything else has none.
    """
    fields = getattr(batch, "_fields", ())
    found = (getattr(batch, name) for name in fields if name.startswith("tokens"))
    return [(x.shape[0], x.shape[1]) for x in found if isinstance(x, torch.Tensor) and x.dim() == 2]
