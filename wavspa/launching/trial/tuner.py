"""A suggested learning rate and the largest batch that fits, by Lightning's tuner."""

import math
import tempfile
from typing import TYPE_CHECKING

from omegaconf import DictConfig
from pytorch_lightning import LightningModule, Trainer, seed_everything
from pytorch_lightning.accelerators import CPUAccelerator
from pytorch_lightning.tuner import Tuner

from wavspa.errors import UserError
from wavspa.launching.init.start import start
from wavspa.launching.run.build import build, build_run
from wavspa.launching.run.worker import quiet_lightning
from wavspa.launching.trial.cost import devices_of, on_one_device

if TYPE_CHECKING:
    from wavspa.data.datamodule import SequenceDataModule

STEPS = 100
LOWEST, HIGHEST = 1e-6, 1.0
TRIED = 3  # steps with each batch size


def find_learning_rate(config: DictConfig) -> float:
    """Train a few steps at rising learning rates, on one device, and write nothing.

    The suggestion is the rate at which the loss fell fastest. All parameters use the same rate; ``filter_lr``
    is ignored. Source: Smith (2017), arXiv:1506.01186.

    Args:
        config: A validated configuration.

    Raises:
        UserError: The loss fell nowhere, so there is nothing to suggest.
    """
    quiet_lightning()
    config = on_one_device(config, STEPS)
    seed_everything(config.seed, workers=True, verbose=False)
    task, data = build_run(config)
    start(config, task)
    with tempfile.TemporaryDirectory() as folder:
        trainer = build(config, "trainer", logger=False, default_root_dir=folder)
        found = Tuner(trainer).lr_find(
            task,
            datamodule=data,
            min_lr=LOWEST,
            max_lr=HIGHEST,
            num_training=STEPS,
            update_attr=False,
        )
    rate = None if found is None else found.suggestion(skip_begin=5, skip_end=1)
    if rate is None or not math.isfinite(rate):
        raise UserError(
            f"find=lr: the loss did not fall at any learning rate from {LOWEST} to {HIGHEST}"
        )
    return rate


def find_batch_size(config: DictConfig) -> int:
    """The largest ``dataset.batch_size`` that fits, found by doubling it on one device.

    Args:
        config: A validated configuration.

    Raises:
        UserError: The run would train on a CPU, where running out of memory ends the process.
    """
    quiet_lightning()
    trainer_node = config.trainer
    config = on_one_device(config, TRIED)
    seed_everything(config.seed, workers=True, verbose=False)
    task, data = build_run(config)
    start(config, task)
    with tempfile.TemporaryDirectory() as folder:
        trainer = build(config, "trainer", logger=False, default_root_dir=folder)
        if isinstance(trainer.accelerator, CPUAccelerator):
            raise UserError(
                "find=batch_size needs a GPU: on a CPU the first batch that does not fit ends the process; "
                "dry_run=true prints the memory of a step"
            )
        return largest_batch(trainer, task, data) * devices_of(trainer_node)


def largest_batch(trainer: Trainer, task: LightningModule, data: "SequenceDataModule") -> int:
    """Double ``data.batch_size`` until a few steps no longer fit in memory, or a batch holds all of train."""
    data.prepare_data()
    data.setup("fit")
    first = data.batch_size
    examples = data.card["splits"]["train"]["examples"]
    trials = max(1, math.ceil(math.log2(examples / first)))
    found = Tuner(trainer).scale_batch_size(
        task, datamodule=data, steps_per_trial=TRIED, init_val=first, max_trials=trials
    )
    assert found is not None
    return found
