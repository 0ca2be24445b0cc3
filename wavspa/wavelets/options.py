"""The options of the wavelet modes: the one place of every default."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WaveletOptions:
    """The options that build a mode of some channels; a mode ignores the options it does not have.

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
