"""Queries for tracers and transforms (torch.export, torch.func) that torch.compile can follow.

The oldest supported torch folds ``torch.compiler.is_exporting()`` to True under ``torch.compile`` and
cannot trace ``torch.amp.is_autocast_available``: either would disable the kernels or break the graph.
"""

import torch
from torch.autograd import forward_ad

# A constant, because torch.compile cannot trace the query.
AUTOCAST_DEVICES = frozenset(
    device
    for device in ("cpu", "cuda", "xla", "mps", "xpu", "hpu")
    if torch.amp.is_autocast_available(device)
)


def is_exporting() -> bool:
    """Whether ``torch.export`` is tracing this call."""
    return bool(torch.compiler._is_exporting_flag)


def is_transformed() -> bool:
    """Whether torch is exporting, mapping or forward-differentiating: no kernel supports any of these."""
    if torch.compiler.is_compiling():
        return is_exporting()
    return is_mapped() or forward_ad._current_level >= 0


def is_jit_tracing() -> bool:
    """Whether ``torch.jit.trace`` is recording this call: sizes are then those of its example."""
    return torch._C._get_tracing_state() is not None


def is_mapped() -> bool:
    """Whether a transform of ``torch.func`` is active: ``vmap``, ``grad``, ``jvp``."""
    return bool(torch._C._are_functorch_transforms_active())
