"""The first examples of a test with the model's answers, kept while the test runs."""

from typing import Any, NamedTuple

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.hooks import RemovableHandle
from typing_extensions import override

from wavspa.training.callbacks.predictions import lengths_of


class FirstRow(NamedTuple):
    """An example: its ``inputs``, one or the two of a pair, without pads; its label; the task's output."""

    inputs: tuple[np.ndarray, ...]
    label: np.ndarray
    output: np.ndarray


class FirstRows(Callback):
    """Keeps the first rows of the last test, in their order.

    It listens to the task's forward pass, so that nothing is computed twice.

    Args:
        most: How many rows are kept.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.rows: list[FirstRow] = []
        self._handle: RemovableHandle | None = None
        self._output: Any = None

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.rows = []
        self._handle = pl_module.register_forward_hook(self._hear)

    @override
    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        missing = self.most - len(self.rows)
        if missing <= 0 or not isinstance(self._output, Tensor) or not hasattr(batch, "labels"):
            return
        output = self._output.detach()[:missing]
        exact = output if output.dtype == torch.float64 else output.float()
        sides = [_rows(batch, side, missing) for side in (("",) if _is_single(batch) else "12")]
        labels = batch.labels[:missing].cpu().numpy()
        self.rows += map(FirstRow, zip(*sides, strict=True), labels, exact.cpu().numpy())

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._handle is not None:
            self._handle.remove()
        self._output = None

    def _hear(self, module: Any, inputs: Any, output: Any) -> None:
        self._output = output


def _is_single(batch: Any) -> bool:
    return hasattr(batch, "tokens")


def _rows(batch: Any, side: str, most: int) -> list[np.ndarray]:
    tokens, lengths = getattr(batch, f"tokens{side}")[:most], lengths_of(batch, side)[:most]
    return [
        row[:length].cpu().numpy() for row, length in zip(tokens, lengths.tolist(), strict=True)
    ]
