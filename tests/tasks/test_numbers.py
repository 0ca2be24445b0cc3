"""Metrics of predicted numbers where they are undefined."""

import math

import pytest
import torch

from wavspa.tasks.targets.numbers import Spearman

RISING = torch.arange(9.0)[:, None]
ALIKE = torch.ones(9, 1)
ONE_NAN = RISING.where(RISING != 4, math.nan)


@pytest.mark.parametrize(
    ("predictions", "targets"),
    [
        (ALIKE, RISING),
        (RISING, ALIKE),
        (ONE_NAN, RISING),
        (torch.cat([RISING, ONE_NAN], dim=1), torch.cat([RISING, RISING], dim=1)),
    ],
    ids=["alike", "targets alike", "nan", "nan in one column"],
)
def test_no_ranks_no_correlation(predictions, targets):
    metric = Spearman()
    metric.update(predictions, targets)
    assert math.isnan(metric.compute())


def test_ties_share_their_rank():
    metric = Spearman()
    metric.update(torch.tensor([[1.0], [1.0], [2.0]]), torch.tensor([[1.0], [2.0], [3.0]]))
    assert metric.compute().item() == pytest.approx(math.sqrt(3) / 2, abs=1e-5)
