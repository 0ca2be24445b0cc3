"""The class that a model predicts for each example, collected while a split is evaluated."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.hooks import RemovableHandle
from typing_extensions import override


class Predictions(Callback):
    """Keeps a classifier's predictions in the last validation or test.

    It listens to the task's forward pass, so that nothing is computed twice. Tasks without ``classes``
    leave it empty. With several ranks each keeps its own share.

    Args:
        keep_logits: Keep the logits as well.
    """

    def __init__(self, keep_logits: bool = False) -> None:
        self._keep_logits = keep_logits
        self._all_logits: list[Tensor] = []
        self._handles: list[RemovableHandle] = []
        self._logits = torch.empty(0)
        self._batches: list[tuple[Tensor, Tensor, Tensor]] = []

    @property
    def predicted(self) -> Tensor:
        """The predicted class of each example, int64 [n]."""
        return torch.cat([predicted for predicted, _, _ in self._batches])

    @property
    def labels(self) -> Tensor:
        """The true class of each example, int64 [n]."""
        return torch.cat([labels for _, labels, _ in self._batches])

    @property
    def logits(self) -> Tensor:
        """The logits of each example, float32 or float64 [n, C], if they are kept."""
        return torch.cat(self._all_logits)

    @property
    def lengths(self) -> Tensor:
        """The tokens of each example (of a pair: of the longer text), int64 [n]."""
        return torch.cat([lengths for _, _, lengths in self._batches])

    def __bool__(self) -> bool:
        return bool(self._batches)

    def confusion(self, classes: int) -> Tensor:
        """Examples of each true class (rows) by predicted class (columns), int64 [classes, classes]."""
        pairs = torch.bincount(self.labels * classes + self.predicted, minlength=classes**2)
        return pairs.view(classes, classes)

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._listen(pl_module)

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._listen(pl_module)

    @override
    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        self._keep(batch)

    @override
    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        self._keep(batch)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._look_away()

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._look_away()

    def _listen(self, pl_module: LightningModule) -> None:
        self._batches, self._all_logits = [], []
        if hasattr(pl_module, "classes"):
            self._handles.append(pl_module.register_forward_hook(self._hear))

    def _hear(self, module: Any, inputs: Any, output: Any) -> None:
        # With several ranks Lightning sends the complete step, which returns None, through forward.
        if isinstance(output, Tensor):
            self._logits = output

    def _keep(self, batch: Any) -> None:
        if not self._handles:
            return
        sides = ("",) if hasattr(batch, "lengths") else ("1", "2")
        lengths = torch.stack([lengths_of(batch, side) for side in sides]).amax(dim=0)
        predicted = self._logits.argmax(dim=-1)
        if self._keep_logits:
            logits = self._logits.detach()
            exact = logits if logits.dtype == torch.float64 else logits.float()
            self._all_logits.append(exact.cpu())
        self._batches.append((predicted.cpu(), batch.labels.cpu(), lengths.cpu()))

    def _look_away(self) -> None:
        while self._handles:
            self._handles.pop().remove()


def lengths_of(batch: Any, side: str) -> Tensor:
    """The tokens of each row, also where a batch of full rows came without."""
    tokens, lengths = (getattr(batch, f"{name}{side}") for name in ("tokens", "lengths"))
    if lengths is None:
        lengths = torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
    assert isinstance(lengths, Tensor)
    return lengths
