"""Positions added to the embeddings."""

import math
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn
from typing_extensions import override

POSITIONS = ("sinusoidal", "learned", "rotary", "none")


def sinusoids(length: int, dim: int) -> Tensor:
    """Sinusoidal table [length, dim]: sin in even, cos in odd columns, wavelengths to 10,000."""
    position = torch.arange(length, dtype=torch.float32)[:, None]
    column = torch.arange(0, dim, 2, dtype=torch.float32)
    angle = position * torch.exp(-math.log(10_000.0) / dim * column)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)[:, :dim]


class AddPositions(nn.Module):
    """Add the first N rows of a table of ``length`` rows to ``x [B, N, D]``.

    Args:
        kind: ``sinusoidal``, ``learned`` (initially normal(0.02)); ``rotary`` (done in the attention)
            and ``none`` add nothing.
        length: Rows of the table.
        dim: Width D.

    Raises:
        ValueError: An unknown kind; at call time, a sequence longer than the table.
    """

    table: Tensor | None

    def __init__(self, kind: str, length: int, dim: int) -> None:
        super().__init__()
        if kind not in POSITIONS:
            raise ValueError(f"positions={kind!r} is unknown; choose one of {', '.join(POSITIONS)}")
        self.length = length
        if kind == "learned":
            self.table = nn.Parameter(torch.randn(length, dim) * 0.02)
        else:
            table = sinusoids(length, dim) if kind == "sinusoidal" else None
            self.register_buffer("table", table, persistent=False)

    def fill_table(self) -> None:
        """Compute a sinusoidal table, which no checkpoint holds, again; a learned one stays as it is."""
        if self.table is not None and not isinstance(self.table, nn.Parameter):
            self.table.copy_(sinusoids(*self.table.shape))

    @override
    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # to_empty() leaves a table without values, and a way through a half type one that is rounded.
        before = self.table
        # In torch this method has no types.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.table is not before:
            self.fill_table()
        return self

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """Add positions, counted from ``start``, to ``x [B, N, D]`` -> [B, N, D]."""
        end = start + x.shape[1]
        if end > self.length:
            raise ValueError(
                f"a sequence of {end} positions is longer than the {self.length} that max_len allows"
            )
        return x if self.table is None else x + self.table[start:end].to(x.dtype)
