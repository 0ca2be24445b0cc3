"""Lifting's and the lattice's kernels on a GPU, against plain torch: `python -m benchmarks.gpu_lifting`.

First checks values and all gradients against plain torch in float64; if they differ, no figure is printed.
Then times one level in milliseconds. The kernels of layers of 1 and 3 levels in bfloat16 are among them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.figures import Figure, compared

# Imported first, since it replaces PyWavelets if that is missing.
from benchmarks.gpu_transforms import PLAIN, print_here, seconds, trip_times
from wavspa.backend import use_backend
from wavspa.wavelets.operators.lattice import filters_of_angles
from wavspa.wavelets.operators.lifting import lift_level, unlift_level

TABLE = "Lifting and the lattice, with all gradients"
CHANNELS = 256
ROWS, SAMPLES, SHORTER = 2, 1501, 723
SHAPES = ((8, 4096, CHANNELS), (16, 4096, CHANNELS))
HALF, FULL = torch.bfloat16, torch.float32
TOLERANCES = {FULL: 5e-6, HALF: 2e-2}


class Job(NamedTuple):
    """One level: dtypes of the signal, of the approximation and of the detail."""

    x: torch.dtype
    smooth: torch.dtype
    detail: torch.dtype
    taps: int = 16
    ragged: bool = True
    # The lattice instead of a level of lifting: the dtypes do not matter.
    lattice: bool = False


# The levels of a layer in bfloat16: the only one, then the first, middle and last of three; then float32.
JOBS = [
    Job(HALF, HALF, HALF),
    Job(HALF, FULL, HALF),
    Job(FULL, FULL, HALF),
    Job(FULL, HALF, HALF),
    Job(FULL, FULL, FULL),
    Job(FULL, FULL, FULL, taps=40),
    Job(FULL, FULL, FULL, lattice=True),
    Job(FULL, FULL, FULL, taps=40, lattice=True),
]


def tensors(job: Job, samples: int) -> list[Tensor]:
    """Random signal, bands and filters of a job, or angles."""
    torch.manual_seed(0)
    if job.lattice:
        return [torch.randn(job.taps // 2, CHANNELS, device="cuda") * 3]
    bands = (ROWS, (samples + 1) // 2, CHANNELS)
    x = torch.randn(ROWS, samples, CHANNELS, device="cuda").to(job.x)
    smooth, detail = (torch.randn(bands, device="cuda").to(d) for d in (job.smooth, job.detail))
    filters = [torch.randn(job.taps, CHANNELS, device="cuda") / job.taps**0.5 for _ in range(2)]
    return [x, smooth, detail, *filters]


def results(job: Job, given: Sequence[Tensor]) -> list[Tensor]:
    """All outputs of the operators for ``given``, and all gradients."""
    given = [tensor.detach().requires_grad_() for tensor in given]
    if job.lattice:
        outputs: tuple[Tensor, ...] = (filters_of_angles(given[0]),)
    else:
        x, smooth, detail, *filters = given
        lengths = None
        if job.ragged:
            lengths = torch.tensor([x.shape[1], max(1, x.shape[1] - SHORTER)], device="cuda")
        wide = torch.float64 if x.dtype == torch.float64 else None
        dtypes = {"smooth_dtype": wide or job.smooth, "detail_dtype": wide or job.detail}
        bands = lift_level(x, *filters, lengths, **dtypes)
        y = unlift_level(smooth, detail, *filters, x.shape[1], lengths, dtype=wide or job.x)
        outputs = (*bands, y)
    torch.manual_seed(1)
    upstream = [torch.randn(o.shape, device="cuda").to(o.dtype) for o in outputs]
    return [*outputs, *torch.autograd.grad(outputs, given, upstream)]


def check_parity() -> None:
    """Compare the kernels with plain torch in float64.

    Raises:
        SystemExit: A result differs by more than its dtype's rounding.
    """
    worst = dict.fromkeys(TOLERANCES, 0.0)
    for job in JOBS:
        given = tensors(job, SAMPLES)
        ours = results(job, given)
        with use_backend("torch"):
            theirs = results(job, [tensor.double() for tensor in given])
        narrow = HALF if HALF in job[:3] else FULL
        for own, wanted in zip(ours, theirs, strict=True):
            error = float((own.detach().double() - wanted).norm() / wanted.norm())
            worst[narrow] = max(worst[narrow], error)
            if not error < TOLERANCES[narrow]:
                raise SystemExit(
                    f"nothing is measured, because results differ: {job} is off by {error:.1e}"
                )
    print("parity, worst relative error: " + ", ".join(f"{d} {e:.1e}" for d, e in worst.items()))


def round_trip(shape: tuple[int, int, int], dtype: torch.dtype) -> Callable[[], object]:
    """Analysis, synthesis and the gradients of signal and filters, on full rows."""
    x = torch.randn(shape, device="cuda", dtype=dtype, requires_grad=True)
    upstream = torch.randn(shape, device="cuda", dtype=dtype)
    filters = [(torch.randn(16, shape[2], device="cuda") / 4).requires_grad_() for _ in range(2)]

    def run() -> object:
        y = unlift_level(*lift_level(x, *filters), *filters, shape[1])
        return torch.autograd.grad(y, (x, *filters), upstream)

    return run


def lattice(taps: int) -> Callable[[], object]:
    """Filters from angles, and the angles' gradient."""
    angles = torch.randn(taps // 2, CHANNELS, device="cuda", requires_grad=True)
    upstream = torch.randn(taps, CHANNELS, device="cuda")
    return lambda: torch.autograd.grad(filters_of_angles(angles), angles, upstream)


def figures() -> Iterator[Figure]:
    """Round trips with all gradients: kernels, kernels as a graph, time on the host, plain torch."""
    trips = {
        f"lifting {list(shape)}, {str(dtype)[6:]}": round_trip(shape, dtype)
        for shape in SHAPES
        for dtype in (FULL, HALF)
    }
    for name, run in {**trips, **{f"lattice, {n} taps": lattice(n) for n in (16, 40)}}.items():
        yield from compared(TABLE, name, seconds(trip_times(run)), PLAIN)


def main() -> None:
    """Check, then print."""
    if not torch.cuda.is_available():
        raise SystemExit("this needs a CUDA device")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    check_parity()
    print_here(figures())


if __name__ == "__main__":
    main()
