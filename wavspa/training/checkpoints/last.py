"""The checkpoint that a run resumes from, and when it is written."""

import signal
import time
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from typing_extensions import override

from wavspa.errors import RunInterrupted, RunPruned
from wavspa.run_folder import layout
from wavspa.run_folder.replaced import remove_replaced
from wavspa.training.stop_signals import StopRequest

# Between validations as well, a run checks whether a search has pruned it.
SECONDS_BETWEEN_LOOKS = 1.0


class LastCheckpoint(Checkpoint):
    """Writes ``last.ckpt`` where a run can be resumed exactly, and ends the run there if asked to.

    That is after a step, or after the validation that follows it: never inside a step, and never
    between a step and its validation, which the resumed run would leave out.

    Args:
        folder: The run's folder.
        stop: Returns whether the run was asked to end.
        every_steps: Steps between writes; None: only at validations.
        every_minutes: Minutes between writes; None: not by time.
    """

    def __init__(
        self,
        folder: Path,
        stop: StopRequest,
        every_steps: int | None = None,
        every_minutes: float | None = None,
    ) -> None:
        if every_steps is not None and every_steps < 1:
            raise ValueError(f"every_steps must be at least 1 or null, got {every_steps}")
        if every_minutes is not None and every_minutes <= 0:
            raise ValueError(f"every_minutes must be above 0 or null, got {every_minutes}")
        self.folder = folder
        self.path = layout.last_checkpoint(folder)
        self.prune = folder / layout.PRUNE
        self.every_steps = every_steps
        self.every_seconds = None if every_minutes is None else 60 * every_minutes
        self.stop = stop
        self.stopped_early = False
        self.written = 0.0
        self.looked = 0.0

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.stop.remember()
        self.written = time.monotonic()
        trainer.should_stop = self.stopped_early

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(trainer.val_check_batch, int)
        batches = batch_idx + 1
        stepped = batches % trainer.accumulate_grad_batches == 0
        validates = batches % trainer.val_check_batch == 0 or trainer.should_stop
        if stepped and not validates:
            every = self.every_steps or trainer.max_steps
            self._write_or_stop(trainer, due=trainer.global_step % every == 0)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "fit":
            self._write_or_stop(trainer, due=True)

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"stopped_early": self.stopped_early}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.stopped_early = state_dict["stopped_early"]

    def _write_or_stop(self, trainer: Trainer, due: bool) -> None:
        now = time.monotonic()
        clock = self.every_seconds is not None and now > self.written + self.every_seconds
        prune = False
        if trainer.is_global_zero and (due or now > self.looked + SECONDS_BETWEEN_LOOKS):
            prune = self.prune.exists()
            self.looked = now
        number, clock, prune = self._any_rank(trainer, self.stop.signal, clock, prune)
        if not (due or clock or number or prune):
            return
        self.stopped_early = trainer.should_stop
        trainer.save_checkpoint(self.path)
        if trainer.is_global_zero:
            remove_replaced(self.folder)
        self.written = time.monotonic()
        if prune and trainer.global_step < trainer.max_steps:
            raise RunPruned(f"given up by a search at step {trainer.global_step}")
        if number:
            name = signal.Signals(number).name
            raise RunInterrupted(
                f"{name} at step {trainer.global_step}: saved; the same command resumes from there",
                number,
            )

    def _any_rank(
        self, trainer: Trainer, number: int, clock: bool, prune: bool
    ) -> tuple[int, bool, bool]:
        """What any of the ranks was asked, so that all do the same."""
        if trainer.world_size == 1:
            return number, clock, prune
        asked = torch.tensor([number, clock, prune], device=trainer.strategy.root_device)
        asked = trainer.strategy.reduce(asked, reduce_op="max")
        return int(asked[0]), bool(asked[1]), bool(asked[2])
