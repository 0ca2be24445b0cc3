"""Layers with gradients: `python -m benchmarks.layers`.

A wavelet layer against its own base, and attention with dropout against the same without it: alone, and in a
complete training step of a small encoder on sequences of ListOps' length.
"""

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.measure import alternate, keep_memory, machine
from wavspa import Encoder, WavSpAttention
from wavspa.attention import AttentionOptions, build_attention

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
RATE = 0.1


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


def attend(base: str, dropout: float) -> Callable[[], None]:
    """A forward and backward pass of an attention without its projections, [8, 8, 2000, 64]."""
    module = build_attention(base, 512, 8, AttentionOptions(dropout=dropout)).train()
    q, k, v, upstream = (torch.randn(8, 2000, 8, 64).transpose(1, 2) for _ in range(4))
    inputs = [x.detach().requires_grad_() for x in (q, k, v)]

    def run() -> None:
        torch.autograd.grad(module.attend(*inputs, None), inputs, upstream)

    return run


def training_step(wavelet: str, dropout: float) -> Callable[[], None]:
    """A step of an encoder: batch 8, N = 2,000, 2 blocks of width 512, 8 heads, MLP 1,024, 40 taps."""
    encoder = Encoder(
        20,
        10,
        max_len=2000,
        dim=512,
        depth=2,
        heads=8,
        mlp_dim=1024,
        dropout=0.0,
        attention_dropout=dropout,
        wavelet=wavelet,
        taps=40,
    )
    optimizer = torch.optim.AdamW(encoder.parameters())
    tokens, labels = torch.randint(1, 20, (8, 2000)), torch.randint(10, (8,))

    def run() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(encoder(tokens), labels).backward()
        optimizer.step()

    return run


def print_dropout() -> None:
    """The table of dropout on the attention's probabilities."""
    print("\n| | no dropout | dropout 0.1 | ratio |")
    print("| --- | ---: | ---: | ---: |")
    kinds = {
        "softmax [8, 8, 2000, 64]": lambda rate: attend("softmax", rate),
        "longformer, the same": lambda rate: attend("longformer", rate),
        "step of an encoder, none": lambda rate: training_step("none", rate),
        "step of an encoder, ada": lambda rate: training_step("ada", rate),
    }
    for name, make in kinds.items():
        without, with_dropout = alternate({"0": make(0.0), "1": make(RATE)}, ROUNDS).values()
        print(f"| {name} | {without:.3f} s | {with_dropout:.3f} s | {with_dropout / without:.2f} |")


def main() -> None:
    """Print the tables."""
    keep_memory()
    print(f"forward and backward of one layer, 16 taps, window 512; {machine()}\n")
    print("| shape [B, N, D] | | | ratio |")
    print("| --- | --- | ---: | ---: |")
    for shape in SHAPES:
        seconds = alternate({name: step(shape, o) for name, o in LAYERS.items()}, ROUNDS)
        base = seconds["softmax"]
        for name, value in seconds.items():
            print(f"| {list(shape[:3])} | {name} | {value:.3f} s | {value / base:.2f} |")
    print_dropout()


if __name__ == "__main__":
    main()
