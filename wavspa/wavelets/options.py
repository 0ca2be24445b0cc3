"""The options of the wavelet modes, with all their defaults."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WaveletOptions:
    """The options for building a mode; a mode ignores the options it does not have.

    Attributes:
        taps: Filter length L, even.
        level: Number of levels J >= 1.
        boundary: ``zero``, ``reflect``, ``periodic`` or ``upstream`` (modes ada, ortho, fixed).
        wavelet_name: The PyWavelets wavelet of mode ``fixed``; None means db(taps / 2).
        mirror_low: Upstream's channel flip (:func:`wavspa.wavelets.dwt.wavedec`), for its checkpoints.
    """

    taps: int = 16
    level: int = 1
    boundary: str = "zero"
    wavelet_name: str | None = None
    mirror_low: bool = False
