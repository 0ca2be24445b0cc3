"""Losses and gradient norms that are not finite: found on the device, read by the host some steps later."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

# How many numbers are noted before the host reads those that were sent before: some 16 steps, of a loss and a
# norm each. The host waits for a device that is further behind.
BETWEEN_READS = 32


class Noted(NamedTuple):
    """What a number is: its ``kind``, the ``step`` and the ``batch`` that it is of, both from 0."""

    kind: str
    step: int
    batch: int


class NotFinite(NamedTuple):
    """The first number that was not finite."""

    noted: Noted
    value: float


def runs_ahead(device: torch.device) -> bool:
    """Whether the host continues while ``device`` computes, so that reading a number would make it wait."""
    return device.type != "cpu"


class FiniteWatch:
    """Checks numbers of a training loop that never waits for its device.

    Numbers are collected on the device and copied to the host in the background. On a CPU, where there is
    nothing to wait for, each is checked at once.
    """

    def __init__(self) -> None:
        self._noted: list[tuple[Noted, Tensor]] = []
        self._sent: tuple[list[Noted], Tensor, torch.cuda.Event | None] | None = None
        self._all_finite: Tensor | None = None

    def note(self, noted: Noted, value: Tensor) -> NotFinite | None:
        """Note a scalar; return the first one that is not finite among those that the host has.

        Args:
            noted: A description of it.
            value: The scalar.
        """
        value = value.detach()
        self._noted.append((noted, value))
        if not runs_ahead(value.device):
            return self.read()
        finite = torch.isfinite(value)
        self._all_finite = finite if self._all_finite is None else self._all_finite & finite
        if len(self._noted) < BETWEEN_READS:
            return None
        found = self._arrived()
        self._send()
        return found

    def read(self) -> NotFinite | None:
        """The first number that is not finite, of all; waits for the device."""
        if found := self._arrived():
            return found
        self._send()
        return self._arrived()

    def leave_out_step(self, optimizer: Optimizer) -> None:
        """Make a step harmless, on the device, if anything noted since the last one is not finite.

        Args:
            optimizer: About to take the step.
        """
        finite, self._all_finite = self._all_finite, None
        if finite is None:
            return
        if all(group.get("fused") for group in optimizer.param_groups):
            # The flag by which a scaler of gradients makes a fused optimizer skip the step.
            setattr(optimizer, "found_inf", (~finite).float())  # noqa: B010
            return
        for group in optimizer.param_groups:
            for gradient in (p.grad for p in group["params"] if p.grad is not None):
                gradient.copy_(torch.where(finite, gradient, 0))

    def _send(self) -> None:
        if not self._noted:
            return
        noted, scalars = zip(*self._noted, strict=True)
        self._noted = []
        exact = any(scalar.dtype == torch.float64 for scalar in scalars)
        dtype = torch.float64 if exact else torch.float32
        values = torch.stack([scalar.reshape(()).to(dtype) for scalar in scalars])
        event = None
        if values.is_cuda:
            # A copy is in the background only from or to memory that is pinned.
            pinned = torch.empty(values.shape, dtype=dtype, pin_memory=True)
            pinned.copy_(values, non_blocking=True)
            event = torch.cuda.Event()
            event.record()
            values = pinned
        self._sent = (list(noted), values, event)

    def _arrived(self) -> NotFinite | None:
        if self._sent is None:
            return None
        noted, values, event = self._sent
        self._sent = None
        if event is not None:
            event.synchronize()
        for one, value in zip(noted, values.tolist(), strict=True):
            if not math.isfinite(value):
                return NotFinite(one, value)
        return None
