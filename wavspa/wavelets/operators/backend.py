"""Which implementation runs: Triton's kernels where they can, plain torch everywhere else.

    with use_backend("plain"):
        ...

Triton runs on CUDA and ROCm tensors of float32, float16 and bfloat16 if it is installed, and on a
CPU's tensors if ``TRITON_INTERPRET=1`` was set at the start.
"""

import contextlib
import importlib.util
import os
from collections.abc import Iterator

import torch
from torch import Tensor

BACKENDS = ("auto", "plain")
KERNEL_DTYPES = (torch.float32, torch.float16, torch.bfloat16)

# Constants, because torch.compile can look into neither.
HAS_TRITON = importlib.util.find_spec("triton") is not None
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"

_chosen = "auto"


def backend() -> str:
    """The choice in force: ``auto`` (Triton where it runs) or ``plain``."""
    return _chosen


def set_backend(name: str) -> None:
    """Choose ``auto`` or ``plain`` for the whole process.

    Raises:
        ValueError: another name.
    """
    global _chosen
    if name not in BACKENDS:
        raise ValueError(f"backend {name!r} is unknown; choose one of {', '.join(BACKENDS)}")
    _chosen = name


@contextlib.contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Choose ``auto`` or ``plain`` inside a ``with``."""
    before = backend()
    set_backend(name)
    try:
        yield
    finally:
        set_backend(before)


def runs_triton(*tensors: Tensor) -> bool:
    """Whether the kernels run for signals and bands such as these."""
    return (
        _chosen == "auto"
        and all(tensor.dtype in KERNEL_DTYPES for tensor in tensors)
        and (tensors[0].is_cuda or (INTERPRETED and tensors[0].device.type == "cpu"))
        and HAS_TRITON
    )
