import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavspa.data.loading.samplers import (
    BATCHES_PER_POOL,
    EndlessBatches,
    EvaluationBatches,
    TrainingBatches,
    bucketed_batches,
    budgeted_batches,
    length_buckets,
)

examples = st.integers(1, 400)
batch_sizes = st.integers(1, 24)
ranks = st.integers(1, 6)
seeds = st.integers(0, 2**32)


def random_lengths(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(1, 1000, n)


@given(examples, batch_sizes, seeds, st.integers(0, 5))
def test_an_epoch_holds_every_example_once(n: int, batch_size: int, seed: int, epoch: int) -> None:
    batches = bucketed_batches(random_lengths(n), batch_size, seed, epoch)
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert sum(len(batch) != batch_size for batch in batches) == (n % batch_size > 0)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[list[int]]:
        sampler = TrainingBatches(random_lengths(100), 8, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 3) == order(1, 3)
    assert order(1, 3) != order(1, 4)
    assert order(1, 3) != order(2, 3)


def test_batches_hold_rows_of_like_length() -> None:
    n, batch_size = 20 * BATCHES_PER_POOL, 10
    lengths = random_lengths(n)
    batches = bucketed_batches(lengths, batch_size, seed=0, epoch=0)
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 0.1 * np.ptp(lengths)
    means = np.array([lengths[batch].mean() for batch in batches])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.4  # in no order of length


@given(examples, st.integers(1, 6), ranks, seeds)
def test_ranks_divide_the_same_batches(n: int, per_rank: int, world_size: int, seed: int) -> None:
    lengths, batch_size = random_lengths(n), per_rank * world_size
    together = list(TrainingBatches(lengths, batch_size, seed))
    shares = [
        list(TrainingBatches(lengths, batch_size, seed, rank, world_size))
        for rank in range(world_size)
    ]
    assert {len(share) for share in shares} == {len(together)}
    for whole, *parts in zip(together, *shares, strict=True):
        assert len({len(part) for part in parts}) == 1
        dealt = Counter(index for part in parts for index in part)
        assert set(dealt) == set(whole)
        if len(whole) % world_size == 0:
            assert dealt == Counter(whole)


@given(examples, batch_sizes, seeds, st.integers(0, 60))
def test_endless_batches_begin_anywhere(n: int, batch_size: int, seed: int, start: int) -> None:
    batches = TrainingBatches(random_lengths(n), batch_size, seed)
    expected = []
    for epoch in range(start // len(batches) + 3):
        batches.set_epoch(epoch)
        expected += list(batches)
    following = itertools.islice(EndlessBatches(batches, start), 2 * len(batches))
    assert list(following) == expected[start : start + 2 * len(batches)]


@given(examples, batch_sizes)
def test_length_is_the_number_of_batches(n: int, batch_size: int) -> None:
    for sampler in (
        TrainingBatches(random_lengths(n), batch_size, 0),
        EvaluationBatches(n, batch_size),
    ):
        assert len(sampler) == len(list(sampler)) == -(-n // batch_size)


@given(examples, st.integers(1, 6), ranks)
def test_evaluation_loses_and_doubles_nothing(n: int, per_rank: int, world_size: int) -> None:
    if n < world_size:
        with pytest.raises(ValueError, match="cannot be evaluated"):
            EvaluationBatches(n, per_rank * world_size, 0, world_size)
        return
    shares = [
        list(EvaluationBatches(n, per_rank * world_size, rank, world_size))
        for rank in range(world_size)
    ]
    assert len({len(share) for share in shares}) == 1
    assert all(batch for share in shares for batch in share)
    assert sorted(i for share in shares for batch in share for i in batch) == list(range(n))


def test_evaluation_goes_by_index() -> None:
    assert list(EvaluationBatches(5, 2)) == [[0, 1], [2, 3], [4]]
    assert list(EvaluationBatches(5, 2, rank=1, world_size=2)) == [[1], [3]]


budgets = st.integers(1000, 30_000)


@given(examples, budgets, seeds, st.integers(0, 5))
def test_a_budget_holds_every_example_once(n: int, budget: int, seed: int, epoch: int) -> None:
    lengths = random_lengths(n)
    batches = budgeted_batches(length_buckets(lengths, budget), seed, epoch)
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert max(len(batch) * lengths[batch].max() for batch in batches) <= budget
    sampler = TrainingBatches(lengths, 8, seed, batch_tokens=budget)
    sampler.set_epoch(epoch)
    assert list(sampler) == [batch.tolist() for batch in batches]
    assert len(sampler) == len(batches)


def test_a_budget_is_used_and_little_of_it_for_pads() -> None:
    lengths = random_lengths(5000)
    batches = budgeted_batches(length_buckets(lengths, 16_000), seed=0, epoch=0)
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded < 1.15 * lengths.sum()
    assert padded > 0.6 * 16_000 * len(batches)


@given(examples, seeds, ranks)
def test_ranks_divide_the_batches_of_a_budget(n: int, seed: int, world_size: int) -> None:
    lengths = random_lengths(n)
    together = list(TrainingBatches(lengths, 1, seed, batch_tokens=8000))
    shares = [
        list(TrainingBatches(lengths, 1, seed, rank, world_size, batch_tokens=8000))
        for rank in range(world_size)
    ]
    for whole, *parts in zip(together, *shares, strict=True):
        assert len({len(part) for part in parts}) == 1
        assert {index for part in parts for index in part} == set(whole)
        assert sum(map(len, parts)) < len(whole) + world_size
