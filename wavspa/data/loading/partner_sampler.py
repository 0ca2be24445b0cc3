"""Training by pairs of one label: every example gets a partner, another one in every epoch."""

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from wavspa.data.loading.collate import PairExample
from wavspa.data.loading.dataset import Rows
from wavspa.data.loading.samplers import TrainingBatches, bucketed_batches


def draw_partners(labels: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """A partner of the same label for each example, never itself unless it is alone with its label.

    Every example is the partner of one other; all partners are equally likely.

    Args:
        labels: [examples] integers.
        seed: With ``epoch``, the only source of randomness.
        epoch: Counted from 0.

    Returns:
        [examples] indices.
    """
    # The 1 keeps this apart from the order of the batches, which has the same seed.
    order = np.random.default_rng((seed, epoch, 1)).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    starts = np.flatnonzero(np.diff(labels[order], prepend=labels[order[0]] - 1))
    # Around the circle of each label: the next one, and after the last one the first.
    following = np.roll(order, -1)
    following[np.append(starts[1:], len(order)) - 1] = order[starts]
    partners = np.empty_like(order)
    partners[order] = following
    return partners


class PartnerBatches(TrainingBatches):
    """As :class:`TrainingBatches`, of pairs of indices (an example, its partner).

    Pairs are of similar length: that of the longer of the two. Examples alone with their label are left
    out.

    Args:
        lengths: [examples] the length of each example.
        labels: [examples] the label of each example.
        batch_size: Pairs in a batch, over all ranks.
        seed: Seed of the order and of the partners.
        rank: Which share of each batch to give.
        world_size: Number of ranks.
    """

    def __init__(
        self,
        lengths: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        _, label_of, counts = np.unique(labels, return_inverse=True, return_counts=True)
        self._examples = np.flatnonzero(counts[label_of] > 1)
        super().__init__(lengths[self._examples], batch_size, seed, rank, world_size)
        self._labels = labels[self._examples]

    def _batches(self) -> list[np.ndarray]:
        partners = draw_partners(self._labels, self._seed, self._epoch)
        lengths = np.maximum(self._lengths, self._lengths[partners])
        batches = bucketed_batches(lengths, self._batch_size, self._seed, self._epoch)
        pairs = np.stack([self._examples, self._examples[partners]], axis=1)
        return [pairs[batch] for batch in batches]


class PartnerRows(Dataset[PairExample]):
    """Rows of single sequences, read two by two: an index is a pair of indices of ``rows``."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __getitem__(self, pair: tuple[int, int]) -> PairExample:
        return self.__getitems__([pair])[0]

    def __getitems__(self, pairs: Sequence[tuple[int, int]]) -> list[PairExample]:
        """Several pairs at once: what a DataLoader calls with those of a batch."""
        examples = self._rows.__getitems__([index for pair in pairs for index in pair])
        return [
            PairExample(first.tokens, second.tokens, first.label)
            for first, second in zip(examples[::2], examples[1::2], strict=True)
        ]
