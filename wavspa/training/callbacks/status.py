"""The callback that keeps status.json up to date."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping
from typing_extensions import override

from wavspa.run_folder.status import Best, update_status
from wavspa.training.callbacks.throughput import Throughput
from wavspa.training.device_info import device_name, peak_memory
from wavspa.training.loggers.metrics_csv import MetricsCsv

# A run records its progress between validations as well.
SECONDS_BETWEEN_SIGNS = 10
# What loggers get of a run's speed, where it is known.
_CURVES = ("tokens_per_second", "mfu")


class StatusFile(Callback):
    """Keeps status.json up to date while a run trains.

    Args:
        folder: The run's folder.
        monitor: Name of the metric whose best value is kept.
        mode: Whether the best value is the highest or the lowest.
        peak_flops: The peak operations per second of a device of this name, or None.
    """

    def __init__(
        self,
        folder: Path,
        monitor: str,
        mode: Literal["min", "max"],
        peak_flops: Callable[[str], float | None],
    ) -> None:
        self.folder = folder
        self.monitor = monitor
        self.sign = 1.0 if mode == "max" else -1.0
        self.best: Best | None = None
        self.peak_flops = peak_flops
        self.throughput: Throughput | None = None
        self.step = 0
        self.mark: float | None = None
        self.written = 0.0

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.step, self.mark = trainer.global_step, None
        parameters = sum(p.numel() for p in pl_module.parameters())
        device = device_name()
        model: Any = pl_module.model
        self.throughput = Throughput(model, self.peak_flops(device))
        self._write(trainer, parameters=parameters, device=device)

    @override
    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        # Not before: the workers of the data start first.
        if self.mark is None:
            self.mark = time.perf_counter()

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        now = time.perf_counter()
        assert self.throughput is not None
        assert self.mark is not None
        self.throughput.add(batch)
        if trainer.global_step > self.step:
            self.throughput.end_step(now - self.mark)
            self.step, self.mark = trainer.global_step, now
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
        speed = self._speed(trainer)
        known = {name: value for name in _CURVES if (value := speed.get(name)) is not None}
        if known:
            for logger in trainer.loggers:
                # metrics.csv has seconds in each row, and the same rows each time.
                if not isinstance(logger, MetricsCsv):
                    logger.log_metrics(known, step=trainer.global_step - 1)
        more |= speed
        more |= {"step": trainer.global_step, "steps": trainer.max_steps, "best": self.best}
        more["peak_memory"] = peak_memory()
        update_status(self.folder, state="running", **more)
        self.written = time.perf_counter()

    def _speed(self, trainer: Trainer) -> dict[str, float | None]:
        """What is known about the speed of steps: of all devices together, or of one where it is a share."""
        measured = self.throughput
        if measured is None or measured.seconds_per_step is None:
            return {}
        speed = {
            "seconds_per_step": measured.seconds_per_step,
            "first_step_seconds": measured.first_step_seconds,
            "mfu": measured.mfu,
        }
        if measured.tokens_per_second is not None:
            speed["tokens_per_second"] = measured.tokens_per_second * trainer.world_size
        return speed


def _why_stopped(trainer: Trainer) -> str:
    """Why training ended before its last step; empty if no callback of Lightning knows."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if not isinstance(callback, EarlyStopping):
            continue
        if callback.wait_count >= callback.patience:
            return f"{callback.monitor} has not improved for {callback.wait_count} validations"
        if callback.stopping_reason_message:
            return callback.stopping_reason_message.removesuffix(" Signaling Trainer to stop.")
    return ""
