"""The mask of dropped probabilities: 16 bits each of a hash of a seed and of the place.

The mask depends on nothing but the seed and the place, so that the backward pass makes it again instead of
keeping it, tiles may be cut at will, and threads do not matter. The hash is splitmix64 (Steele, Lea, Flood:
"Fast splittable pseudorandom number generators", 2014): a row's stream starts at the hash of its number, and
each of its draws of 64 bits decides on four neighbouring keys.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

KEYS_OF_A_DRAW = 4
LEVELS = 2**16

# As int64: torch knows no arithmetic of uint64, and both wrap the same way.
STEP = 0x9E3779B97F4A7C15 - 2**64
FACTORS = (0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)
SHIFTS = (30, 27, 31)


@dataclass(frozen=True)
class Mask:
    """The mask of one call.

    Args:
        seed: What it is made from, 0..2**63-1.
        dropout: The rate asked for; the one in force is the nearest multiple of 2**-16.
    """

    seed: int
    dropout: float

    @property
    def threshold(self) -> int:
        """Probabilities whose 16 bits are below it are dropped."""
        return round(self.dropout * LEVELS)

    @property
    def scale(self) -> float:
        """What the others are multiplied by: the mean stays what it was without dropout."""
        return LEVELS / (LEVELS - self.threshold)

    def kept(self, rows: Tensor, first: int, keys: int) -> Tensor:
        """Which of ``keys`` keys from ``first`` on the rows of these numbers keep, bool [..., keys]."""
        before = first % KEYS_OF_A_DRAW
        draws = -(-(before + keys) // KEYS_OF_A_DRAW)
        counter = torch.arange(draws) + first // KEYS_OF_A_DRAW
        start = mix_(rows * STEP + self.seed)
        bits = mix_(start[..., None] + counter * STEP).view(torch.int16)
        return bits[..., before : before + keys] >= self.threshold - LEVELS // 2


def mix_(z: Tensor) -> Tensor:
    """The hash of int64, in place."""
    for shift, factor in zip(SHIFTS, (*FACTORS, None), strict=True):
        # A logical shift: torch's own repeats the sign.
        z ^= (z >> shift).bitwise_and_(2 ** (64 - shift) - 1)
        if factor is not None:
            z *= factor
    return z
