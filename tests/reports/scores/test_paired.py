"""McNemar's test and the paired bootstrap: known values, and runs that do not differ."""

import numpy as np
import pytest
from scipy.stats import binom

from wavspa.reports.scores.classification import Answers
from wavspa.reports.scores.paired import differences, mcnemar


def answers(labels: np.ndarray, right: np.ndarray) -> Answers:
    """Sure answers of which some are right."""
    predicted = np.where(right, labels, 1 - labels)
    probabilities = np.where(np.eye(2)[predicted] > 0, 0.9, 0.1)
    return Answers(labels, probabilities, predicted, ["a", "b"])


def test_mcnemar_is_the_binomial_of_rows_that_differ():
    first = np.array([True] * 10 + [False] * 2 + [True] * 50)
    second = np.array([False] * 10 + [True] * 2 + [True] * 50)
    found = mcnemar(first, second)
    assert found[:2] == (10, 2)
    assert found.p == pytest.approx(2 * binom.cdf(2, 12, 0.5))
    assert mcnemar(second, first)[:2] == (2, 10)
    assert mcnemar(first, first) == (0, 0, 1.0)


def test_the_bootstrap_is_paired():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=200)
    right = rng.random(200) < 0.7
    better = right.copy()
    better[np.flatnonzero(~right)[:12]] = True
    found = differences(answers(labels, right), answers(labels, better), 500)["accuracy"]
    assert found.difference == pytest.approx(12 / 200)
    # Unpaired it would be four times as wide: both runs are wrong on the same rows.
    deviation = (0.06 * 0.94 / 200) ** 0.5
    low, high = found.interval
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.2)
    assert low > 0
    assert found.p == pytest.approx(2 / 501)


def test_a_run_does_not_differ_from_itself():
    labels = np.array([0, 1, 1, 0, 1])
    one = answers(labels, np.array([True, True, False, True, False]))
    for name, found in differences(one, one, 50).items():
        assert found.difference == 0, name
        assert found.interval == (0, 0), name
        assert found.p == 1, name


def test_what_is_undefined_has_no_difference():
    one = answers(np.array([1, 1]), np.array([True, False]))
    found = differences(one, one, 10)["auroc"]
    assert np.isnan(found.difference)
    assert np.isnan(found.interval).all()
