"""The passes over a tile's scores in plain torch: the bare formulas, in any float."""

import torch
from torch import Tensor

from wavspa.attention.dropout.tiles import Problem, Tile


def probabilities_(scores: Tensor, lse: Tensor, tile: Tile, problem: Problem) -> None:
    """See :class:`wavspa.attention.dropout.tiles.Passes`."""
    if (hidden := _hidden(tile, problem)) is not None:
        scores.masked_fill_(hidden, -torch.inf)
    total = scores.logsumexp(-1)
    # A query beyond its row's end may see nothing: its probabilities are all zero.
    lse.copy_(total.masked_fill_(total == -torch.inf, 0))
    scores.sub_(lse[..., None]).exp_().mul_(_factors(scores, tile, problem))


def gradients_(
    scores: Tensor, gradient: Tensor, lse: Tensor, mean: Tensor, tile: Tile, problem: Problem
) -> None:
    """See :class:`wavspa.attention.dropout.tiles.Passes`."""
    scores.sub_(lse[..., None]).exp_()
    if (hidden := _hidden(tile, problem)) is not None:
        scores.masked_fill_(hidden, 0)
    factors = _factors(scores, tile, problem)
    gradient.mul_(factors).sub_(mean[..., None]).mul_(scores)
    scores.mul_(factors)


def _factors(scores: Tensor, tile: Tile, problem: Problem) -> Tensor:
    """What dropout multiplies the probabilities by, [G, Q, M]."""
    rows = torch.arange(tile.rows.start, tile.rows.stop)[:, None] * problem.length
    rows = rows + torch.arange(tile.queries.start, tile.queries.stop)
    keys = tile.keys.stop - tile.keys.start
    kept = problem.mask.kept(rows, tile.keys.start, keys)
    return kept.to(scores.dtype).mul_(problem.mask.scale)


def _hidden(tile: Tile, problem: Problem) -> Tensor | None:
    """Keys that a query does not see, bool, broadcast to [G, Q, M]; None: it sees all."""
    key = torch.arange(tile.keys.start, tile.keys.stop)
    ends = torch.tensor(problem.ends[tile.rows])
    hidden = None
    if int(ends.min()) < tile.keys.stop:
        hidden = key >= ends[:, None, None]
    if problem.window is not None:
        left, right = problem.window
        offset = key - torch.arange(tile.queries.start, tile.queries.stop)[:, None]
        outside = (offset < -left) | (offset > right)
        hidden = outside if hidden is None else hidden | outside
    return hidden
