"""Tests of whether two runs differ on the same rows: McNemar's exact test and the paired bootstrap."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from wavspa.reports.scores.classification import Answers, scores_of
from wavspa.reports.scores.intervals import quantiles
from wavspa.reports.scores.resampled import Resampled, draws


class McNemar(NamedTuple):
    """The numbers of rows that only one run has right, and the two-sided p of shares at least as uneven."""

    first_alone: int
    second_alone: int
    p: float


class Difference(NamedTuple):
    """A score of two runs, and by how much the second exceeds the first; NaN is undefined.

    ``p`` is twice the share of resamples in which the difference has the other sign or is zero.
    """

    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p: float


def mcnemar(first: np.ndarray, second: np.ndarray) -> McNemar:
    """McNemar's exact test of two runs.

    Args:
        first: Whether the first run has each row right, [n] bool.
        second: Whether the second run has.
    """
    from scipy.stats import binomtest

    alone, other = int((first & ~second).sum()), int((second & ~first).sum())
    # Without a row that they answer differently there is nothing to test.
    p = float(binomtest(alone, alone + other).pvalue) if alone + other else 1.0
    return McNemar(alone, other, p)


def differences(first: Answers, second: Answers, resamples: int) -> Mapping[str, Difference]:
    """By how much a second run exceeds a first one, by score, over the same resamples of the rows.

    Args:
        first: The answers of the first run.
        second: The second run's answers to the same rows.
        resamples: Number of resamples, at least 1.
    """
    values = [scores_of(answers).overall for answers in (first, second)]
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in values[0]}
    before, after = Resampled(first), Resampled(second)
    for weights in draws(len(first.labels), resamples):
        ours, theirs = before.scores(weights).overall, after.scores(weights).overall
        for name, parts in drawn.items():
            parts.append(theirs[name] - ours[name])
    return {
        name: _difference(float(values[0][name]), float(values[1][name]), np.concatenate(parts))
        for name, parts in drawn.items()
    }


def _difference(first: float, second: float, drawn: np.ndarray) -> Difference:
    low, high = map(float, quantiles(drawn))
    defined = drawn[~np.isnan(drawn)]
    # Both counts plus one, so that p is never 0.
    least = min((defined <= 0).sum(), (defined >= 0).sum()) + 1
    p = min(1.0, 2 * float(least) / (len(defined) + 1)) if len(defined) else np.nan
    return Difference(first, second, second - first, (low, high), p)
