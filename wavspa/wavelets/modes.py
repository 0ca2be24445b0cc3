"""The wavelet modes: fixed and learned wavelets of a layer behind one interface.

A mode owns the parameters; in each forward pass, :meth:`WaveletMode.transform` builds the transform from
them, which analyses and synthesises. Shapes: B batch, N length, D channels, L taps, J levels.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from wavspa.registry import registering
from wavspa.wavelets.boundaries import (
    PERIODIC,
    Length,
    band_lengths,
    check_level,
    find_boundary,
)
from wavspa.wavelets.filters import (
    check_taps,
    daubechies_taps,
    lattice_filters,
    orthogonal_taps,
)
from wavspa.wavelets.options import WaveletOptions
from wavspa.wavelets.primitives import at_least_float32
from wavspa.wavelets.transforms import Convolution, FilterBank, Hartley, Lifting, Transform


class WaveletMode(nn.Module):
    """Interface of the modes.

    Args:
        dim: Channels D.
        options: Length of the filters, levels, boundary.

    Raises:
        ValueError: Odd or too few taps, level < 1, or an unknown boundary.
    """

    def __init__(self, dim: int, options: WaveletOptions = WaveletOptions()) -> None:
        super().__init__()
        check_taps(options.taps)
        check_level(options.level)
        self.boundary = find_boundary(options.boundary)
        self.dim, self.num_taps, self.level = dim, options.taps, options.level

    def band_lengths(self, length: Length) -> list[Length]:
        """Lengths of the bands, coarsest first, of a signal of ``length`` samples."""
        raise NotImplementedError

    def filters(self) -> list[Tensor]:
        """The filters [L, D] computed from the parameters, float32 or float64."""
        return []

    def bind(self, filters: Sequence[Tensor]) -> Transform:
        """The transform with ``filters``: those of :meth:`filters`, or some of their channels."""
        raise NotImplementedError

    def transform(self) -> Transform:
        """The transform for one forward pass."""
        return self.bind(self.filters())

    @override
    def extra_repr(self) -> str:
        """The mode's part of ``print(model)``."""
        return f"dim={self.dim}, taps={self.num_taps}, level={self.level}"


class Plain(WaveletMode):
    """Mode ``none``: the signal itself is the only band, so attention is the plain base."""

    @override
    def band_lengths(self, length: Length) -> list[Length]:
        return [length]

    @override
    def bind(self, filters: Sequence[Tensor]) -> Transform:
        return Transform()


class Dwt(WaveletMode):
    """A filter bank; :meth:`filters` returns its low pass [L, D] (dec_lo), one filter per channel."""

    def __init__(self, dim: int, options: WaveletOptions = WaveletOptions()) -> None:
        super().__init__(dim, options)
        self.mirror_low = options.mirror_low

    @override
    def band_lengths(self, length: Length) -> list[Length]:
        return band_lengths(length, self.num_taps, self.level, self.boundary.name)

    @override
    def bind(self, filters: Sequence[Tensor]) -> Transform:
        (low_pass,) = filters
        return FilterBank(low_pass, self.level, self.boundary, self.mirror_low)

    @override
    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, boundary={self.boundary.name!r}"


class Ada(Dwt):
    """Free taps, initialised to Daubechies' db(L/2) in every channel (AdaWavSpA)."""

    def __init__(self, dim: int, options: WaveletOptions = WaveletOptions()) -> None:
        super().__init__(dim, options)
        # The name of the low pass in checkpoints and exports; the number of taps is num_taps.
        self.taps = nn.Parameter(_in_every_channel(daubechies_taps(self.num_taps), dim))

    def set_taps(self, taps: Tensor) -> None:
        """Replace the initial filter by one [L, D] of any even length."""
        check_taps(len(taps))
        self.taps, self.num_taps = nn.Parameter(taps), len(taps)

    @override
    def filters(self) -> list[Tensor]:
        return [at_least_float32(self.taps)]


class Ortho(Dwt):
    """Angles of an orthogonal lattice, uniform in [0, 2 pi): always exactly invertible (OrthoWavSpA)."""

    def __init__(self, dim: int, options: WaveletOptions = WaveletOptions()) -> None:
        super().__init__(dim, options)
        self.angles = nn.Parameter(torch.rand(self.num_taps // 2, dim) * 2 * torch.pi)

    @override
    def filters(self) -> list[Tensor]:
        return [lattice_filters(at_least_float32(self.angles))]


class Fixed(Dwt):
    """A PyWavelets wavelet that is not trained: ``wavelet_name``, or db(L/2) if that is None."""

    filter_taps: Tensor

    def __init__(self, dim: int, options: WaveletOptions = WaveletOptions()) -> None:
        super().__init__(dim, options)
        name = options.wavelet_name
        low_pass = daubechies_taps(self.num_taps) if name is None else orthogonal_taps(name)
        self.num_taps = len(low_pass)
        self.register_buffer("filter_taps", _in_every_channel(low_pass, dim))

    @override
    def filters(self) -> list[Tensor]:
        return [at_least_float32(self.filter_taps)]


class LiftFixed(WaveletMode):
    """The fixed 5/3-like lifting: nothing is learned (upstream's ``lift``)."""

    @override
    def band_lengths(self, length: Length) -> list[Length]:
        return band_lengths(length, self.num_taps, self.level, PERIODIC.name)

    @override
    def bind(self, filters: Sequence[Tensor]) -> Transform:
        return Lifting(None, None, self.level)


class Lift(LiftFixed):
    """Lifting with learned predict and update filters, initialised normal(0.02) (upstream: ``adalift``)."""

    def __init__(self, dim: int, options: WaveletOptions = WaveletOptions()) -> None:
        super().__init__(dim, options)
        self.predict = nn.Parameter(torch.randn(self.num_taps, dim) * 0.02)
        self.update = nn.Parameter(torch.randn(self.num_taps, dim) * 0.02)

    @override
    def filters(self) -> list[Tensor]:
        return [at_least_float32(self.predict), at_least_float32(self.update)]

    @override
    def bind(self, filters: Sequence[Tensor]) -> Transform:
        predict, update = filters
        return Lifting(predict, update, self.level)


class Fourier(Plain):
    """The orthonormal Hartley transform over each row's own length: one band, nothing learned."""

    @override
    def bind(self, filters: Sequence[Tensor]) -> Transform:
        return Hartley()


class Conv(Plain):
    """A learned depthwise convolution along time instead of the wavelets: one band, without an inverse.

    It has as many taps as a wavelet and starts as the identity: initially the layer is the plain base.
    """

    def __init__(self, dim: int, options: WaveletOptions = WaveletOptions()) -> None:
        super().__init__(dim, options)
        identity = torch.zeros(self.num_taps, dim)
        identity[self.num_taps // 2] = 1
        self.taps = nn.Parameter(identity)

    @override
    def filters(self) -> list[Tensor]:
        return [at_least_float32(self.taps)]

    @override
    def bind(self, filters: Sequence[Tensor]) -> Transform:
        (kernel,) = filters
        return Convolution(kernel)


WaveletFactory = Callable[[int, WaveletOptions], WaveletMode]
"""A class or function that makes a mode from the number of channels and options."""

F = TypeVar("F", bound=WaveletFactory)

MODES: dict[str, WaveletFactory] = {
    "none": Plain,
    "ada": Ada,
    "ortho": Ortho,
    "lift": Lift,
    "fixed": Fixed,
    "lift_fixed": LiftFixed,
    "fourier": Fourier,
    "conv": Conv,
}


def register_wavelet(name: str) -> Callable[[F], F]:
    """Decorate a class or function so that ``wavelet=name`` chooses it, in models and configurations.

    Args:
        name: Letters, digits and underscores.

    Raises:
        ValueError: The name has other characters, or is that of another mode.
    """
    return registering("wavelet", MODES, name)


def build_mode(
    name: str | WaveletFactory, dim: int, options: WaveletOptions = WaveletOptions()
) -> WaveletMode:
    """Build a mode by its name, or with a class or function.

    Options that the mode does not have are checked and then ignored.

    Raises:
        ValueError: The name is unknown, or the mode refuses an option's value.
        TypeError: ``name`` is a mode already, or a class or function that does not make one.
    """
    if isinstance(name, str) and name not in MODES:
        raise ValueError(f"wavelet={name!r} is unknown; choose one of {', '.join(MODES)}")
    if isinstance(name, nn.Module):
        raise TypeError(
            f"wavelet must be a name, class or function, got a built {type(name).__name__}: every layer "
            "builds its own"
        )
    factory = MODES[name] if isinstance(name, str) else name
    mode = factory(dim, options)
    if not isinstance(mode, WaveletMode):
        raise TypeError(
            f"wavelet={name!r} must make a wavspa.wavelets.WaveletMode, got {type(mode).__name__}"
        )
    return mode


def _in_every_channel(low_pass: Tensor, dim: int) -> Tensor:
    return low_pass.to(torch.get_default_dtype())[:, None].repeat(1, dim)
