"""Our transform against ptwt (with gradients) and PyWavelets (forward): `python -m benchmarks.transforms`.

Ours has a filter of its own in every channel and differentiates by it; the peers have one filter for
all channels, and ptwt's gradient is of the signal alone.
"""

import ptwt
import pywt
import torch

from benchmarks.measure import alternate, keep_memory, machine
from wavspa import wavedec, waverec
from wavspa.wavelets import daubechies_taps

BATCH, LENGTH, DIM = 8, 4096, 256
ROUNDS = 9


def round_trip(taps: int) -> dict[str, float]:
    """Seconds of analysis, synthesis and all gradients, one level, zero boundary."""
    x = torch.randn(BATCH, LENGTH, DIM, requires_grad=True)
    upstream = torch.randn(BATCH, LENGTH, DIM)
    filters = daubechies_taps(taps).float()[:, None].repeat(1, DIM).requires_grad_()
    wavelet = pywt.Wavelet(f"db{taps // 2}")

    def ours() -> None:
        y = waverec(wavedec(x, filters, 1), filters, LENGTH)
        torch.autograd.grad(y, (x, filters), upstream)

    def theirs() -> None:
        y = ptwt.waverec(ptwt.wavedec(x, wavelet, mode="zero", level=1, axis=1), wavelet, axis=1)
        torch.autograd.grad(y, x, upstream)

    ptwt_result = ptwt.waverec(
        ptwt.wavedec(x, wavelet, mode="zero", level=1, axis=1), wavelet, axis=1
    )
    our_result = waverec(wavedec(x, filters, 1), filters, LENGTH)
    assert torch.allclose(our_result, ptwt_result, atol=1e-4), "no speed while parity is red"
    return alternate({"wavspa": ours, "ptwt": theirs}, ROUNDS)


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
    print(f"[{BATCH}, {LENGTH}, {DIM}], one level, zero boundary; {machine()}")
    for what, measure in (("round trip with gradients", round_trip), ("forward", forward)):
        for taps in (16, 40):
            seconds = measure(taps)
            (_, own), (peer, other) = seconds.items()
            print(
                f"{what:26} {taps} taps: wavspa {own * 1e3:6.1f} ms, {peer} {other * 1e3:6.1f} ms, "
                f"{other / own:.2f} x"
            )


if __name__ == "__main__":
    main()
