"""Wavelet transforms with a learnable filter in every channel, and the modes built on them."""

from wavspa.wavelets.boundaries import BOUNDARIES, band_lengths
from wavspa.wavelets.dwt import wavedec, waverec
from wavspa.wavelets.filters import (
    daubechies_taps,
    lattice_filters,
    orthogonal_taps,
    orthogonality_error,
)
from wavspa.wavelets.hartley import hartley
from wavspa.wavelets.lifting import lifting_dec, lifting_rec
from wavspa.wavelets.modes import (
    MODES,
    WaveletFactory,
    WaveletMode,
    build_mode,
    register_wavelet,
)
from wavspa.wavelets.options import WaveletOptions

__all__ = [
    "BOUNDARIES",
    "MODES",
    "WaveletFactory",
    "WaveletMode",
    "WaveletOptions",
    "band_lengths",
    "build_mode",
    "daubechies_taps",
    "hartley",
    "lattice_filters",
    "lifting_dec",
    "lifting_rec",
    "orthogonal_taps",
    "orthogonality_error",
    "register_wavelet",
    "wavedec",
    "waverec",
]
