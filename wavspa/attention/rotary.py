"""Rotary positions (RoFormer, Su et al. 2021, arXiv:2104.09864): vectors rotated by their positions.

The product of two rotated vectors depends on their own values and on their distance. In wavelet space
positions are counted within each band.
"""

import torch
from torch import Tensor


def check_width(name: str, width: int) -> None:
    """Refuse vectors that cannot be cut into pairs.

    Args:
        name: What has this width, for the message.
        width: Its width.

    Raises:
        ValueError: ``width`` is odd.
    """
    if width % 2:
        raise ValueError(f"{name} must be even with rotary positions, got {width}")


def rotate(x_BHNK: Tensor, base: float = 10_000.0) -> Tensor:
    """Rotate each pair (x_i, x_{i+K/2}) at position n by the angle ``n * base^(-2i/K)``.

    Args:
        x_BHNK: Vectors of an even width, [B, H, N, K].
        base: The slowest pair rotates about once in ``2 pi base`` positions.
    """
    length, width = x_BHNK.shape[-2:]
    # Angles are large numbers: at least float32, also for half types.
    dtype = torch.promote_types(x_BHNK.dtype, torch.float32)
    half = torch.arange(0, width, 2, device=x_BHNK.device, dtype=dtype)
    position = torch.arange(length, device=x_BHNK.device, dtype=dtype)
    angle_NK = position[:, None] * base ** (-half / width)
    cosine, sine = angle_NK.cos().to(x_BHNK.dtype), angle_NK.sin().to(x_BHNK.dtype)
    first, second = x_BHNK.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)
