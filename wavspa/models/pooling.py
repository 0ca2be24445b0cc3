"""From the states of a sequence to one vector."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavspa.wavelets.primitives import zero_pads

POOLS = ("mean", "sum", "cls", "cls2", "clsm", "flatten", "token")


class Pool(nn.Module):
    """Pool states [B, N, D] over each row's real positions.

    ``mean`` and ``sum``; ``cls`` is the first state; ``cls2`` adds first and last, ``clsm`` first, last
    and middle (``length // 2``); ``flatten`` concatenates ``max_len`` states, zero at pads; ``token``
    keeps every state, zero at pads.

    Args:
        kind: One of :data:`POOLS`.
        dim: Width D.
        max_len: Number of positions for ``flatten``.
        upstream: Upstream's behaviour: lengths are ignored, so pads count, and the "middle" of
            ``clsm`` is position D // 2 (upstream confuses the axes there).

    Raises:
        ValueError: An unknown kind.
    """

    def __init__(self, kind: str, dim: int, max_len: int, upstream: bool = False) -> None:
        super().__init__()
        if kind not in POOLS:
            raise ValueError(f"pool={kind!r} is unknown; choose one of {', '.join(POOLS)}")
        self.kind, self.dim, self.max_len, self.upstream = kind, dim, max_len, upstream

    @property
    def out_dim(self) -> int:
        """Width of the pooled vector."""
        return self.dim * self.max_len if self.kind == "flatten" else self.dim

    def forward(self, states: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Pool ``states [B, N, D]`` -> [B, out_dim] (``token``: [B, N, D]); ``lengths`` int64 [B]."""
        batch, length, _ = states.shape
        if self.kind == "cls":
            return states[:, 0]
        if self.upstream:
            lengths = None
        states = zero_pads(states, lengths)
        if self.kind == "token":
            return states
        if self.kind == "flatten":
            if length > self.max_len:
                raise ValueError(
                    f"pool flatten takes at most {self.max_len} positions, got {length}"
                )
            return F.pad(states, (0, 0, 0, self.max_len - length)).flatten(1)
        if lengths is None:
            lengths = torch.full((batch,), length, device=states.device)
        if self.kind in ("mean", "sum"):
            total = states.sum(dim=1)
            return total / lengths[:, None] if self.kind == "mean" else total
        row = torch.arange(batch, device=states.device)
        ends = states[:, 0] + states[row, lengths - 1]
        if self.kind == "cls2":
            return ends
        if self.upstream:
            # In JAX an index past the end is the last one.
            return ends + states[:, min(self.dim // 2, length - 1)]
        return ends + states[row, lengths // 2]
