"""Layers with gradients: `python -m benchmarks.layers`.

Compares a wavelet layer with its own base, and attention with and without dropout: separately, and in a
complete training step of a small encoder on sequences of ListOps' length.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from benchmarks.figures import Figure, compared, here, processor, tables
from benchmarks.measure import alternate, keep_memory, refuse
from wavspa import Encoder, WavSpAttention
from wavspa.attention import AttentionOptions, build_attention
from wavspa.backend import use_backend

LAYERS: dict[str, dict[str, Any]] = {
    "softmax": {"wavelet": "none"},
    "softmax, 3 levels": {"level": 3},
    "softmax on cA_3, longformer on cD": {
        "level": 3,
        "attention": ["softmax", "longformer", "longformer", "longformer"],
    },
}
SHAPES = [
    (8, 1024, 256, 4),
    (8, 2000, 128, 4),
    (8, 2000, 512, 8),
    (2, 4096, 256, 4),
    (1, 16384, 128, 4),
]
ROUNDS = 5
RATE = 0.1
TABLE = "Layer: forward and backward, 16 taps, window 512"
DROPOUT_TABLE, WITHOUT = (
    "Dropout on the probabilities of attention: forward and backward",
    "no dropout",
)


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


def check_parity() -> None:
    """Compare layers with Numba's loops and in plain torch: values and all gradients.

    Raises:
        SystemExit: A result differs.
    """
    for name, options in LAYERS.items():
        torch.manual_seed(0)
        layer = WavSpAttention(32, 4, taps=16, max_len=1100, **{"wavelet": "ada", **options})
        x, lengths = torch.randn(8, 1100, 32), torch.tensor([1100, 1, 700, 64, 65, 1099, 512, 3])
        found = []
        for backend in ("numba", "torch"):
            with use_backend(backend):
                inputs = [x.requires_grad_(), *layer.parameters()]
                y = layer(x, lengths)
                found.append([y, *torch.autograd.grad(y.square().sum(), inputs)])
        refuse(name, zip(*found, strict=True), 1e-4)


def figures() -> Iterator[Figure]:
    """Layers against their base, then attention with dropout on the probabilities against none."""
    for shape in SHAPES:
        seconds = alternate({name: step(shape, o) for name, o in LAYERS.items()}, ROUNDS)
        yield from compared(TABLE, str(list(shape[:3])), seconds, "softmax")
    kinds = {
        "softmax [8, 8, 2000, 64]": lambda rate: attend("softmax", rate),
        "longformer, the same": lambda rate: attend("longformer", rate),
        "step of an encoder, none": lambda rate: training_step("none", rate),
        "step of an encoder, ada": lambda rate: training_step("ada", rate),
    }
    for name, make in kinds.items():
        seconds = alternate({WITHOUT: make(0.0), f"dropout {RATE}": make(RATE)}, ROUNDS)
        yield from compared(DROPOUT_TABLE, name, seconds, WITHOUT)


def main() -> None:
    """Print the tables."""
    keep_memory()
    check_parity()
    print("\n".join(tables(here(figures(), processor(), [f"torch {torch.__version__}"]), "##")))


if __name__ == "__main__":
    main()
