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
from wavspa.training.checkpoints.last import LastCheckpoint
from wavspa.training.monitors import check_defined, check_monitors, monitors
from wavspa.training.stop_signals import StopRequest


def validate(config: DictConfig) -> None:
    """Build everything that a run builds, on the meta device, and hold it against the card of the data.

    The trainer is not built: its devices may be on another machine, as the data may be.

    Args:
        config: The composed configuration.

    Raises:
        UserError: A value is missing, unknown or impossible; the message names its option.
    """
    check_missing(config)
    for option in ("rerun", "dry_run"):
        parse_bool(option, config[option])
    whole_number("seed", config.seed, least=0, most=2**32 - 1)
    _check_level(config)
    _check_trainer(config.trainer)
    for name, options in config.logger.items():
        check_live(f"logger.{name}.figures", options.get("figures", ()))
    data = build(config, "dataset")
    with torch.device("meta"):
        model = build(config, "model")
        optimizer = build(config, "optimizer")
        schedule = build(config, "schedule")
        _call(config, "optimizer", partial(optimizer, model))
        _call(config, "schedule", partial(schedule, 0, config.trainer.max_steps))
        task = build(config, "task", model=model, optimizer=optimizer, schedule=schedule)
    check_monitors(config, task)
    for name in config.callbacks:
        build(config, f"callbacks.{name}")
    if card := _card(data):
        for monitor in monitors(config):
            check_defined(monitor, card)
        task.check_data(card)
    try:
        LastCheckpoint(Path(), StopRequest(), **config.checkpoints)
    except (ValueError, TypeError) as error:
        raise explain(error, "checkpoints", config.checkpoints) from error


def _card(data: Any) -> dict[str, Any] | None:
    """The card of the data, where they are prepared on this machine."""
    try:
        return data.card if data.folder.is_dir() else None
    except UserError:
        return None  # the files that name their folder are elsewhere


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


def _check_level(config: DictConfig) -> None:
    """Refuse levels that would divide a single coefficient again and again."""
    level, longest = config.model.get("level"), config.dataset.get("max_length")
    if config.model.get("wavelet") in ("none", "fourier", None):
        return
    if isinstance(level, int) and isinstance(longest, int) and 2**level > max(2, longest):
        raise UserError(
            f"model.level must be at most {max(1, longest.bit_length() - 1)} for sequences of "
            f"dataset.max_length={longest}, got {level}"
        )


def _check_trainer(options: DictConfig) -> None:
    check_option_names(options, "trainer")
    for name in ("max_steps", "val_every", "log_every_n_steps", "accumulate_grad_batches"):
        whole_number(f"trainer.{name}", options[name])


def _call(config: DictConfig, node: str, function: Any) -> None:
    try:
        function()
    except (ValueError, TypeError) as error:
        raise explain(error, node, config[node]) from error
