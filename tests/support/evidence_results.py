"""The results of the evidence as its page prints them."""

import statistics
from functools import cache

from scripts.evidence.load import RESULTS, load
from scripts.evidence.paired import verdict
from scripts.evidence.shown import tables
from scripts.evidence.studies import STUDIES


@cache
def results():
    return load(RESULTS)


@cache
def compared(study, mode):
    """The differences of a study's cells from their base with a mode."""
    return tables.Tested(results(), STUDIES[study].cells, mode)


def mean(arm, data="digits"):
    """The mean accuracy over the seeds in %, as it is printed."""
    return f"{statistics.fmean(results().values(data, arm).values()):.1f}"


def against(arm, mode="none", study="helps", data="digits"):
    """How an arm compares with its base with a mode: points as they are printed, and the verdict."""
    found = compared(study, mode)[data, arm]
    return f"{abs(found[0].mean):.1f}", verdict(*found)


def gains_on_digits():
    """The points of ada and ortho with the bases that they are better than."""
    gains = []
    for base in ("softmax", "linear", "performer"):
        for mode in ("ada", "ortho"):
            points, word = against(f"{base}-{mode}", study="cells")
            assert word == "better"
            gains.append(float(points))
    return gains


def of_plain(data):
    """CPU time of a training step with softmax and ada, relative to plain softmax."""
    seconds = {(row["data"], row["arm"]): float(row["cpu_seconds"]) for row in results().steps}
    return seconds[data, "softmax-ada"] / seconds[data, "softmax-none"]
