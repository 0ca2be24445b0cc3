"""Layers in wavelet space against their own base on a GPU: `python -m benchmarks.gpu_layers`.

Forward and backward under bfloat16 autocast, width 256, 4 heads, 16 taps, no lengths; medians.
"""

import torch

from wavspa import WavSpAttention

WIDTH, HEADS, TAPS = 256, 4, 16
SHAPES = ((32, 1024), (16, 4096), (4, 16384))
CELLS = (
    ("softmax", "none", 1),
    ("softmax", "ada", 1),
    ("softmax", "ada", 3),
    ("softmax", "ortho", 3),
    ("softmax", "lift", 3),
    ("linear", "none", 1),
    ("linear", "ada", 1),
    ("performer", "none", 1),
    ("performer", "ada", 1),
)


def milliseconds(base: str, mode: str, level: int, batch: int, length: int) -> float:
    """Median time of a layer's forward and backward pass."""
    from triton.testing import do_bench

    layer = WavSpAttention(WIDTH, HEADS, base, mode, TAPS, level, max_len=length).cuda()
    shape = (batch, length, WIDTH)
    x = torch.randn(shape, device="cuda", dtype=torch.bfloat16, requires_grad=True)
    gradient = torch.randn_like(x)

    def run() -> None:
        with torch.autocast("cuda", torch.bfloat16):
            y = layer(x)
        y.backward(gradient)

    return float(do_bench(run, warmup=10, rep=40, return_mode="median"))


def main() -> None:
    """Print a row for each shape, with the ratio to the base."""
    if not torch.cuda.is_available():
        raise SystemExit("this needs a CUDA device")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, ms, medians")
    for batch, length in SHAPES:
        print(f"[{batch}, {length}, {WIDTH}]")
        plain: dict[str, float] = {}
        for base, mode, level in CELLS:
            measured = milliseconds(base, mode, level, batch, length)
            plain.setdefault(base, measured)
            ratio = measured / plain[base]
            print(f"  {base:10} {mode:6} {level} {measured:8.2f} {ratio:6.2f} x", flush=True)


if __name__ == "__main__":
    main()
