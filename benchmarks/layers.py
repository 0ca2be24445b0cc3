"""A wavelet layer against its own base, with gradients: `python -m benchmarks.layers`."""

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.measure import alternate, keep_memory, machine
from wavspa import WavSpAttention

LAYERS: dict[str, dict[str, Any]] = {
    "softmax": {"wavelet": "none"},
    "softmax, 3 levels": {"level": 3},
    "softmax on cA_3, longformer on cD": {
        "level": 3,
        "attention": ["softmax", "longformer", "longformer", "longformer"],
    },
}
SHAPES = [(8, 2000, 128, 4), (8, 2000, 512, 8), (2, 4096, 256, 4), (1, 16384, 128, 4)]
ROUNDS = 5


def step(shape: tuple[int, int, int, int], options: dict[str, Any]) -> Callable[[], None]:
    """A forward and backward pass of one layer."""
    batch, length, dim, heads = shape
    layer = WavSpAttention(dim, heads, taps=16, max_len=length, **options)
    x = torch.randn(batch, length, dim, requires_grad=True)
    upstream = torch.randn(batch, length, dim)

    def run() -> None:
        layer.zero_grad()
        layer(x).backward(upstream)

    return run


def main() -> None:
    """Print the table."""
    keep_memory()
    print(f"forward and backward of one layer, 16 taps, window 512; {machine()}")
    for shape in SHAPES:
        seconds = alternate({name: step(shape, o) for name, o in LAYERS.items()}, ROUNDS)
        base = seconds["softmax"]
        for name, value in seconds.items():
            print(f"{list(shape[:3])!s:16} {name:34} {value:6.3f} s  {value / base:.2f} x")


if __name__ == "__main__":
    main()
