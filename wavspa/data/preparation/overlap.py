"""Rows that val and test share with train, found while the splits are written."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

TRAIN = "train"
KINDS = ("equal", "similar")

R = TypeVar("R")


def digest_of_equal(texts: Sequence[str]) -> bytes:
    """8 bytes that rows of equal texts have in common."""
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=8).digest()


def digest_of_similar(texts: Sequence[str]) -> bytes:
    """8 bytes that rows have in common whose texts are equal but for case, blanks and the order of a pair."""
    return digest_of_equal(sorted(" ".join(text.casefold().split()) for text in texts))


class Overlap:
    """Counts the rows of each split whose texts train holds as well."""

    def __init__(self) -> None:
        self._digests: dict[str, dict[str, bytearray]] = {}

    def watch(
        self, split: str, rows: Iterable[R], texts: Callable[[R], Sequence[str]]
    ) -> Iterator[R]:
        """The rows as they come, remembered by 16 bytes each.

        Args:
            split: The rows' split.
            rows: Its rows.
            texts: The texts of a row.
        """
        seen = self._digests[split] = {kind: bytearray() for kind in KINDS}
        for row in rows:
            parts = texts(row)
            seen["equal"] += digest_of_equal(parts)
            seen["similar"] += digest_of_similar(parts)
            yield row

    def counts(self) -> dict[str, dict[str, int]]:
        """Of each split but train: how many rows are equal and how many similar to one of train."""
        found = {
            split: {kind: np.frombuffer(digests, np.uint64) for kind, digests in kinds.items()}
            for split, kinds in self._digests.items()
        }
        return {
            split: {kind: int(np.isin(kinds[kind], found[TRAIN][kind]).sum()) for kind in KINDS}
            for split, kinds in found.items()
            if split != TRAIN and TRAIN in found
        }


def warnings_of(card: Mapping[str, object]) -> list[str]:
    """One line for each thing on a card that makes a score mean less than it seems to.

    Args:
        card: Card of prepared data.
    """
    lines = []
    shared, splits = card.get("shared_with_train", {}), card["splits"]
    assert isinstance(shared, Mapping)
    assert isinstance(splits, Mapping)
    for split, counts in shared.items():
        if counts["similar"]:
            lines.append(
                f"{counts['similar']:,} of the {splits[split]['examples']:,} rows of {split} are rows "
                f"of train as well ({counts['equal']:,} are equal, the others except for case, blanks or "
                "the order of a pair): a model can know them by heart"
            )
    groups = card.get("alike_labels", [])
    assert isinstance(groups, Sequence)
    for group in groups:
        told = " and ".join(f"{label!r} ({rows:,} rows)" for label, rows in group.items())
        lines.append(f"the labels {told} look alike but are different classes")
    return lines
