"""The progress of a training run: a bar in a terminal, a line at each validation elsewhere."""

import sys
import time
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from typing_extensions import override

from wavspa.reporting import report


def progress(monitor: str) -> Callback:
    """The progress callback that suits standard error: a terminal or a file.

    Args:
        monitor: The metric that the lines name.
    """
    return ProgressBar(monitor) if sys.stderr.isatty() else ProgressLines(monitor)


class ProgressBar(Callback):
    """A bar over all steps of the run (Lightning's own bars count one epoch)."""

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.speed:.1f} steps/s"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task("training", start=False)

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero:
            self.bar.start()
            self.bar.update(self.task, total=trainer.max_steps, completed=trainer.global_step)
            self.bar.start_task(self.task)

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.bar.update(self.task, completed=trainer.global_step)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.monitor in trainer.callback_metrics:
            value = float(trainer.callback_metrics[self.monitor])
            self.bar.update(self.task, description=f"{self.monitor} {value:.4f}")

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.bar.stop()


class ProgressLines(Callback):
    """One line on standard error at each validation: step, metric, rate and time left."""

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.started = 0.0
        self.first_step = 0

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.started = time.perf_counter()
        self.first_step = trainer.global_step

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero or trainer.state.fn != "fit":
            return
        step, total = trainer.global_step, trainer.max_steps
        steps = step - self.first_step
        seconds = time.perf_counter() - self.started
        rate = steps / seconds if seconds else 0.0
        line = f"step {step}/{total}"
        if self.monitor in trainer.callback_metrics:
            line += f"  {self.monitor} {float(trainer.callback_metrics[self.monitor]):.4f}"
        if rate:
            line += f"  {rate:.1f} steps/s  {_clock((total - step) / rate)} left"
        report(line)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
