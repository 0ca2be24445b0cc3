"""The choice of an implementation: ``torch`` (the formula), ``numba`` (CPU) or ``triton`` (GPU).

    from wavspa import backend

    backend.path(x)                       # which implementation runs for such tensors
    with backend.use_backend("torch"):
        ...

The operators of the wavelet transform have all three; lifting and the filters of ``ortho`` have ``torch`` and
``triton``; softmax and longformer attention with dropout on a CPU have ``torch`` and ``numba``. All compute
the same numbers, up to rounding.

- ``auto``: the fastest one that can run.
- ``torch``: only plain torch.
- ``numba``, ``triton``: that one for every call that it supports, however small; plain torch for the others.

Numba supports float32 on a CPU; Triton supports float32, float16 and bfloat16 on CUDA and ROCm, and CPU
tensors if ``TRITON_INTERPRET=1`` was set before the start. Each must be installed.
"""

import contextlib
import importlib.util
import os
from collections.abc import Iterator

import torch
from torch import Tensor

BACKENDS = ("auto", "torch", "numba", "triton")
KERNEL_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
# Below this number of elements ``auto`` does not use Numba: loading it takes longer than it saves.
FEWEST_FOR_NUMBA = 2**18

# Constants, because torch.compile cannot trace these checks.
HAS_NUMBA = importlib.util.find_spec("numba") is not None
HAS_TRITON = importlib.util.find_spec("triton") is not None
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"

_chosen = "auto"


def backend() -> str:
    """The current choice, one of :data:`BACKENDS`."""
    return _chosen


def set_backend(name: str) -> None:
    """Choose one of :data:`BACKENDS` for this process.

    Raises:
        ValueError: The name is unknown, or its package is not installed.
    """
    global _chosen
    if name not in BACKENDS:
        raise ValueError(f"backend={name!r} is unknown; choose one of {', '.join(BACKENDS)}")
    if (name == "numba" and not HAS_NUMBA) or (name == "triton" and not HAS_TRITON):
        raise ValueError(f"backend={name!r} needs {name}: pip install {name}")
    _chosen = name


@contextlib.contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Choose one of :data:`BACKENDS` for a ``with`` block."""
    before = backend()
    set_backend(name)
    try:
        yield
    finally:
        set_backend(before)


def path(*tensors: Tensor) -> str:
    """The implementation used for such tensors, if it exists: ``torch``, ``numba`` or ``triton``."""
    if runs_triton(*tensors):
        return "triton"
    return "numba" if runs_numba(*tensors) else "torch"


def runs_triton(*tensors: Tensor) -> bool:
    """Whether Triton's kernels run for such signals and bands."""
    return (
        _chosen in ("auto", "triton")
        and all(tensor.dtype in KERNEL_DTYPES for tensor in tensors)
        and (tensors[0].is_cuda or (INTERPRETED and tensors[0].device.type == "cpu"))
        and HAS_TRITON
    )


def runs_numba(*tensors: Tensor, work: int | None = None) -> bool:
    """Whether Numba's loops run for such tensors.

    Args:
        tensors: All tensors of the call.
        work: Number of elements that the call processes; None: that of the first tensor.
    """
    if not HAS_NUMBA or _chosen not in ("auto", "numba"):
        return False
    if any(t.device.type != "cpu" or t.dtype != torch.float32 for t in tensors):
        return False
    elements = tensors[0].numel() if work is None else work
    return _chosen == "numba" or elements >= FEWEST_FOR_NUMBA
