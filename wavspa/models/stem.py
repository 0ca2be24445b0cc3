"""The stem: it replaces the embedding if inputs are numbers."""

import torch
from torch import Tensor, nn

from wavspa.attention.base import init_lecun
from wavspa.wavelets.primitives import at_least_float32, zero_pads

STEMS = ("linear", "conv")
KERNEL = 7
"""Number of steps that a convolutional stem sees at a time."""


class Stem(nn.Module):
    """Maps series of numbers [B, N, K] to states [B, N, D].

    The numbers of each channel are standardised first: by ``mean`` and ``deviation``, 0 and 1 until
    :meth:`set_scale` is called. Both are saved with the weights.

    Args:
        inputs: Channels K.
        dim: Width D.
        kind: ``linear`` (each step by itself) or ``conv`` (seven steps at a time, pads are zero).

    Raises:
        ValueError: The kind is unknown.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, inputs: int, dim: int, kind: str) -> None:
        super().__init__()
        if kind not in STEMS:
            raise ValueError(f"stem={kind!r} is unknown; choose one of {', '.join(STEMS)}")
        self.inputs, self.kind = inputs, kind
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        self.layer: nn.Linear | nn.Conv1d
        if kind == "linear":
            self.layer = nn.Linear(inputs, dim)
            init_lecun(self.layer.weight, fan_in=inputs)
        else:
            self.layer = nn.Conv1d(inputs, dim, KERNEL, padding=KERNEL // 2)
            init_lecun(self.layer.weight, fan_in=inputs * KERNEL)
        assert self.layer.bias is not None
        nn.init.zeros_(self.layer.bias)

    def set_scale(self, mean: Tensor, deviation: Tensor) -> None:
        """Set the mean and the standard deviation [K] of the channels; a constant channel is only centred.

        Raises:
            ValueError: They are not one for each channel.
        """
        for name, given in (("mean", mean), ("deviation", deviation)):
            if given.shape != self.mean.shape:
                raise ValueError(f"{name} must be [inputs={self.inputs}], got {list(given.shape)}")
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1.0))

    def forward(self, values: Tensor, lengths: Tensor | None = None) -> Tensor:
        """States of ``values [B, N, K]``; values after ``lengths [B]`` have no effect.

        Raises:
            ValueError: They have another number of channels.
        """
        if values.dim() != 3 or values.shape[2] != self.inputs:
            raise ValueError(
                f"values must be [batch, length, inputs={self.inputs}], got {list(values.shape)}"
            )
        x = (at_least_float32(values) - self.mean) / self.deviation
        x = zero_pads(x, lengths).to(self.mean.dtype)
        if self.kind == "linear":
            return self._layer(x)
        return self._layer(x.transpose(1, 2)).transpose(1, 2)

    def _layer(self, x: Tensor) -> Tensor:
        states: Tensor = self.layer(x)
        return states
