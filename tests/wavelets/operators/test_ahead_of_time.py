"""The kernels compiled without a GPU: for each target, and what their assembly says of their speed."""

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
from wavspa.wavelets.boundaries import EXTENSIONS
from wavspa.wavelets.operators.tiles import gradient_tile, level_tile, synthesis_tile

pytestmark = [
    pytest.mark.slow,
    needs_triton,
    pytest.mark.skipif(INTERPRETED, reason="the interpreter compiles nothing"),
]


def constants_of(taps, extension, tile):
    return {
        "D": CHANNELS,
        "TAPS": taps,
        "BEFORE": EXTENSIONS[extension].left_extension(taps),
        "EXTENSION": extension,
        "MIRROR": False,
        "RAGGED": True,
        "G": tile.strips,
        "T": tile.steps,
        "TD": tile.channels,
    }


def level(name, dtype, taps, target=HOPPER, extension="zero"):
    from wavspa.wavelets.operators.triton_analysis import analysis_kernel
    from wavspa.wavelets.operators.triton_synthesis import synthesis_kernel

    kernel, tile_of = {
        "analysis": (analysis_kernel, level_tile),
        "synthesis": (synthesis_kernel, synthesis_tile),
    }[name]
    tile = tile_of(CHANNELS, BYTES[dtype])
    constants = constants_of(taps, extension, tile) | {"UNROLL": tile.unroll}
    return tile, compiled(kernel, dtype, target, tile.warps, **constants)


def gradient(dtype, taps, target=HOPPER, extension="zero"):
    from wavspa.wavelets.operators.triton_filter_gradient import filter_gradient_kernel

    tile = gradient_tile(CHANNELS, taps, BYTES[dtype])
    constants = constants_of(taps, extension, tile)
    constants |= {"COUNT": tile.taps, "BLOCKS": tile.blocks}
    return tile, compiled(filter_gradient_kernel, dtype, target, tile.warps, **constants)


@pytest.mark.parametrize("name", ["analysis", "synthesis"])
@pytest.mark.parametrize(("dtype", "taps"), [("fp32", 16), ("bf16", 16), ("fp32", 40)])
def test_levels_move_16_bytes_at_a_time(name, dtype, taps, tmp_path):
    tile, program = level(name, dtype, taps)
    ptx = program.asm["ptx"]
    assert stack_bytes(program, tmp_path) == 0
    loads, stores = accesses(ptx, "ld"), accesses(ptx, "st")
    assert set(loads) == {"ld.global.v4.b32"}
    assert set(stores) == {"st.global.v4.b32"}
    # Blocks of taps inside a row, and a block of 4 at its ends: each thread loads what it reads and
    # each tap once, however often it uses them. Vectors of a thread and position: 1.
    blocks = [b for b in (tile.unroll * (taps >= tile.unroll), taps % tile.unroll) if b]
    inside = sum(block_loads(name, tile.steps, block, dtype, taps) for block in blocks)
    assert len(loads) == inside + block_loads(name, tile.steps, 4, dtype, taps)


def block_loads(name, steps, block, dtype, taps):
    """16-byte loads of ``steps`` coefficients, or pairs of samples, from ``block`` of ``taps`` taps."""
    of_taps = 2 * block * (4 // BYTES[dtype])
    if name == "analysis":
        # Both passes read the same taps, which one block of all of them loads once.
        return 2 * steps + block - 2 + of_taps // (1 + (block == taps))
    return 2 * (steps + block // 2 - 1) + of_taps


@pytest.mark.parametrize(("dtype", "taps"), [("fp32", 16), ("bf16", 16), ("fp32", 40)])
def test_filter_gradient_moves_16_bytes_at_a_time(dtype, taps, tmp_path):
    tile, program = gradient(dtype, taps)
    ptx = program.asm["ptx"]
    assert stack_bytes(program, tmp_path) == 0
    loads = accesses(ptx, "ld")
    assert set(loads) == {"ld.global.v4.b32"}
    # A step inside a row and one at its ends: samples once for a block of taps, coefficients once.
    step = 2 * tile.steps + tile.taps - 2 + 2 * tile.steps
    assert len(loads) == 2 * step


@pytest.mark.parametrize(
    ("target", "extension"),
    [(AMPERE, "upstream"), (MI300, "reflect"), (HOPPER, "periodic"), (HOPPER, "wrap")],
    ids=lambda value: value if isinstance(value, str) else str(value[1]),
)
def test_every_target_and_extension(target, extension):
    binary = "cubin" if target[0] == "cuda" else "hsaco"
    for name in ("analysis", "synthesis"):
        assert level(name, "bf16", 4, target, extension)[1].asm[binary]
    assert gradient("bf16", 4, target, extension)[1].asm[binary]
