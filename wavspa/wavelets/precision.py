"""Run a transform in full precision whatever the autocast around it."""

import contextlib

import torch
from torch import Tensor


def full_precision(x: Tensor) -> contextlib.AbstractContextManager[None]:
    """A context without autocast on the device of ``x`` (meta tensors know no autocast)."""
    device = x.device.type
    if torch.amp.is_autocast_available(device):
        return torch.autocast(device, enabled=False)
    return contextlib.nullcontext()


def at_least_float32(x: Tensor) -> Tensor:
    """``x`` itself if float32 or float64, else as float32."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()
