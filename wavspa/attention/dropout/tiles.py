"""Attention with dropout tile by tile: scores of some queries of some heads, which a cache holds.

Shapes: R rows (batch x heads), N queries and keys, K head width. A tile is [G, Q, M]: G rows, Q queries
of each and the M keys that any of them sees. Its two passes over scores have two implementations of one
signature: :mod:`~wavspa.attention.dropout.plain` and :mod:`~wavspa.attention.dropout.compiled`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from wavspa.attention.dropout.mask import Mask

# Scores of a tile: 4 MiB in float32, of which the backward pass holds two.
MOST_SCORES = 2**20
FEWEST_QUERIES, MOST_QUERIES = 128, 512


@dataclass(frozen=True)
class Problem:
    """What is the same for all tiles.

    Args:
        length: Queries (and keys) N of a row.
        ends: Keys that each row may see, R numbers in 1..N.
        window: Positions to the left and to the right of itself that a query sees, or None: all.
        mask: What dropout drops.
    """

    length: int
    ends: Sequence[int]
    window: tuple[int, int] | None
    mask: Mask


@dataclass(frozen=True)
class Tile:
    """Rows, queries and keys of a tile, each as a range."""

    rows: slice
    queries: slice
    keys: slice


class Passes(Protocol):
    """What an implementation does with the scores of a tile, in place."""

    def probabilities_(self, scores: Tensor, lse: Tensor, tile: Tile, problem: Problem) -> None:
        """Scores [G, Q, M] become probabilities after dropout; ``lse [G, Q]`` receives log-sums."""

    def gradients_(
        self,
        scores: Tensor,
        gradient: Tensor,
        lse: Tensor,
        mean: Tensor,
        tile: Tile,
        problem: Problem,
    ) -> None:
        """Scores become probabilities after dropout, and their gradient that of the scores.

        Args:
            scores: [G, Q, M].
            gradient: Gradient of the probabilities after dropout, [G, Q, M].
            lse: Log-sums of the forward pass, [G, Q].
            mean: Mean of the probabilities' gradient under the probabilities, [G, Q].
            tile: Where the scores are from.
            problem: What is the same for all tiles.
        """


def attend(
    q: Tensor, k: Tensor, v: Tensor, problem: Problem, passes: Passes
) -> tuple[Tensor, Tensor]:
    """Output [R, N, K] and log-sums [R, N] of contiguous q, k, v [R, N, K]."""
    y, lse = torch.zeros_like(v), q.new_zeros(q.shape[:2])
    for tile in cut(problem):
        scores = _scores(q, k, tile)
        passes.probabilities_(scores, lse[tile.rows, tile.queries], tile, problem)
        y[tile.rows, tile.queries].baddbmm_(scores, v[tile.rows, tile.keys], beta=0)
    return y, lse


def differentiate(
    gradient: Tensor,
    inputs: tuple[Tensor, Tensor, Tensor],
    y: Tensor,
    lse: Tensor,
    problem: Problem,
    passes: Passes,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of q, k and v, from the output's."""
    q, k, v = inputs
    q_gradient, k_gradient, v_gradient = (torch.zeros_like(x) for x in inputs)
    mean = (gradient * y).sum(-1)
    for tile in cut(problem):
        of_queries, of_keys = (tile.rows, tile.queries), (tile.rows, tile.keys)
        scores = _scores(q, k, tile)
        of_scores = gradient[of_queries] @ v[of_keys].transpose(1, 2)
        passes.gradients_(scores, of_scores, lse[of_queries], mean[of_queries], tile, problem)
        v_gradient[of_keys].baddbmm_(scores.transpose(1, 2), gradient[of_queries])
        scale = q.shape[-1] ** -0.5
        q_gradient[of_queries].baddbmm_(of_scores, k[of_keys], beta=0, alpha=scale)
        k_gradient[of_keys].baddbmm_(of_scores.transpose(1, 2), q[of_queries], alpha=scale)
    return q_gradient, k_gradient, v_gradient


def cut(problem: Problem) -> Iterator[Tile]:
    """Tiles that hold every real query once; queries beyond the longest row of a tile are in none."""
    length, rows = problem.length, len(problem.ends)
    if problem.window is None:
        queries = min(MOST_QUERIES, max(FEWEST_QUERIES, MOST_SCORES // length), length)
        keys = length
    else:
        left, right = problem.window
        queries = min(max(FEWEST_QUERIES, (left + right) // 2), length)
        keys = min(queries + left + right, length)
    group = max(1, MOST_SCORES // (queries * keys))
    for row in range(0, rows, group):
        end = max(problem.ends[row : row + group])
        for query in range(0, end, queries):
            last = min(query + queries, end)
            seen = slice(0, end)
            if problem.window is not None:
                seen = slice(max(0, query - left), min(last + right, end))
            yield Tile(slice(row, min(row + group, rows)), slice(query, last), seen)


def _scores(q: Tensor, k: Tensor, tile: Tile) -> Tensor:
    queries, keys = q[tile.rows, tile.queries], k[tile.rows, tile.keys].transpose(1, 2)
    scores = q.new_empty(*queries.shape[:2], keys.shape[2])
    return scores.baddbmm_(queries, keys, beta=0, alpha=q.shape[-1] ** -0.5)
