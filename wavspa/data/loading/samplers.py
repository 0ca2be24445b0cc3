"""Batch samplers: the examples of a batch, their order, and the share of a rank.

Batches are cut for all ranks together and then dealt out, so an epoch is the same under any number
of ranks. The order is a function of (seed, epoch) and of nothing else: resuming in the middle of an
epoch needs the epoch and a position.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch.utils.data import Sampler

BATCHES_PER_POOL = 50

# In batches by a budget of tokens: rows that a batch holds are at most so much longer than others.
BUCKET_GROWTH = 1.15
# Their number of rows is a multiple of this, or below it, so that ranks and hardware divide it.
ROW_MULTIPLE = 8


def bucketed_batches(
    lengths: np.ndarray, batch_size: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """One epoch of training: every example once, rows of similar length together, in random order.

    The shuffled examples are cut into pools of 50 batches; inside a pool they are sorted by length.
    What is left over when the number of examples is not a multiple of ``batch_size`` is a smaller
    batch of random examples.

    Args:
        lengths: [examples] the length of each example.
        batch_size: Examples in a batch, over all ranks.
        seed: With ``epoch``, the only source of randomness.
        epoch: Counted from 0.

    Returns:
        The batches, each an array of indices.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths))
    whole = len(order) - len(order) % batch_size
    batches: list[np.ndarray] = []
    pool_size = BATCHES_PER_POOL * batch_size
    for pool in np.split(order[:whole], range(pool_size, whole, pool_size)):
        by_length = pool[np.argsort(lengths[pool], kind="stable")]
        batches.extend(by_length.reshape(-1, batch_size))
    if whole < len(order):
        batches.append(order[whole:])
    return [batches[i] for i in rng.permutation(len(batches))]


class Bucket(NamedTuple):
    """``rows``: indices of examples of similar length, of which ``batch_size`` make a batch."""

    rows: np.ndarray
    batch_size: int


def length_buckets(lengths: np.ndarray, batch_tokens: int) -> list[Bucket]:
    """Divide examples by length, with the number of each sort that a budget of tokens allows.

    Args:
        lengths: [examples] the length of each example, none above ``batch_tokens``.
        batch_tokens: Most tokens in a batch, with those that pad it to its longest example.

    Returns:
        The buckets, short examples first.
    """
    order = np.argsort(lengths, kind="stable")
    steps = np.floor(np.log(lengths[order]) / np.log(BUCKET_GROWTH))
    buckets = []
    for rows in np.split(order, np.flatnonzero(np.diff(steps)) + 1):
        batch_size = batch_tokens // int(lengths[rows[-1]])
        if batch_size > ROW_MULTIPLE:
            batch_size -= batch_size % ROW_MULTIPLE
        buckets.append(Bucket(rows, batch_size))
    return buckets


def budgeted_batches(buckets: Sequence[Bucket], seed: int, epoch: int) -> list[np.ndarray]:
    """One epoch of training: every example once, in batches of rows of one bucket, in random order.

    Every epoch has as many batches. What is left over in a bucket is a smaller batch.

    Args:
        buckets: As :func:`length_buckets` returns them.
        seed: With ``epoch``, the only source of randomness.
        epoch: Counted from 0.

    Returns:
        The batches, each an array of indices.
    """
    rng = np.random.default_rng((seed, epoch))
    batches: list[np.ndarray] = []
    for rows, batch_size in buckets:
        batches.extend(np.split(rng.permutation(rows), range(batch_size, len(rows), batch_size)))
    return [batches[i] for i in rng.permutation(len(batches))]


class TrainingBatches(Sampler[list[Any]]):
    """Batches of one rank with rows of similar length, a new order in every epoch.

    Every rank makes the same number of steps with batches of the same size: a batch that the ranks
    do not divide is filled up with its own examples.

    Args:
        lengths: [examples] the length of each example.
        batch_size: Examples in a batch, over all ranks.
        seed: Seed of the order.
        rank: Which share of each batch to give.
        world_size: Number of ranks.
        batch_tokens: If given, what bounds a batch instead of ``batch_size``, over all ranks.
    """

    def __init__(
        self,
        lengths: np.ndarray,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        batch_tokens: int | None = None,
    ) -> None:
        self._lengths = lengths
        self._batch_size = batch_size
        self._buckets = None if batch_tokens is None else length_buckets(lengths, batch_tokens)
        self._seed = seed
        self._rank = rank
        self._world_size = world_size
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch whose order the next iteration follows."""
        self._epoch = epoch

    def __len__(self) -> int:
        if self._buckets is not None:
            return sum(-(-len(rows) // batch_size) for rows, batch_size in self._buckets)
        return -(-len(self._lengths) // self._batch_size)

    def _batches(self) -> list[np.ndarray]:
        if self._buckets is not None:
            return budgeted_batches(self._buckets, self._seed, self._epoch)
        return bucketed_batches(self._lengths, self._batch_size, self._seed, self._epoch)

    def __iter__(self) -> Iterator[list[Any]]:
        for batch in self._batches():
            share = -(-len(batch) // self._world_size)
            filled = batch[np.arange(share * self._world_size) % len(batch)]
            yield filled[self._rank :: self._world_size].tolist()


class EndlessBatches(Sampler[list[Any]]):
    """The batches of epoch after epoch, from a position on: what a run that counts in steps reads.

    Args:
        batches: Those of one epoch, which differ from epoch to epoch but not in number.
        start: How many batches to leave out, counted from the first of epoch 0.
        limit: An epoch ends after this number of batches, or this share of them; 1.0: with the last one.
        same: Every epoch is epoch 0.
    """

    def __init__(
        self, batches: TrainingBatches, start: int = 0, limit: float = 1.0, same: bool = False
    ) -> None:
        self._batches = batches
        self._start = start
        self._same = same
        whole = len(batches)
        self.per_epoch = max(1, min(whole, limit if isinstance(limit, int) else int(limit * whole)))

    def __iter__(self) -> Iterator[list[Any]]:
        first, skipped = divmod(self._start, self.per_epoch)
        for epoch in itertools.count(first):
            self._batches.set_epoch(0 if self._same else epoch)
            begin = skipped if epoch == first else 0
            yield from itertools.islice(self._batches, begin, self.per_epoch)


class EvaluationBatches(Sampler[list[int]]):
    """Every example once over all ranks, in the order of the data.

    All ranks make the same number of steps and none has an empty one (with sharded models either
    would hang): a last batch smaller than the number of ranks is joined to the one before it.

    Raises:
        ValueError: Fewer examples than ranks.
    """

    def __init__(self, examples: int, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        if examples < world_size:
            raise ValueError(f"{examples} examples cannot be evaluated by {world_size} processes")
        starts = range(0, examples - world_size + 1, batch_size)
        ends = [*starts[1:], examples]
        self._shares = [
            range(start + rank, end, world_size) for start, end in zip(starts, ends, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._shares)

    def __iter__(self) -> Iterator[list[int]]:
        return (list(share) for share in self._shares)
