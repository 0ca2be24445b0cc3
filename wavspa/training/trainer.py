"""Lightning's Trainer, built from steps."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.accelerators import (
    Accelerator,
    CPUAccelerator,
    CUDAAccelerator,
    MPSAccelerator,
    XLAAccelerator,
)
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.profilers import (
    AdvancedProfiler,
    Profiler,
    PyTorchProfiler,
    SimpleProfiler,
)
from typing_extensions import override

from wavspa.checks import whole_number
from wavspa.reporting import report
from wavspa.training.compiled import GRAPHS, Compile, CompileBlocks
from wavspa.training.profiling.callback import STEPS, ProfileSteps

PROFILE = "profile"
PROFILERS: dict[str, Callable[..., Profiler]] = {
    "simple": SimpleProfiler,
    "advanced": AdvancedProfiler,
    "pytorch": PyTorchProfiler,
}

# Runs have their own progress bar; the DataModules deal batches out to the ranks themselves.
_FIXED: dict[str, Any] = {
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "use_distributed_sampler": False,
}


def build_trainer(
    max_steps: int,
    val_every: int,
    accumulate_grad_batches: int = 1,
    max_epochs: int | None = None,
    limit_train_batches: float = 1.0,
    overfit_batches: float = 0,
    profiler: str | None = None,
    profile: bool | int = False,
    compile: Compile = False,
    **options: Any,
) -> Trainer:
    """Build a Trainer that counts in optimizer steps and always validates its last one.

    Args:
        max_steps: Steps of the run.
        val_every: Steps from one validation to the next.
        accumulate_grad_batches: Batches per step.
        max_epochs: The number of passes over the train split from which ``max_steps`` was computed, if any.
        limit_train_batches: The number of batches in a pass, or their share of all.
        overfit_batches: The number of batches, or their share of all, to train on repeatedly; 0: all.
        profiler: ``simple``, ``advanced`` or ``pytorch``: the profiler that writes ``fit-profile.txt`` into
            the run's folder.
        profile: Record a few steps, or this number of them, and divide their time among the parts.
        compile: Compile the model's blocks; ``graphs``: also replay them as CUDA graphs.
        **options: Further arguments of Lightning's ``Trainer``.

    Raises:
        ValueError: A number is below 1.
    """
    numbers = {
        "max_steps": max_steps,
        "val_every": val_every,
        "accumulate_grad_batches": accumulate_grad_batches,
    }
    for option, value in numbers.items():
        whole_number(option, value)
    callbacks = [*(options.pop("callbacks", None) or []), LastStepValidates()]
    if compile:
        callbacks.append(CompileBlocks(graphs=compile == GRAPHS))
    if profile:
        folder = Path(options["default_root_dir"])
        callbacks.append(ProfileSteps(folder, STEPS if profile is True else profile))
    if overfit_batches:
        callbacks.append(LimitEpochs(overfit_batches, same=True))
        options.setdefault("limit_val_batches", overfit_batches)
    elif limit_train_batches != 1.0 or isinstance(limit_train_batches, int):
        callbacks.append(LimitEpochs(limit_train_batches))
    if profiler is not None:
        kind, place = PROFILERS[profiler], options.get("default_root_dir")
        options["profiler"] = kind(dirpath=place, filename=PROFILE)
    return Trainer(
        max_steps=max_steps,
        max_epochs=-1,
        val_check_interval=val_every * accumulate_grad_batches,
        check_val_every_n_epoch=None,
        accumulate_grad_batches=accumulate_grad_batches,
        num_sanity_val_steps=0,
        callbacks=callbacks,
        **_FIXED,
        **options,
    )


def evaluation_trainer(config: DictConfig, callbacks: Sequence[Callback] = ()) -> Trainer:
    """Build a Trainer on one device that tests the model of a run with this ``trainer`` configuration.

    One device, because a sampler that shares a split between devices repeats examples to make it even.

    Args:
        config: The frozen ``trainer`` node; its accelerator, precision and determinism are used.
        callbacks: Called while it tests.
    """
    return Trainer(
        accelerator=usable_accelerator(config.accelerator),
        devices=1,
        precision=config.precision,
        deterministic=config.deterministic,
        logger=False,
        enable_checkpointing=False,
        callbacks=list(callbacks),
        # Alone, even if this process was started together with others.
        plugins=[LightningEnvironment()],
        **_FIXED,
    )


def usable_accelerator(name: str) -> str:
    """``name``, or the CPU, with a note, on a machine that has no such device.

    Args:
        name: The accelerator that a run was trained on.
    """
    kinds: dict[str, tuple[type[Accelerator], ...]] = {
        "gpu": (CUDAAccelerator, MPSAccelerator),
        "cuda": (CUDAAccelerator,),
        "mps": (MPSAccelerator,),
        "tpu": (XLAAccelerator,),
    }
    if any(kind.is_available() for kind in kinds.get(name, (CPUAccelerator,))):
        return name
    report(f"note: trainer.accelerator={name}: this machine has none, the CPU is used")
    return "cpu"


class LastStepValidates(Callback):
    """Makes Lightning validate after the last step, even if ``val_every`` does not divide it."""

    @override
    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        if trainer.global_step >= trainer.max_steps:
            trainer.should_stop = True


class LimitEpochs(Callback):
    """Makes a pass over the training batches shorter; Lightning would restart the endless ones.

    Args:
        limit: The number of batches in a pass, or their share of all.
        same: Every pass is the first one.
    """

    def __init__(self, limit: float, same: bool = False) -> None:
        self.limit, self.same = limit, same

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        data.limit_epochs(self.limit, self.same)


class SeedEachBatch(Callback):
    """Seeds torch before each training batch by (seed, batch, rank), so that no state has to be kept.

    Dropout of a batch is then the same whether the run was interrupted before it or not, and
    does not depend on other draws of random numbers in between.

    Args:
        seed: The run's seed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    @override
    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        sequence = np.random.SeedSequence((self.seed, batch_idx, trainer.global_rank))
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))
