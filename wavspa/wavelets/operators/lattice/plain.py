"""The lattice in plain torch: a product of plane rotations and shifts, one after the other.

A step turns the pair (even, odd) of half filters by its angle, ``first = sin even + cos odd`` and
``second = cos even - sin odd``, then moves the filter right by one place: the odd half becomes the even one.
Every step is an orthogonal map, which its transpose undoes: the gradient needs only the filters to walk
back, with ``first second' - second first'`` of each channel for each angle.
"""

import torch
from torch import Tensor


def lattice(angles: Tensor) -> Tensor:
    """``angles [L/2, D] -> low-pass taps [L, D]`` (dec_lo)."""
    half, channels = angles.shape
    sine, cosine = angles.sin(), angles.cos()
    even, odd = torch.zeros_like(angles), torch.zeros_like(angles)
    even[0] = 1
    for step in range(half):
        first = sine[step] * even + cosine[step] * odd
        second = cosine[step] * even - sine[step] * odd
        # Rotate the filter right by one place: the odd half becomes the even one.
        even, odd = second.roll(1, dims=0), first
    return torch.stack([odd, even.roll(-1, dims=0)], dim=1).view(2 * half, channels)


def lattice_gradient(gradient: Tensor, filters: Tensor, angles: Tensor) -> Tensor:
    """The angles' gradient [L/2, D] from that of their filters."""
    sine, cosine = angles.sin(), angles.cos()
    # Columns: the filters and their gradient, which the steps turn in the same way.
    pair = torch.stack([filters, gradient], dim=1)
    first, second = pair[::2], pair[1::2]
    gradients = []
    for step in reversed(range(len(angles))):
        product = first[:, 1] * second[:, 0] - second[:, 1] * first[:, 0]
        gradients.append(product.sum(0))
        even = sine[step] * first + cosine[step] * second
        odd = cosine[step] * first - sine[step] * second
        first, second = odd, even.roll(-1, dims=0)
    return torch.stack(gradients[::-1])
