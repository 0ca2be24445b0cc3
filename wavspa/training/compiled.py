"""Compiling the blocks of a model while it trains: ``trainer.compile``."""

import time
from functools import partial
from typing import Any, Literal

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import nn
from typing_extensions import override

from wavspa.errors import UserError
from wavspa.models.block import Block
from wavspa.reporting import report

GRAPHS = "graphs"
Compile = bool | Literal["graphs"]


class CompileBlocks(Callback):
    """Runs the blocks of a model through ``torch.compile`` in training steps.

    All blocks share one program for every length and batch; a few kinds have their own, such as batches
    whose rows are all full, and odd lengths. Parameters, their names and checkpoints stay as they are.
    Validation and all that inspects a model run the blocks uncompiled: hooks would need other programs.

    Args:
        graphs: Record each width once as a CUDA graph, and replay it.
        backend: The compiler, by torch's name.
    """

    def __init__(self, graphs: bool = False, backend: str = "inductor") -> None:
        self.graphs = graphs
        options: dict[str, Any] = {"mode": "reduce-overhead"} if graphs else {}
        self._forward = torch.compile(Block.forward, dynamic=True, backend=backend, **options)
        self._started: float | None = None
        self._reported = False

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if not _blocks_of(pl_module):
            raise UserError("trainer.compile: the model has no block of wavspa to compile")
        device = trainer.strategy.root_device.type
        if self.graphs and device != "cuda":
            raise UserError(
                f"trainer.compile={GRAPHS} needs a CUDA device, and this run is on {device}: set "
                "trainer.compile=true"
            )

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._compile(pl_module)

    @override
    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self.graphs:
            torch.compiler.cudagraph_mark_step_begin()
        if self._started is None:
            self._started = time.perf_counter()

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._started is not None and not self._reported:
            seconds = time.perf_counter() - self._started
            self._reported = True
            if trainer.is_global_zero:
                report(f"compiled: the first step took {seconds:.1f} s")

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._restore(pl_module)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "fit":
            self._compile(pl_module)

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._restore(pl_module)

    def _compile(self, model: nn.Module) -> None:
        for block in _blocks_of(model):
            # On the instance, where neither state_dict nor a parameter's name sees it.
            vars(block)["forward"] = partial(self._forward, block)

    def _restore(self, model: nn.Module) -> None:
        for block in _blocks_of(model):
            vars(block).pop("forward", None)


def _blocks_of(model: nn.Module) -> list[Block]:
    return [module for module in model.modules() if isinstance(module, Block)]
