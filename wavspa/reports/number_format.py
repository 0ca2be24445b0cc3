"""Numbers as text."""

import math
import statistics
from collections.abc import Mapping, Sequence

ABSENT = "-"
UNDEFINED = "\N{EN DASH}"


def mean_and_deviation(values: Sequence[float], digits: int) -> str:
    """``mean ± sd``; only the mean if there is one value or one is infinite, a dash if none is defined."""
    if not values:
        return ABSENT
    if any(map(math.isnan, values)):
        return UNDEFINED
    mean, spread = f"{statistics.fmean(values):.{digits}f}", deviation(values)
    return mean if spread is None else f"{mean} ± {spread:.{digits}f}"


def deviation(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample; None for fewer than two values, or if one is not finite."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return None
    return statistics.stdev(values)


def counted(values: Sequence[float], others: Mapping[str, int], digits: int) -> str:
    """``mean ± sd (n)`` with the numbers of unfinished runs: ``75.00 ± 1.00 (2, 1 failed)``."""
    counts = [str(len(values))] if values else []
    counts += [f"{number} {state}" for state, number in others.items()]
    return f"{mean_and_deviation(values, digits)} ({', '.join(counts)})" if counts else ABSENT


def milliseconds(seconds: float | None) -> str:
    """Seconds in milliseconds."""
    return ABSENT if seconds is None else f"{1000 * seconds:.1f}"


def mebibytes(memory: int | None) -> str:
    """Bytes in MiB."""
    return ABSENT if memory is None else f"{memory / 2**20:,.0f}"


def count(number: int | None) -> str:
    """A whole number with commas."""
    return ABSENT if number is None else f"{number:,}"
