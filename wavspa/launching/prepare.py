"""From a composed configuration to a folder that ``wavspa-run`` can start."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from wavspa.launching.build import build
from wavspa.launching.folder import freeze
from wavspa.launching.validate import validate


def without_hydra(config: DictConfig) -> DictConfig:
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
    config = with_sizes(config)
    validate(config)
    return freeze(config, overrides)


def with_sizes(config: DictConfig) -> DictConfig:
    """The configuration with the data's own numbers of tokens and classes where it says ``auto``.

    Raises:
        UserError: The data cannot be prepared.
    """
    wanted = [name for name in ("vocab_size", "classes") if config.dataset.get(name) == "auto"]
    if not wanted:
        return config
    data = build(config, "dataset")
    data.prepare_data()
    config = config.copy()
    for name in wanted:
        config.dataset[name] = data.sizes()[name]
    return config
