"""The orthonormal discrete Hartley transform over each row's own length (the `fourier` ablation).

``H(x)[k] = n^(-1/2) sum_t x[t] cas(2 pi k t / n)``, ``cas = cos + sin``: real, orthonormal and its
own inverse. Rows of different lengths need a DFT of a different size each; Bluestein's identity
``kt = (k^2 + t^2 - (k - t)^2) / 2`` turns all of them into one convolution of a common size.
"""

import math

import torch
from torch import Tensor

from wavspa.tracing import is_jit_tracing
from wavspa.wavelets.primitives import check_lengths, zero_pads


def hartley(x: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Transform ``x [B, N, D]`` (float32 or float64) along time; applied twice it restores ``x``.

    With ``lengths`` (int64 [B], each in 1..N) each row is transformed over its own length and is zero
    beyond it.

    Raises:
        ValueError: The lengths do not fit.
    """
    lengths = check_lengths(lengths, x)
    if x.shape[0] == 0:
        return x
    spectrum: Tensor
    if lengths is None and is_jit_tracing():
        # A trace would record the square root of its example's length as a constant.
        spectrum = torch.fft.fft(x, dim=1, norm="ortho")
        return spectrum.real - spectrum.imag
    if lengths is None:
        spectrum = torch.fft.fft(x, dim=1)
        return (spectrum.real - spectrum.imag) / math.sqrt(x.shape[1])
    spectrum = _ragged_dft(zero_pads(x, lengths), lengths)
    scale = lengths.to(x.dtype).rsqrt()[:, None, None]
    # The FFT leaves time innermost; later operations read channels.
    return zero_pads((spectrum.real - spectrum.imag) * scale, lengths).contiguous()


def _ragged_dft(x: Tensor, lengths: Tensor) -> Tensor:
    """DFT of each row of ``x [B, N, D]`` over its own length (Bluestein), complex [B, N, D]."""
    length = x.shape[1]
    size = 2 * length
    position = torch.arange(size, device=x.device)
    # k^2 mod 2n keeps the chirp's phase exact however long the row is.
    distance = torch.minimum(position, size - position)
    phase = (distance**2 % (2 * lengths[:, None])).to(x.dtype) / lengths[:, None] * torch.pi
    chirp = torch.polar(torch.ones_like(phase), -phase)[..., None]
    modulated = x * chirp[:, :length]
    # The gradient of the padding in fft itself has strides that compiled code does not expect.
    padded = torch.cat([modulated, torch.zeros_like(modulated)], dim=1)
    product = torch.fft.fft(padded, dim=1) * torch.fft.fft(chirp.conj(), dim=1)
    convolved: Tensor = torch.fft.ifft(product, dim=1)
    return convolved[:, :length] * chirp[:, :length]
