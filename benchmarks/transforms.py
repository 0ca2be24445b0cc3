"""Our transform against ptwt (with gradients) and PyWavelets (forward): `python -m benchmarks.transforms`.

Ours has another filter in every channel and differentiates by it; the peers have one filter for
all channels, and ptwt's gradient is of the signal alone. Ours runs by Numba's loops and by plain torch.
"""

import ptwt
import pywt
import torch

from benchmarks.measure import alternate, keep_memory, machine
from wavspa import wavedec, waverec
from wavspa.backend import use_backend
from wavspa.wavelets import daubechies_taps

BATCH, LENGTH, DIM = 8, 4096, 256
ROUNDS = 9


def round_trip(taps: int) -> dict[str, float]:
    """Seconds of analysis, synthesis and all gradients, one level, zero boundary."""
    x = torch.randn(BATCH, LENGTH, DIM, requires_grad=True)
    upstream = torch.randn(BATCH, LENGTH, DIM)
    filters = daubechies_taps(taps).float()[:, None].repeat(1, DIM).requires_grad_()
    wavelet = pywt.Wavelet(f"db{taps // 2}")

    def ours(backend: str) -> tuple[torch.Tensor, ...]:
        with use_backend(backend):
            y = waverec(wavedec(x, filters, 1), filters, LENGTH)
            return y, *torch.autograd.grad(y, (x, filters), upstream)

    def theirs() -> None:
        y = ptwt.waverec(ptwt.wavedec(x, wavelet, mode="zero", level=1, axis=1), wavelet, axis=1)
        torch.autograd.grad(y, x, upstream)

    ptwt_result = ptwt.waverec(
        ptwt.wavedec(x, wavelet, mode="zero", level=1, axis=1), wavelet, axis=1
    )
    by_numba, by_torch = ours("numba"), ours("torch")
    assert torch.allclose(by_numba[0], ptwt_result, atol=1e-4), "no speed while parity is red"
    for a, b in zip(by_numba, by_torch, strict=True):
        assert (a - b).norm() <= 1e-5 * b.norm(), "no speed while parity is red"
    contestants = {
        "wavspa": lambda: ours("numba"),
        "wavspa, plain torch": lambda: ours("torch"),
        "ptwt": theirs,
    }
    return alternate(contestants, ROUNDS)


def forward(taps: int) -> dict[str, float]:
    """Seconds of analysis and synthesis without gradients."""
    x = torch.randn(BATCH, LENGTH, DIM)
    array = x.numpy()
    filters = daubechies_taps(taps).float()[:, None].repeat(1, DIM)
    wavelet = pywt.Wavelet(f"db{taps // 2}")

    @torch.no_grad()
    def ours() -> torch.Tensor:
        return waverec(wavedec(x, filters, 1), filters, LENGTH)

    def theirs() -> object:
        return pywt.waverec(
            pywt.wavedec(array, wavelet, mode="zero", level=1, axis=1), wavelet, mode="zero", axis=1
        )

    assert torch.allclose(ours(), torch.tensor(theirs()), atol=1e-4), "no speed while parity is red"
    return alternate({"wavspa": ours, "PyWavelets": theirs}, ROUNDS)


def main() -> None:
    """Print the table."""
    keep_memory()
    print(f"[{BATCH}, {LENGTH}, {DIM}], one level, zero boundary; {machine()}\n")
    print("| | wavspa | others | times as long |")
    print("| --- | ---: | ---: | ---: |")
    for what, measure in (("round trip with gradients", round_trip), ("forward", forward)):
        for taps in (16, 40):
            seconds = measure(taps)
            own = seconds.pop("wavspa")
            for peer, other in seconds.items():
                print(
                    f"| {what}, {taps} taps | {own * 1e3:.1f} ms "
                    f"| {peer} {other * 1e3:.1f} ms | {other / own:.2f} |"
                )


if __name__ == "__main__":
    main()
