"""Metrics of predicted numbers, over all examples of a split."""

import math
from typing import Any

import torch
from torch import Tensor
from torchmetrics import MeanAbsoluteError, Metric, R2Score
from torchmetrics.functional import spearman_corrcoef
from torchmetrics.utilities import dim_zero_cat


def regression(outputs: int) -> dict[str, Metric]:
    """``mae`` (of several numbers also ``mae_1``, …), ``r2`` and ``spearman``, each a mean over them.

    They take predictions and targets ``[B, K]`` in units of the standard deviation over train; the task
    restores the errors' own units by ``scale``.
    """
    metrics: dict[str, Metric] = {"mae": MAE(outputs), "r2": R2(), "spearman": Spearman()}
    if outputs > 1:
        metrics |= {f"mae_{column + 1}": MAE(outputs, column) for column in range(outputs)}
    return metrics


class MAE(MeanAbsoluteError):
    """Mean absolute error in the units of the data: of one column, or the mean over all.

    Args:
        outputs: Number of columns.
        column: The one that counts; None: all.
    """

    scale: Tensor

    def __init__(self, outputs: int, column: int | None = None, **options: Any) -> None:
        super().__init__(num_outputs=outputs, **options)
        self.column = column
        self.register_buffer("scale", torch.ones(outputs), persistent=False)

    def compute(self) -> Tensor:
        """The error, a scalar."""
        errors = super().compute().reshape(-1) * self.scale
        return errors.mean() if self.column is None else errors[self.column]


class R2(R2Score):
    """The share of the variance that is explained; NaN where the targets of a column do not vary."""

    def compute(self) -> Tensor:
        """The share, a scalar."""
        # That of one example is 0; torchmetrics takes what is close to 0 for it, and returns 0.
        variation = self.sum_squared_error - self.sum_error * (self.sum_error / self.total)
        if torch.isclose(variation, torch.zeros_like(variation), atol=1e-4).any():
            return torch.tensor(math.nan, device=self.total.device)
        return super().compute()


class Spearman(Metric):
    """Spearman's rank correlation; NaN where targets or predictions are all equal, or one is NaN."""

    full_state_update = False
    preds: list[Tensor]
    target: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("preds", default=[], dist_reduce_fx="cat")
        self.add_state("target", default=[], dist_reduce_fx="cat")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Collect ``preds`` and ``target``, both ``[B, K]``."""
        self.preds.append(preds)
        self.target.append(target)

    def compute(self) -> Tensor:
        """The mean over the columns, a scalar."""
        preds, target = dim_zero_cat(self.preds), dim_zero_cat(self.target)
        for values in (preds, target):
            # Not the other way round: of NaN, neither holds.
            if not (values.amin(dim=0) < values.amax(dim=0)).all():
                return torch.tensor(math.nan, device=values.device)
        columns = range(preds.shape[1])
        return torch.stack([spearman_corrcoef(preds[:, i], target[:, i]) for i in columns]).mean()
