"""From a composed configuration to a folder that ``wavspa-run`` can start."""

from collections.abc import Sequence
from pathlib import Path

import torch
from omegaconf import DictConfig, OmegaConf

from wavspa.checks import OptionError
from wavspa.launching.init.options import check_init, check_parent, with_parent
from wavspa.launching.options.top_level import check_removed, check_top_level
from wavspa.launching.options.types import check_types
from wavspa.launching.run.build import build
from wavspa.launching.run.freeze import freeze_all
from wavspa.launching.run.validate import check_missing, validate
from wavspa.plugins import import_plugins
from wavspa.training.trainer_options import check_trainer_options


def strip_hydra_node(config: DictConfig) -> DictConfig:
    """The composed configuration without Hydra's own node."""
    config = config.copy()
    OmegaConf.set_struct(config, False)
    config.pop("hydra", None)
    return config


def prepare(config: DictConfig, overrides: Sequence[str]) -> Path:
    """Validate a configuration and freeze it into its folder.

    Options set to ``auto`` are determined from the data, which are prepared if necessary.

    Args:
        config: The composed configuration, without Hydra's node.
        overrides: The ``key=value`` words that it was composed from.

    Returns:
        The run's folder.

    Raises:
        UserError: The configuration has a mistake, or its folder is taken.
    """
    (folder,) = freeze_all([checked(config, overrides)], [overrides])
    return folder


def checked(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """The configuration with its ``auto`` options resolved from the data, after every check.

    Args:
        config: The composed configuration, without Hydra's node.
        overrides: The ``key=value`` words that it was composed from.

    Raises:
        UserError: It has a mistake.
    """
    check_removed(overrides)
    check_missing(config)
    check_top_level(config)
    import_plugins(config.plugins)
    config = _steps_or_epochs(config, overrides)
    check_types(config)
    check_init(config)
    config = with_parent(resolve_from_data(config))
    validate(config)
    with torch.device("meta"):
        model = build(config, "model")
    check_parent(config, model, build(config, "dataset"))
    return config


def resolve_from_data(config: DictConfig) -> DictConfig:
    """The configuration, with the values that depend on the data.

    These are the data set's options set to ``auto``, the share of tokens that ``task=masked`` masks, and
    the number of steps in ``trainer.max_epochs``.

    Args:
        config: The composed configuration, without Hydra's node.

    Raises:
        UserError: An option has an impossible value, or the data cannot be prepared.
    """
    wanted = [name for name, value in config.dataset.items() if value == "auto"]
    if wanted:
        data = build(config, "dataset")
        data.prepare_data()
        found = data.infer_auto()
        config = config.copy()
        for name in wanted:
            config.dataset[name] = found[name]
    if config.task.get("rate") == "auto":
        config = config.copy()
        config.task.rate = build(config, "dataset").mask_rate
    if config.trainer.max_epochs is not None:
        config = config.copy()
        config.trainer.max_steps = _steps(config)
    return config


def _steps_or_epochs(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Settle on steps or epochs: typed words win over files, and epochs in a file over the default steps."""
    values = dict(override.lstrip("+").partition("=")[::2] for override in overrides)
    steps, epochs = (
        values.get(f"trainer.{name}", "null") != "null" for name in ("max_steps", "max_epochs")
    )
    if steps and epochs:
        raise OptionError(
            "trainer.max_epochs",
            " cannot be combined with trainer.max_steps: set only one of them",
        )
    if config.trainer.max_epochs is None:
        return config
    config = config.copy()
    if steps:
        config.trainer.max_epochs = None
    else:
        # A placeholder until the data are read and the epochs converted to steps.
        config.trainer.max_steps = 1
    return config


def _steps(config: DictConfig) -> int:
    """The number of steps in ``trainer.max_epochs`` passes over the train split, rounded up."""
    trainer = config.trainer
    check_trainer_options(trainer)
    data = build(config, "dataset")
    data.prepare_data()
    if overfit := trainer.get("overfit_batches"):
        data.limit_epochs(overfit, same=True)
    else:
        data.limit_epochs(trainer.get("limit_train_batches", 1.0))
    batches: int = trainer.max_epochs * data.batches_per_epoch()
    accumulated: int = trainer.accumulate_grad_batches
    return -(-batches // accumulated)
