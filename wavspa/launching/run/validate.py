"""Checks of a whole configuration, before anything is written or queued."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from wavspa.checks import whole_number
from wavspa.config_options import flatten, parse_bool
from wavspa.errors import UserError
from wavspa.launching.run.build import build, check_option_names, explain
from wavspa.reports.figures.registry import check_live
from wavspa.training.callbacks.refused import check_callback
from wavspa.training.checkpoints.last import LastCheckpoint
from wavspa.training.schedules import check_warmup
from wavspa.training.stop_signals import StopRequest
from wavspa.training.trainer_options import check_trainer_options
from wavspa.training.wandb_run import check_wandb_options

WANDB_TARGET = "wavspa.training.wandb_run.WandbRun"


def validate(config: DictConfig) -> None:
    """Build everything that a run builds, on the meta device and without reading data.

    The trainer is not built: its devices may be on another machine.

    Args:
        config: The composed configuration.

    Raises:
        UserError: A value is missing, unknown or impossible; the message names its option.
    """
    check_missing(config)
    for option in ("rerun", "dry_run"):
        parse_bool(option, config[option])
    whole_number("seed", config.seed, least=0, most=2**32 - 1)
    _check_trainer(config.trainer)
    for name, options in config.logger.items():
        check_live(f"logger.{name}.figures", options.get("figures", ()))
        if options.get("_target_") == WANDB_TARGET:
            check_wandb_options(f"logger.{name}", map(str, options))
    build(config, "dataset")
    with torch.device("meta"):
        model = build(config, "model")
        optimizer = build(config, "optimizer")
        schedule = build(config, "schedule")
        _call(config, "optimizer", partial(optimizer, model))
        _call(config, "schedule", partial(schedule, 0, config.trainer.max_steps))
        if "warmup" in config.schedule:
            warmup = config.schedule.warmup
            _call(config, "schedule", partial(check_warmup, warmup, config.trainer.max_steps))
        build(config, "task", model=model, optimizer=optimizer, schedule=schedule)
    for name in config.callbacks:
        option = f"callbacks.{name}"
        check_callback(option, build(config, option), config.trainer.accelerator)
    try:
        LastCheckpoint(Path(), StopRequest(), **config.checkpoints)
    except (ValueError, TypeError) as error:
        raise explain(error, "checkpoints", config.checkpoints) from error


def check_missing(config: DictConfig) -> None:
    """Refuse a configuration with a mandatory value that was not given.

    Raises:
        UserError: It has one.
    """
    content = OmegaConf.to_container(config, resolve=False)
    assert isinstance(content, dict)
    for key, value in flatten(content):
        if value == "???":
            raise UserError(f"{key} has no value: give it with {key}=…")


def _check_trainer(options: DictConfig) -> None:
    check_option_names(options, "trainer")
    check_trainer_options(options)


def _call(config: DictConfig, node: str, function: Any) -> None:
    try:
        function()
    except (ValueError, TypeError) as error:
        raise explain(error, node, config[node]) from error
