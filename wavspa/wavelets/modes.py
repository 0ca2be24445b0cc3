"""The wavelet modes: what a layer learns about its wavelet, behind one interface.

A mode owns its parameters and turns a signal into bands and back:

    filters = mode.filters()                             # once per forward
    bands = mode.analyse(x, filters, lengths)            # [cA_J, cD_J, ..., cD_1]
    y = mode.synthesise(bands, filters, N, lengths)

The transforms run in float32 (float64 stays) under any autocast: their sums are long, and the
FFT knows no bfloat16. Shapes: B batch, N length, D channels, L taps, J levels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from typing_extensions import override

from wavspa.wavelets.boundaries import Length, band_lengths, check_boundary
from wavspa.wavelets.filters import (
    check_taps,
    daubechies_taps,
    lattice_filters,
    orthogonal_taps,
)
from wavspa.wavelets.hartley import hartley
from wavspa.wavelets.lifting import lifting_dec, lifting_rec
from wavspa.wavelets.primitives import at_least_float32, full_precision, zero_pads
from wavspa.wavelets.transform import wavedec, waverec

Filters = tuple[Tensor | None, ...]


class WaveletMode(nn.Module):
    """Interface of the modes.

    Args:
        dim: channels D.
        taps: filter length L, even.
        level: number of levels J >= 1.

    Raises:
        ValueError: odd or too few taps, level < 1.
    """

    def __init__(self, dim: int, taps: int = 16, level: int = 1) -> None:
        super().__init__()
        check_taps(taps)
        if level < 1:
            raise ValueError(f"level must be at least 1, not {level}")
        self.dim, self.num_taps, self.level = dim, taps, level

    def band_lengths(self, length: Length) -> list[Length]:
        """Lengths of the bands, coarsest first, of a signal of ``length`` samples."""
        raise NotImplementedError

    def filters(self) -> Filters:
        """The filters that :meth:`analyse` and :meth:`synthesise` take, from the parameters."""
        return ()

    def analyse(self, x: Tensor, filters: Filters, lengths: Tensor | None = None) -> list[Tensor]:
        """Bands of ``x [B, N, D]``, coarsest first; ``lengths`` int64 [B] or None (all N)."""
        raise NotImplementedError

    def synthesise(
        self,
        bands: Sequence[Tensor],
        filters: Filters,
        length: int,
        lengths: Tensor | None = None,
    ) -> Tensor:
        """The signal [B, length, D] of the bands."""
        raise NotImplementedError

    @override
    def extra_repr(self) -> str:
        """What ``print`` shows of the mode."""
        return f"dim={self.dim}, taps={self.num_taps}, level={self.level}"


class Plain(WaveletMode):
    """Mode ``none``: the signal is its only band, so that attention is the plain base."""

    @override
    def band_lengths(self, length: Length) -> list[Length]:
        return [length]

    @override
    def analyse(self, x: Tensor, filters: Filters, lengths: Tensor | None = None) -> list[Tensor]:
        return [zero_pads(x, lengths)]

    @override
    def synthesise(
        self,
        bands: Sequence[Tensor],
        filters: Filters,
        length: int,
        lengths: Tensor | None = None,
    ) -> Tensor:
        return bands[0]


class Dwt(WaveletMode):
    """A filter bank whose low pass [L, D] (dec_lo) :meth:`filters` gives, one per channel.

    Args:
        dim: channels D.
        taps: filter length L, even.
        level: number of levels J >= 1.
        boundary: how the signal continues past its ends.
        mirror_low: the original's channel flip (see :func:`wavspa.wavelets.transform.wavedec`).
    """

    def __init__(
        self,
        dim: int,
        taps: int = 16,
        level: int = 1,
        boundary: str = "zero",
        mirror_low: bool = False,
    ) -> None:
        super().__init__(dim, taps, level)
        check_boundary(boundary)
        self.boundary, self.mirror_low = boundary, mirror_low

    @override
    def band_lengths(self, length: Length) -> list[Length]:
        return band_lengths(length, self.num_taps, self.level, self.boundary)

    @override
    def analyse(self, x: Tensor, filters: Filters, lengths: Tensor | None = None) -> list[Tensor]:
        x, (taps,) = at_least_float32(x), filters
        assert taps is not None
        with full_precision(x):
            return wavedec(x, taps, self.level, self.boundary, lengths, mirror_low=self.mirror_low)

    @override
    def synthesise(
        self,
        bands: Sequence[Tensor],
        filters: Filters,
        length: int,
        lengths: Tensor | None = None,
    ) -> Tensor:
        bands, (taps,) = [at_least_float32(band) for band in bands], filters
        assert taps is not None
        with full_precision(bands[0]):
            return waverec(bands, taps, length, self.boundary, lengths, mirror_low=self.mirror_low)

    @override
    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, boundary={self.boundary!r}"


class Ada(Dwt):
    """Free taps, initialised to Daubechies' db(L/2) in every channel (AdaWavSpA)."""

    def __init__(
        self,
        dim: int,
        taps: int = 16,
        level: int = 1,
        boundary: str = "zero",
        mirror_low: bool = False,
    ) -> None:
        super().__init__(dim, taps, level, boundary, mirror_low)
        self.taps = nn.Parameter(_in_every_channel(daubechies_taps(taps), dim))

    def set_taps(self, taps: Tensor) -> None:
        """Put a filter [L, D] of any even length in the place of the initial one."""
        check_taps(len(taps))
        self.taps, self.num_taps = nn.Parameter(taps), len(taps)

    @override
    def filters(self) -> Filters:
        return (at_least_float32(self.taps),)


class Ortho(Dwt):
    """Angles of an orthogonal lattice, uniform in [0, 2 pi): exact inverse always (OrthoWavSpA)."""

    def __init__(
        self,
        dim: int,
        taps: int = 16,
        level: int = 1,
        boundary: str = "zero",
        mirror_low: bool = False,
    ) -> None:
        super().__init__(dim, taps, level, boundary, mirror_low)
        self.angles = nn.Parameter(torch.rand(taps // 2, dim) * 2 * torch.pi)

    @override
    def filters(self) -> Filters:
        return (lattice_filters(at_least_float32(self.angles)),)


class Fixed(Dwt):
    """A PyWavelets wavelet that is not trained: ``wavelet_name``, or db(L/2) where it is None."""

    filter_taps: Tensor

    def __init__(
        self,
        dim: int,
        taps: int = 16,
        level: int = 1,
        boundary: str = "zero",
        mirror_low: bool = False,
        wavelet_name: str | None = None,
    ) -> None:
        low = daubechies_taps(taps) if wavelet_name is None else orthogonal_taps(wavelet_name)
        super().__init__(dim, len(low), level, boundary, mirror_low)
        self.register_buffer("filter_taps", _in_every_channel(low, dim))

    @override
    def filters(self) -> Filters:
        return (at_least_float32(self.filter_taps),)


class LiftFixed(WaveletMode):
    """The fixed 5/3-like lifting: nothing is learned (upstream's ``lift``)."""

    @override
    def band_lengths(self, length: Length) -> list[Length]:
        return band_lengths(length, self.num_taps, self.level, "periodic")

    @override
    def filters(self) -> Filters:
        return (None, None)

    @override
    def analyse(self, x: Tensor, filters: Filters, lengths: Tensor | None = None) -> list[Tensor]:
        x, (predict, update) = at_least_float32(x), filters
        with full_precision(x):
            return lifting_dec(x, predict, update, self.level, lengths)

    @override
    def synthesise(
        self,
        bands: Sequence[Tensor],
        filters: Filters,
        length: int,
        lengths: Tensor | None = None,
    ) -> Tensor:
        bands, (predict, update) = [at_least_float32(band) for band in bands], filters
        with full_precision(bands[0]):
            return lifting_rec(bands, predict, update, length, lengths)


class Lift(LiftFixed):
    """Lifting with learned predict and update filters, first normal(0.02) (upstream: ``adalift``)."""

    def __init__(self, dim: int, taps: int = 16, level: int = 1) -> None:
        super().__init__(dim, taps, level)
        self.predict = nn.Parameter(torch.randn(taps, dim) * 0.02)
        self.update = nn.Parameter(torch.randn(taps, dim) * 0.02)

    @override
    def filters(self) -> Filters:
        return at_least_float32(self.predict), at_least_float32(self.update)


class Fourier(Plain):
    """The orthonormal Hartley transform over each row's own length: one band, nothing learned."""

    @override
    def analyse(self, x: Tensor, filters: Filters, lengths: Tensor | None = None) -> list[Tensor]:
        x = at_least_float32(x)
        with full_precision(x):
            return [hartley(x, lengths)]

    @override
    def synthesise(
        self,
        bands: Sequence[Tensor],
        filters: Filters,
        length: int,
        lengths: Tensor | None = None,
    ) -> Tensor:
        return self.analyse(bands[0], filters, lengths)[0]


MODES: dict[str, type[WaveletMode]] = {
    "none": Plain,
    "ada": Ada,
    "ortho": Ortho,
    "lift": Lift,
    "fixed": Fixed,
    "lift_fixed": LiftFixed,
    "fourier": Fourier,
}


def build_mode(
    name: str,
    dim: int,
    taps: int = 16,
    level: int = 1,
    boundary: str = "zero",
    wavelet_name: str | None = None,
    mirror_low: bool = False,
) -> WaveletMode:
    """Make the mode ``name``; options that the mode does not have are checked and then ignored.

    Raises:
        ValueError: an unknown name or boundary, or values that the mode refuses.
    """
    if name not in MODES:
        raise ValueError(f"wavelet {name!r} is unknown; choose one of {', '.join(MODES)}")
    check_boundary(boundary)
    mode = MODES[name]
    if mode is Fixed:
        return Fixed(dim, taps, level, boundary, mirror_low, wavelet_name)
    if issubclass(mode, Dwt):
        return mode(dim, taps, level, boundary, mirror_low)
    return mode(dim, taps, level)


def _in_every_channel(taps: Tensor, dim: int) -> Tensor:
    return taps.to(torch.get_default_dtype())[:, None].repeat(1, dim)
