"""A learning rate to begin with, by Lightning's range test."""

import math
import tempfile

from omegaconf import DictConfig
from pytorch_lightning import seed_everything
from pytorch_lightning.tuner import Tuner

from wavspa.errors import UserError
from wavspa.launching.build import build, build_run
from wavspa.launching.estimate import on_one_device
from wavspa.launching.worker import quiet_lightning

STEPS = 100
LOWEST, HIGHEST = 1e-6, 1.0


def find_learning_rate(config: DictConfig) -> float:
    """Train a few steps at rising learning rates, on one device, and write nothing.

    The suggestion is the rate at which the loss fell fastest, for all parameters alike (``filter_lr`` has
    no part in it). Source: Smith (2017), arXiv:1506.01186.

    Args:
        config: A validated configuration.

    Raises:
        UserError: The loss fell nowhere, so there is nothing to suggest.
    """
    quiet_lightning()
    config = on_one_device(config, STEPS)
    seed_everything(config.seed, workers=True, verbose=False)
    task, data = build_run(config)
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
        raise UserError(f"find=lr: the loss fell at no learning rate from {LOWEST} to {HIGHEST}")
    return rate
