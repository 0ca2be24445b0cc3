"""A mode in which operators that make the host wait for a device are errors, also on a CPU."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
# `item()`, `bool()`, `tolist()` of a scalar; and shapes that depend on values.
WAITING = {
    aten._local_scalar_dense,
    aten.nonzero,
    aten.masked_select,
    aten.is_nonzero,
    aten.equal,
    aten._unique2,
    aten.unique_consecutive,
}


class NoWaiting(TorchDispatchMode):
    """Refuses operators whose result the host would wait for."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in WAITING:
            raise AssertionError(f"the host waits for {func}")
        if func.overloadpacket is aten.index and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        ):
            raise AssertionError("the host waits for the shape of what a mask chooses")
        return func(*args, **(kwargs or {}))


def cpu_runs_ahead(monkeypatch: Any) -> None:
    """Treat the CPU as a device that the host does not wait for."""
    always: Callable[..., bool] = lambda device: True  # noqa: E731
    monkeypatch.setattr("wavspa.training.finite.runs_ahead", always)
    monkeypatch.setattr("wavspa.wavelets.primitives._is_readable", lambda x: False)
