"""The widths that batches are padded to: few, so that kernels are planned and compiled once for each."""

from collections.abc import Sequence

import numpy as np

MOST_WIDTHS = 16
# What matrix units and aligned loads divide.
MULTIPLE = 64

Width = int | Sequence[int] | None
"""A width; or widths in rising order, of which the first that is wide enough is taken; or None: no pads more
than the longest sequence needs."""


def bucket_widths(lengths: np.ndarray, most: int) -> tuple[int, ...]:
    """At most 16 widths for sequences of these lengths, each about the same factor above the one before.

    Args:
        lengths: The lengths of all sequences, none above ``most``.
        most: The widest that the model takes. All others are multiples of 64.

    Returns:
        The widths in rising order; the last one fits the longest sequence.
    """
    ideal = np.geomspace(lengths.min(), lengths.max(), MOST_WIDTHS)
    # A hair is taken off, so that a rounding upwards does not cost another multiple.
    multiples = np.ceil(ideal / MULTIPLE - 1e-9).astype(np.int64) * MULTIPLE
    return tuple(np.unique(np.minimum(multiples, most)).tolist())


def chosen_width(longest: int, width: Width) -> int:
    """The width of a batch whose longest sequence has ``longest`` tokens.

    Raises:
        ValueError: No width is wide enough.
    """
    if width is None:
        return longest
    widths = (width,) if isinstance(width, int) else width
    fitting = next((wide for wide in widths if wide >= longest), None)
    if fitting is None:
        raise ValueError(f"a row of {longest} tokens cannot be padded to {widths[-1]}")
    return fitting
