"""Peak memory of a longformer layer over its length: `python -m benchmarks.memory`.

Each length runs in its own process, since the peak memory of a process never falls.
"""

import resource
import subprocess
import sys

import torch

from wavspa import WavSpAttention

LENGTHS = (2048, 4096, 8192, 16384)


def peak(attention: str, length: int) -> float:
    """MiB that one forward and backward pass adds to the process."""
    layer = WavSpAttention(128, 4, attention, wavelet="none", max_len=length)
    x = torch.randn(1, length, 128, requires_grad=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    layer(x).sum().backward()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    """Print a row per length."""
    if len(sys.argv) == 3:
        print(peak(sys.argv[1], int(sys.argv[2])))
        return
    print("peak memory of forward and backward, [1, N, 128], window 512, MiB")
    for length in LENGTHS:
        command = [sys.executable, "-m", "benchmarks.memory", "longformer", str(length)]
        mebibytes = float(subprocess.run(command, capture_output=True, check=True).stdout)
        print(
            f"N = {length:6}: {mebibytes:7.1f} MiB, {mebibytes / length * 1024:.1f} KiB a position"
        )


if __name__ == "__main__":
    main()
