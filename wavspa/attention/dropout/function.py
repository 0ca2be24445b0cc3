"""The call with its gradients, and the two operators that ``torch.compile`` takes as a node each."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from wavspa.attention.dropout import plain
from wavspa.attention.dropout.mask import LEVELS, Mask
from wavspa.attention.dropout.tiles import Passes, Problem, attend, differentiate
from wavspa.backend import runs_numba
from wavspa.tracing import is_transformed

SCHEMAS = (
    "dropout_attention(Tensor q, Tensor k, Tensor v, Tensor? lengths, Tensor seed, float dropout, "
    "int[]? window) -> (Tensor, Tensor)",
    "dropout_attention_backward(Tensor gradient, Tensor q, Tensor k, Tensor v, Tensor y, Tensor lse, "
    "Tensor? lengths, Tensor seed, float dropout, int[]? window) -> (Tensor, Tensor, Tensor)",
)


def runs_here(q: Tensor, dropout: float) -> bool:
    """Whether :func:`attend_with_dropout` takes queries such as these; rates next to 0 and 1 it does not."""
    return (
        q.device.type == "cpu" and 0 < Mask(0, dropout).threshold < LEVELS and not is_transformed()
    )


def attend_with_dropout(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    lengths: Tensor | None,
    dropout: float,
    window: tuple[int, int] | None = None,
) -> Tensor:
    """Softmax attention with dropout on its probabilities; N x N numbers are never in memory.

    The mask comes from a seed that is drawn from torch's generator.

    Args:
        q: Queries [B, H, N, K], such as :func:`runs_here` accepts.
        k: Keys [B, H, N, K].
        v: Values [B, H, N, K].
        lengths: Real positions of each row, int64 [B], or None.
        dropout: Rate on the probabilities.
        window: Positions to the left and to the right of itself that a query sees; None means all.

    Returns:
        [B, H, N, K]; not meaningful at pads, but finite where q, k and v are.
    """
    seed = torch.randint(2**63 - 1, (1,))
    y: Tensor = _DropoutAttention.apply(q, k, v, lengths, seed, dropout, window)
    return y


class _DropoutAttention(Function):
    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        lengths: Tensor | None,
        seed: Tensor,
        dropout: float,
        window: tuple[int, int] | None,
    ) -> Tensor:
        y, lse = FORWARD(q, k, v, lengths, seed, dropout, window)
        ctx.save_for_backward(q, k, v, y, lse, lengths, seed)
        ctx.dropout, ctx.window = dropout, window
        result: Tensor = y
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        *tensors, lengths, seed = ctx.saved_tensors
        gradients = BACKWARD(gradient, *tensors, lengths, seed, ctx.dropout, ctx.window)
        return *gradients, None, None, None, None


_library = torch.library.Library("wavspa", "FRAGMENT")
for schema in SCHEMAS:
    _library.define(schema, tags=(torch.Tag.pt2_compliant_tag,))


@torch.library.impl(_library, "dropout_attention", "CPU")
def _forward(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    lengths: Tensor | None,
    seed: Tensor,
    dropout: float,
    window: list[int] | None,
) -> tuple[Tensor, Tensor]:
    problem = _problem(q, lengths, seed, dropout, window)
    y, lse = attend(_rows(q), _rows(k), _rows(v), problem, _passes(q))
    return y.view(v.shape).to(v.dtype), lse


@torch.library.impl(_library, "dropout_attention_backward", "CPU")
def _backward(
    gradient: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    y: Tensor,
    lse: Tensor,
    lengths: Tensor | None,
    seed: Tensor,
    dropout: float,
    window: list[int] | None,
) -> tuple[Tensor, Tensor, Tensor]:
    problem = _problem(q, lengths, seed, dropout, window)
    inputs = _rows(q), _rows(k), _rows(v)
    gradients = differentiate(_rows(gradient), inputs, _rows(y), lse, problem, _passes(q))
    of_q, of_k, of_v = (
        x.view(p.shape).to(p.dtype) for x, p in zip(gradients, (q, k, v), strict=True)
    )
    return of_q, of_k, of_v


def _fake_forward(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    lengths: Tensor | None,
    seed: Tensor,
    dropout: float,
    window: list[int] | None,
) -> tuple[Tensor, Tensor]:
    batch, heads, length, _ = q.shape
    return v.new_empty(v.shape), q.new_empty(batch * heads, length, dtype=_sum_dtype(q))


def _fake_backward(
    gradient: Tensor, q: Tensor, k: Tensor, v: Tensor, *_: object
) -> tuple[Tensor, Tensor, Tensor]:
    return q.new_empty(q.shape), k.new_empty(k.shape), v.new_empty(v.shape)


torch.library.register_fake("wavspa::dropout_attention", _fake_forward, lib=_library)
torch.library.register_fake("wavspa::dropout_attention_backward", _fake_backward, lib=_library)

FORWARD = torch.ops.wavspa.dropout_attention.default
BACKWARD = torch.ops.wavspa.dropout_attention_backward.default


def _problem(
    q: Tensor, lengths: Tensor | None, seed: Tensor, dropout: float, window: list[int] | None
) -> Problem:
    batch, heads, length, _ = q.shape
    ends = [length] * batch if lengths is None else lengths.tolist()
    reach = None if window is None else (window[0], window[1])
    return Problem(
        length,
        [end for end in ends for _ in range(heads)],
        reach,
        Mask(int(seed), dropout),
    )


def _passes(q: Tensor) -> Passes:
    """Numba's where it runs: sums are float32 for every type but float64."""
    batch, heads, length, _ = q.shape
    if runs_numba(q.new_empty(0, dtype=_sum_dtype(q)), work=batch * heads * length**2):
        from wavspa.attention.dropout import compiled

        return compiled
    return plain


def _rows(x: Tensor) -> Tensor:
    """[B, H, N, K] as contiguous [B H, N, K], in the type of the sums."""
    return x.to(_sum_dtype(x)).flatten(0, 1).contiguous()


def _sum_dtype(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32
