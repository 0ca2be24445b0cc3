import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from wavspa.data.loading.dataset import Rows, View
from wavspa.data.loading.partner_sampler import PartnerBatches, PartnerRows, draw_partners
from wavspa.data.preparation import store

label_lists = st.lists(st.integers(-3, 4), min_size=1, max_size=60)
seeds = st.integers(0, 2**32)


def dealt(batches: PartnerBatches, epoch: int = 0) -> list[list[tuple[int, int]]]:
    batches.set_epoch(epoch)
    return [[(first, second) for first, second in batch] for batch in batches]


def lengths_and_labels(examples: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(1, 100, examples), rng.permutation(np.arange(examples) % 6)


@given(label_lists, seeds, st.integers(0, 3))
def test_partners_share_the_label(labels: list[int], seed: int, epoch: int) -> None:
    of = np.array(labels)
    partners = draw_partners(of, seed, epoch)
    assert (of[partners] == of).all()
    assert sorted(partners) == list(range(len(of)))
    alone = np.array([labels.count(label) == 1 for label in labels])
    assert ((partners == np.arange(len(of))) == alone).all()


def test_partners_change_with_the_epoch_and_the_seed() -> None:
    labels = np.arange(400) % 4
    drawn = draw_partners(labels, seed=1, epoch=0)
    assert (drawn == draw_partners(labels, seed=1, epoch=0)).all()
    assert (drawn == draw_partners(labels, seed=1, epoch=1)).mean() < 0.05
    assert (drawn == draw_partners(labels, seed=2, epoch=0)).mean() < 0.05


def test_all_partners_are_equally_likely() -> None:
    labels = np.array([0, 1, 0, 0, 1, 0, 0])
    drawn = [draw_partners(labels, seed, 0)[0] for seed in range(2000)]
    shares = np.bincount(drawn, minlength=7) / 2000
    assert shares == pytest.approx([0, 0, 0.25, 0.25, 0, 0.25, 0.25], abs=0.04)


def test_an_epoch_has_every_example_on_either_side() -> None:
    lengths, labels = lengths_and_labels()
    epochs = [dealt(PartnerBatches(lengths, labels, 8, seed=3), epoch) for epoch in range(2)]
    for epoch in epochs:
        assert len(epoch) == len(PartnerBatches(lengths, labels, 8, seed=3)) == 15
        for side in zip(*(pair for batch in epoch for pair in batch), strict=True):
            assert sorted(side) == list(range(120))
        assert all(labels[i] == labels[j] for batch in epoch for i, j in batch)
        assert all(len({labels[i] for i, _ in batch}) > 1 for batch in epoch)
    assert epochs[0] != epochs[1]


def test_pairs_of_a_batch_are_of_like_length() -> None:
    lengths, labels = lengths_and_labels(2000)
    epoch = dealt(PartnerBatches(lengths, labels, 8, seed=0))
    longer = [lengths[np.array(batch)].max(axis=1) for batch in epoch]
    assert np.mean([length.max() - length.min() for length in longer]) < 5


def test_ranks_divide_the_batches() -> None:
    lengths, labels = lengths_and_labels(126)
    whole = dealt(PartnerBatches(lengths, labels, 8, seed=0), epoch=2)
    ranks = [dealt(PartnerBatches(lengths, labels, 8, 0, rank, 4), epoch=2) for rank in range(4)]
    for batch, *shares in zip(whole, *ranks, strict=True):
        assert {len(share) for share in shares} == {2}
        assert {pair for share in shares for pair in share} == set(batch)


def test_examples_alone_with_their_label_are_left_out() -> None:
    epoch = dealt(PartnerBatches(np.full(5, 9), np.array([7, 1, 7, 2, 7]), 4, seed=0))
    assert sorted(first for batch in epoch for first, _ in batch) == [0, 2, 4]
    assert len(PartnerBatches(np.full(2, 9), np.arange(2), 4, seed=0)) == 0


def test_rows_are_read_two_by_two() -> None:
    tokens = [np.full(length, length, np.uint8) for length in range(1, 6)]
    split = Dataset(pa.table(store.token_table(tokens, [5, 6, 5, 6, 5])))
    rows = PartnerRows(Rows(split, [View("tokens", 3)]))
    first, second = rows.__getitems__([[4, 0], [1, 3]])
    assert (first.tokens1.tolist(), first.tokens2.tolist(), first.label) == ([5, 5, 5], [1], 5)
    assert (second.tokens1.tolist(), second.tokens2.tolist(), second.label) == ([2, 2], [4] * 3, 6)
    assert rows[4, 0].label == 5
