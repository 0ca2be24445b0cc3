"""The cost of a run, from a few steps of it."""

import statistics
import time
from datetime import timedelta
from typing import Any, NamedTuple

import torch
from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from torch.utils.flop_counter import FlopCounterMode

from wavspa.launching.init.start import start
from wavspa.launching.run.build import build, build_run
from wavspa.launching.run.prepare import strip_hydra_node
from wavspa.launching.run.worker import quiet_lightning
from wavspa.training.device_info import peak_memory

WARM_UP = 2
MEASURED = 3


class Estimate(NamedTuple):
    """The cost of a run on one of its devices.

    ``flops`` counts multiplications and additions of the matrix products, convolutions and attention
    of a training step; ``memory`` is a peak in bytes, of the GPU or of the process.
    """

    parameters: int
    steps: int
    seconds_per_step: float
    flops: int
    memory: int

    def lines(self) -> list[str]:
        """It in words."""
        whole = timedelta(seconds=round(self.steps * self.seconds_per_step))
        return [
            f"parameters  {self.parameters:,}",
            f"a step      {1000 * self.seconds_per_step:.1f} ms (median of {MEASURED}), "
            f"{self.flops / 1e9:.3g} GFLOP",
            f"all steps   {whole} for {self.steps:,}, without validation and test",
            f"memory      {self.memory / 2**20:,.0f} MiB at most",
        ]


def estimate(config: DictConfig) -> Estimate:
    """Train a few steps on one device, with that device's share of the batch, and write nothing.

    Args:
        config: A validated configuration.

    Raises:
        UserError: It cannot be trained.
    """
    quiet_lightning()
    steps = config.trainer.max_steps
    config = on_one_device(config, WARM_UP + MEASURED)
    seed_everything(config.seed, workers=True, verbose=False)
    task, data = build_run(config)
    start(config, task)
    meter = _Meter()
    trainer = build(config, "trainer", logger=False, callbacks=[meter], enable_checkpointing=False)
    trainer.fit(task, datamodule=data)
    return Estimate(
        parameters=sum(parameter.numel() for parameter in task.parameters()),
        steps=steps,
        seconds_per_step=statistics.median(meter.seconds),
        flops=meter.flops,
        memory=peak_memory(),
    )


def on_one_device(config: DictConfig, steps: int) -> DictConfig:
    """The configuration of a few training steps alone, on one device with its share of the batch.

    Args:
        config: The configuration of a run.
        steps: How many steps.
    """
    config = strip_hydra_node(config)
    trainer = config.trainer
    if isinstance(trainer.devices, int) and trainer.devices > 0:
        config.dataset.batch_size //= trainer.devices * trainer.num_nodes
    trainer.devices, trainer.num_nodes, trainer.strategy = 1, 1, "auto"
    trainer.max_steps = steps
    trainer.limit_val_batches = 0
    trainer.profiler = None  # it writes a file
    return config


class _Meter(Callback):
    """Counts the operations of the first step and the seconds of the last ones."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.flops = 0
        self.counter = FlopCounterMode(display=False)
        self.mark = 0.0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx == 0:
            self.counter.__enter__()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        batches = trainer.accumulate_grad_batches
        if batch_idx == 0:
            self.counter.__exit__(None, None, None)
            self.flops = batches * self.counter.get_total_flops()
        if (batch_idx + 1) % batches == 0:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            now = time.perf_counter()
            if trainer.global_step > WARM_UP:
                self.seconds.append(now - self.mark)
            self.mark = now
