"""The masking of a batch: the tokens that are masked, and their replacements.

Shapes: B batch, N length, P places. Nothing here waits for the device: the number of places is that of a
full row, and surplus places of a shorter row do not count.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from wavspa.data.tokenizers import ALONE, INSIDE

Unit = Literal["token", "word", "span"]
UNITS: tuple[Unit, ...] = ("token", "word", "span")

Draw = Callable[[int], Tensor]
"""Numbers [B, N] from 0 up to 1, float32; those of another argument are others."""


class Options(NamedTuple):
    """What is masked, and how.

    Attributes:
        rate: Share of a row's tokens that are masked; at least one is.
        unit: What is masked at once.
        span: Mean length of a span.
        random: Share of the masked tokens that become any token.
        kept: Share of the masked tokens that stay what they are.
    """

    rate: float
    unit: Unit = "token"
    span: float = 3.0
    random: float = 0.1
    kept: float = 0.1


class MaskedBatch(NamedTuple):
    """A batch with masked tokens.

    Attributes:
        tokens: [B, N] int64, with masks.
        places: [B, P] int64, the positions that are to be predicted.
        targets: [B, P] int64, the tokens there.
        counts: [B, P] bool, whether the place belongs to its row.
    """

    tokens: Tensor
    places: Tensor
    targets: Tensor
    counts: Tensor


def mask(
    tokens: Tensor,
    lengths: Tensor,
    vocab_size: int,
    options: Options,
    draw: Draw,
    kinds: Tensor | None = None,
) -> MaskedBatch:
    """Mask ``options.rate`` of the tokens of each row, rounded, and one at least.

    Args:
        tokens: [B, N] int64.
        lengths: [B] int64, the real tokens of each row.
        vocab_size: Number of token ids; the mask is ``vocab_size``.
        options: What is masked, and how.
        draw: The source of randomness.
        kinds: [vocab_size] int64, what each token is to its word, for the unit ``word``.
    """
    width = tokens.shape[1]
    budget = (lengths * options.rate).round().long().clamp(min=1)
    # No row has more, whichever way the products are rounded.
    most = min(width, int(width * options.rate) + 1)
    real = torch.arange(width, device=tokens.device) < lengths[:, None]
    ranks, ends = _ranks(_begins(tokens, options, draw, kinds), budget, real, draw)
    # A word is masked completely or not at all; what a span lacks at its end makes no difference.
    chosen = (ends if options.unit == "word" else ranks + 1) <= budget[:, None]
    places = torch.where(chosen & real, ranks, width).argsort(dim=1, stable=True)[:, :most]
    counts = (chosen & real).gather(1, places)
    targets = tokens.gather(1, places)
    return MaskedBatch(
        _replaced(tokens, chosen & real, vocab_size, options, draw), places, targets, counts
    )


def _begins(tokens: Tensor, options: Options, draw: Draw, kinds: Tensor | None) -> Tensor:
    """Where a unit begins, [B, N] bool."""
    if options.unit == "token":
        return torch.ones_like(tokens, dtype=torch.bool)
    if options.unit == "span":
        begins = draw(1) < 1 / options.span
    else:
        assert kinds is not None
        kind = kinds[tokens]
        begins = (kind != INSIDE) | (kind.roll(1, 1) == ALONE)
    begins[:, 0] = True
    return begins


def _ranks(begins: Tensor, budget: Tensor, real: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """Units in random order: the rank of each token, and the first one after its unit; [B, N] int64."""
    column = torch.arange(begins.shape[1], device=begins.device).expand_as(begins)
    start = torch.where(begins, column, 0).cummax(dim=1).values
    # A unit that is longer than all that may be masked is several.
    begins = begins | ((column - start) % budget[:, None] == 0)
    start = torch.where(begins, column, 0).cummax(dim=1).values
    scores = draw(0).gather(1, start).masked_fill(~real, torch.inf)
    # Units with equal scores are distinguished by where they begin, for both sorts keep the order.
    order = scores.argsort(dim=1, stable=True)
    ranks = torch.empty_like(order).scatter_(1, order, column)
    sizes = torch.zeros_like(order).scatter_add_(1, start, real.long())
    return ranks, ranks.gather(1, start) + sizes.gather(1, start)


def _replaced(
    tokens: Tensor, masked: Tensor, vocab_size: int, options: Options, draw: Draw
) -> Tensor:
    """Tokens [B, N] with a mask, any token or what was there at the masked ones."""
    lot = draw(2)
    # 0 is the pad of most data.
    other = 1 + (draw(3) * (vocab_size - 1)).long().clamp(max=vocab_size - 2)
    inside = torch.where(lot < options.random, other, vocab_size)
    inside = torch.where(lot >= 1 - options.kept, tokens, inside)
    return torch.where(masked, inside, tokens)


def by_chance(tokens: Tensor) -> Draw:
    """Numbers from torch's generator, different ones in every call."""
    return lambda _: torch.rand(tokens.shape, device=tokens.device)


# Of splitmix64, as signed numbers; products and sums of int64 wrap around.
_GOLDEN, _FIRST, _SECOND = -7046029254386353131, -4658895280553007687, -7723592293110705685


def by_content(tokens: Tensor, lengths: Tensor) -> Draw:
    """Numbers determined by the tokens of a row: the same in every run, batch and machine.

    Args:
        tokens: [B, N] int64.
        lengths: [B] int64, the real tokens of each row; pads have no influence.
    """
    column = torch.arange(tokens.shape[1], device=tokens.device)
    real = column < lengths[:, None]
    key = (_mixed(tokens + column * _GOLDEN) * real).sum(dim=1, keepdim=True)

    def draw(stream: int) -> Tensor:
        bits = _mixed(_mixed(key + stream) + column * _GOLDEN)
        return ((bits >> 40) & 0xFFFFFF).float() / 2**24

    return draw


def _mixed(x: Tensor) -> Tensor:
    """Bits of int64 numbers, stirred."""
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * _FIRST
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * _SECOND
    return x ^ ((x >> 31) & 0x1FFFFFFFF)
