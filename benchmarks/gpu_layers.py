"""Layers on a GPU: with and without lengths, and in wavelet space against their own base.

    python -m benchmarks.gpu_layers

Forward and backward under bfloat16 autocast, width 256, 4 heads, 16 taps, window 512, rank 128; medians.
Parity is checked first: if a row of a ragged batch differs from the row alone, no figure is printed.
"""

from collections.abc import Callable, Iterator

import torch

from benchmarks.figures import Figure, compared

# Imported first, since it replaces PyWavelets if that is missing.
from benchmarks.gpu_transforms import print_here, seconds
from wavspa import WavSpAttention

TABLE = "Layer: forward and backward, bfloat16 autocast, lengths given"
LENGTHS_TABLE = "Lengths given against not: forward and backward of a layer, bfloat16 autocast"
WIDTH, HEADS, TAPS = 256, 4, 16
BASES = ("softmax", "longformer", "linear", "performer", "linformer")
# [batch, length]; all rows but the first are shorter by a few.
LENGTHS_SHAPE = (16, 4096)
COARSE = ["softmax", "longformer", "longformer", "longformer"]
# Mode, levels and attention of the bands, each against softmax alone in the same shape.
SHAPES = ((32, 1024), (16, 4096), (4, 16384), (1, 65536))
Cell = tuple[str, int, str | list[str]]
LEARNED = ("ada", "ortho", "lift")
CELLS: tuple[Cell, ...] = (
    *((mode, level, "softmax") for level in (1, 3) for mode in LEARNED),
    ("ada", 3, COARSE),
)


def build(attention: str | list[str], mode: str, level: int, length: int) -> WavSpAttention:
    """A layer on the GPU."""
    torch.manual_seed(0)
    return WavSpAttention(WIDTH, HEADS, attention, mode, TAPS, level, max_len=length).cuda()


def ragged(batch: int, length: int) -> torch.Tensor:
    """Rows shorter by 0, 5, 10, ... positions, as in a bucket of similar lengths."""
    return length - 5 * torch.arange(batch, device="cuda")


def forward_and_backward(
    layer: WavSpAttention, batch: int, length: int, with_lengths: bool
) -> Callable[[], None]:
    """Both passes under autocast, as a function without arguments."""
    shape = (batch, length, WIDTH)
    x = torch.randn(shape, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    gradient = torch.randn_like(x)
    lengths = ragged(batch, length) if with_lengths else None

    def run() -> None:
        layer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16):
            y = layer(x, lengths)
        y.backward(gradient)

    return run


def milliseconds(layer: WavSpAttention, batch: int, length: int, with_lengths: bool) -> float:
    """Median time of a forward and backward pass."""
    from triton.testing import do_bench

    run = forward_and_backward(layer, batch, length, with_lengths)
    return float(do_bench(run, warmup=10, rep=40, return_mode="median"))


def check_parity() -> None:
    """Refuse to measure wrong results: a row of a ragged batch must equal the row alone.

    Raises:
        SystemExit: A row differs by more than bfloat16 explains.
    """
    x = torch.randn(3, 700, WIDTH, device="cuda")
    lengths = torch.tensor([700, 431, 1], device="cuda")
    cells = [(base, mode, 1) for base in BASES for mode in ("none", "ada")]
    for base, mode, level in [*cells, *(("softmax", mode, 3) for mode in LEARNED)]:
        layer = build(base, mode, level, 700).eval()
        with torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
            together = layer(x, lengths)
            for row, length in enumerate(lengths.tolist()):
                alone = layer(x[row : row + 1, :length])[0]
                error = (together[row, :length] - alone).norm() / alone.norm()
                if not error < 2e-2:
                    raise SystemExit(f"{base}, {mode} {level}: row {row} is off by {error:.3f}")


def figures() -> Iterator[Figure]:
    """Layers with lengths against layers without, then cells against their base."""
    batch, length = LENGTHS_SHAPE
    for base in BASES:
        given_lengths = {}
        for mode in ("none", "ada"):
            layer = build(base, mode, 1, length)
            full, rows = (milliseconds(layer, batch, length, given) for given in (False, True))
            times = {"without lengths": full, "with lengths": rows}
            case = f"{base}, {_cell(mode, 1)}"
            yield from compared(LENGTHS_TABLE, case, seconds(times), "without lengths")
            given_lengths[case] = rows
        case = str([*LENGTHS_SHAPE, WIDTH])
        yield from compared(TABLE, case, seconds(given_lengths), f"{base}, none")
    for shape in SHAPES:
        yield from cells(shape)


def cells(shape: tuple[int, int]) -> Iterator[Figure]:
    """Layers in wavelet space against plain softmax, with lengths."""
    batch, length = shape
    plain = "softmax, none"
    times = {plain: milliseconds(build("softmax", "none", 1, length), batch, length, True)}
    for mode, level, attention in CELLS:
        name = attention if isinstance(attention, str) else "softmax on cA, longformer on cD"
        layer = build(attention, mode, level, length)
        times[f"{name}, {_cell(mode, level)}"] = milliseconds(layer, batch, length, True)
    yield from compared(TABLE, str([batch, length, WIDTH]), seconds(times), plain)


def _cell(mode: str, level: int) -> str:
    return mode if mode == "none" else f"{mode} {level}"


def main() -> None:
    """Check, then print."""
    if not torch.cuda.is_available():
        raise SystemExit("this needs a CUDA device")
    check_parity()
    print_here(figures())


if __name__ == "__main__":
    main()
