"""Documents without labels: which are held out, and rows of full length from many of them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np


def split_of(digest: bytes, shares: Mapping[str, float], seed: int) -> str:
    """The split of a document by its content alone, so that no list of documents is needed.

    Equal documents are in the same split, and more documents leave the others where they are.

    Args:
        digest: Digest of its content.
        shares: Shares of the documents that are held out, by split.
        seed: The only source of chance.

    Returns:
        One of the names of ``shares``, or ``train``.
    """
    bits = hashlib.blake2b(digest, digest_size=8, salt=seed.to_bytes(16, "little")).digest()
    place = int.from_bytes(bits, "little") / 2**64
    for split, share in shares.items():
        if place < share:
            return split
        place -= share
    return "train"


def packed(documents: Iterable[np.ndarray], length: int) -> Iterator[np.ndarray]:
    """Rows of ``length`` tokens from documents laid end to end; the last row may be shorter.

    Args:
        documents: [tokens] each, of one integer dtype.
        length: Length of a row.
    """
    waiting: list[np.ndarray] = []
    count = 0
    for document in documents:
        waiting.append(document)
        count += len(document)
        if count >= length:
            joined = np.concatenate(waiting)
            whole = count - count % length
            yield from joined[:whole].reshape(-1, length)
            waiting, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)
