"""The cost of a run, measured on a few of its steps."""

import time
from datetime import timedelta
from typing import Any, NamedTuple

import torch
from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything

from wavspa.launching.init.start import start
from wavspa.launching.options.devices import peak_flops
from wavspa.launching.run.build import build, build_run
from wavspa.launching.run.prepare import strip_hydra_node
from wavspa.launching.run.worker import quiet_lightning
from wavspa.training.callbacks.throughput import Throughput
from wavspa.training.device_info import device_name, peak_memory

WARM_UP = 2
MEASURED = 3


class Estimate(NamedTuple):
    """The cost of a run on one of its devices.

    ``flops`` counts multiplications and additions in the matrix products, transforms and attention of a
    training step, None if the model's kind is not known; ``tokens_per_second`` includes pads; ``mfu`` is
    the share of the device's peak that is reached, None if the peak is not known; ``memory`` is a peak in
    bytes, of the GPU or of the process.
    """

    parameters: int
    steps: int
    seconds_per_step: float
    flops: int | None
    tokens_per_second: float | None
    mfu: float | None
    memory: int

    def lines(self) -> list[str]:
        """The estimate as lines of text."""
        whole = timedelta(seconds=round(self.steps * self.seconds_per_step))
        step = [f"{1000 * self.seconds_per_step:.1f} ms (median of {MEASURED})"]
        if self.flops is not None:
            step.append(f"{self.flops / 1e9:.3g} GFLOP")
        if self.tokens_per_second is not None:
            step.append(f"{self.tokens_per_second:,.0f} tokens/s")
        if self.mfu is not None:
            step.append(f"MFU {100 * self.mfu:.1f} %")
        return [
            f"parameters  {self.parameters:,}",
            f"a step      {', '.join(step)}",
            f"all steps   {whole} for {self.steps:,}, without validation and test",
            f"memory      {self.memory / 2**20:,.0f} MiB at most",
        ]


def estimate(config: DictConfig) -> Estimate:
    """Train a few steps on one device, with that device's share of the batch, and write nothing.

    Args:
        config: A validated configuration.

    Raises:
        UserError: The configuration cannot be trained.
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
    measured = meter.throughput
    assert measured is not None
    assert measured.seconds_per_step is not None
    return Estimate(
        parameters=sum(parameter.numel() for parameter in task.parameters()),
        steps=steps,
        seconds_per_step=measured.seconds_per_step,
        flops=measured.flops_per_step,
        tokens_per_second=measured.tokens_per_second,
        mfu=measured.mfu,
        memory=peak_memory(),
    )


def on_one_device(config: DictConfig, steps: int) -> DictConfig:
    """The configuration for a few training steps only, on one device with its share of the batch.

    Args:
        config: The configuration of a run.
        steps: The number of steps.
    """
    config = strip_hydra_node(config)
    data, trainer = config.dataset, config.trainer
    devices = devices_of(trainer)
    data.batch_size //= devices
    if data.get("batch_tokens"):
        data.batch_tokens //= devices
    trainer.devices, trainer.num_nodes, trainer.strategy = 1, 1, "auto"
    trainer.max_steps = steps
    trainer.limit_val_batches = 0
    trainer.profiler, trainer.profile = None, False  # they write files
    return config


def devices_of(trainer: DictConfig) -> int:
    """The number of devices that a ``trainer`` node asks for; one per node if it leaves it to the machine."""
    devices = trainer.devices
    if isinstance(devices, str) and "," in devices:
        devices = devices.strip(",").split(",")
    if isinstance(devices, str):
        devices = int(devices) if devices != "auto" else 1
    named = max(devices, 1) if isinstance(devices, int) else len(devices)
    nodes: int = trainer.num_nodes
    return named * nodes


class _Meter(Callback):
    """Times the last steps and counts the operations and tokens in them."""

    def __init__(self) -> None:
        self.throughput: Throughput | None = None
        self.step = 0
        self.mark = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        model: Any = pl_module.model
        self.throughput = Throughput(model, peak_flops(device_name()))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert self.throughput is not None
        # Batches count from the last warm-up step on: Throughput leaves out the time of its first step.
        if self.step >= WARM_UP - 1:
            self.throughput.add(batch)
        if trainer.global_step == self.step:
            return
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = time.perf_counter()
        if trainer.global_step >= WARM_UP:
            self.throughput.end_step(now - self.mark)
        self.step, self.mark = trainer.global_step, now
