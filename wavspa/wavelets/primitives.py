"""Depthwise convolutions of ``[B, N, D]`` along time: views of channels-last images, no copies.

A contiguous ``[B, N, D]`` *is* a channels-last image of height N, width 1 and D channels.
The kernels must be channels-last too, and padding must be done outside the convolution: either
mistake sends the gradients down a path that is four to ten times slower on CPU.
"""

import contextlib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from wavspa.tracing import AUTOCAST_DEVICES, is_jit_tracing, is_mapped


def depthwise_kernel(filters: Tensor) -> Tensor:
    """Filters [L, D] as a kernel [D, 1, L, 1], channels-last except under ``torch.func``'s transforms."""
    kernel = filters.t()[:, None, :, None]
    if not torch.compiler.is_compiling() and is_mapped():
        return kernel  # a tensor under vmap has no memory format
    return kernel.contiguous(memory_format=torch.channels_last)


def correlate(x: Tensor, kernel: Tensor, stride: int = 1) -> Tensor:
    """``y[m] = sum_k x[stride * m + k] f[k]``: [B, N, D] -> [B, (N - L) // stride + 1, D]."""
    image = F.conv2d(_image(x), kernel, stride=(stride, 1), groups=kernel.shape[0])
    return _signal(image)


def spread(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """The transpose of :func:`correlate`: [B, M, D] -> [B, stride * (M - 1) + L, D]."""
    image = F.conv_transpose2d(_image(x), kernel, stride=(stride, 1), groups=kernel.shape[0])
    return _signal(image)


def _image(x: Tensor) -> Tensor:
    """View [B, N, D] as [B, D, N, 1] with the strides of a channels-last image."""
    return x.unsqueeze(2).permute(0, 3, 1, 2)


def _signal(image: Tensor) -> Tensor:
    return image.permute(0, 2, 3, 1).squeeze(2)


def full_precision(x: Tensor) -> contextlib.AbstractContextManager[None]:
    """A context without autocast on the device of ``x``: it would cast float32 to a half type."""
    device = x.device.type
    if device in AUTOCAST_DEVICES and torch.is_autocast_enabled(device):
        return torch.autocast(device, enabled=False)
    return contextlib.nullcontext()


def at_least_float32(x: Tensor) -> Tensor:
    """``x`` itself if it is float32 or float64, else cast to float32."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def matmul_dtype(x: Tensor) -> torch.dtype:
    """The dtype in which the attention's matmuls read ``x``: autocast's on CUDA, elsewhere its own.

    Bands of this dtype need no cast for each of the projections that read them.
    """
    device = x.device.type
    if device == "cuda" and x.dtype != torch.float64 and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return x.dtype


def check_lengths(lengths: Tensor | None, x: Tensor, length: int | None = None) -> Tensor | None:
    """``lengths`` as int64 [B], or None, after the checks that need not wait for a device.

    Args:
        lengths: Number of real samples in each row, or None.
        x: The batch [B, N, ...] to which they belong.
        length: The largest possible length of a row; None means N.

    Raises:
        TypeError: They are not a tensor.
        ValueError: They are not integers or not one for each row; on a CPU also if one is not in 1..N.
    """
    if lengths is None:
        return None
    if not isinstance(lengths, Tensor):
        raise TypeError(f"lengths must be a tensor, int64 [B], got {lengths!r}")
    if lengths.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"lengths must be int64, got {lengths.dtype}")
    if lengths.shape != x.shape[:1]:
        raise ValueError(
            f"lengths must be [{x.shape[0]}], one for each row, got {list(lengths.shape)}"
        )
    longest = x.shape[1] if length is None else length
    if _is_readable(lengths) and lengths.numel():
        least, most = (int(bound) for bound in lengths.aminmax())
        if least < 1 or most > longest:
            wrong = least if least < 1 else most
            raise ValueError(f"lengths must be between 1 and {longest}, got {wrong}")
    return lengths.long()


def check_levels(coeffs: Sequence[Tensor]) -> None:
    """Refuse coefficients without a level.

    Raises:
        ValueError: There are fewer than two bands.
    """
    if len(coeffs) < 2:
        raise ValueError("coeffs must hold an approximation and at least one detail band")


def check_same_rows(coeffs: Sequence[Tensor]) -> None:
    """Refuse bands [B, M, D] of different batches or channels.

    Plain torch would broadcast them, and loops and kernels would read past their ends.

    Raises:
        ValueError: Two bands differ in this way.
    """
    first = coeffs[0]
    for band in coeffs:
        if band.shape[0] != first.shape[0] or band.shape[2] != first.shape[2]:
            raise ValueError(
                "bands must have the same rows and channels, got "
                f"{list(first.shape)} and {list(band.shape)}"
            )


def _is_readable(x: Tensor) -> bool:
    """Whether the values of a tensor can be read: on the host, and not traced or mapped."""
    traced = torch.compiler.is_compiling() or is_mapped() or is_jit_tracing()
    return x.device.type == "cpu" and not traced and not isinstance(x, FakeTensor)


def zero_pads(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Set ``x [B, N, D]`` to zero at positions ``>= lengths [B]``, even if they are NaN."""
    if lengths is None:
        return x
    real = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
    # A single pass, whereas masked_fill copies first; a product would keep values that are not finite.
    return torch.where(real[..., None], x, 0)


def gather_rows(x: Tensor, index: Tensor) -> Tensor:
    """Read ``x [B, N, D]`` along time at ``index``, int64 [E] (all rows) or [B, E] -> [B, E, D].

    Each row of D values is copied as a unit: ``index_select`` and its gradient touch contiguous memory.
    """
    if index.dim() == 1:
        return x.index_select(1, index)
    batch, length, channels = x.shape
    offsets = torch.arange(batch, device=x.device)[:, None] * length
    flat = x.reshape(batch * length, channels).index_select(0, (index + offsets).flatten())
    return flat.view(batch, index.shape[1], channels)
