"""How many kernels a GPU would be asked for, counted on a CPU: what torch dispatches, and our own.

Each operation that is neither a view nor an allocation is one launch. The transforms' kernels are counted
where they are launched and do not run: what they would write stays what memory held.
"""

import contextlib
from collections import Counter
from importlib import import_module

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FREE = {
    "_unsafe_view",
    "alias",
    "detach",
    "empty",
    "empty_like",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
    "promote_types",
}
MODULES = (
    "wavspa.wavelets.operators.triton_operators",
    "wavspa.wavelets.operators.lifting.triton_steps",
    "wavspa.wavelets.operators.lattice.triton_operators",
)


class Launches(TorchDispatchMode):
    """Counts, by name, what is dispatched inside a ``with``."""

    def __init__(self):
        super().__init__()
        self.names = Counter()

    @property
    def total(self):
        return sum(self.names.values())

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.namespace == "wavspa":
            # Look inside: an operator of ours is as many launches as it makes.
            with self:
                return implementation(function)(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        if not function.is_view and name not in FREE:
            self.names[name] += 1
        return function(*args, **(kwargs or {}))


def implementation(function):
    """What the kernels' side of an operator runs."""
    name = function.overloadpacket.__name__
    rooms = {"lifting": "lifting.", "lattice": "lattice."}
    room = rooms.get(name.partition("_")[0], "")
    module = import_module(f"wavspa.wavelets.operators.{room}triton_operators")
    return getattr(module, name.removeprefix("lifting_"))


@contextlib.contextmanager
def counted(monkeypatch):
    """A :class:`Launches`, with the transforms as on a GPU."""
    launches = Launches()

    def launch(kernel, programs, tensors, strides, sizes, constants, warps):
        # A GPU hands constants over by place where a kernel ran before.
        given = len(tensors) + len(strides) + len(sizes)
        assert kernel.arg_names[given:] == list(constants)
        launches.names[kernel.fn.__name__] += 1

    with monkeypatch.context() as patch:
        patch.setattr(import_module("wavspa.wavelets.operators.backend"), "INTERPRETED", True)
        for module in MODULES:
            patch.setattr(import_module(module), "launch", launch)
        with launches:
            yield launches


def layer_launches(monkeypatch, layer, x, lengths=None):
    """Launches of a forward and backward pass of ``layer`` under autocast."""
    x = x.detach().requires_grad_()
    with counted(monkeypatch) as launches:
        with torch.autocast("cpu", torch.bfloat16):
            y = layer(x, lengths)
        y.backward(torch.ones_like(y))
    return launches
