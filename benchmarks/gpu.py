"""All figures of a CUDA device, to benchmarks/results: `make bench-gpu`, or `python -m benchmarks.gpu`.

In a copy of the code without git, pass the commit as an argument. Takes under five minutes. If a result is
wrong, nothing is measured and the exit code is 1.
"""

import importlib.util
import sys

import torch

from benchmarks import gpu_layers, gpu_lifting, gpu_transforms, page
from benchmarks.figures import here

PARTS = (gpu_transforms, gpu_lifting, gpu_layers)


def main() -> None:
    """Compare, measure, write."""
    if not torch.cuda.is_available():
        raise SystemExit("this needs a CUDA device")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    gpu_transforms.compile_all([*gpu_transforms.parity_jobs(), *gpu_transforms.table_jobs()])
    for part in PARTS:
        part.check_parity()
    figures = [figure for part in PARTS for figure in part.figures()]
    software = [f"torch {torch.__version__}"]
    for name in ("triton", "ptwt"):
        if importlib.util.find_spec(name):
            software.append(f"{name} {importlib.import_module(name).__version__}")
    measured = here(figures, torch.cuda.get_device_name(), [*software, "TF32 off"], *sys.argv[1:2])
    page.publish(measured)


if __name__ == "__main__":
    main()
