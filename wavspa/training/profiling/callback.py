"""Profiling a few steps of a run: a trace for a viewer, and a table of where their time went."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim import Optimizer
from torch.profiler import ProfilerActivity, profile, supported_activities
from typing_extensions import override

from wavspa import atomic
from wavspa.reporting import print_line
from wavspa.run_folder import layout
from wavspa.training.device_info import device_name
from wavspa.training.profiling.ranges import DATA, OPTIMIZER, VALIDATION, Ranges
from wavspa.training.profiling.shares import read_events, table, time_by_part

STEPS = 5
"""How many steps are recorded where no number is given."""

# Not recorded: they compile and fill caches.
WARM_UP = 5


class ProfileSteps(Callback):
    """Records steps of the first rank with torch's profiler.

    Steps before and after are not affected. In short runs the last steps are recorded.

    Args:
        folder: Where the trace and the table are written.
        steps: How many steps are recorded.
    """

    def __init__(self, folder: Path, steps: int = STEPS) -> None:
        self.folder, self.steps = folder, steps
        self._ranges = Ranges()
        self._first = 0
        self._began = 0.0
        self._profiler: profile | None = None
        self._undo: list[Callable[[], object]] = []
        self._done = False

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        left = trainer.max_steps - trainer.global_step
        self._first = trainer.global_step + max(0, min(WARM_UP, left - self.steps))
        self._done = not trainer.is_global_zero
        self._at_step(trainer, pl_module)

    @override
    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        if self._profiler is not None:
            self._ranges.begin(OPTIMIZER)

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._ranges.end(OPTIMIZER)  # an optimizer that left its step out did not
        self._at_step(trainer, pl_module)

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._profiler is not None:
            self._ranges.begin(VALIDATION)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._ranges.end(VALIDATION)

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._finish(trainer)

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        if self._profiler is not None:
            self._stop()

    def _at_step(self, trainer: Trainer, model: LightningModule) -> None:
        step = trainer.global_step
        if self._profiler is None and not self._done and step >= self._first:
            self._first = step
            self._start(trainer, model)
        elif self._profiler is not None and step >= self._first + self.steps:
            self._finish(trainer)

    def _start(self, trainer: Trainer, model: LightningModule) -> None:
        self._ranges.place(model)
        self._around_transfer(trainer.strategy)
        for optimizer in trainer.optimizers:
            hook = optimizer.register_step_post_hook(lambda *_: self._ranges.end(OPTIMIZER))
            self._undo.append(hook.remove)
        kinds = {ProfilerActivity.CPU, ProfilerActivity.CUDA} & supported_activities()
        self._profiler = profile(activities=kinds)
        _wait()
        self._profiler.start()
        self._began = time.perf_counter()

    def _around_transfer(self, strategy: Any) -> None:
        """Count what brings a batch to the device as data."""
        transfer = strategy.batch_to_device

        def recorded(*args: Any, **options: Any) -> Any:
            self._ranges.begin(DATA)
            try:
                return transfer(*args, **options)
            finally:
                self._ranges.end(DATA)

        strategy.batch_to_device = recorded
        self._undo.append(lambda: vars(strategy).pop("batch_to_device"))

    def _stop(self) -> profile:
        found = self._profiler
        assert found is not None
        self._profiler, self._done = None, True
        self._ranges.remove()
        found.stop()
        while self._undo:
            self._undo.pop()()
        return found

    def _finish(self, trainer: Trainer) -> None:
        if self._profiler is None:
            return
        _wait()
        whole = 1e6 * (time.perf_counter() - self._began)
        steps = trainer.global_step - self._first
        found = self._stop()
        if steps == 0:
            return
        trace = self.folder / layout.PROFILE_TRACE
        found.export_chrome_trace(str(trace))
        events, busy = read_events(found.events())
        lines = [
            f"profile: {steps} {'step' if steps == 1 else 'steps'} of "
            f"{whole / 1000 / steps:.1f} ms on {device_name()}",
            *table(time_by_part(events, busy, whole), steps),
        ]
        atomic.write_text(self.folder / layout.PROFILE_TABLE, "\n".join(lines) + "\n")
        for line in [*lines, f"trace: {trace}"]:
            print_line(line)


def _wait() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
