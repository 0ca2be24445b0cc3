"""The transform's kernels on a GPU, against plain torch: `python -m benchmarks.gpu_transforms`.

First checks the results against plain torch in float64; if they differ, no figure is printed. Then prints a
table for one level with zero boundary, and with `--sweep` compares the tiles of
`wavspa.wavelets.operators.tiles` with others. Up to twelve processes first compile everything into Triton's
cache.
"""

import importlib.util
import itertools
import os
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple

import torch
from torch import Tensor

if importlib.util.find_spec("pywt") is None:
    # A machine with a GPU may lack it: only families of filters need it, the operators do not.
    sys.modules["pywt"] = types.ModuleType("pywt")

from benchmarks.figures import Figure, compared, here, not_measured, tables
from wavspa.backend import use_backend
from wavspa.wavelets.boundaries import EXTENSIONS
from wavspa.wavelets.operators import (
    analyse_level,
    plain,
    synthesise_level,
    triton_operators,
)
from wavspa.wavelets.operators.tiles import (
    GradientTile,
    Tile,
    gradient_tile,
    level_tile,
    power_of_two,
    synthesis_tile,
    vectors,
)

SHAPES = ((8, 4096, 256), (32, 4096, 512))
SWEPT = SHAPES[0]
TAPS = (16, 40)
DTYPES = (torch.float32, torch.bfloat16)
OPERATORS = ("analysis", "synthesis", "filter_gradient")
PARITY = (2, 1500, 64)
OPERATORS_TABLE = "Operators: one level, zero boundary"
TABLE = "Transform: one level, zero boundary"
OURS, PLAIN, PTWT = "wavspa (Triton)", "plain torch", "ptwt (gradient of the signal alone)"


class Job(NamedTuple):
    """One operator on one kind of input."""

    operator: str
    shape: tuple[int, int, int]
    taps: int
    dtype: torch.dtype
    tile: Tile | GradientTile | None = None
    extension: str = "zero"
    ragged: bool = False


def tensors(job: Job, device: str = "cuda") -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Random x, low, high and filters of a job."""
    (rows, samples, channels), taps = job.shape, job.taps
    bands = EXTENSIONS[job.extension].band_length(samples, taps)
    sizes = ((rows, samples, channels), (rows, bands, channels), (rows, bands, channels))
    x, low, high = (torch.randn(size, device=device).to(job.dtype) for size in sizes)
    return x, low, high, torch.randn(taps, channels, device=device) / taps**0.5


def call(job: Job, library: types.ModuleType = triton_operators) -> Callable[[], object]:
    """The job as a function without arguments."""
    x, low, high, filters = tensors(job)
    rows, samples, _ = job.shape
    lengths = None
    if job.ragged:
        lengths = torch.tensor([max(1, samples - 700 * row) for row in range(rows)], device="cuda")
    rest = (lengths, False)
    wide = {} if job.tile is None else {"tile": job.tile}
    arguments = {
        "analysis": (x, filters, job.extension, low.shape[1], *rest, job.dtype, job.dtype),
        "synthesis": (low, high, filters, job.extension, samples, *rest, job.dtype),
        "filter_gradient": (x, low, high, job.extension, job.taps, *rest, torch.float32),
    }[job.operator]
    return lambda: getattr(library, job.operator)(*arguments, **wide)


def compile_job(job: Job) -> None:
    """Run a job once on few samples: compiled code does not depend on their number."""
    rows, samples, channels = job.shape
    call(job._replace(shape=(min(rows, 2), min(samples, 128), channels)))()


def compile_all(jobs: Sequence[object], compile_one: Callable[[Any], object] = compile_job) -> None:
    """Fill Triton's cache with several processes."""
    start = time.perf_counter()
    workers = min(12, os.cpu_count() or 1, len(jobs))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(compile_one, jobs))
    print(f"compiled {len(jobs)} jobs in {time.perf_counter() - start:.0f} s", flush=True)


def parity_jobs() -> Iterator[Job]:
    """Every extension, ragged; long filters; both dtypes."""
    for operator in OPERATORS:
        for extension in EXTENSIONS:
            yield Job(operator, PARITY, 16, torch.float32, None, extension, ragged=True)
        for dtype in DTYPES:
            yield Job(operator, PARITY, 40, dtype)


def check_parity() -> None:
    """Compare the kernels with plain torch in float64.

    Raises:
        SystemExit: A result differs by more than its dtype's rounding.
    """
    worst = dict.fromkeys(DTYPES, 0.0)
    for job in parity_jobs():
        torch.manual_seed(0)
        ours = call(job)()
        torch.manual_seed(0)
        theirs = reference(job)
        pairs = zip(ours, theirs, strict=True) if isinstance(ours, tuple) else [(ours, theirs)]
        for own, wanted in pairs:
            error = float((own.double() - wanted).norm() / wanted.norm())
            worst[job.dtype] = max(worst[job.dtype], error)
            if not error < (2e-6 if job.dtype == torch.float32 else 4e-3):
                raise SystemExit(
                    f"nothing is measured, because results differ: {job} is off by {error:.1e}"
                )
    print("parity, worst relative error: " + ", ".join(f"{d} {e:.1e}" for d, e in worst.items()))


def reference(job: Job) -> object:
    """The job's result in plain torch in float64, from the same numbers that the kernel gets."""
    x, low, high, filters = (t.double() for t in tensors(job))
    rows, samples, _ = job.shape
    lengths = None
    if job.ragged:
        lengths = torch.tensor([max(1, samples - 700 * row) for row in range(rows)], device="cuda")
    rest, wide = (lengths, False), torch.float64
    if job.operator == "analysis":
        return plain.analysis(x, filters, job.extension, low.shape[1], *rest, wide, wide)
    if job.operator == "synthesis":
        return plain.synthesis(low, high, filters, job.extension, samples, *rest, wide)
    return plain.filter_gradient(x, low, high, job.extension, job.taps, *rest, wide)


def milliseconds(run: Callable[[], object]) -> float:
    """Median time of ``run`` on the device, from a cold cache."""
    from triton.testing import do_bench

    return float(do_bench(run, warmup=10, rep=40, return_mode="median"))


def round_trip(shape: tuple[int, int, int], taps: int, dtype: torch.dtype) -> Callable[[], object]:
    """Analysis, synthesis and the gradients of signal and filters."""
    x = torch.randn(shape, device="cuda", dtype=dtype, requires_grad=True)
    upstream = torch.randn(shape, device="cuda", dtype=dtype)
    filters = torch.randn(taps, shape[2], device="cuda", requires_grad=True)

    def run() -> object:
        y = synthesise_level(*analyse_level(x, filters), filters, shape[1])
        return torch.autograd.grad(y, (x, filters), upstream)

    return run


def replayed(run: Callable[[], object]) -> Callable[[], object]:
    """``run`` as a CUDA graph, without the work of the host."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def host_milliseconds(run: Callable[[], object], times: int = 50) -> float:
    """Time that the host takes to launch ``run``."""
    run()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(times):
        run()
    elapsed = (time.perf_counter() - start) / times * 1e3
    torch.cuda.synchronize()
    return elapsed


def table_jobs() -> list[Job]:
    """The measured operators."""
    return [
        Job(operator, shape, taps, dtype)
        for operator in OPERATORS
        for shape in SHAPES
        for taps in TAPS
        for dtype in DTYPES
    ]


def figures() -> Iterator[Figure]:
    """The operators, then the round trip, with kernels and in plain torch, for every shape."""
    kinds = list(itertools.product(SHAPES, TAPS, DTYPES))
    for shape, taps, dtype in kinds:
        yield from operator_figures(shape, taps, dtype)
    for shape, taps, dtype in kinds:
        yield from trip_figures(shape, taps, dtype)


def operator_figures(
    shape: tuple[int, int, int], taps: int, dtype: torch.dtype
) -> Iterator[Figure]:
    """A copy of x, and each operator."""
    label = f"{list(shape)}, {taps} taps, {str(dtype)[6:]}"
    x = torch.randn(shape, device="cuda").to(dtype)
    other = torch.empty_like(x)
    copied = milliseconds(lambda: other.copy_(x))
    yield Figure(OPERATORS_TABLE, f"copy of x, {label}", PLAIN, copied)
    for operator in OPERATORS:
        job = Job(operator, shape, taps, dtype)
        times = {OURS: milliseconds(call(job)), PLAIN: milliseconds(call(job, plain))}
        case = f"{operator.replace('_', ' ')}, {label}"
        yield from compared(OPERATORS_TABLE, case, seconds(times), PLAIN)


def trip_times(trip: Callable[[], object]) -> dict[str, float]:
    """Milliseconds of a round trip with kernels, as a graph, only on the host, and in plain torch."""
    times = {
        OURS: milliseconds(trip),
        f"{OURS}, as a CUDA graph": milliseconds(replayed(trip)),
        f"{OURS}, the host alone": host_milliseconds(trip),
    }
    with use_backend("torch"):
        times[PLAIN] = milliseconds(trip)
    return times


def trip_figures(shape: tuple[int, int, int], taps: int, dtype: torch.dtype) -> Iterator[Figure]:
    """A round trip of one level with all gradients."""
    case = f"there and back with gradients, {list(shape)}, {taps} taps, {str(dtype)[6:]}"
    trip = round_trip(shape, taps, dtype)
    times = trip_times(trip)
    has_peer = importlib.util.find_spec("ptwt") is not None
    if has_peer and dtype == torch.float32:
        times[PTWT] = milliseconds(by_ptwt(shape, taps))
    yield from compared(TABLE, case, seconds(times), PLAIN)
    if not has_peer and dtype == torch.float32:
        yield not_measured(TABLE, case, PTWT, "ptwt is not installed")


def by_ptwt(shape: tuple[int, int, int], taps: int) -> Callable[[], object]:
    """A round trip in ptwt, with the gradient of the signal."""
    import ptwt
    import pywt

    x = torch.randn(shape, device="cuda", requires_grad=True)
    upstream, wavelet = torch.randn(shape, device="cuda"), pywt.Wavelet(f"db{taps // 2}")

    def run() -> object:
        bands = ptwt.wavedec(x, wavelet, mode="zero", level=1, axis=1)
        return torch.autograd.grad(ptwt.waverec(bands, wavelet, axis=1), x, upstream)

    return run


def seconds(times: dict[str, float]) -> dict[str, float]:
    """Milliseconds in seconds."""
    return {name: ms / 1e3 for name, ms in times.items()}


def level_tiles(dtype: torch.dtype) -> Iterator[Tile]:
    """Tiles of analysis and synthesis that are worth trying."""
    itemsize = dtype.itemsize
    for steps, rows, channels, warps, unroll in (
        (4, 1, 64, 4, 8),
        (4, 1, 64, 4, 16),
        (2, 1, 64, 4, 8),
        (2, 2, 64, 4, 8),
        (8, 1, 64, 4, 8),
        (4, 1, 128, 4, 8),
        (4, 1, 32, 4, 8),
        (4, 1, 64, 2, 8),
        (4, 1, 64, 8, 8),
        (4, 2, 64, 4, 4),
        (2, 1, 128, 4, 8),
        (2, 1, 64, 4, 16),
    ):
        yield Tile(rows * vectors(warps, itemsize) // channels, steps, channels, warps, unroll)


def gradient_tiles(taps: int, dtype: torch.dtype) -> Iterator[GradientTile]:
    """Tiles of the filters' gradient that are worth trying."""
    itemsize = dtype.itemsize
    for block, steps, channels, warps in (
        (8, 2, 16, 16),
        (8, 4, 16, 8),
        (4, 4, 16, 16),
        (4, 2, 16, 16),
        (5, 4, 16, 16),
        (10, 4, 16, 8),
        (4, 4, 32, 16),
        (4, 2, 32, 8),
    ):
        blocks = power_of_two(-(-taps // block))
        strips = max(vectors(warps, itemsize) // channels, blocks)
        yield GradientTile(strips, steps, channels, warps, blocks, -(-taps // blocks))


def sweep_jobs() -> Iterator[Job]:
    """All tiles on the smaller shape, starting with those of the table."""
    for dtype in DTYPES:
        for taps in TAPS:
            channels, itemsize = SWEPT[2], dtype.itemsize
            own = {
                "analysis": level_tile(channels, itemsize),
                "synthesis": synthesis_tile(channels, itemsize),
                "filter_gradient": gradient_tile(channels, taps, itemsize),
            }
            for operator in OPERATORS:
                others = (
                    gradient_tiles(taps, dtype)
                    if operator == "filter_gradient"
                    else level_tiles(dtype)
                )
                for tile in dict.fromkeys([own[operator], *others]):
                    yield Job(operator, SWEPT, taps, dtype, tile)


def print_sweep(jobs: list[Job]) -> None:
    """Times of all tiles, for each operator from the fastest to the slowest; * marks the table's."""
    times = {job: milliseconds(call(job)) for job in jobs}
    for operator in OPERATORS:
        for taps in TAPS:
            for dtype in DTYPES:
                own = [j for j in jobs if j[0] == operator and j[2] == taps and j[3] == dtype]
                print(f"\n{operator} {list(SWEPT)} {taps} taps {dtype}")
                for job in sorted(own, key=lambda j: times[j]):
                    mark = "*" if job is own[0] else " "
                    print(f" {mark} {times[job]:.4f} {job.tile}", flush=True)


def main() -> None:
    """Check, then print."""
    if not torch.cuda.is_available():
        raise SystemExit("this needs a CUDA device")
    swept = list(sweep_jobs()) if "--sweep" in sys.argv else []
    compile_all([*parity_jobs(), *table_jobs(), *swept])
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    check_parity()
    print_here(figures())
    if swept:
        print_sweep(swept)


def print_here(found: Iterable[Figure]) -> None:
    """Print tables of the figures of this device."""
    device, software = torch.cuda.get_device_name(), [f"torch {torch.__version__}"]
    print("\n".join(tables(here(found, device, software), "##")))


if __name__ == "__main__":
    main()
