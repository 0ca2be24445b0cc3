"""Named ranges around the parts of a model's step, placed by hooks while a profile is taken."""

from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.profiler import record_function
from torch.utils.hooks import RemovableHandle

from wavspa.models.block import Block, Mlp
from wavspa.models.wavelet_attention import WavSpAttention

PREFIX = "wavspa: "
TRANSFORM, ATTENTION, PROJECTIONS, MLP = "transform", "attention", "projections", "MLP"
COMPILED = "compiled blocks"
OPTIMIZER, DATA, VALIDATION = "optimizer", "data", "validation"


class Ranges:
    """Opens and closes nested ranges; a profiler sees them as ``wavspa: PART``."""

    def __init__(self) -> None:
        self._open: list[tuple[str, record_function]] = []
        self._hooks: list[RemovableHandle] = []

    def begin(self, part: str) -> None:
        """Open a range."""
        opened = record_function(PREFIX + part)
        opened.__enter__()
        self._open.append((part, opened))

    def end(self, part: str) -> None:
        """Close the innermost range if it is of ``part``."""
        if self._open and self._open[-1][0] == part:
            self._open.pop()[1].__exit__(None, None, None)

    def place(self, model: nn.Module) -> None:
        """Hook onto the parts of a model until :meth:`remove`.

        Nothing inside a compiled block is touched, because that would make another program.

        Args:
            model: Any model; parts that are not wavspa's have no range.
        """
        for module, part in _parts(model):

            def before(module: nn.Module, inputs: Any, part: str = part) -> None:
                self.begin(part)

            def after(module: nn.Module, inputs: Any, output: Any, part: str = part) -> None:
                self.end(part)

            self._hooks.append(module.register_forward_pre_hook(before))
            self._hooks.append(module.register_forward_hook(after, always_call=True))

    def remove(self) -> None:
        """Remove all hooks, and close open ranges."""
        while self._hooks:
            self._hooks.pop().remove()
        while self._open:
            self.end(self._open[-1][0])


def _parts(module: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """The parts below a module that have a range, by name."""
    if isinstance(module, Block) and "forward" in vars(module):  # CompileBlocks put it there
        yield module, COMPILED
        return
    if isinstance(module, WavSpAttention):
        yield module, TRANSFORM  # everything except attention
        for attention in module.attentions:
            yield attention, ATTENTION
            dense = (p for p in attention.children() if isinstance(p, nn.Linear))
            yield from ((projection, PROJECTIONS) for projection in dense)
    elif isinstance(module, Mlp):
        yield module, MLP
    for child in module.children():
        yield from _parts(child)
