"""Evaluating weights other than those that are trained, and keeping both in checkpoints."""

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from typing_extensions import override

# Of a checkpoint: the weights that training resumes from, where ``state_dict`` holds those to evaluate.
TRAINED = "trained_weights"


class EvaluatedWeights(Callback):
    """Evaluates weights other than those that are trained.

    They are in the model during each validation, and as its weights in each checkpoint: what reads
    ``best.ckpt`` finds what was evaluated. The trained ones are restored bit-identically.

    A subclass has :meth:`evaluated`. In a trainer it comes after all that looks at the weights after a
    validation, and before what writes checkpoints.
    """

    def __init__(self) -> None:
        self._trained: dict[str, Tensor] | None = None

    def evaluated(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Tensor] | None:
        """The weights to evaluate, by the names of the module's parameters; None: the trained ones."""
        raise NotImplementedError

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn != "fit":
            return
        weights = self.evaluated(trainer, pl_module)
        if weights is not None:
            self._trained = copies(pl_module)
            load(pl_module, weights)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._trained is not None:
            load(pl_module, self._trained)
            self._trained = None

    @override
    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        weights = self.evaluated(trainer, pl_module)
        if weights is not None:
            trained = checkpoint["state_dict"]
            checkpoint[TRAINED] = {name: trained[name] for name in weights}
            checkpoint["state_dict"] = {**trained, **weights}

    @override
    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        # The module has now taken ``state_dict``.
        if self.is_in(checkpoint):
            load(pl_module, checkpoint[TRAINED])

    @staticmethod
    def is_in(checkpoint: Mapping[str, Any]) -> bool:
        """Whether a checkpoint holds weights other than those that were trained."""
        return TRAINED in checkpoint


class ScheduleFreeWeights(EvaluatedWeights):
    """Evaluates the average that a schedule-free optimizer keeps; with another optimizer it does nothing."""

    @override
    def evaluated(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Tensor] | None:
        optimizer: Any = trainer.optimizers[0] if trainer.optimizers else None
        if not hasattr(optimizer, "eval"):
            return None
        trained = copies(pl_module)
        optimizer.eval()
        average = copies(pl_module)
        # Its own inverse rounds: a run that was saved more often would end elsewhere.
        optimizer.train()
        load(pl_module, trained)
        return average


def copies(module: LightningModule) -> dict[str, Tensor]:
    """Copies of a module's parameters by name."""
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def load(module: LightningModule, weights: Mapping[str, Tensor]) -> None:
    """Copy weights into the parameters of these names."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name in weights:
                parameter.copy_(weights[name])
