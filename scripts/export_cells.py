"""Exports each of the 20 cells as safetensors, a program and ONNX, and compares logits with the model's.

    python scripts/export_cells.py

Two layers, two levels, rows of 1 to 160 tokens, batches of 1 and 4. Prints the largest difference between
logits in torch.export and in onnxruntime. Takes minutes; needs the extra onnx.
"""

import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from wavspa import Encoder
from wavspa.attention import BASES
from wavspa.exports.graph_files import write_onnx, write_program
from wavspa.exports.trace import trace

MODES = ("none", "ada", "ortho", "lift")
LONGEST = 160


def main() -> None:
    """Run the program."""
    print(
        f"| torch.export / ONNX | {' | '.join(MODES)} |",
        "| --- |" + " ---: |" * len(MODES),
        sep="\n",
    )
    for base in BASES:
        print(f"| {base} |", " | ".join(differences(base, mode) for mode in MODES), "|", flush=True)


def differences(base: str, mode: str) -> str:
    """The largest differences of a cell; raises if an export cannot be written or does not agree."""
    torch.manual_seed(0)
    model = make(base, mode)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_file(model.state_dict(), folder / "model.safetensors")
        again = make(base, mode)
        again.load_state_dict(load_file(folder / "model.safetensors"))
        graph = trace(again, LONGEST)
        found = [
            write(graph, folder)["largest_difference"] for write in (write_program, write_onnx)
        ]
    tokens, lengths = torch.randint(1, 300, (4, 77)), torch.tensor([77, 1, 40, 76])
    if not torch.equal(model(tokens, lengths), again(tokens, lengths)):
        raise SystemExit(f"{base}, {mode}: logits from safetensors differ")
    return " / ".join(f"{difference:.0e}" for difference in found)


def make(base: str, mode: str) -> Encoder:
    """A small classifier with random weights."""
    sizes = {"dim": 32, "depth": 2, "heads": 4, "mlp_dim": 32, "taps": 8, "level": 2}
    layer = {"attention": base, "wavelet": mode, "window": 16, "rank": 16}
    return Encoder(300, 10, max_len=LONGEST, **sizes, **layer).eval()


if __name__ == "__main__":
    main()
