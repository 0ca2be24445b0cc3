"""Chance as a function of the configuration: what makes a resumed run repeat itself exactly."""

from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class SeedEachBatch(Callback):
    """Seeds torch before each training batch by (seed, batch, rank), so that no state need be kept.

    Dropout of a batch is then the same whether the run came to it in one piece or in several, and
    whatever else drew random numbers in between.

    Args:
        seed: The run's seed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(  # noqa: D102
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        sequence = np.random.SeedSequence((self.seed, batch_idx, trainer.global_rank))
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))
