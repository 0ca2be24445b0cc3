"""An arm against its base over the same seeds: the mean difference, its interval, and Holm's correction."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from scipy.stats import t as student

LEVEL = 0.05


class Difference(NamedTuple):
    """The difference of an arm from its base, over the seeds of both.

    ``interval`` is the 95 % interval of a paired t-test and ``p`` its two-sided p; both are NaN for one seed.
    """

    mean: float
    interval: tuple[float, float]
    p: float
    n: int


def difference(arm: Sequence[float], base: Sequence[float]) -> Difference:
    """The paired difference of two arms.

    Args:
        arm: Its values, one for each seed.
        base: The values of the other, for the same seeds in the same order.
    """
    each = [one - other for one, other in zip(arm, base, strict=True)]
    mean = statistics.fmean(each)
    if len(each) < 2:
        return Difference(mean, (math.nan, math.nan), math.nan, len(each))
    error = statistics.stdev(each) / math.sqrt(len(each))
    if error == 0:
        return Difference(mean, (mean, mean), float(mean == 0), len(each))
    freedom = len(each) - 1
    half = float(student.ppf(1 - LEVEL / 2, freedom)) * error
    p = 2 * float(student.sf(abs(mean) / error, freedom))
    return Difference(mean, (mean - half, mean + half), p, len(each))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number by Holm's procedure, in the given order.

    NaN stays NaN, and is not counted.
    """
    known = sorted((p, number) for number, p in enumerate(p_values) if not math.isnan(p))
    corrected, least = [math.nan] * len(p_values), 0.0
    for rank, (p, number) in enumerate(known):
        least = max(least, min(1.0, (len(known) - rank) * p))
        corrected[number] = least
    return corrected


def verdict(found: Difference, corrected: float) -> str:
    """``better``, ``worse``, or ``undecided`` if chance is not ruled out."""
    if math.isnan(corrected) or corrected >= LEVEL:
        return "undecided"
    return "better" if found.mean > 0 else "worse"
