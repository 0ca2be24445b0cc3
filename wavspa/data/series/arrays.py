"""Series in arrays of numpy."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from wavspa.data.series.base import VALUES, Columns, SeriesFile, as_float32
from wavspa.data.sources.tables import Row
from wavspa.errors import UserError, first_line

ONLY = ""


class ArrayFile(SeriesFile):
    """An .npz or .npy.

    Values are [examples, N, D], or [examples, N] of one channel; with lengths also the steps of all
    series one after the other, [steps, D].
    """

    def __init__(self, path: Path, columns: Columns, labels: Path | None) -> None:
        super().__init__(path)
        self._names, self._labels = columns, labels

    def columns(self) -> list[str]:
        """The values, and every array with an entry for each series."""
        return [VALUES, *self._others]

    def channels(self) -> list[str]:
        """Their numbers, from 1."""
        return [str(number) for number in range(1, self._series[0].shape[1] + 1)]

    def _steps(self) -> np.ndarray:
        return np.concatenate(self._series)

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        if self.path.suffix.lower() == ".npz":
            return _loaded(self.path)
        arrays = {self._names.values: _loaded(self.path)[ONLY]}
        if self._labels is not None:
            found, names = _loaded(self._labels)[ONLY], self._names.labels
            parts = list(found.T) if found.ndim == 2 else [found]
            if len(parts) != len(names):
                raise UserError(
                    f"{self._labels} has {len(parts)} columns {list(found.shape)}, and dataset.label names "
                    f"{len(names)}: {', '.join(names)}"
                )
            arrays |= dict(zip(names, parts, strict=True))
        return arrays

    @cached_property
    def _series(self) -> Sequence[np.ndarray]:
        key = self._names.values
        if key not in self._arrays:
            raise UserError(
                f"{self.path} has no array {key!r}; its arrays are {', '.join(self._arrays)}: "
                "dataset.values names it"
            )
        values = self._arrays[key]
        if values.dtype.kind not in "iuf" or values.ndim not in (2, 3):
            raise UserError(
                f"{self.path}: {key} must be numbers [examples, steps, channels], got {values.dtype} "
                f"{list(values.shape)}"
            )
        if not len(values) or not values.shape[-1]:
            raise UserError(
                f"{self.path}: {key} holds no series: its shape is {list(values.shape)}"
            )
        lengths = self._lengths()
        if lengths is None:
            return list(values[..., None] if values.ndim == 2 else values)
        if values.ndim == 3:
            self._check_lengths(lengths, values.shape[0], values.shape[1])
            return [row[:length] for row, length in zip(values, lengths, strict=True)]
        if lengths.sum() != len(values):
            raise UserError(
                f"{self.path}: the lengths add up to {lengths.sum():,}, and {key} has {len(values):,} steps"
            )
        return np.split(values, np.cumsum(lengths)[:-1])

    def _lengths(self) -> np.ndarray | None:
        """[series] int64, which are not below 0."""
        key = self._names.lengths
        found = self._arrays.get(key)
        if found is None:
            return None
        if found.dtype.kind not in "iu" or found.ndim != 1:
            raise UserError(
                f"{self.path}: {key} must be whole numbers [examples], got {found.dtype} "
                f"{list(found.shape)}"
            )
        if len(found) and found.min() < 0:
            place = int(np.argmax(found < 0))
            raise UserError(f"{self.at(place + 1)}: its length is {found[place]}, below 0")
        return found.astype(np.int64)

    def _check_lengths(self, lengths: np.ndarray, count: int, longest: int) -> None:
        if len(lengths) != count:
            raise UserError(f"{self.path}: there are {len(lengths):,} lengths and {count:,} series")
        if lengths.max() > longest:
            place = int(np.argmax(lengths > longest))
            raise UserError(
                f"{self.at(place + 1)}: its length is {lengths[place]:,}, and it has {longest:,} steps"
            )

    @cached_property
    def _others(self) -> dict[str, np.ndarray]:
        count = len(self._series)
        known = (self._names.values, self._names.lengths)
        others = {
            name: array for name, array in self._arrays.items() if name not in known and array.ndim
        }
        for name in self._names.labels:
            if name in others and len(others[name]) != count:
                raise UserError(
                    f"{self.path}: there are {len(others[name]):,} of {name!r} and {count:,} series"
                )
        return {name: array for name, array in others.items() if len(array) == count}

    def _of_each(self, name: str) -> list[Any]:
        """The value of each series in an array."""
        found = self._others[name]
        if found.size != len(found):
            raise UserError(
                f"{self.path}: {name!r} must hold one value for each series, got {list(found.shape)}: save "
                "each of several as its own array"
            )
        of_each: list[Any] = found.reshape(-1).tolist()
        return of_each

    def _rows(self, columns: Sequence[str]) -> Iterator[Row]:
        ones = {name: self._of_each(name) for name in columns if name != VALUES}
        for place, series in enumerate(self._series):
            found: dict[str, Any] = {name: of_each[place] for name, of_each in ones.items()}
            found[VALUES] = as_float32(series)
            yield Row(place + 1, tuple(found[name] for name in columns))


def _loaded(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by their names; that of an .npy is :data:`ONLY`."""
    try:
        found = np.load(path, allow_pickle=False)
        return {ONLY: found} if isinstance(found, np.ndarray) else dict(found)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise UserError(
            f"{path} cannot be read ({first_line(error)}); arrays of unequal lengths are saved as an npz "
            "of values [steps, channels] and lengths, and texts as dtype=str"
        ) from error
