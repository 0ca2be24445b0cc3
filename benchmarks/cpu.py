"""All figures of a CPU, to benchmarks/results: `make bench`, or `python -m benchmarks.cpu`.

Takes under six minutes on two idle cores. If a result is wrong, nothing is measured and the exit code is 1.
"""

from importlib.metadata import version

import torch

from benchmarks import layers, page, transforms
from benchmarks.figures import here, not_measured, processor
from benchmarks.measure import keep_memory

PARTS = (transforms, layers)
JAX = not_measured(
    "A training step against upstream's",
    "ListOps, batch 8, N = 2,000, 2 blocks of width 512, 8 heads, MLP 1,024, 40 taps",
    "upstream, JAX 0.4.13",
    "it needs a separate environment",
)


def main() -> None:
    """Compare, measure, write."""
    keep_memory()
    for part in PARTS:
        part.check_parity()
    figures = [figure for part in PARTS for figure in part.figures()]
    software = [f"torch {torch.__version__}"]
    software += [f"{name} {version(name)}" for name in ("numba", "ptwt", "PyWavelets")]
    measured = here([*figures, JAX], processor(), [*software, "float32"])
    page.publish(measured)


if __name__ == "__main__":
    main()
