"""A test of whether the best of several means is the best beyond the chance of the seeds."""

import math
import statistics
from collections.abc import Sequence

from scipy.stats import ttest_ind_from_stats

from wavspa.metric_facts import Direction

LEVEL = 0.05
STATED = (
    "Welch's t-test over the seeds tells the best from every other cell on the same data, with the same "
    f"protocol and steps (two-sided, Holm's correction, p < {LEVEL})"
)


def best_of(groups: Sequence[Sequence[float]], direction: Direction = "max") -> int | None:
    """The group with the best mean, if tests separate it from each of the others.

    Args:
        groups: The values of each cell over its seeds; cells without values, or with one that is not
            finite, are left out.
        direction: Whether the best is the highest or the lowest.

    Returns:
        Its number; None if a test does not separate them or is impossible, for lack of seeds or of a second
        group.
    """
    taking_part = [
        number
        for number, values in enumerate(groups)
        if len(values) > 0 and all(map(math.isfinite, values))
    ]
    if len(taking_part) < 2 or any(len(groups[number]) < 2 for number in taking_part):
        return None
    choose = max if direction == "max" else min
    best = choose(taking_part, key=lambda number: statistics.fmean(groups[number]))
    p_values = [_welch(groups[best], groups[other]) for other in taking_part if other != best]
    return best if _all_rejected(p_values) else None


def _welch(first: Sequence[float], second: Sequence[float]) -> float:
    if len(set(first)) == len(set(second)) == 1:
        return float(first[0] == second[0])  # the limit of no variance
    # From exact means and deviations: scipy's own warn if the seeds of a cell agree.
    of_both = (
        part
        for group in (first, second)
        for part in (statistics.fmean(group), statistics.stdev(group), len(group))
    )
    return float(ttest_ind_from_stats(*of_both, equal_var=False).pvalue)


def _all_rejected(p_values: Sequence[float]) -> bool:
    """Whether Holm's procedure rejects every hypothesis."""
    tests = len(p_values)
    return all(p < LEVEL / (tests - rank) for rank, p in enumerate(sorted(p_values)))
