"""The library in your own loop, without Lightning and Hydra: digits, pixel by pixel, in half a minute.

python examples/digits.py --amp --compile
torchrun --nproc-per-node 2 examples/digits.py     # DDP
"""

import argparse
import os
from collections.abc import Sequence

import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from wavspa import Encoder


def main(words: Sequence[str] | None = None) -> float:
    """Train, and print and return the accuracy on scans that were held out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--amp", action="store_true", help="bfloat16 products")
    parser.add_argument("--compile", action="store_true", help="torch.compile each block")
    options = parser.parse_args(words)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if ranks := int(os.environ.get("WORLD_SIZE", 0)):  # set by torchrun
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        device = torch.device(device.type, int(os.environ["LOCAL_RANK"]) * (device.type == "cuda"))
    torch.manual_seed(0)
    pixels, labels = map(torch.as_tensor, load_digits(return_X_y=True))
    order = torch.randperm(len(labels))
    tokens, labels = (pixels.long() + 1)[order].to(device), labels[order].to(device)
    encoder = Encoder(18, 10, max_len=64, dim=32, depth=2, heads=2, mlp_dim=64, wavelet="ada")
    if options.compile:
        for block in encoder.blocks:
            block.compile()
    model = DistributedDataParallel(encoder.to(device)) if ranks else encoder.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    torch.manual_seed(dist.get_rank() if ranks else 0)  # each rank draws its own rows
    for _ in range(options.steps):
        rows = torch.randint(1400, (64,), device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=options.amp):
            logits = model(tokens[rows])
        cross_entropy(logits.float(), labels[rows]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    encoder.eval()
    with torch.no_grad():
        right = encoder(tokens[1400:]).argmax(dim=1) == labels[1400:]
    if not ranks or dist.get_rank() == 0:
        print(f"accuracy {right.float().mean():.3f} on {len(right)} scans")
    if ranks:
        dist.destroy_process_group()
    return float(right.float().mean())


if __name__ == "__main__":
    main()
