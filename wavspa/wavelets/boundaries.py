"""Boundaries: how a level continues a finite signal past its ends, as plain index arithmetic.

One analysis level correlates the extended signal with L taps at every second sample:
``c[m] = sum_k lo[k] * ext[2m + k]``. A boundary defines the length of the band and which sample
``ext[p]`` is. Everything here works both on ints (all rows have the same length) and on int64 tensors
(a length per row).

==========  ==============================================  ====================================
boundary    ``... ext ...`` of the samples a b c d          PyWavelets' name
==========  ==============================================  ====================================
zero        ``0 0 | a b c d | 0 0``                         ``zero``
reflect     ``c b | a b c d | c b``                         ``reflect``
periodic    ``c d | a b c d | a b``                         ``periodization`` (odd: last repeated)
upstream    reflect, and the reflected signal wraps around  none (upstream's code)
==========  ==============================================  ====================================

``wrap`` is the fifth extension, which no user chooses: its transpose is the synthesis of
``periodic``. It reads a row on a circle of twice as many places as it has coefficients, and nothing
at the place that a row of odd length leaves empty.
"""

from typing import Any, TypeVar

import torch
from torch import Tensor
from typing_extensions import override

Length = TypeVar("Length", int, Tensor)


class Boundary:
    """An extension of signals; this class has the common parts of ``zero`` and ``reflect``.

    Attributes:
        name: Its name in configurations and operators.
        is_zero: Nothing is read past the ends, so that padding with zeros suffices.
        synthesis: Name of the extension whose transpose is the synthesis.
    """

    name = "zero"
    is_zero = True
    synthesis = "zero"

    def band_length(self, length: Length, taps: int) -> Length:
        """Number of coefficients of one level on a signal of ``length`` samples."""
        return (length + taps - 1) // 2

    def natural_length(self, band: int, taps: int) -> int:
        """Number of samples that one synthesis level makes from bands of ``band`` coefficients."""
        return 2 * band - (taps - 2)

    def left_extension(self, taps: int) -> int:
        """How many samples of ``ext`` precede the signal's first sample."""
        return taps - 2

    def source_index(
        self, length: int | Tensor, bands: int | Tensor, extended: int, taps: int
    ) -> Tensor:
        """Which sample ``ext[p]`` is, p = 0..extended-1, for every extension except ``zero``.

        Args:
            length: Number of samples of the signal: an int, or int64 [B].
            bands: Number of its coefficients, of the same type.
            extended: Length of ``ext``.
            taps: Filter length L.

        Returns:
            int64 [extended], or [B, extended] if ``length`` is a tensor. ``wrap``: a number past
            the row's end where nothing is read.
        """
        raise NotImplementedError

    @override
    def __repr__(self) -> str:
        return repr(self.name)


class Reflect(Boundary):
    """The signal and its mirror image alternately; the end samples are not repeated."""

    name = "reflect"
    is_zero = False

    @override
    def source_index(
        self, length: int | Tensor, bands: int | Tensor, extended: int, taps: int
    ) -> Tensor:
        position = _places(length, extended) - self.left_extension(taps)
        return _reflected(position, _column(length))


class Periodic(Boundary):
    """The signal repeated; a signal of odd length first repeats its last sample."""

    name = "periodic"
    is_zero = False
    synthesis = "wrap"

    @override
    def band_length(self, length: Length, taps: int) -> Length:
        return (length + 1) // 2

    @override
    def natural_length(self, band: int, taps: int) -> int:
        return 2 * band

    @override
    def left_extension(self, taps: int) -> int:
        return taps // 2 - 1

    @override
    def source_index(
        self, length: int | Tensor, bands: int | Tensor, extended: int, taps: int
    ) -> Tensor:
        position, n = _places(length, extended) - self.left_extension(taps), _column(length)
        return torch.clamp(position % (n + n % 2), max=n - 1)


class Wrap(Periodic):
    """The transpose of the synthesis of ``periodic``: a circle on which an odd row has a gap."""

    name = "wrap"

    @override
    def source_index(
        self, length: int | Tensor, bands: int | Tensor, extended: int, taps: int
    ) -> Tensor:
        position = _places(length, extended) - self.left_extension(taps)
        return torch.remainder(position, 2 * _column(bands))


class Upstream(Reflect):
    """Upstream's boundary: the signal is reflected, and the reflected signal wraps around."""

    name = "upstream"

    @override
    def band_length(self, length: Length, taps: int) -> Length:
        return (length + 1) // 2 + taps - 2

    @override
    def natural_length(self, band: int, taps: int) -> int:
        return 2 * band - 2 * (taps - 2)

    @override
    def source_index(
        self, length: int | Tensor, bands: int | Tensor, extended: int, taps: int
    ) -> Tensor:
        n = _column(length)
        position = _places(length, extended) % (2 * self.band_length(n, taps))
        return _reflected(position - self.left_extension(taps), n)


ZERO, PERIODIC = Boundary(), Periodic()
EXTENSIONS: dict[str, Boundary] = {
    extension.name: extension for extension in (ZERO, Reflect(), PERIODIC, Upstream(), Wrap())
}
BOUNDARIES = tuple(name for name in EXTENSIONS if name != Wrap.name)


def find_boundary(name: str) -> Boundary:
    """The boundary ``name``.

    Raises:
        ValueError: It is not one of :data:`BOUNDARIES`.
    """
    if name not in BOUNDARIES:
        raise ValueError(f"boundary={name!r} is unknown; choose one of {', '.join(BOUNDARIES)}")
    return EXTENSIONS[name]


def check_level(level: int) -> None:
    """Raise ``ValueError`` unless ``level`` is a whole number of at least 1."""
    if isinstance(level, float):
        raise ValueError(f"level must be a whole number, got {level}")
    if level < 1:
        raise ValueError(f"level must be at least 1, got {level}")


def band_lengths(length: Length, taps: int, level: int, boundary: str) -> list[Length]:
    """Lengths of ``[cA_J, cD_J, ..., cD_1]`` for a signal of ``length`` samples.

    Raises:
        ValueError: Level < 1, or an unknown boundary.
    """
    check_level(level)
    lengths = approximation_lengths(length, taps, level, find_boundary(boundary))[1:]
    lengths.append(lengths[-1])
    lengths.reverse()
    return lengths


def approximation_lengths(
    length: Length, taps: int, level: int, boundary: Boundary
) -> list[Length]:
    """Lengths of the signal and of its approximations at the levels 1..J."""
    lengths: list[Length] = [length]
    for _ in range(level):
        lengths.append(boundary.band_length(lengths[-1], taps))
    return lengths


def _places(length: int | Tensor, extended: int) -> Tensor:
    device = length.device if isinstance(length, Tensor) else None
    return torch.arange(extended, device=device)


def _column(length: int | Tensor) -> Any:
    """An int unchanged, int64 [B] as [B, 1], for arithmetic with positions."""
    return length[:, None] if isinstance(length, Tensor) else length


def _reflected(position: Tensor, n: Any) -> Tensor:
    """The sample at a place of the signal when it is reflected at both ends, with period 2 (n - 1)."""
    # A single sample has no neighbour: it is repeated.
    period = 2 * (n - 1) + (n == 1)
    position = position % period
    reflected: Tensor = torch.minimum(position, period - position) * (n > 1)
    return reflected
