"""From a composed configuration to a folder that ``wavspa-run`` can start."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

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

    Args:
        config: The composed configuration, without Hydra's node.
        overrides: The ``key=value`` words that it was composed from.

    Returns:
        The run's folder.

    Raises:
        UserError: The configuration has a mistake, or its folder is taken.
    """
    validate(config)
    return freeze(config, overrides)
