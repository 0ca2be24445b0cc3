"""Keeping status.json up to date."""

import math
import statistics
import time
from collections import deque
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping
from typing_extensions import override

from wavspa.run_folder.status import Best, update_status
from wavspa.training.device_info import device_name, peak_memory

# A run records its progress between validations as well.
SECONDS_BETWEEN_SIGNS = 10


class StatusFile(Callback):
    """Keeps status.json up to date while a run trains.

    Args:
        folder: The run's folder.
        monitor: Name of the metric whose best value is kept.
        mode: Whether the best value is the highest or the lowest.
    """

    def __init__(self, folder: Path, monitor: str, mode: Literal["min", "max"]) -> None:
        self.folder = folder
        self.monitor = monitor
        self.sign = 1.0 if mode == "max" else -1.0
        self.best: Best | None = None
        self.durations: deque[float] = deque(maxlen=1000)
        self.mark = 0.0
        self.written = 0.0

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.mark = time.perf_counter()
        parameters = sum(p.numel() for p in pl_module.parameters())
        self._write(trainer, parameters=parameters, device=device_name())

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        now = time.perf_counter()
        self.durations.append((now - self.mark) * trainer.accumulate_grad_batches)
        self.mark = now
        if now > self.written + SECONDS_BETWEEN_SIGNS:
            self._write(trainer)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        value = trainer.callback_metrics.get(self.monitor)
        if value is not None and self._better(float(value)):
            self.best = Best(metric=self.monitor, value=float(value), step=trainer.global_step)
        self._write(trainer)
        self.mark = time.perf_counter()

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        early = 0 < trainer.global_step < trainer.max_steps
        self._write(trainer, **({"stopped_early": _why_stopped(trainer)} if early else {}))

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best = state_dict["best"]

    def _better(self, value: float) -> bool:
        if self.best is None:
            return not math.isnan(value)
        return self.sign * value > self.sign * self.best["value"]

    def _write(self, trainer: Trainer, **more: Any) -> None:
        if not trainer.is_global_zero:
            return
        if self.durations:
            more["seconds_per_step"] = statistics.median(self.durations)
        more |= {"step": trainer.global_step, "steps": trainer.max_steps, "best": self.best}
        more["peak_memory"] = peak_memory()
        update_status(self.folder, state="running", **more)
        self.written = time.perf_counter()


def _why_stopped(trainer: Trainer) -> str:
    """Why training ended before its last step; empty where no callback of Lightning's knows."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if not isinstance(callback, EarlyStopping):
            continue
        if callback.wait_count >= callback.patience:
            return f"{callback.monitor} has not improved for {callback.wait_count} validations"
        if callback.stopping_reason_message:
            return callback.stopping_reason_message.removesuffix(" Signaling Trainer to stop.")
    return ""
