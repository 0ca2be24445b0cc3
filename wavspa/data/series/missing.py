"""Values that are missing in a series: NaN in arrays, blank in tables."""

import numpy as np

from wavspa.errors import UserError

POLICIES = ("refuse", "zero", "forward")
"""Names the series and its first missing value; 0 in its place; or the last value of its channel before it,
and 0 where there is none."""


def filled(series: np.ndarray, policy: str, where: str) -> np.ndarray:
    """A series without missing values.

    Args:
        series: [N, D] float32, NaN where a value is missing.
        policy: One of :data:`POLICIES`.
        where: How a message names the series.

    Raises:
        UserError: A value is infinite or is missing and must not be, or there are no steps.
    """
    if not len(series):
        raise UserError(f"{where}: the series has no steps")
    if np.isinf(series).any():
        step, channel = np.argwhere(np.isinf(series))[0] + 1
        raise UserError(
            f"{where}: the value of step {step}, channel {channel} is infinite (in float32)"
        )
    missing = np.isnan(series)
    if not missing.any():
        return series
    if policy == "refuse":
        step, channel = np.argwhere(missing)[0] + 1
        raise UserError(
            f"{where}: the value of step {step}, channel {channel} is missing (NaN): dataset.nan=zero puts 0 "
            "there, dataset.nan=forward the last value before it"
        )
    if policy == "forward":
        steps = np.arange(len(series))[:, None]
        last = np.maximum.accumulate(np.where(missing, 0, steps), axis=0)
        series = np.take_along_axis(series, last, axis=0)
    without: np.ndarray = np.nan_to_num(series, nan=0.0)
    return without
