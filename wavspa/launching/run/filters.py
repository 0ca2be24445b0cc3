"""The filters of a model's layers, before and after training."""

from collections.abc import Sequence

import numpy as np
from torch import nn

from wavspa.models.introspection import filters_of, layers_of
from wavspa.reports.figures.filters import Filters


def all_filters(model: nn.Module) -> list[dict[str, np.ndarray]]:
    """A copy of the filters [L, D] of every layer, by name."""
    return [
        {name: taps.cpu().numpy().copy() for name, taps in filters_of(layer).items()}
        for layer in layers_of(model)
    ]


def paired(
    before: Sequence[dict[str, np.ndarray]], after: Sequence[dict[str, np.ndarray]]
) -> list[Filters]:
    """The results of :func:`all_filters` before and after training, paired to draw; unchanged ones once."""
    return [
        Filters(
            f"layer {number}, {name}", new, None if np.array_equal(old[name], new) else old[name]
        )
        for number, (old, layer) in enumerate(zip(before, after, strict=True), start=1)
        for name, new in layer.items()
    ]
