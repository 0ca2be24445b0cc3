"""The numbers of the paper that this framework is after, as its authors published them."""

import statistics
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

METRIC = "accuracy"
# Halves may have been rounded either way: a unit of the last printed digit.
_ROUNDING = 0.011


def published(attention: str, wavelet: str, dataset: str) -> float | None:
    """The published accuracy in per cent of a cell on a data set; None if there is none."""
    return _numbers().get((attention, wavelet), {}).get(dataset)


def published_average(attention: str, wavelet: str, average: str) -> float | None:
    """The mean of the published accuracies that an average is over, to two digits; None without any."""
    numbers = _numbers().get((attention, wavelet))
    if numbers is None:
        return None
    mean = statistics.fmean(numbers[dataset] for dataset in averages()[average])
    return round(mean + 1e-9, 2)  # halves up, as people round


def misprint(attention: str, wavelet: str, average: str) -> float | None:
    """What the source prints as an average that is not the mean of its numbers; None if it is."""
    mean = published_average(attention, wavelet, average)
    if mean is None:
        return None
    printed = _numbers()[attention, wavelet][average]
    return printed if abs(printed - mean) > _ROUNDING else None


def order() -> list[str]:
    """Data sets, attention bases and wavelet modes, as the published table orders them."""
    table = _table()
    labels = [
        label for kind in (0, 1) for label in dict.fromkeys(row[kind] for row in table["rows"])
    ]
    return [*table["datasets"], *labels]


def averages() -> dict[str, list[str]]:
    """The data sets that each published average is over."""
    found: dict[str, list[str]] = _table()["averages"]
    return found


def source() -> str:
    """Where the numbers come from."""
    text: str = _table()["source"]
    return text


@cache
def _table() -> Any:
    return yaml.safe_load(files(__package__).joinpath("published.yaml").read_text(encoding="utf-8"))


@cache
def _numbers() -> dict[tuple[str, str], dict[str, float]]:
    table = _table()
    names = [*table["datasets"], *table["averages"]]
    return {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in table["rows"]}
