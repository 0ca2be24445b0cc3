"""What a level reads past a row's ends, as one table for every operator.

A level reads position p of the extended row: coefficient m and tap k meet at ``p = 2 m + k``. The
*extension* says which sample that is, or that it is none. The four boundaries of
:mod:`wavspa.wavelets.boundaries` are extensions; ``wrap`` is the fifth, whose transpose is the
synthesis of ``periodic``: it reads the row on a circle of twice as many places as it has
coefficients, and nothing where an odd row leaves one place empty.

Shapes: B batch, N padded samples, M padded coefficients of a band, L taps.
"""

import torch
from torch import Tensor

from wavspa.wavelets.boundaries import BOUNDARIES, band_length, left_extension
from wavspa.wavelets.boundaries import extension_index as boundary_index

EXTENSIONS = (*BOUNDARIES, "wrap")


def check_extension(extension: str) -> None:
    """Raise ``ValueError`` unless ``extension`` is one of :data:`EXTENSIONS`."""
    if extension not in EXTENSIONS:
        known = ", ".join(EXTENSIONS)
        raise ValueError(f"extension {extension!r} is unknown; choose one of {known}")


def synthesis_extension(boundary: str) -> str:
    """The extension whose transpose is the synthesis of ``boundary``."""
    return "wrap" if boundary == "periodic" else "zero"


def places_before(taps: int, extension: str) -> int:
    """Places of the extended row before the row's first sample."""
    return left_extension(taps, "periodic" if extension == "wrap" else extension)


def extended_length(bands: int, taps: int) -> int:
    """Places that ``bands`` coefficients read with ``taps`` taps."""
    return 2 * (bands - 1) + taps


def row_bands(lengths: Tensor, bands: int, taps: int, extension: str) -> Tensor:
    """Coefficients of each row of ``lengths`` samples, int64 [B], at most ``bands``."""
    boundary = "periodic" if extension == "wrap" else extension
    return band_length(lengths, taps, boundary).clamp(max=bands)


def source_index(
    rows: int | Tensor, bands: int | Tensor, extended: int, taps: int, extension: str
) -> Tensor:
    """Which sample each place of an extended row is, for every extension but ``zero``.

    Args:
        rows: samples of the rows: an int, or int64 [B].
        bands: coefficients of the rows, of the same kind.
        extended: places of the extended rows.
        taps: filter length L.
        extension: one of :data:`EXTENSIONS` but ``zero``.

    Returns:
        int64 [extended] or [B, extended]; a number past the row's end where nothing is read.
    """
    if extension != "wrap":
        return boundary_index(rows, extended, taps, extension)
    circle = 2 * bands[:, None] if isinstance(bands, Tensor) else 2 * bands
    device = bands.device if isinstance(bands, Tensor) else None
    position = torch.arange(extended, device=device) - places_before(taps, extension)
    return position % circle
