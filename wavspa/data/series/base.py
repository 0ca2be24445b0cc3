"""The common part of files of series: what they hold, and how it becomes float32."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wavspa.data.sources.tables import TableFile

VALUES = "values"
"""The column of a series, [N, D] float32."""

COARSE = 0.01
"""The share of a channel's standard deviation from which on rounding is reported."""


class Columns(NamedTuple):
    """The places of the parts of series.

    Attributes:
        values: of an npz, the key of the values.
        lengths: of an npz, the key of the lengths, if there is one.
        id: of a table, the column that identifies series.
        time: of a table, the column that orders the steps; None: they are in order.
        labels: the keys or columns of the labels, which are not channels.
        channels: of a table, the columns of the values; None: all of numbers that are nothing else.
    """

    values: str
    lengths: str
    id: str
    time: str | None
    labels: Sequence[str]
    channels: Sequence[str] | None


def as_float32(values: np.ndarray) -> np.ndarray:
    """Values as series hold them; those beyond float32 are infinite, which is refused where they are read."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32)


class SeriesFile(TableFile):
    """Rows of a series each: its column ``values`` holds an array [N, D] float32."""

    def channels(self) -> list[str]:
        """What the D channels are called."""
        raise NotImplementedError

    def remarks(self) -> list[str]:
        """What whoever trains on the file should know of it, in words."""
        return [
            f"{self.path}: float32 rounds the channel {name} by up to {share:.0%} of its standard "
            "deviation: subtract an offset first"
            for name, share in self._rounded().items()
        ]

    def _rounded(self) -> dict[str, float]:
        """The channels that float32 rounds coarsely, and by which share of their deviation at most."""
        found = {}
        for name, column in zip(self.channels(), self._steps().T, strict=True):
            if column.dtype.itemsize <= np.dtype(np.float32).itemsize // 2:
                continue
            exact = column[np.abs(column) < np.finfo(np.float32).max].astype(np.float64)
            if not len(exact):
                continue
            error = np.abs(exact - as_float32(exact)).max()
            # Nothing is lost of numbers that are all equal.
            if error > COARSE * exact.std() > 0:
                found[name] = error / exact.std()
        return found

    def _steps(self) -> np.ndarray:
        """The values of all series, one after the other, as they are in the file: [steps, D]."""
        raise NotImplementedError

    def at(self, place: int) -> str:
        """How a message names a series."""
        return f"{self.path}, series {place}"
