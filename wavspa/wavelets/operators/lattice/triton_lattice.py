# A kernel's types are Triton's.
# mypy: disable-error-code="no-untyped-def, untyped-decorator, assignment"
"""The lattice on a GPU, with all its steps in one launch, forward and backward.

A program owns TD channels and holds both half filters, [P, TD] tiles with P >= L/2 rows, in registers.
A gather inside the tile moves rows; those beyond L/2 never reach the others.
"""

import triton
import triton.language as tl


@triton.jit
def lattice_kernel(
    angles, filters, D: tl.constexpr, HALF: tl.constexpr, P: tl.constexpr, TD: tl.constexpr
):
    """``angles [L/2, D] -> filters [L, D]``."""
    channel = tl.program_id(0) * TD + tl.arange(0, TD)
    row = tl.arange(0, P)
    mask = channel < D
    before = tl.where(row == 0, HALF - 1, row - 1)
    moved = before[:, None] + tl.zeros((P, TD), tl.int32)
    odd = tl.zeros((P, TD), tl.float32)
    even = tl.where((row == 0)[:, None], 1.0, odd)
    for step in range(HALF):
        angle = tl.load(angles + step * D + channel, mask=mask, other=0.0).to(tl.float32)
        sine, cosine = tl.sin(angle)[None, :], tl.cos(angle)[None, :]
        second = cosine * even - sine * odd
        odd = sine * even + cosine * odd
        even = tl.gather(second, moved, 0)
    kept = (row < HALF)[:, None] & mask[None, :]
    first_places = (2 * row * D)[:, None] + channel[None, :]
    # The last step's move is undone.
    second_places = ((2 * before + 1) * D)[:, None] + channel[None, :]
    tl.store(filters + first_places, odd.to(filters.dtype.element_ty), mask=kept)
    tl.store(filters + second_places, even.to(filters.dtype.element_ty), mask=kept)


@triton.jit
def lattice_gradient_kernel(
    gradient, filters, angles, out,
    D: tl.constexpr, HALF: tl.constexpr, P: tl.constexpr, TD: tl.constexpr,
):  # fmt: skip
    """``out [L/2, D]``: walk the steps back, with the filters and with their gradient."""
    channel = tl.program_id(0) * TD + tl.arange(0, TD)
    row = tl.arange(0, P)
    mask = channel < D
    behind = tl.where(row == HALF - 1, 0, tl.minimum(row + 1, P - 1))
    moved = behind[:, None] + tl.zeros((P, TD), tl.int32)
    kept = (row < HALF)[:, None] & mask[None, :]
    places = (2 * row * D)[:, None] + channel[None, :]
    first = tl.load(filters + places, mask=kept, other=0.0).to(tl.float32)
    second = tl.load(filters + D + places, mask=kept, other=0.0).to(tl.float32)
    first_gradient = tl.load(gradient + places, mask=kept, other=0.0).to(tl.float32)
    second_gradient = tl.load(gradient + D + places, mask=kept, other=0.0).to(tl.float32)
    for back in range(HALF):
        step = HALF - 1 - back
        total = tl.sum(first_gradient * second - second_gradient * first, axis=0)
        tl.store(out + step * D + channel, total.to(out.dtype.element_ty), mask=mask)
        angle = tl.load(angles + step * D + channel, mask=mask, other=0.0).to(tl.float32)
        sine, cosine = tl.sin(angle)[None, :], tl.cos(angle)[None, :]
        even = sine * first + cosine * second
        first = cosine * first - sine * second
        second = tl.gather(even, moved, 0)
        even = sine * first_gradient + cosine * second_gradient
        first_gradient = cosine * first_gradient - sine * second_gradient
        second_gradient = tl.gather(even, moved, 0)
