"""Boundary modes: how a finite signal is continued past its ends, as plain index arithmetic.

One analysis level correlates the extended signal with L taps at every second sample:
``c[m] = sum_k lo[k] * ext[2m + k]``. A boundary says how long the band is and which sample
``ext[p]`` is. Everything here works alike on ints (all rows equally long) and on int64 tensors
(a length per row).

==========  ==============================================  ====================================
boundary    ``... ext ...`` of the samples a b c d          PyWavelets' name
==========  ==============================================  ====================================
zero        ``0 0 | a b c d | 0 0``                         ``zero``
reflect     ``c b | a b c d | c b``                         ``reflect``
periodic    ``c d | a b c d | a b``                         ``periodization`` (odd: last repeated)
upstream    reflect, and the reflected signal wraps round   none (the original's code)
==========  ==============================================  ====================================
"""

from typing import Any, TypeVar

import torch
from torch import Tensor

BOUNDARIES = ("zero", "reflect", "periodic", "upstream")

Length = TypeVar("Length", int, Tensor)


def check_boundary(boundary: str) -> None:
    """Raise ``ValueError`` unless ``boundary`` is one of :data:`BOUNDARIES`."""
    if boundary not in BOUNDARIES:
        raise ValueError(f"boundary {boundary!r} is unknown; choose one of {', '.join(BOUNDARIES)}")


def band_length(length: Length, taps: int, boundary: str) -> Length:
    """Number of coefficients of one level on a signal of ``length`` samples."""
    if boundary == "periodic":
        return (length + 1) // 2
    if boundary == "upstream":
        return (length + 1) // 2 + taps - 2
    return (length + taps - 1) // 2


def band_lengths(length: Length, taps: int, level: int, boundary: str) -> list[Length]:
    """Lengths of ``[cA_J, cD_J, ..., cD_1]`` for a signal of ``length`` samples."""
    details: list[Length] = []
    for _ in range(level):
        length = band_length(length, taps, boundary)
        details.insert(0, length)
    details.insert(0, length)
    return details


def natural_length(band: int, taps: int, boundary: str) -> int:
    """Samples that one synthesis level gives from bands of ``band`` coefficients."""
    if boundary == "periodic":
        return 2 * band
    if boundary == "upstream":
        return 2 * band - 2 * (taps - 2)
    return 2 * band - (taps - 2)


def left_extension(taps: int, boundary: str) -> int:
    """How many samples of ``ext`` stand before the signal's first sample."""
    return taps // 2 - 1 if boundary == "periodic" else taps - 2


def extension_index(length: int | Tensor, extended: int, taps: int, boundary: str) -> Tensor:
    """Which sample ``ext[p]`` is, p = 0..extended-1, for every boundary but ``zero``.

    Args:
        length: samples of the signal: an int, or int64 [B].
        extended: length of ``ext``.
        taps: filter length L.
        boundary: ``reflect``, ``periodic`` or ``upstream``.

    Returns:
        int64 [extended], or [B, extended] where ``length`` is a tensor.
    """
    n: Any = length if isinstance(length, int) else length[:, None]
    device = None if isinstance(length, int) else length.device
    position = torch.arange(extended, device=device)
    if boundary == "upstream":
        position = position % (2 * band_length(n, taps, boundary))
    position = position - left_extension(taps, boundary)
    if boundary == "periodic":
        # An odd signal repeats its last sample.
        return torch.clamp(position % (n + n % 2), max=n - 1)
    # Reflection has the period 2 (n - 1). A single sample has no neighbour: it is repeated.
    period = 2 * (n - 1) + (n == 1)
    position = position % period
    reflected: Tensor = torch.minimum(position, period - position) * (n > 1)
    return reflected
