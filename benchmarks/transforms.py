"""Our transform against ptwt (with gradients) and PyWavelets (forward): `python -m benchmarks.transforms`.

Ours has its own filter in every channel and computes gradients for it; the peers have one filter for all
channels, and ptwt computes only the gradient of the signal. Ours runs with Numba's loops, in plain torch,
and in compiled plain torch.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import ptwt
import pywt
import torch
from torch import Tensor

from benchmarks.figures import Figure, compared, here, not_measured, processor, tables
from benchmarks.measure import alternate, keep_memory, refuse
from wavspa import wavedec, waverec
from wavspa.backend import use_backend
from wavspa.wavelets import daubechies_taps

BATCH, LENGTH, DIM = 8, 4096, 256
TAPS = (16, 40)
COMPILED_TAPS = TAPS[0]
ROUNDS = 9
TABLE = f"Transform: one level, zero boundary, [{BATCH}, {LENGTH}, {DIM}]"
OURS, PLAIN, COMPILED = "wavspa (Numba)", "wavspa (plain torch)", "wavspa (plain torch, compiled)"
PTWT = "ptwt (gradient of the signal alone)"


class Inputs(NamedTuple):
    """The inputs of a round trip, and the peers' wavelet."""

    x: Tensor
    filters: Tensor
    upstream: Tensor
    wavelet: pywt.Wavelet


@cache
def inputs(taps: int) -> Inputs:
    """The inputs, the same for all contestants."""
    torch.manual_seed(0)
    x, upstream = (torch.randn(BATCH, LENGTH, DIM) for _ in range(2))
    filters = daubechies_taps(taps).float()[:, None].repeat(1, DIM)
    return Inputs(
        x.requires_grad_(), filters.requires_grad_(), upstream, pywt.Wavelet(f"db{taps // 2}")
    )


def there_and_back(x: Tensor, filters: Tensor) -> Tensor:
    """A round trip of one level."""
    return waverec(wavedec(x, filters, 1), filters, LENGTH)


def with_gradients(
    taps: int, backend: str, trip: Callable[[Tensor, Tensor], Tensor] = there_and_back
) -> tuple[Tensor, ...]:
    """Our signal, its gradient and that of the filters."""
    x, filters, upstream, _ = inputs(taps)
    with use_backend(backend):
        y = trip(x, filters)
        return y, *torch.autograd.grad(y, (x, filters), upstream)


def by_ptwt(taps: int) -> tuple[Tensor, Tensor]:
    """The signal of ptwt and its gradient."""
    x, _, upstream, wavelet = inputs(taps)
    bands = ptwt.wavedec(x, wavelet, mode="zero", level=1, axis=1)
    y = ptwt.waverec(bands, wavelet, axis=1)
    return y, torch.autograd.grad(y, x, upstream)[0]


@torch.no_grad()
def forward(taps: int) -> Tensor:
    """Our signal."""
    return there_and_back(inputs(taps).x, inputs(taps).filters)


def by_pywavelets(taps: int) -> object:
    """PyWavelets' signal."""
    x, _, _, wavelet = inputs(taps)
    bands = pywt.wavedec(x.detach().numpy(), wavelet, mode="zero", level=1, axis=1)
    return pywt.waverec(bands, wavelet, mode="zero", axis=1)


def check_parity() -> None:
    """Compare ours with the peers, and its implementations with one another.

    Raises:
        SystemExit: A result differs.
    """
    for taps in TAPS:
        ours, plain, theirs = (
            *(with_gradients(taps, backend) for backend in ("numba", "torch")),
            by_ptwt(taps),
        )
        refuse(f"{taps} taps, Numba and plain torch", zip(ours, plain, strict=True), 1e-5)
        # All our channels have the peers' filter here, so the signal's gradients are equal.
        refuse(f"{taps} taps, ptwt", zip(ours[:2], theirs, strict=True), 1e-4)
        array = torch.as_tensor(by_pywavelets(taps))
        refuse(f"{taps} taps, PyWavelets", [(forward(taps), array)], 1e-4)


def figures() -> Iterator[Figure]:
    """Round trips with all gradients, then without gradients."""
    for taps in TAPS:
        contestants: dict[str, Callable[[], object]] = {
            OURS: partial(with_gradients, taps, "numba"),
            PLAIN: partial(with_gradients, taps, "torch"),
            PTWT: partial(by_ptwt, taps),
        }
        case, why = f"there and back with gradients, {taps} taps", ""
        if taps == COMPILED_TAPS:
            why = add_compiled(contestants)
        yield from compared(TABLE, case, alternate(contestants, ROUNDS), PTWT)
        if why:
            yield not_measured(TABLE, case, COMPILED, why)
    for taps in TAPS:
        seconds = alternate(
            {OURS: partial(forward, taps), "PyWavelets": partial(by_pywavelets, taps)}, ROUNDS
        )
        yield from compared(TABLE, f"there and back, {taps} taps", seconds, "PyWavelets")


def add_compiled(contestants: dict[str, Callable[[], object]]) -> str:
    """Add compiled plain torch to the contestants; return the reason if it cannot run, else nothing."""
    compiled = partial(with_gradients, COMPILED_TAPS, "torch", torch.compile(there_and_back))
    try:
        ours = compiled()
    except Exception as error:  # for example without a C++ compiler; torch has many classes for it
        return str(error).strip().splitlines()[0]
    refuse("compiled", zip(ours, with_gradients(COMPILED_TAPS, "torch"), strict=True), 1e-5)
    contestants[COMPILED] = compiled
    return ""


def main() -> None:
    """Print the table."""
    keep_memory()
    check_parity()
    print("\n".join(tables(here(figures(), processor(), [f"torch {torch.__version__}"]), "##")))


if __name__ == "__main__":
    main()
