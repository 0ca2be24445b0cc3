"""Trains every attention base in every wavelet mode for one step on XLA and on the CPU, and compares.

    PJRT_DEVICE=CPU python scripts/xla_cells.py [base ...]

It needs torch_xla with its own torch, and thus a separate environment (docs/guide/devices.md). Prints one
line per cell: the loss, and the largest relative difference in loss and updated weights between the devices.
Exit code 1 if a cell fails or differs by more than 1e-3.
"""

import sys

import torch
import torch.nn.functional as F
import torch_xla

from wavspa import Encoder
from wavspa.attention import BASES

MODES = ("none", "ada", "ortho", "lift")
LARGEST_DIFFERENCE = 1e-3
BATCH, LENGTH, VOCABULARY, CLASSES = 2, 40, 16, 10


def step(base: str, mode: str, device: torch.device) -> list[torch.Tensor]:
    """The loss of one SGD step on a fixed batch, and the weights after it, moved to the CPU."""
    torch.manual_seed(0)
    options = {
        "dim": 16,
        "depth": 2,
        "heads": 2,
        "mlp_dim": 32,
        "dropout": 0.0,
        "window": 8,
        "rank": 8,
    }
    encoder = Encoder(
        VOCABULARY,
        classes=CLASSES,
        max_len=LENGTH,
        attention=base,
        wavelet=mode,
        level=2,
        taps=4,
        **options,
    )
    encoder.to(device)
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(VOCABULARY, (BATCH, LENGTH), generator=generator).to(device)
    lengths, labels = torch.tensor([LENGTH, 23]).to(device), torch.tensor([3, 7]).to(device)
    # SGD is linear in the gradient: Adam would turn differences between tiny gradients into large ones.
    optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
    loss = F.cross_entropy(encoder(tokens, lengths), labels)
    loss.backward()
    optimizer.step()
    torch_xla.sync()  # one graph; otherwise each weight that is fetched would compile its own
    return [loss.detach().cpu(), *(p.detach().cpu() for p in encoder.parameters())]


def difference(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    """The largest difference between two lists of tensors, relative to each tensor's largest element."""
    pairs = zip(ours, theirs, strict=True)
    return max(float((a - b).abs().max() / a.abs().max().clamp(min=1e-6)) for a, b in pairs)


def main() -> None:
    """Print a line for each cell."""
    # Before the first backward pass, at which autograd counts the devices.
    xla = torch_xla.device()
    failed = 0
    for base in sys.argv[1:] or BASES:
        for mode in MODES:
            try:
                expected = step(base, mode, torch.device("cpu"))
                found = difference(expected, step(base, mode, xla))
                verdict = "equal" if found < LARGEST_DIFFERENCE else "DIFFERENT"
                line = f"loss {expected[0]:.4f}  difference {found:.1e}  {verdict}"
            except (RuntimeError, NotImplementedError) as error:
                verdict, line = "FAILED", f"FAILED: {str(error).splitlines()[0]}"
            failed += verdict != "equal"
            print(f"{base:<11} {mode:<6} {line}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
