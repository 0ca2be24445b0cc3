"""Counts of the tags of words and of their entities over a split, and the scores computed from them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from wavspa.data.tagging.collate import NO_WORD
from wavspa.data.tagging.entities import Tagset

OF_ENTITIES = ("entity_f1", "entity_precision", "entity_recall")
OF_WORDS = ("token_accuracy", "token_f1")


class Counted(NamedTuple):
    """What is counted over a split.

    Attributes:
        confusion: [C, C + 1] words of each true tag by predicted tag; in the last column those that the model
            does not read.
        entities: [types, 3] of each type those that are right, predicted and true.
        tagset: The tag set.
    """

    confusion: np.ndarray
    entities: np.ndarray
    tagset: Tagset

    def scores(self) -> dict[str, float]:
        """The metrics by name.

        ``token_accuracy`` is over all words, ``token_f1`` the mean F1 of the tags that are true or predicted
        somewhere, as in scikit-learn. Those of entities, if there are such, are over all types together, and
        0 where nothing can be divided, as in seqeval.
        """
        right = np.diagonal(self.confusion)
        found = {
            "token_accuracy": float(right.sum() / max(1, self.confusion.sum())),
            "token_f1": float(np.mean(self._f1_of_tags())),
        }
        if self.tagset.has_entities:
            found |= {
                f"entity_{name}": value for name, value in ratios(*self.entities.sum(0)).items()
            }
        return found

    def by_type(self) -> dict[str, dict[str, float]]:
        """Precision, recall and F1 of each type of entities, and their number."""
        return {
            kind: {**ratios(right, predicted, true), "support": int(true)}
            for kind, (right, predicted, true) in zip(self.tagset.types, self.entities, strict=True)
        }

    def _f1_of_tags(self) -> np.ndarray:
        counted = self.confusion.sum(axis=1) + self.confusion[:, :-1].sum(axis=0)
        there = counted > 0
        f1: np.ndarray = 2 * np.diagonal(self.confusion)[there] / counted[there]
        return f1 if len(f1) else np.zeros(1)


def ratios(right: int, predicted: int, true: int) -> Mapping[str, float]:
    """Precision, recall and F1 of counts."""
    return {
        "precision": float(right / max(1, predicted)),
        "recall": float(right / max(1, true)),
        "f1": float(2 * right / max(1, predicted + true)),
    }


class TagCounts(Metric):
    """Counts words and entities batch by batch.

    Args:
        tags: Number of tags, C.

    Attributes:
        tagset: The tag set; must be set before anything is counted.
    """

    full_state_update = False
    confusion: Tensor
    entities: Tensor
    tagset: Tagset

    def __init__(self, tags: int, **options: Any) -> None:
        super().__init__(**options)
        self._tags = tags
        self.add_state(
            "confusion", torch.zeros(tags, tags + 1, dtype=torch.int64), dist_reduce_fx="sum"
        )
        self.add_state("entities", torch.zeros(tags, 3, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predicted: Tensor, labels: Tensor) -> None:
        """Count a batch.

        Args:
            predicted: Ids [B, W]; -1 for a word that is not read.
            labels: Ids [B, W]; -100 where there is no word.
        """
        found, true = predicted.cpu().numpy(), labels.cpu().numpy()
        there = true != NO_WORD
        columns = np.where(found < 0, self._tags, found)
        pairs = true[there] * (self._tags + 1) + columns[there]
        counts = np.bincount(pairs, minlength=self._tags * (self._tags + 1))
        self.confusion += torch.from_numpy(counts).view_as(self.confusion).to(self.confusion.device)
        if self.tagset.has_entities:
            # One sequence of all rows, with a word that is outside after each.
            of_both = [
                self.tagset.entities(_in_line(np.where(there, ids, -1))) for ids in (found, true)
            ]
            counted = torch.from_numpy(_count(of_both[0], of_both[1], self._tags))
            self.entities += counted.to(self.entities.device)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Both counts, over all ranks."""
        return self.confusion, self.entities

    def counted(self) -> Counted:
        """What was counted, over all ranks."""
        confusion, entities = (part.cpu().numpy() for part in self.compute())
        return Counted(confusion, entities[: len(self.tagset.types)], self.tagset)


def _in_line(ids: np.ndarray) -> np.ndarray:
    line: np.ndarray = np.pad(ids, ((0, 0), (0, 1)), constant_values=-1).reshape(-1)
    return line


def _count(predicted: np.ndarray, true: np.ndarray, most: int) -> np.ndarray:
    """[most, 3] of each type: entities [entities, 3] in both, in the first, and in the second."""
    of_both = set(map(tuple, predicted.tolist())) & set(map(tuple, true.tolist()))
    right = np.array([kind for _, _, kind in of_both], np.int64)
    parts = (right, predicted[:, 2], true[:, 2])
    return np.stack([np.bincount(part, minlength=most) for part in parts], axis=1)
