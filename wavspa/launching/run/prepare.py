"""From a composed configuration to a folder that ``wavspa-run`` can start."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from wavspa.launching.options.top_level import check_removed, check_top_level
from wavspa.launching.options.types import check_types
from wavspa.launching.run.build import build
from wavspa.launching.run.freeze import freeze_all
from wavspa.launching.run.validate import check_missing, validate


def strip_hydra_node(config: DictConfig) -> DictConfig:
    """The program's own part of what Hydra composed."""
    config = config.copy()
    OmegaConf.set_struct(config, False)
    config.pop("hydra", None)
    return config


def prepare(config: DictConfig, overrides: Sequence[str]) -> Path:
    """Validate a configuration and freeze it into its folder.

    What the data set leaves to its data (``auto``) is looked up there, and the data prepared for it.

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
    """The configuration with what its data set leaves to its data, after every check of it.

    Args:
        config: The composed configuration, without Hydra's node.
        overrides: The ``key=value`` words that it was composed from.

    Raises:
        UserError: It has a mistake.
    """
    check_removed(overrides)
    check_missing(config)
    check_top_level(config)
    check_types(config)
    config = resolve_auto(config)
    validate(config)
    return config


def resolve_auto(config: DictConfig) -> DictConfig:
    """The configuration with what the data themselves say where its data set says ``auto``.

    Raises:
        UserError: The data cannot be prepared.
    """
    wanted = [name for name, value in config.dataset.items() if value == "auto"]
    if not wanted:
        return config
    data = build(config, "dataset")
    data.prepare_data()
    found = data.infer_auto()
    config = config.copy()
    for name in wanted:
        config.dataset[name] = found[name]
    return config
