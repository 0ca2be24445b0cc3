"""Checks of the options that belong to no node, and of what ``+`` and ``~`` add or remove."""

import os
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from omegaconf import DictConfig, OmegaConf

from wavspa.checks import one_of, true_or_false, whole_number
from wavspa.config_options import did_you_mean
from wavspa.errors import UserError
from wavspa.launching.options.devices import check_device
from wavspa.launching.options.plugins import check_plugins

FIND = (None, "lr", "batch_size")
"""The values of ``find=``."""

# Nodes whose entries each describe an object.
_ENTRIES = {"callbacks": "early_stopping", "logger": "wandb"}
_LONGEST_NAME = 255  # bytes; no common file system takes more


def check_removed(overrides: Sequence[str]) -> None:
    """Refuse words that remove (``~key``) what a run needs.

    Args:
        overrides: The words of the command line.

    Raises:
        UserError: There is such a word.
    """
    for word in overrides:
        key = word.removeprefix("~").partition("=")[0]
        node, _, entry = key.partition(".")
        if word.startswith("~") and not (node in _ENTRIES and entry and "." not in entry):
            ways = {"logger": "logger=csv logs to metrics.csv alone"}
            raise UserError(
                f"{word}: {key} cannot be removed, a run needs it; "
                f"{ways.get(key, f'choose another value by {key}=…')}"
            )


def check_top_level(config: DictConfig) -> None:
    """Check the options that belong to no node.

    Args:
        config: The composed configuration, without Hydra's node.

    Raises:
        UserError: An option is unknown, missing or impossible.
    """
    known = _known()
    for key in map(str, config):
        if key not in known:
            raise UserError(f"there is no option {key!r}{did_you_mean(key, known)}")
    for key in known:
        if key not in config and key not in ("tokenizer", "experiment"):
            raise UserError(f"{key} has no value: set it with {key}=…")
    for key, example in _ENTRIES.items():
        _check_entries(config, key, example)
    for key in ("rerun", "dry_run"):
        true_or_false(key, config[key])
    check_plugins(config.plugins)
    check_device(config.device, config.mfu, config.dry_run)
    whole_number("seed", config.seed, least=0, most=2**32 - 1)
    whole_number("jobs", config.jobs)
    one_of("find", config.find, FIND)
    if config.find and config.dry_run:
        raise UserError(f"find={config.find} cannot be combined with dry_run=true: leave one out")
    for key in ("runs", "data_root"):
        if not isinstance(config[key], str) or not config[key]:
            raise UserError(f"{key} must be a folder, got {config[key]!r}")
    # By default an experiment is named after its data.
    inherited = OmegaConf.is_interpolation(config, "experiment_name")
    _check_name("dataset.name" if inherited else "experiment_name", config.experiment_name)
    if config.name is not None:
        _check_name("name", config.name)


def _check_entries(config: DictConfig, key: str, example: str) -> None:
    entries = config[key]
    if not isinstance(entries, DictConfig):
        raise UserError(f"{key} must be one of the options of conf/{key}, got {entries!r}")
    for name, entry in entries.items():
        if not isinstance(entry, DictConfig) or "_target_" not in entry:
            raise UserError(
                f"{key}.{name!s} describes nothing: it needs a _target_, as {key}={example} has"
            )


def _check_name(option: str, value: Any) -> None:
    name = str(value)
    if not isinstance(value, str | int) or isinstance(value, bool) or not name.strip(". "):
        raise UserError(f"{option} must be the name of a folder, got {value!r}")
    if (size := len(os.fsencode(name))) > _LONGEST_NAME:
        raise UserError(
            f"{option} must be at most {_LONGEST_NAME} bytes long, got {size} bytes: {name[:40]}…"
        )


@cache
def _known() -> tuple[str, ...]:
    """The keys of conf/train.yaml and the groups in its defaults."""
    text = files("wavspa.conf").joinpath("train.yaml").read_text(encoding="utf-8")
    content = OmegaConf.create(text)
    assert isinstance(content, DictConfig)
    chosen = [next(iter(entry)) for entry in content.defaults if isinstance(entry, DictConfig)]
    groups = [str(group) for group in chosen if not str(group).startswith("override ")]
    return (*groups, *(str(key) for key in content if key not in ("defaults", "hydra")))
