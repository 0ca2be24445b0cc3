"""Sources of filters: PyWavelets' orthogonal families, and the lattice of free angles."""

import pywt
import torch
from torch import Tensor

from wavspa.wavelets.operators.lattice import filters_of_angles

LONGEST_DAUBECHIES = 76


def check_taps(taps: int) -> None:
    """Raise ``ValueError`` unless ``taps`` is a whole number, even and at least 2."""
    if isinstance(taps, float):
        raise ValueError(f"taps must be a whole number, got {taps}")
    if taps < 2 or taps % 2:
        raise ValueError(f"taps must be even and at least 2, got {taps}")


def daubechies_taps(taps: int) -> Tensor:
    """The Daubechies low pass (dec_lo) with ``taps`` taps, float64 [taps].

    Raises:
        ValueError: Odd taps, or more than PyWavelets' maximum of 76.
    """
    check_taps(taps)
    if taps > LONGEST_DAUBECHIES:
        raise ValueError(
            f"taps must be at most {LONGEST_DAUBECHIES} for Daubechies filters, got {taps}; "
            "use fewer taps, or wavelet=ortho, whose filters may have any length"
        )
    return orthogonal_taps(f"db{taps // 2}")


def orthogonal_taps(name: str) -> Tensor:
    """The low pass (dec_lo) of an orthogonal PyWavelets wavelet such as ``sym5``, float64 [taps].

    Raises:
        ValueError: The wavelet is unknown or not orthogonal; the message lists the possible names.
    """
    if name in pywt.wavelist(kind="discrete"):
        wavelet = pywt.Wavelet(name)
        if wavelet.orthogonal:
            return torch.tensor(wavelet.dec_lo, dtype=torch.float64)
    raise ValueError(
        f"wavelet_name={name!r} is not an orthogonal PyWavelets wavelet; "
        f"choose one of {', '.join(orthogonal_names())}"
    )


def orthogonal_names() -> list[str]:
    """Names of PyWavelets' orthogonal wavelets."""
    return [n for n in pywt.wavelist(kind="discrete") if pywt.Wavelet(n).orthogonal]


def lattice_filters(angles: Tensor) -> Tensor:
    """Orthonormal filters from free angles: a product of plane rotations and shifts.

    For any angles, each channel's filter is orthonormal to its own double shifts, so that
    analysis and synthesis are inverses of each other. Nothing makes it low-pass.

    Args:
        angles: [L/2, D], radians.

    Returns:
        Low-pass taps [L, D] (dec_lo), same dtype.

    Raises:
        ValueError: ``angles`` is not a non-empty matrix.
    """
    if angles.dim() != 2 or angles.shape[0] < 1:
        raise ValueError(f"angles must be [taps / 2, channels], got {list(angles.shape)}")
    return filters_of_angles(angles)


def orthogonality_error(filters: Tensor) -> Tensor:
    """Measure the distance of filters [L, D] from being orthonormal to their own double shifts, [D].

    For each channel, the Euclidean norm over m = 0..L/2-1 of ``sum_k h[k] h[k + 2m] - delta[m]``: 0 for an
    orthogonal wavelet, whose synthesis is the inverse of its analysis.
    """
    taps = len(filters)
    products = [
        (filters[: taps - shift] * filters[shift:]).sum(dim=0) for shift in range(0, taps, 2)
    ]
    products[0] = products[0] - 1
    error: Tensor = torch.stack(products).norm(dim=0)
    return error
