"""Published test accuracies in per cent, ``published.csv``: the paper's table first, then other sources.

The file also has the averages that the paper's table prints: reports recompute them from the numbers and
mark any difference.
"""

import csv
import statistics
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

METRIC = "accuracy"
# One unit of the last printed digit, since halves may have been rounded either way.
_ROUNDING = 0.011
_PATHX = "pathx-hard"
# The data sets of each printed average, in the order of the last columns.
_AVERAGES = {
    "average": ["listops", "text", "retrieval", "image", "pathfinder32-hard"],
    "average without retrieval": ["listops", "text", "image", "pathfinder32-hard"],
}

DATASETS = (*_AVERAGES["average"], _PATHX)
"""The data sets of the Long Range Arena, as the configuration names them."""

STATUS = {
    "read": "",
    "quoted": "as others quote it",
    "recalled": "from memory: only its mean was checked",
}
"""How a row's numbers were obtained, and the remark on that."""


class Row(NamedTuple):
    """A model's published accuracies by data set; those of the paper's own models have a base and a mode."""

    model: str
    attention: str
    wavelet: str
    accuracies: Mapping[str, float]
    printed: Mapping[str, float]
    status: str
    source: str


@cache
def rows() -> tuple[Row, ...]:
    """Every published row, in the order of the file."""
    text = files(__package__).joinpath("published.csv").read_text(encoding="utf-8")
    return tuple(
        Row(
            row["model"],
            row["attention"],
            row["wavelet"],
            {name: float(row[name]) for name in DATASETS if row[name]},
            {name: float(row[name]) for name in _AVERAGES if row[name]},
            row["status"],
            row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def published(attention: str, wavelet: str, dataset: str) -> float | None:
    """The paper's accuracy of a cell on a data set, in per cent; None if there is none."""
    row = _paper().get((attention, wavelet))
    return row.accuracies.get(dataset) if row else None


def published_average(attention: str, wavelet: str, average: str) -> float | None:
    """The mean of the paper's accuracies behind an average, to two digits; None if it has no such cell."""
    row = _paper().get((attention, wavelet))
    if row is None:
        return None
    mean = statistics.fmean(row.accuracies[dataset] for dataset in _AVERAGES[average])
    return round(mean + 1e-9, 2)  # halves up, as people round


def misprint(attention: str, wavelet: str, average: str) -> float | None:
    """The average that the paper's table prints if it is not the mean of its numbers; None if it is."""
    mean = published_average(attention, wavelet, average)
    if mean is None:
        return None
    printed = _paper()[attention, wavelet].printed[average]
    return printed if abs(printed - mean) > _ROUNDING else None


def order() -> list[str]:
    """Data sets, attention bases and wavelet modes, as the paper's table orders them."""
    kinds = ([row[kind] for row in _paper()] for kind in (0, 1))
    labels = [label for kind in kinds for label in dict.fromkeys(kind)]
    return [*_AVERAGES["average"], *labels]


def averages() -> dict[str, list[str]]:
    """The data sets behind each average of the paper's table."""
    return _AVERAGES


def source() -> str:
    """The source of the paper's numbers."""
    return next(iter(_paper().values())).source


@cache
def _paper() -> dict[tuple[str, str], Row]:
    return {(row.attention, row.wavelet): row for row in rows() if row.attention}
