"""A callback that notes when each training batch begins."""

import time
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class Clock(Callback):
    """Writes the seconds of each step to a file, a line a step, when training ends.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.times: list[float] = []

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note the time."""
        self.times.append(time.perf_counter())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the differences."""
        steps = (b - a for a, b in zip(self.times, self.times[1:], strict=False))
        self.path.write_text("".join(f"{seconds}\n" for seconds in steps))
