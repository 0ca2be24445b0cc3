"""The kernels of lifting and of the lattice compiled without a GPU, and what their assembly says."""

import pytest

from support.compiled_kernels import (
    AMPERE,
    BYTES,
    CHANNELS,
    HOPPER,
    MI300,
    accesses,
    compiled,
    stack_bytes,
)
from support.kernel_checks import INTERPRETED, needs_triton
from wavspa.wavelets.operators.tiles import (
    LATTICE_CHANNELS,
    lattice_warps,
    lifting_gradient_tile,
    lifting_tile,
    power_of_two,
)

pytestmark = [
    pytest.mark.slow,
    needs_triton,
    pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing"),
]

KINDS = [("fp32", 16), ("bf16", 16), ("fp32", 40)]
EDGE_TAPS = 4


def step(dtype, taps, target=HOPPER):
    """The predict step of an analysis."""
    from wavspa.wavelets.operators.lifting.triton_step import step_kernel

    tile = lifting_tile(CHANNELS, BYTES[dtype])
    lie = {"BASE_STEP": 2 * CHANNELS, "SOURCE_STEP": 2 * CHANNELS, "OUT_STEP": CHANNELS}
    constants = {"TAPS": taps, "BASE_ODD": True, "OUT_ODD": False, "SCALE": -0.5}
    return tile, compiled(step_kernel, dtype, target, tile.warps, **lie, **constants, **of(tile))


def turn(dtype, taps, target=HOPPER):
    """The middle of an analysis' gradient: back by one step, on to the next."""
    from wavspa.wavelets.operators.lifting.triton_slope import slope_kernel

    tile = lifting_tile(CHANNELS, BYTES[dtype])
    lie = {"BASE_STEP": CHANNELS, "SOURCE_STEP": 2 * CHANNELS, "OUT_STEP": 2 * CHANNELS}
    constants = {"SLOPE_TAPS": taps, "SOURCE_TAPS": taps, "BASE_ODD": False, "OUT_ODD": True}
    constants |= {"SCALE": -0.5, "BACK": True, "NEXT": True}
    return tile, compiled(slope_kernel, dtype, target, tile.warps, **lie, **constants, **of(tile))


def filter_sums(dtype, taps, target=HOPPER):
    from wavspa.wavelets.operators.lifting.triton_filter_sums import filter_sums_kernel

    tile = lifting_gradient_tile(CHANNELS, taps, BYTES[dtype])
    constants = of(tile) | {"FIRST_STEP": 2 * CHANNELS, "SECOND_STEP": CHANNELS}
    constants |= {"FIRST_TAPS": taps, "SECOND_TAPS": taps}
    constants |= {"COUNT": tile.taps, "BLOCKS": tile.blocks}
    return tile, compiled(filter_sums_kernel, dtype, target, tile.warps, **constants)


def lattice(name, half, target):
    from wavspa.wavelets.operators.lattice import triton_lattice

    rows = power_of_two(half)
    constants = {"D": CHANNELS, "HALF": half, "P": rows, "TD": LATTICE_CHANNELS}
    return compiled(getattr(triton_lattice, name), "fp32", target, lattice_warps(rows), **constants)


def of(tile):
    constants = {"D": CHANNELS, "G": tile.strips, "T": tile.steps, "TD": tile.channels}
    constants["RAGGED"] = True
    return constants | ({"UNROLL": tile.unroll} if hasattr(tile, "unroll") else {})


def correlation_loads(tile, taps, vectors, width):
    """16-byte loads of a correlation: each sample of a strip once a block of taps, each tap once.

    ``vectors``: of a thread's channels in the source; ``width``: in the float32 filters.
    """
    blocks = [b for b in (tile.unroll * (taps >= tile.unroll), taps % tile.unroll) if b]
    return sum((tile.steps + block - 1) * vectors + block * width for block in blocks)


@pytest.mark.parametrize(("dtype", "taps"), KINDS)
def test_a_step_moves_16_bytes_at_a_time(dtype, taps, tmp_path):
    tile, program = step(dtype, taps)
    ptx = program.asm["ptx"]
    assert stack_bytes(program, tmp_path) == 0
    loads = accesses(ptx, "ld")
    assert set(loads) == {"ld.global.v4.b32"}
    assert set(accesses(ptx, "st")) == {"st.global.v4.b32"}
    width = 4 // BYTES[dtype]
    wanted = correlation_loads(tile, taps, 1, width) + correlation_loads(tile, EDGE_TAPS, 1, width)
    assert len(loads) == wanted + 2 * tile.steps


@pytest.mark.parametrize(("dtype", "taps"), KINDS)
def test_a_gradient_moves_16_bytes_at_a_time(dtype, taps, tmp_path):
    tile, program = turn(dtype, taps)
    ptx = program.asm["ptx"]
    assert stack_bytes(program, tmp_path) == 0
    loads = accesses(ptx, "ld")
    assert set(loads) == {"ld.global.v4.b32"}
    assert set(accesses(ptx, "st")) == {"st.global.v4.b32"}
    width = 4 // BYTES[dtype]
    # Slopes are float32, the source is what it is.
    wanted = sum(
        correlation_loads(tile, own, vectors, width)
        for own in (taps, EDGE_TAPS)
        for vectors in (width, 1)
    )
    assert len(loads) == wanted + 2 * tile.steps


@pytest.mark.parametrize(("dtype", "taps"), KINDS)
def test_filter_sums_move_16_bytes_at_a_time(dtype, taps, tmp_path):
    tile, program = filter_sums(dtype, taps)
    assert stack_bytes(program, tmp_path) == 0
    loads = accesses(program.asm["ptx"], "ld")
    assert set(loads) == {"ld.global.v4.b32"}
    # Of both filters, a step inside a row and one at its end: samples once for a block of taps, slopes once.
    width = 4 // BYTES[dtype]
    assert len(loads) == 4 * (tile.steps + tile.taps - 1 + tile.steps * width)


@pytest.mark.parametrize("target", [AMPERE, MI300], ids=lambda target: str(target[1]))
def test_every_target(target):
    binary = "cubin" if target[0] == "cuda" else "hsaco"
    for kernel in (step, turn, filter_sums):
        assert kernel("bf16", 5, target)[1].asm[binary]


@pytest.mark.parametrize("half", [8, 38])
@pytest.mark.parametrize("target", [AMPERE, HOPPER, MI300], ids=lambda target: str(target[1]))
def test_the_lattice_on_every_target(target, half):
    binary = "cubin" if target[0] == "cuda" else "hsaco"
    for name in ("lattice_kernel", "lattice_gradient_kernel"):
        assert lattice(name, half, target).asm[binary]


def test_the_table_has_tiles_for_every_filter_and_width():
    for taps in (1, 2, 3, 7, 16, 40, 76):
        for channels in (1, 3, 64, 100, 768):
            for itemsize in (2, 4):
                tile = lifting_gradient_tile(channels, taps, itemsize)
                assert tile.blocks * tile.taps >= taps
                assert tile.strips >= tile.blocks
